//! The folder below which everything lies, and whether its disk is there.
//!
//! A disk that isn't mounted leaves the folder on which it was mounted: an empty one, on the
//! machine's own flash. Nothing may be read there, since it would look like an empty repository,
//! and nothing written. So the root is opened anew for each operation and must hold the mark of
//! before, a file with a random number that a server puts there at its first start. Where there is
//! none, because the disk is read-only or this is no server, it must be on the device of before.
//!
//! What a server can't tell at its first start is that the disk isn't mounted yet. So the root must
//! exist then, and should be a folder on the disk, below the one on which that is mounted.

use super::folder::{Folder, failed};
use super::unfinished::{self, Unfinished};
use crate::error::{Cause, Error};
use crate::restic::hex;
use crate::sync::lock;
use crate::warning::Kind;
use log::{info, warn};
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The file that tells the disk from others.
const MARK: &str = ".restic-123pan-disk";
/// Random bytes in it, written as hex digits.
const MARK_BYTES: usize = 16;

/// The root.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    known: Mutex<Option<Disk>>,
    /// Held while a folder is made, until that is on disk.
    making: Mutex<()>,
}

/// How the root's disk is recognised.
#[derive(Debug)]
struct Disk {
    device: u64,
    mark: Option<String>,
    is_gone: bool,
}

impl Root {
    /// A root that need not exist yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            known: Mutex::default(),
            making: Mutex::default(),
        }
    }

    /// Marks the root's disk, so that it is recognised when it comes back.
    pub(super) fn mark(&self) -> Result<(), Error> {
        let folder = self.open()?;
        unfinished::sweep(&folder);
        let marked = match mark_of(&folder) {
            Some(mark) => Ok(Some(mark)),
            None => new_mark(&folder).map(|()| mark_of(&folder)),
        };
        let mark = marked.unwrap_or_else(|error| {
            warn!(
                target: &Kind::Mark.about(""),
                "the disk can't be marked ({error}): should it be unmounted, start the server anew \
                 when it is back"
            );
            None
        });
        if let Some(disk) = &mut *lock(&self.known) {
            disk.mark = mark;
        }
        Ok(())
    }

    /// Opens the root if its disk is there. [`Cause::Absent`] only if it never was.
    pub(super) fn open(&self) -> Result<Folder, Error> {
        let opened = Folder::open(&self.path);
        let mut known = lock(&self.known);
        let Some(disk) = &mut *known else {
            let found = opened.and_then(|folder| Ok((Disk::new(&folder)?, folder)));
            let (disk, folder) = found.map_err(|error| failed(&self.path, &error))?;
            *known = Some(disk);
            return Ok(folder);
        };
        let found = opened.and_then(|folder| Ok((disk.is_at(&folder)?, folder)));
        let found = match found {
            Ok((true, folder)) => Ok(folder),
            Ok((false, _)) => Err("another disk is there".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        disk.notice(&self.path, found.as_ref().err());
        found.map_err(|why| {
            let path = self.path.display();
            let text = format!("{path} is gone: {why}; is its disk mounted?");
            Error::new(Cause::Busy, text)
        })
    }

    /// Whether its disk wasn't there when it was last opened.
    pub(super) fn is_gone(&self) -> bool {
        lock(&self.known).as_ref().is_some_and(|disk| disk.is_gone)
    }

    /// Opens a folder below the root.
    pub(super) fn reach(&self, names: &[String]) -> Result<Folder, Error> {
        let enter = |folder: Folder, name: &String| folder.enter(name);
        names.iter().try_fold(self.open()?, enter)
    }

    /// The same, making what isn't there.
    pub(super) fn make(&self, names: &[String]) -> Result<Folder, Error> {
        let enter = |folder: Folder, name: &String| match folder.enter(name) {
            Err(error) if error.cause == Cause::Absent => {
                let _making = lock(&self.making);
                folder.make(name)?;
                folder.enter(name)
            }
            entered => entered,
        };
        let folder = names.iter().try_fold(self.open_or_make()?, enter)?;
        // What somebody else is just making counts when it is on disk.
        drop(lock(&self.making));
        Ok(folder)
    }

    fn open_or_make(&self) -> Result<Folder, Error> {
        match self.open() {
            Err(error) if error.cause == Cause::Absent => {
                let _making = lock(&self.making);
                let made = make_all(&self.path);
                made.map_err(|error| failed(&self.path, &error))?;
                self.open()
            }
            opened => opened,
        }
    }
}

impl Disk {
    /// The disk of a folder, without a mark yet.
    fn new(folder: &Folder) -> io::Result<Self> {
        Ok(Self {
            device: folder.device()?,
            mark: None,
            is_gone: false,
        })
    }

    /// Whether a folder at the root's path is the root. A device number alone says little: the
    /// next disk that is plugged in gets the number of the last.
    fn is_at(&self, folder: &Folder) -> io::Result<bool> {
        match &self.mark {
            Some(mark) => Ok(mark_of(folder).as_ref() == Some(mark)),
            None => Ok(folder.device()? == self.device),
        }
    }

    /// Says in the log when the disk goes, and when it comes back.
    fn notice(&mut self, path: &Path, gone: Option<&String>) {
        let path = path.display();
        match (self.is_gone, gone) {
            (false, Some(why)) => {
                let target = Kind::Disk.about(&path);
                warn!(target: &target, "{path} is gone: {why}; requests get 503 until its disk is mounted again");
            }
            (true, None) => info!(target: &Kind::Disk.over(&path), "{path} is back"),
            _ => {}
        }
        self.is_gone = gone.is_some();
    }
}

/// The mark in a folder.
fn mark_of(folder: &Folder) -> Option<String> {
    let file = folder.file(MARK).ok()??;
    let mut text = String::new();
    file.take(MARK_BYTES as u64 * 2)
        .read_to_string(&mut text)
        .ok()?;
    (text.len() == MARK_BYTES * 2).then_some(text)
}

fn new_mark(folder: &Folder) -> Result<(), Error> {
    let mut random = [0; MARK_BYTES];
    let got = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    got.map_err(|error| folder.failed(MARK, error))?;
    let mut new = Unfinished::new(folder)?;
    new.write(&hex(&random))?;
    // Whoever was first is right.
    new.place(MARK)?;
    folder.sync()
}

/// Makes a folder and those above it, each of which survives a power cut.
fn make_all(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or_else(|| ".".as_ref());
    make_all(above)?;
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // Not every file system can do it for folders.
    let _ = fs::File::open(above)?.sync_all();
    Ok(())
}
