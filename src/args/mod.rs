//! Commands, options, environment and files, read once into values that can't be wrong. What they
//! are for is `main`'s business.

mod ask;
mod bin;
mod client;
mod command;
mod environment;
mod file;
mod folders;
mod listen;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use ask::Question;
pub use bin::{Bin as BinCommand, When};
pub use client::Secret;
pub use command::{Task, task};
pub use table::{Opt, options};

use crate::access::Rules;
use crate::pan123::{Bin, Tier};
use crate::restic::Repo;
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

/// Everything that the program was told.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host:port` to listen on; without a host every interface.
    pub listen: String,
    /// Who may come in and do what.
    pub rules: Rules,
    /// Whether others than this machine may come in without passwords.
    pub no_auth: bool,
    /// The folder in the account below which repositories are kept.
    pub repo_path: Repo,
    /// Where 123pan's interface is.
    pub api_url: String,
    /// Folder for what should outlive a restart; none to do without.
    pub state_dir: Option<PathBuf>,
    /// Folder for bodies that don't fit the memory.
    pub spool_dir: Option<PathBuf>,
    /// Bytes of memory for bodies that are held.
    pub memory: u64,
    /// Threads for packs and index files.
    pub workers: usize,
    /// Most uploads in flight.
    pub uploads: usize,
    /// Share of 123pan's rates that this program may use: above 0, at most 1.
    pub rate_share: f64,
    /// What becomes of deleted files.
    pub bin: Bin,
    /// Bytes of the account that are kept free for what makes room again; below it, the oldest
    /// deleted files are purged before their time.
    pub reserve: u64,
    /// Which rates the account has; none to find out.
    pub tier: Option<Tier>,
    /// Whether files, and the token with them, may be sent without TLS.
    pub allow_http_upload: bool,
    /// Whether 123pan is reached by IPv6 as well.
    pub ipv6: bool,
    /// Certificate authorities to trust instead of the usual ones, as PEM.
    pub ca: Option<Vec<u8>>,
    /// The account's client id, or the OAuth app's.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: Secret,
    /// The file of the OAuth app's grant; None for a developer's own account.
    pub oauth_file: Option<PathBuf>,
    /// What the log should say about the options.
    pub warnings: Vec<String>,
}

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
    /// Ask the running server at this address.
    Ask(Question, String),
    /// Say what is wrong, in one line.
    Wrong(String),
}

/// A restic REST server that keeps repositories in a 123pan account.
///
/// Use it with: restic -r rest:http://127.0.0.1:8000/my-repo/ init
#[derive(FromArgs, Debug, Default)]
#[argh(
    note = "Commands: serve (which may be left out), check-config, passwd, login, bin, import, export,\nservice, completions, manual. See COMMAND --help.",
    note = "Each option can also be set in the environment as shown in brackets, or in a file that\n--config names; the option wins, then the environment.",
    note = "Credentials aren't taken as options: set PAN123_CLIENT_ID and PAN123_CLIENT_SECRET,\nor PAN123_CLIENT_ID_FILE and PAN123_CLIENT_SECRET_FILE naming files that hold them;\nfor an OAuth app PAN123_OAUTH_CLIENT_SECRET or PAN123_OAUTH_CLIENT_SECRET_FILE."
)]
struct Flags {
    /// address to listen on: host:port, :port or [::1]:port; default 127.0.0.1:8000
    /// [PAN123_LISTEN]
    #[argh(option, arg_name = "addr")]
    listen: Option<String>,

    /// file with the users' passwords, as htpasswd -B and the command passwd write it
    /// [PAN123_HTPASSWD_FILE]
    #[argh(option, arg_name = "file")]
    htpasswd_file: Option<String>,

    /// serve other machines without asking for passwords [PAN123_NO_AUTH=1]
    #[argh(switch)]
    no_auth: bool,

    /// file that says what each user may do where [PAN123_ROLES]
    #[argh(option, arg_name = "file")]
    roles: Option<String>,

    /// let users enter only repositories below a folder of their name
    /// [PAN123_PRIVATE_REPOS=1]
    #[argh(switch)]
    private_repos: bool,

    /// let nobody remove or replace anything but locks [PAN123_APPEND_ONLY=1]
    #[argh(switch)]
    append_only: bool,

    /// folder in the account that holds the repositories; default /restic-backup
    /// [PAN123_REPO_PATH]
    #[argh(option, arg_name = "path")]
    repo_path: Option<String>,

    /// address of 123pan's interface; default https://open-api.123pan.com
    /// [PAN123_API_URL]
    #[argh(option, arg_name = "url")]
    api_url: Option<String>,

    /// folder for the token and what is to be purged; default the first writable of
    /// $STATE_DIRECTORY, $XDG_STATE_HOME/restic-123pan,
    /// $HOME/.local/state/restic-123pan, /var/lib/restic-123pan [PAN123_STATE_DIR]
    #[argh(option, arg_name = "dir")]
    state_dir: Option<String>,

    /// folder for uploads of unknown length that don't fit the memory; default the
    /// state directory [PAN123_SPOOL_DIR]
    #[argh(option, arg_name = "dir")]
    spool_dir: Option<String>,

    /// memory for uploads that are held to be sent again, such as 0, 500K, 32M, 1GiB;
    /// default 32M [PAN123_MEMORY]
    #[argh(option, arg_name = "size")]
    memory: Option<String>,

    /// packs and index files served at the same time; default 8 [PAN123_WORKERS]
    #[argh(option, arg_name = "n")]
    workers: Option<String>,

