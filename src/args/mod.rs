//! Commands, options, environment and files, read once into values that can't be wrong. What they
//! are for is `main`'s business.

mod ask;
mod bin;
mod client;
mod command;
mod config;
mod environment;
mod file;
mod folders;
#[cfg(fuzzing)]
pub mod fuzz;
mod listen;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use ask::{Ask, Question};
pub use bin::{Bin as BinCommand, When};
pub use command::{Task, task};
pub use config::{Config, Secret};
pub use table::{Opt, options};

use crate::access::Rules;
use crate::pan123::Tier;
use argh::FromArgs;
use environment::Env;
use file::Settings;
use listen::{check_access, listen};
use std::path::PathBuf;
pub(crate) use values::size;
use values::{MOST_UPLOADS, MOST_WORKERS, count};

/// The program's name, in messages.
const NAME: &str = "restic-123pan";

/// Where it listens unless told otherwise.
const LISTEN: &str = "127.0.0.1:8000";
/// The options that may stand in a configuration file.
const OPTIONS: [&str; 22] = [
    "listen",
    "htpasswd-file",
    "no-auth",
    "roles",
    "private-repos",
    "append-only",
    "reserve",
    "repo-path",
    "api-url",
    "state-dir",
    "spool-dir",
    "memory",
    "workers",
    "uploads",
    "rate-share",
    "bin",
    "tier",
    "allow-http-upload",
    "no-ipv6",
    "ca-file",
    "oauth-client-id",
    "oauth-token-file",
];

/// What to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Serve repositories.
    Serve,
    /// Say whether the configuration is right.
    Check,
    /// Something with the recycle bin.
    Bin(BinCommand),
    /// Examine the setup.
    Doctor,
}

/// What to do instead of running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Print this; it was asked for.
    Print(String),
    /// Ask the running server.
    Ask(Ask),
    /// Say what is wrong, in one line.
    Wrong(String),
}

/// A restic REST server that keeps repositories in a 123pan account.
///
/// Use it with: restic -r rest:http://127.0.0.1:8000/my-repo/ init
#[derive(FromArgs, Debug, Default)]
#[argh(
    note = "Commands: serve (which may be left out), check-config, passwd, login, doctor, status,\nhealthcheck, bin, import, export, verify, service, completions, manual. See COMMAND --help.",
    note = "Each option can also be a variable, such as PAN123_REPO_PATH=/backup or PAN123_NO_IPV6=1,\nor stand in the file that --config names; the option wins, then the variable.",
    note = "Credentials are variables only: PAN123_CLIENT_ID and PAN123_CLIENT_SECRET, or\nPAN123_CLIENT_ID_FILE and PAN123_CLIENT_SECRET_FILE, which name files; for an OAuth app\nPAN123_OAUTH_CLIENT_SECRET or PAN123_OAUTH_CLIENT_SECRET_FILE."
)]
struct Flags {
    /// address to listen on, or :port; default 127.0.0.1:8000
    #[argh(option, arg_name = "addr")]
    listen: Option<String>,

    /// file with users' passwords; the command passwd writes it
    #[argh(option, arg_name = "file")]
    htpasswd_file: Option<String>,

    /// serve other machines without asking for passwords
    #[argh(switch)]
    no_auth: bool,

    /// file that says what each user may do where
    #[argh(option, arg_name = "file")]
    roles: Option<String>,

    /// let users enter only repositories below their own name
    #[argh(switch)]
    private_repos: bool,

    /// let nobody remove or replace anything but locks
    #[argh(switch)]
    append_only: bool,

    /// the repositories' folder; default /restic-backup
    #[argh(option, arg_name = "path")]
    repo_path: Option<String>,

    /// 123pan's interface; default https://open-api.123pan.com
    #[argh(option, arg_name = "url")]
    api_url: Option<String>,

