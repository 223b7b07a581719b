//! Commands, options, environment and files, read once into values that can't be wrong. What they
//! are for is `main`'s business.
//!
//! ```text
//! words ─► Line ─► which command, which cloud ─► parts ─► argh ─► Task
//!            └─ takes values? ─ Table ◄─ what the structs say of themselves
//! ```

mod commands;
mod config;
mod folders;
#[cfg(fuzzing)]
pub mod fuzz;
mod help;
mod line;
mod listen;
mod options;
mod parts;
mod service;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use commands::{
    BinCommand, BinList, BinPurge, BinRestore, Completions, Doctor, Login, Service, Verify,
};
pub use config::Config;
pub use listen::open_to_all;
pub use table::{Command, Group, Part, Table, Word};
pub use values::When;

use crate::cloud::Cloud;
use crate::clouds;
use crate::front::Listen;
use crate::restic::Repo;
use crate::settings::{File, Opt, Secret, Settings, Variables, did_you_mean, from_args, variable};
use commands::{Command as Parsed, Export, Import, Program, Status};
use config::reachable;
use line::Line;
use listen::check_access;
use options::{General, Serving, Using};
use parts::Parts;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use values::repository;

/// The program's name, in messages.
const NAME: &str = "restic-123pan";

/// What to do.
#[derive(Debug)]
pub enum Task {
    /// Serve repositories.
    Serve(Config),
    /// Say whether the configuration is right, and, if so asked, whether the cloud takes it.
    Check(Config, bool),
    /// Something with the recycle bin.
    Bin(Config, BinCommand),
    /// Examine the setup.
    Doctor(Config, Doctor),
    /// Get what the account is used with.
    Login(Config, Login),
    /// Copy a repository to the account, or from it.
    Copy(Config, Transfer),
    /// Look repositories through.
    Verify(Config, Verify),
    /// Something with users' passwords.
    Passwd(Passwd),
    /// Ask the running server.
    Ask(Ask),
    /// Print a service manager's file.
    Service(Service),
    /// Print completions.
    Completions(Completions),
    /// Print the manual page.
    Manual,
}

/// What is to be copied between a folder of this machine and the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Whether it goes out of the account.
    pub out: bool,
    /// The folder.
    pub dir: String,
    /// The repository in the account.
    pub repo: Repo,
    /// Whether nothing is copied.
    pub dry_run: bool,
}

/// A question to the running server: how everything is, or only whether it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Where it is.
    pub address: Listen,
    /// The certificate by which it proves itself there; None where it speaks HTTP.
    pub certificate: Option<PathBuf>,
    /// Who asks how everything is; None asks whether it works.
    pub status: Option<Asker>,
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// The user's name, where passwords are asked for.
    pub user: Option<String>,
    /// The password, if it needn't be asked for.
    pub password: Option<Secret>,
    /// Whether a program asks.
    pub json: bool,
    /// The age in seconds at which a last snapshot is too old.
    pub max_age: Option<u64>,
}

/// What is to be done with users' passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passwd {
    /// Ask for a user's and write it into a file, or print it.
    Set(String, Option<PathBuf>),
    /// Remove a user from a file.
    Delete(String, PathBuf),
    /// Tell the users of a file.
    List(PathBuf),
}

/// How else to end than well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Print this; it was asked for.
    Print(String),
    /// Say what is wrong with what the program was told, in one line.
    Wrong(String),
    /// Say what couldn't be done, in one line, and end with this code.
    Failed(String, u8),
}

impl Exit {
    /// That something couldn't be done.
    pub fn failed(why: impl Display) -> Self {
        Self::Failed(why.to_string(), 1)
    }
}