    /// most uploads to 123pan at the same time, 1 to 20; default 8 [PAN123_UPLOADS]
    #[argh(option, arg_name = "n")]
    uploads: Option<String>,

    /// share of 123pan's call rates to use, above 0 and at most 1; default 0.8
    /// [PAN123_RATE_SHARE]
    #[argh(option, arg_name = "x")]
    rate_share: Option<String>,

    /// deleted files stay in the recycle bin for so many days (7d), or "purge" at
    /// once, or "keep"; default 7d [PAN123_BIN]
    #[argh(option, arg_name = "what")]
    bin: Option<String>,

    /// space of the account that is kept free for pruning: less refuses new packs, and
    /// purges the oldest deleted files early; default 1G, 0 for none [PAN123_RESERVE]
    #[argh(option, arg_name = "size")]
    reserve: Option<String>,

    /// the account's call rates: auto, free, vip or oauth; default auto [PAN123_TIER]
    #[argh(option, arg_name = "tier")]
    tier: Option<String>,

    /// send files without TLS if an upload host has none; whoever listens can then
    /// take over the account [PAN123_ALLOW_HTTP_UPLOAD=1]
    #[argh(switch)]
    allow_http_upload: bool,

    /// reach 123pan by IPv4 only [PAN123_NO_IPV6=1]
    #[argh(switch)]
    no_ipv6: bool,

    /// certificate authorities to trust instead of the usual ones, in PEM, for networks
    /// whose proxy signs for others [PAN123_CA_FILE]
    #[argh(option, arg_name = "file")]
    ca_file: Option<String>,

    /// use the account by the OAuth app with this id, after the command login, instead of
    /// a developer's client id and secret [PAN123_OAUTH_CLIENT_ID]
    #[argh(option, arg_name = "id")]
    oauth_client_id: Option<String>,

    /// file that holds the OAuth app's refresh token and is written at each renewal; default
    /// oauth-token.json in the state directory [PAN123_OAUTH_TOKEN_FILE]
    #[argh(option, arg_name = "file")]
    oauth_token_file: Option<String>,

    /// file with lines such as: listen = :8000 [PAN123_CONFIG]
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
    let flags: Flags = from_args(NAME, &words)?;
    if flags.version {
        let version = env!("CARGO_PKG_VERSION");
        return Err(Exit::Print(format!("{NAME} {version}\n")));
    }
    let config = environment(env, flags.config.as_deref())
        .and_then(|env| config(flags, &env))
        .and_then(|config| check_access(&config).map(|()| config));
    Ok((config.map_err(Exit::Wrong)?, command))
}

/// The environment, with the configuration file behind it.
fn environment<'a>(
    env: &'a dyn Fn(&str) -> Option<String>,
    file: Option<&str>,
) -> Result<Env<'a>, String> {
    let mut env = Env::new(env);
    if let Some(path) = env.text("config", file.map(str::to_owned)) {
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

fn config(flags: Flags, env: &Env<'_>) -> Result<Config, String> {
    let mut warnings = Vec::new();
    let listen = listen(flags.listen, env, &mut warnings)?;
    let rules = Rules {
        htpasswd: env
            .text("htpasswd-file", flags.htpasswd_file)
            .map(PathBuf::from),
        roles: env.text("roles", flags.roles).map(PathBuf::from),
        private_repos: env.switch("private-repos", flags.private_repos)?,
        append_only: env.switch("append-only", flags.append_only)?,
        ..Rules::default()
    };
    let state = env.text("state-dir", flags.state_dir);
    let state_dir = folders::state(state.as_deref(), env)?;
    let named = (flags.oauth_client_id, flags.oauth_token_file);
    let client = client::client(named, env, state_dir.as_deref())?;
    let tier = env.value("tier", flags.tier, "auto", values::tier)?;
    let oauth = client.file.is_some().then_some(Tier::Oauth);
    let spool_dir = match env.text("spool-dir", flags.spool_dir) {
        None => state_dir.clone(),
        Some(path) => Some(folders::named("spool-dir", &path)?),
    };
    Ok(Config {
        listen,
        rules,
        no_auth: env.switch("no-auth", flags.no_auth)?,
        warnings,
        repo_path: env.value(
            "repo-path",
            flags.repo_path,
            "/restic-backup",
            values::repo_path,
        )?,
        api_url: env.value(
            "api-url",
            flags.api_url,
            "https://open-api.123pan.com",
            values::url,
        )?,
        state_dir,
        spool_dir,
        memory: env.value("memory", flags.memory, "32M", size)?,
        workers: env.value("workers", flags.workers, "8", |text| {
            count(text, MOST_WORKERS)
        })?,
        uploads: env.value("uploads", flags.uploads, "8", |text| {
            count(text, MOST_UPLOADS)
        })?,
        rate_share: env.value("rate-share", flags.rate_share, "0.8", values::share)?,
        bin: env.value("bin", flags.bin, "7d", values::bin)?,
        reserve: env.value("reserve", flags.reserve, "1G", size)?,
        tier: tier.or(oauth),
        allow_http_upload: env.switch("allow-http-upload", flags.allow_http_upload)?,
        ipv6: !env.switch("no-ipv6", flags.no_ipv6)?,
        ca: env
            .text("ca-file", flags.ca_file)
            .map(|path| values::certificates(&path))
            .transpose()?,
        client_id: client.id,
        client_secret: client.secret,
        oauth_file: client.file,
    })
}
