//! What the local cloud must be told, and its doctor's steps.

use super::Local;
use crate::cloud::doctor::{Problem, Step};
use crate::cloud::{Account, Cloud, Read, Setup, Shared};
use crate::disk;
use crate::settings::{Opt, Settings};
use crate::store::Store;
use crate::units::bytes;
use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;
use std::time::Instant;

/// The options of the local cloud alone.
#[derive(FromArgs, ArgsInfo, Debug, Default)]
struct Flags {
    /// folder of this machine that holds the repositories
    #[argh(option, arg_name = "dir")]
    local_dir: Option<String>,
}

/// What the local cloud is.
pub const CLOUD: Cloud = Cloud {
    name: "local",
    about: "a folder of this machine",
    options: Opt::of::<Flags>,
    credentials: &[],
    // Its own option names the folder; and there is no bin, no rate, no network.
    ignores: &["repo-path", "bin", "rate-share", "no-ipv6", "ca-file"],
    read: setup,
};

fn setup(settings: &Settings<'_>, shared: &Shared) -> Read {
    let flags: Flags = settings.flags()?;
    Ok(Box::new(Folder {
        path: settings.value("local-dir", &flags.local_dir, |path| Ok(path.into()))?,
        state_dir: shared.state_dir.clone(),
    }))
}

/// The folder.
#[derive(Clone, Debug)]
struct Folder {
    path: PathBuf,
    state_dir: Option<PathBuf>,
}

impl Setup for Folder {
    fn summary(&self) -> String {
        format!("{} on this machine", self.path.display())
    }

    fn open(&self) -> Result<Box<dyn Account>, String> {
        Ok(Box::new(self.clone()))
    }
}

impl Account for Folder {
    fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        let about = format!("local {}", self.path.display());
        disk::state_file(self.state_dir.as_ref(), name, &about, extension)
    }

    fn store(&self) -> Result<Box<dyn Store>, String> {
        let local = Local::open(&self.path).map_err(|error| error.to_string())?;
        Ok(Box::new(local))
    }

    fn examine(&self, tell: &mut dyn FnMut(&Step)) -> bool {
        const ADVICE: &str = "name a folder that is there, on a disk that is mounted, and that \
                              this user may write, with --local-dir";
        let (start, place) = (Instant::now(), self.path.display());
        let found = match Local::new(&self.path).rehearse() {
            Ok((all, free)) => {
                let (all, free) = (bytes(all), bytes(free));
                Ok(format!(
                    "{place} can be written and read; {free} of {all} are free"
                ))
            }
            Err(error) => Err(Problem::new(error.to_string(), ADVICE)),
        };
        let (name, took, good) = ("folder", start.elapsed(), found.is_ok());
        tell(&Step { name, took, found });
        good
    }
}
