//! What the local cloud must be told, and its doctor's steps.

use crate::cloud::{Account, Cloud, Setup, Shared, Step};
use crate::restic::hex;
use crate::settings::{Opt, Settings};
use crate::store::Store;
use crate::store::local::Local;
use argh::{ArgsInfo, FromArgs};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
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
#[derive(Debug)]
pub struct Description;

impl Cloud for Description {
    fn name(&self) -> &'static str {
        "local"
    }

    fn about(&self) -> &'static str {
        "a folder of this machine"
    }

    fn options(&self) -> Vec<Opt> {
        Opt::of::<Flags>()
    }

    fn ignores(&self) -> &'static [&'static str] {
        // Its own option names the folder; and there is no bin, no rate, no network.
        &["repo-path", "bin", "rate-share", "no-ipv6", "ca-file"]
    }

    fn read(&self, settings: &Settings<'_>, shared: &Shared) -> Result<Box<dyn Setup>, String> {
        let flags: Flags = settings.flags()?;
        Ok(Box::new(Folder {
            path: settings.value("local-dir", &flags.local_dir, |path| Ok(path.into()))?,
            state_dir: shared.state_dir.clone(),
        }))
    }
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
        let whose = Sha256::digest(format!("local {}", self.path.display()));
        let name = format!("{name}-{}.{extension}", hex(&whose[..8]));
        self.state_dir.as_ref().map(|folder| folder.join(name))
    }

    fn store(&self) -> Box<dyn Store> {
        Box::new(Local::new(&self.path))
    }

    fn examine(&self, tell: &mut dyn FnMut(&Step<'_>)) -> bool {
        let start = Instant::now();
        let written = self.written();
        let text = match &written {
            Ok(()) => format!("{} can be written and read", self.path.display()),
            Err(error) => format!("{}: {error}", self.path.display()),
        };
        let advice = "name a folder that this user may write with --local-dir";
        tell(&Step {
            name: "folder",
            took: start.elapsed(),
            found: match &written {
                Ok(()) => Ok(&text),
                Err(_) => Err((&text, advice)),
            },
        });
        written.is_ok()
    }
}

impl Folder {
    /// Writes a file, reads it back and removes it.
    fn written(&self) -> io::Result<()> {
        const SAMPLE: &[u8] = b"restic-123pan doctor";
        fs::create_dir_all(&self.path)?;
        let name = format!(".restic-123pan-doctor-{}", std::process::id());
        let file = self.path.join(name);
        fs::write(&file, SAMPLE)?;
        let read = fs::read(&file);
        fs::remove_file(&file)?;
        match read? == SAMPLE {
            true => Ok(()),
            false => Err(io::Error::other("what was written isn't what is read")),
        }
    }
}