impl From<String> for Exit {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

impl From<io::Error> for Exit {
    fn from(why: io::Error) -> Self {
        Self::failed(why)
    }
}

/// What was read.
#[derive(Debug)]
pub struct Read {
    /// What to do.
    pub task: Task,
    /// What is to be said about the environment.
    pub warnings: Vec<String>,
    /// Whose settings count besides, if it isn't only what was given here.
    pub whose: Option<String>,
}

/// Reads the command line without the program's own name. `root` is where the files of this
/// machine begin, among them a service's settings.
pub fn read(words: &[String], variables: &Variables, root: &Path) -> Result<Read, Exit> {
    let table = Table::new();
    let line = Line::split(words, &|name| table.takes_value(name))
        .map_err(|why| format!("{why}; see {NAME} --help"))?;
    if line.version {
        return Err(version());
    }
    let found = table.find(&line.plain);
    let command = found.as_ref().ok().map(|(command, _)| *command);
    let (variables, whose) = service::joined(&table, command, &line, variables, root);
    let mut settings = Settings {
        variables: &variables,
        file: File::default(),
        known: table.settings().map(|(_, option)| option.clone()).collect(),
        own: Vec::new(),
    };
    let cloud = chosen(&line, &mut settings);
    if line.help || found.as_ref().is_ok_and(|(command, _)| command.is_stem) {
        let cloud = cloud.unwrap_or(clouds::ALL[0]);
        return Err(Exit::Print(help::help(&table, found?.0, cloud)));
    }
    let parts = match found {
        Ok((command, rest)) => Parts::sort(&table, command, rest, &line)?,
        // An option that isn't known may have taken the command's place.
        Err(why) => return Err(parts::unknown(&table, &line).unwrap_or(why).into()),
    };
    let cloud = cloud?;
    let mut warnings = unknown(&table, &variables);
    parts.check_cloud(&table, &settings.file, cloud)?;
    warnings.extend(parts.idle(&table, &variables, cloud));
    settings.own = parts.of(Part::Cloud(cloud.name));
    let program: Program = parts.own()?;
    match task(program.command, &parts, &settings, cloud) {
        Ok(task) => Ok(Read {
            task,
            warnings,
            whose,
        }),
        // What is missing may have been mistyped, or stand where this user can't read it.
        Err(Exit::Wrong(why)) => {
            let whose = whose.into_iter().collect();
            Err([whose, vec![why], warnings].concat().join("; ").into())
        }
        Err(exit) => Err(exit),
    }
}

fn version() -> Exit {
    Exit::Print(format!("{NAME} {}\n", env!("CARGO_PKG_VERSION")))
}

/// The cloud that is named, maybe by the configuration file, which is read for it.
fn chosen(line: &Line, settings: &mut Settings<'_>) -> Result<&'static Cloud, String> {
    let general: General = from_args(&line.only(&Opt::of::<General>()))?;
    if let Some(path) = settings.text("config", general.config.as_deref()) {
        let credentials: Vec<String> = Table::credentials().collect();
        let names = settings.known.iter().map(|option| &option.name);
        let names = names.filter(|name| *name != "config").chain(&credentials);
        let names: Vec<&str> = names.map(String::as_str).collect();
        settings.file = File::read(&path, &names)?;
    }
    settings.value("cloud", &general.cloud, |name| {
        let mut all = clouds::ALL.into_iter();
        all.find(|cloud| cloud.name == name).ok_or_else(|| {
            let names = clouds::ALL.map(|cloud| cloud.name);
            let [others @ .., last] = &names;
            let (others, guess) = (others.join(", "), did_you_mean("", name, names));
            format!("write {others} or {last}{guess}")
        })
    })
}

/// Variables that look like this program's and mean nothing.
fn unknown(table: &Table, variables: &Variables) -> Vec<String> {
    let (prefix, known) = (variable(""), table.variables());
    let bare = |name: &'_ str| name.strip_prefix(&prefix).map(str::to_owned);
    let known: Vec<String> = known.iter().filter_map(|name| bare(name)).collect();
    let ours = variables.keys().filter_map(|name| bare(name));
    let unknown = ours.filter(|name| !known.contains(name));
    let said = unknown.map(|name| {
        let near = did_you_mean(&prefix, &name, known.iter().map(String::as_str));
        format!("the variable {prefix}{name} means nothing{near}")
    });
    said.collect()
}

fn task(
    command: Parsed,
    parts: &Parts,
    settings: &Settings<'_>,
    cloud: &'static Cloud,
) -> Result<Task, Exit> {
    let second = matches!(command, Parsed::Verify(_));
    let config = || {
        let serving: Serving = from_args(&parts.of(Part::Serving))?;
        let using: Using = from_args(&parts.of(Part::Using))?;
        Config::read((&serving, &using), settings, cloud, second)
    };
    let safe = || {
        let config = config()?;
        check_access(&config).map(|()| config)
    };
    Ok(match command {
        Parsed::Serve(_) => Task::Serve(safe()?),
        Parsed::Check(check) => Task::Check(safe()?, check.online),
        Parsed::Doctor(asked) => Task::Doctor(config()?, asked),
        Parsed::Bin(bin) => Task::Bin(config()?, bin.command),
        Parsed::Login(login) => Task::Login(config()?, login),
        Parsed::Import(import) => Task::Copy(config()?, imported(import)?),
        Parsed::Export(export) => Task::Copy(config()?, exported(&export)?),
        Parsed::Verify(verify) => Task::Verify(config()?, verify),
        Parsed::Passwd(asked) => Task::Passwd(passwd(asked, settings)?),
        Parsed::Status(status) => Task::Ask(ask(&status, settings)?),
        Parsed::Health(health) => Task::Ask(Ask {
            address: reachable(&health.listen, settings)?,
            certificate: settings.path("tls-cert", &health.tls_cert),
            status: None,
        }),
        Parsed::Service(service) => Task::Service(service),
        Parsed::Completions(completions) => Task::Completions(completions),
        Parsed::Manual(_) => Task::Manual,
        Parsed::Version(_) => return Err(version()),
    })
}

fn passwd(asked: commands::Passwd, settings: &Settings<'_>) -> Result<Passwd, String> {
    let file = settings.path("htpasswd-file", &asked.htpasswd_file);
    let named = || {
        let text = "passwd: name the file of passwords with --htpasswd-file";
        file.clone().ok_or_else(|| text.to_owned())
    };
    match (asked.user, asked.delete, asked.list) {
        (None, false, true) => Ok(Passwd::List(named()?)),
        (Some(user), true, false) => Ok(Passwd::Delete(user, named()?)),
        (Some(user), false, false) => Ok(Passwd::Set(user, file)),
        _ => Err("passwd: write passwd USER, passwd USER --delete, or passwd --list".to_owned()),
    }
}

fn imported(import: Import) -> Result<Transfer, String> {
    let repo = import.repo.map_or_else(|| repository("/"), Ok)?;
    transfer(false, import.dir, repo, import.dry_run)
}

fn exported(export: &Export) -> Result<Transfer, String> {
    let (dir, path) = match &export.places[..] {
        [dir] => (dir, "/"),
        [path, dir] => (dir, path.as_str()),
        _ => return Err("export: write export [REPO] DIR".to_owned()),
    };
    transfer(true, dir.clone(), repository(path)?, export.dry_run)
}

fn transfer(out: bool, dir: String, repo: Repo, dry_run: bool) -> Result<Transfer, String> {
    if dir.is_empty() {
        return Err("DIR is empty".to_owned());
    }
    Ok(Transfer {
        out,
        dir,
        repo,
        dry_run,
    })
}

fn ask(status: &Status, settings: &Settings<'_>) -> Result<Ask, String> {
    let user = settings.text("user", status.user.as_deref());
    // What nobody asks for needn't be right.
    let password = match user {
        Some(_) => settings.secret("password")?,
        None => None,
    };
    Ok(Ask {
        address: reachable(&status.listen, settings)?,
        certificate: settings.path("tls-cert", &status.tls_cert),
        status: Some(Asker {
            user,
            password,
            json: status.json,
            max_age: settings.optional("max-age", &status.max_age, values::age)?,
        }),
    })
}
