//! What a cloud is to the rest of the program: the seam between its own directory and `main`,
//! `args` and `command`, which name none.
//!
//! ```text
//! Cloud ──read──► Setup ──open──► Account ──► store, doctor, bin, verify
//! (facts)         └─ login        (in use)
//! ```
//!
//! A [`Cloud`] describes itself; from the settings it makes a [`Setup`], of which nothing is opened
//! yet; and from this an [`Account`]. What a cloud can't do, it doesn't implement.

use super::client::Network;
use super::doctor::{Step, StepResult};
use super::finding::{Event, Report};
use super::probe::Observation;
use super::timing::Timing;
use crate::disk;
use crate::error::Error;
use crate::restic::{File, Kind, Repo};
use crate::settings::values::Bin;
use crate::settings::{Opt, Settings};
use crate::store::Store;
use crate::warning::Warning;
use std::fmt;
use std::path::PathBuf;

/// A kind of place for repositories.
pub struct Cloud {
    /// The word after `--cloud`, also for messages.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Its own options, most often [`Opt::of`] the struct that reads them.
    pub options: fn() -> Vec<Opt>,
    /// What it must be told that doesn't belong on a command line.
    pub credentials: &'static [Credential],
    /// Which of the options that clouds share mean nothing to it.
    pub ignores: &'static [&'static str],
    /// Reads its settings.
    pub read: fn(&Settings<'_>, &Shared) -> Read,
}

/// An account as the settings name it; an Err says in one line what is wrong with them.
pub type Read = Result<Box<dyn Setup>, String>;

/// A secret, or what goes with one: a variable, or the file that a variable names.
#[derive(Clone, Copy, Debug)]
pub struct Credential {
    /// Its name, as it would be an option's.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// What the options say to every cloud.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The folder in the account below which repositories are kept.
    pub repo_path: Repo,
    /// Folder for what should outlive a restart; none to do without.
    pub state_dir: Option<PathBuf>,
    /// Most uploads in flight.
    pub uploads: usize,
    /// Share of the cloud's rates that this program may use: above 0, at most 1.
    pub rate_share: f64,
    /// What becomes of deleted files.
    pub bin: Bin,
    /// Bytes of the account that are kept free for what makes room again; below it, the oldest
    /// deleted files are purged before their time.
    pub reserve: u64,
    /// Whether the cloud is reached by IPv6 as well.
    pub ipv6: bool,
    /// Certificate authorities to trust instead of the usual ones, as PEM.
    pub ca: Option<Vec<u8>>,
    /// Every timeout, pause and bound in time.
    pub timing: Timing,
}

impl Shared {
    /// A file of the state directory, by whose account it is about and which folder there: several
    /// servers may share the directory.
    pub fn state_file(&self, name: &str, whose: &str, extension: &str) -> Option<PathBuf> {
        let about = format!("{whose} {}", self.repo_path.path());
        disk::state_file(self.state_dir.as_ref(), name, &about, extension)
    }

    /// How a cloud is reached whose API is there.
    pub fn network(&self, api_url: &str) -> Network {
        Network {
            api_url: api_url.to_owned(),
            allow_http: false,
            connections: self.uploads,
            ipv4_only: !self.ipv6,
            ca: self.ca.clone(),
            timing: self.timing.clone(),
        }
    }
}

/// An account as the settings name it. Its `Debug` shows no secret.
pub trait Setup: fmt::Debug {
    /// Where and how the repositories are kept, for a line of the log.
    fn summary(&self) -> String;

    /// Files of its own that hold secrets.
    fn secret_files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// How somebody lets the program use the account, if that takes more than credentials.
    fn login(&self) -> Option<&dyn Login> {
        None
    }

    /// Makes the account usable. Nothing is sent yet.
    fn open(&self) -> Result<Box<dyn Account>, String>;
}

/// Has the user of an account agree, in a browser, to what the program may do.
pub trait Login {
    /// What the user is to do, up to the place where he pastes what he has got. `mark` comes back
    /// with it, to show that it answers this question.
    fn invitation(&self, redirect: &str, mark: &str) -> Result<String, String>;

    /// Exchanges the code, and keeps what comes for it; answers what has been done.
    fn finish(&self, code: &str, redirect: &str) -> Result<String, String>;
}

/// What the user is to do at an address, in words.
pub fn invitation(act: &str, address: &str) -> String {
    format!(
        "{act}\n\n  {address}\n\n\
         The browser is then sent to the app's own address, with `code=...` in it; it doesn't \
         matter if that page can't be shown. Paste that address, or the code alone, within a few \
         minutes:"
    )
}

/// An account that can be used.
pub trait Account {
    /// What the log should say about it at the start.
    fn problems(&self) -> Vec<Warning> {
        Vec::new()
    }

    /// Makes it this process's, where only one server may use it; an Err says who has it.
    fn claim(&self) -> Result<(), String> {
        Ok(())
    }

    /// A file of the state directory, by whose account and which folder it is about: several
    /// servers may share the directory.
    fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf>;