    /// folder for the token and what is to be purged; default the first writable of
    /// $STATE_DIRECTORY, $XDG_STATE_HOME/restic-123pan,
    /// $HOME/.local/state/restic-123pan, /var/lib/restic-123pan
    #[argh(option, arg_name = "dir")]
    state_dir: Option<String>,

    /// folder for what exceeds --memory; default one in memory with 256M free, or none
    #[argh(option, arg_name = "dir")]
    spool_dir: Option<String>,

    /// memory for held uploads, such as 0, 500K, 1G; default 32M
    #[argh(option, arg_name = "size")]
    memory: Option<String>,

    /// packs and index files served at the same time; default 8
    #[argh(option, arg_name = "n")]
    workers: Option<String>,

    /// uploads to 123pan at the same time, up to 20; default 8
    #[argh(option, arg_name = "n")]
    uploads: Option<String>,

    /// share of 123pan's call rates to use, up to 1; default 0.8
    #[argh(option, arg_name = "x")]
    rate_share: Option<String>,

    /// deleted files: purge, keep, or purge after days; default 7d
    #[argh(option, arg_name = "what")]
    bin: Option<String>,

    /// space kept free for pruning, see README.md; default 1G
    #[argh(option, arg_name = "size")]
    reserve: Option<String>,

    /// the account's call rates: auto, free, vip or oauth; default auto
    #[argh(option, arg_name = "tier")]
    tier: Option<String>,

    /// send files without TLS if an upload host has none; whoever listens can then
    /// take over the account
    #[argh(switch)]
    allow_http_upload: bool,

    /// reach 123pan by IPv4 only
    #[argh(switch)]
    no_ipv6: bool,

    /// certificate authorities to trust instead, in PEM
    #[argh(option, arg_name = "file")]
    ca_file: Option<String>,

    /// use the account by this OAuth app, see the command login
    #[argh(option, arg_name = "id")]
    oauth_client_id: Option<String>,

    /// file of its refresh token; default oauth-token.json in the state directory
    #[argh(option, arg_name = "file")]
    oauth_token_file: Option<String>,

    /// file with lines such as: listen = :8000
    #[argh(option, arg_name = "file")]
    config: Option<String>,

    /// show the version
    #[argh(switch)]
    version: bool,
}

/// Reads the command line without the program's own name, with `env` for the environment.
pub fn parse(
    args: &[String],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Config, Command), Exit> {
    let words = split(args);
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Some(exit) = ask::parse(&words, &Env::new(env)) {
        return Err(exit);
    }
    let command = match words.first() {
        Some(&"bin") => {
            let env = environment(env, None).map_err(Exit::Wrong)?;
            let (config, command) = bin::parse(&words[1..], &env)?;
            return Ok((config, Command::Bin(command)));
        }
        Some(&"check-config") => Command::Check,
        Some(&"doctor") => Command::Doctor,
        _ => Command::Serve,
    };
    if matches!(words.first(), Some(&"serve" | &"check-config" | &"doctor")) {
        words.remove(0);
    }
    let config = read(&words, env)?;
    if matches!(command, Command::Serve | Command::Check) {
        check_access(&config).map_err(Exit::Wrong)?;
    }
    Ok((config, command))
}

/// Reads the server's options for a command that doesn't listen, and so lets nobody in.
pub fn account(args: &[String], env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Exit> {
    let words = split(args);
    read(&words.iter().map(String::as_str).collect::<Vec<_>>(), env)
}

fn read(words: &[&str], env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Exit> {
    let flags: Flags = from_args(NAME, words)?;
    if flags.version {
        let version = env!("CARGO_PKG_VERSION");
        return Err(Exit::Print(format!("{NAME} {version}\n")));
    }
    environment(env, flags.config.as_deref())
        .and_then(|env| config(&flags, &env))
        .map_err(Exit::Wrong)
}

/// The environment, with the configuration file behind it.
fn environment<'a>(
    env: &'a dyn Fn(&str) -> Option<String>,
    file: Option<&str>,
) -> Result<Env<'a>, String> {
    let mut env = Env::new(env);
    if let Some(path) = env.text("config", file) {
        env.file = Settings::read(&path, &OPTIONS)?;
    }
    Ok(env)
}