    /// The repositories, for a process that runs for months: it may work in the background from now
    /// on. An Err says why they can't be used.
    fn store(&self) -> Result<Box<dyn Store>, String>;

    /// Asks the cloud whether it takes the credentials, and changes nothing; None if there is
    /// nothing to be asked.
    fn credentials(&self) -> Option<StepResult> {
        None
    }

    /// Walks through everything that a backup needs and tells of each step; false if one failed.
    fn examine(&self, tell: &mut dyn FnMut(&Step)) -> bool;

    /// Tries out on the account what nobody says about its cloud, keeps what was found for the
    /// server, and tells of each finding. Ok says that the cloud can be used, Err why not; None
    /// if there is nothing to try out.
    fn probe(&self, _tell: &mut dyn FnMut(&Observation)) -> Option<Result<String, String>> {
        None
    }

    /// The account's recycle bin, if it has one that programs can look into.
    fn trash(&self) -> Option<Box<dyn Trash>> {
        None
    }

    /// How repositories are looked through, if lists tell more than the store does.
    fn verify(&self) -> Option<Box<Verify<'_>>> {
        None
    }
}

/// An account's recycle bin.
pub trait Trash {
    /// What time it is by the clock that the times of items come from: the cloud's where it is
    /// known, in seconds since 1970.
    fn now(&self) -> u64;

    /// Seconds for which a running server doesn't show what it has deleted itself, although it was
    /// brought back.
    fn hidden(&self) -> u64 {
        0
    }

    /// Walks through the folders and tells what lies in the bin. `progress` is told how many
    /// folders have been read and how many files were found.
    fn walk(&self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Listing, Error>;

    /// Destroys what still lies in the bin of these. `progress` is told what has been freed; so is
    /// the caller, also after a failure.
    fn purge(&self, items: &[&Item], progress: &dyn Fn(Freed)) -> (Freed, Result<(), Error>);

    /// How many packs and snapshots have been purged that were removed together with those that
    /// are wanted.
    fn purged_with(&self, wanted: &[&Item], all: &Listing) -> Result<u64, Error>;

    /// Brings files back. `progress` is told how many are done; the caller learns what was done
    /// also after a failure.
    fn restore(&self, items: &[&Item], progress: &dyn Fn(usize)) -> (Restored, Result<(), Error>);

    /// What to do about folders that lie in the bin.
    fn about_folders(&self) -> &'static str;
}

/// What lies in a bin.
#[derive(Debug, Default)]
pub struct Listing {
    /// Each thing.
    pub items: Vec<Item>,
    /// Folders in the bin that can't be looked into.
    pub closed: usize,
    /// Folders that were read.
    pub folders: usize,
}

/// Something in the bin. Times are seconds since 1970.
#[derive(Clone, Debug)]
pub struct Item {
    /// The repository's path below the folder of repositories, without slashes at the ends.
    pub repo: String,
    /// What it is.
    pub what: What,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// When a server of this state directory put it there, if one did.
    pub since: Option<u64>,
    /// When that server will purge it; None if it won't.
    pub due: Option<u64>,
    /// Whether another file has its name now.
    pub taken: bool,
    /// The folder it was in, from the account's root on.
    pub path: String,
    /// By what its cloud knows it.
    pub file: u64,
}

impl Item {
    /// The kind of a repository's file, except of its config.
    pub fn kind(&self) -> Option<Kind> {
        match self.what {
            What::File(file) => file.kind(),
            _ => None,
        }
    }
}

/// What something in the bin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A repository's file.
    File(File),
    /// A folder, with all that is in it.
    Folder,
    /// No file of restic's.
    Other,
}

/// What a purge has freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What has become of files that were to be brought back.
#[derive(Debug, Default)]
pub struct Restored {
    /// Names of those that are back.
    pub back: Vec<String>,
    /// Names of those that still lie in the bin.
    pub left: Vec<String>,
    /// Names of those that the cloud doesn't know any more.
    pub gone: Vec<String>,
}

/// Looks these repositories through by lists alone, or all of them if none is named.
pub type Verify<'a> = dyn Fn(&[Repo], &(dyn Fn(Event<'_>) + Sync)) -> Result<Report, Error> + 'a;

/// Has a cloud with these options read what these words and variables say.
#[cfg(test)]
pub fn example<T>(
    known: Vec<Opt>,
    words: &[&str],
    variables: &[(&str, &str)],
    read: impl FnOnce(&Settings<'_>, &Shared) -> T,
) -> T {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: crate::settings::Variables = variables.iter().map(pair).collect();
    let settings = Settings {
        variables: &variables,
        file: crate::settings::File::default(),
        known,
        own: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    let shared = Shared {
        repo_path: Repo::new("a/b").expect("a path"),
        state_dir: Some("/state".into()),
        uploads: 3,
        rate_share: 0.5,
        bin: Bin::Keep,
        reserve: 0,
        ipv6: true,
        ca: None,
        timing: Timing::default(),
    };
    read(&settings, &shared)
}