/// The words, with `--name=value` taken apart, which argh doesn't know.
fn split(args: &[String]) -> Vec<String> {
    let split = |arg: &String| match arg.split_once('=') {
        Some((name, value)) if name.starts_with("--") => vec![name.to_owned(), value.to_owned()],
        _ => vec![arg.clone()],
    };
    args.iter().flat_map(split).collect()
}

/// Reads the options of a command of this name.
fn from_args<F: FromArgs>(name: &str, words: &[&str]) -> Result<F, Exit> {
    F::from_args(&[name], words).map_err(|early| match early.status {
        Ok(()) => Exit::Print(early.output),
        Err(()) => {
            let said: Vec<&str> = early.output.split_whitespace().collect();
            Exit::Wrong(format!("{}; see {name} --help", said.join(" ")))
        }
    })
}

fn config(flags: &Flags, env: &Env<'_>) -> Result<Config, String> {
    let mut warnings = Vec::new();
    let listen = listen(flags.listen.as_deref(), env, &mut warnings)?;
    let rules = Rules {
        htpasswd: env
            .text("htpasswd-file", flags.htpasswd_file.as_deref())
            .map(PathBuf::from),
        roles: env.text("roles", flags.roles.as_deref()).map(PathBuf::from),
        private_repos: env.switch("private-repos", flags.private_repos)?,
        append_only: env.switch("append-only", flags.append_only)?,
        ..Rules::default()
    };
    let state = env.text("state-dir", flags.state_dir.as_deref());
    let state_dir = folders::state(state.as_deref(), env, &mut warnings);
    let app = (&flags.oauth_client_id, &flags.oauth_token_file);
    let client = client::client(app, env, state_dir.as_deref())?;
    let tier = env.value("tier", flags.tier.as_deref(), "auto", values::tier)?;
    let oauth = client.file.is_some().then_some(Tier::Oauth);
    let spool_dir = match env.text("spool-dir", flags.spool_dir.as_deref()) {
        None => folders::roomy(env),
        Some(path) => Some(folders::named("spool-dir", &path)?),
    };
    Ok(Config {
        listen,
        rules,
        no_auth: env.switch("no-auth", flags.no_auth)?,
        warnings,
        repo_path: env.value(
            "repo-path",
            flags.repo_path.as_deref(),
            "/restic-backup",
            values::repo_path,
        )?,
        api_url: env.value(
            "api-url",
            flags.api_url.as_deref(),
            "https://open-api.123pan.com",
            values::url,
        )?,
        state_dir,
        spool_dir,
        memory: env.value("memory", flags.memory.as_deref(), "32M", size)?,
        workers: env.value("workers", flags.workers.as_deref(), "8", |text| {
            count(text, MOST_WORKERS)
        })?,
        uploads: env.value("uploads", flags.uploads.as_deref(), "8", |text| {
            count(text, MOST_UPLOADS)
        })?,
        rate_share: env.value(
            "rate-share",
            flags.rate_share.as_deref(),
            "0.8",
            values::share,
        )?,
        bin: env.value("bin", flags.bin.as_deref(), "7d", values::bin)?,
        reserve: env.value("reserve", flags.reserve.as_deref(), "1G", size)?,
        tier: tier.or(oauth),
        allow_http_upload: env.switch("allow-http-upload", flags.allow_http_upload)?,
        ipv6: !env.switch("no-ipv6", flags.no_ipv6)?,
        ca: env
            .text("ca-file", flags.ca_file.as_deref())
            .map(|path| values::certificates(&path))
            .transpose()?,
        client_id: client.id,
        client_secret: client.secret,
        oauth_file: client.file,
    })
}
