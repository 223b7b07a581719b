//! Small files in the state directory, each replaced in one step: after a kill or a power cut
//! there is the old one or the new one. Or added to, for which nobody waits: what the kernel has
//! survives a kill, but not a power cut. What stands in them is for others to say.
//!
//! Nothing here goes through a link, and new files have names that nobody can foresee: the folder
//! may be another user's than whoever runs a command in it. So this is the one place where files
//! of the state and spool folders are opened.

pub mod log;
mod rights;

pub use rights::as_owner;

use crate::restic::hex;
use crate::warning::{Kind, Warning};
use ::log::{info, warn};
use rustix::fs::OFlags;
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Most bytes of a file that are read: the log of the bin, the longest, has half of it at its bound.
const LARGEST: u64 = 64 << 20;
/// How the names of files end that are being written.
const NEW: &str = ".new";
/// Hexadecimal digits before that.
const DIGITS: usize = 16;
/// The rights of everybody who is neither owner nor group: to read, and to write.
const OTHERS: u32 = 0o006;
/// Their right to go through a folder.
const ENTER: u32 = 0o001;

/// A file that is written anew now and then.
#[derive(Debug)]
pub struct StateFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether the log knows that it can't be written.
    said: AtomicBool,
}

impl StateFile {
    /// The file at a path, which may not be there yet.
    pub fn new(path: PathBuf) -> Self {
        let said = AtomicBool::new(false);
        Self { path, said }
    }

    /// Replaces it and tells whether that worked. The log learns of the first failure, with what
    /// follows from it, and of its end.
    pub fn write(&self, text: &[u8], follows: &str) -> bool {
        self.tell(replace(&self.path, text), follows)
    }

    /// The same without waiting for the disk.
    pub fn write_soon(&self, text: &[u8], follows: &str) -> bool {
        self.tell(swap(&self.path, text, |_| Ok(())), follows)
    }

    /// The same for what goes to its end.
    pub fn append(&self, text: &[u8], follows: &str) -> bool {
        self.tell(append(&self.path, text), follows)
    }

    fn tell(&self, written: io::Result<()>, follows: &str) -> bool {
        let failed = written.is_err();
        let path = self.path.display();
        match (self.said.swap(failed, Ordering::Relaxed), written) {
            (false, Err(error)) => {
                warn!(target: &Kind::StateFile.about(&path), "{path} can't be written: {error}; {follows}")
            }
            (true, Ok(())) => {
                info!(target: &Kind::StateFile.over(&path), "{path} can be written again");
            }
            _ => {}
        }
        !failed
    }
}

/// A file of the state directory, named by what it is about: several servers may share the
/// directory.
pub fn state_file(
    folder: Option<&PathBuf>,
    name: &str,
    about: &str,
    extension: &str,
) -> Option<PathBuf> {
    let about = hex(&Sha256::digest(about)[..8]);
    folder.map(|folder| folder.join(format!("{name}-{about}.{extension}")))
}

/// What stands in a file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let file = as_owner(path, || open(OpenOptions::new().read(true), path))?;
    match file.take(LARGEST + 1).read_to_end(&mut text)? as u64 {
        0..=LARGEST => Ok(text),
        _ => Err(io::Error::other("it is too long")),
    }
}

/// Replaces a file in one step, readable by its owner alone.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    swap(path, text, File::sync_all)?;
    sync_folder(path);
    Ok(())
}

/// Waits until what was replaced or removed beside a file is so on disk: a power cut would bring it
/// back. Not every file system can do it.
pub fn sync_folder(path: &Path) {
    let folder = path.parent().and_then(|folder| File::open(folder).ok());
    let _ = folder.map(|folder| folder.sync_all());
}

fn swap(path: &Path, text: &[u8], sync: fn(&File) -> io::Result<()>) -> io::Result<()> {
    as_owner(path, || {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let new = path.with_file_name(format!("{name}.{}{NEW}", random()));
        let mut file = make(&new)?;
        // As long as it is locked it isn't taken for what a killed process has left.
        let _ = file.try_lock();
        let written = file.write_all(text).and_then(|()| sync(&file));
        let renamed = written.and_then(|()| fs::rename(&new, path));
        renamed.inspect_err(|_| drop(fs::remove_file(&new)))
    })
}

/// Adds to the end of a file, readable by its owner alone, without waiting for the disk.
pub fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    open_or_make(OpenOptions::new().append(true), path)?.write_all(text)
}

/// A file to be locked, made if it isn't there.
pub fn lock_file(path: &Path) -> io::Result<File> {
    open_or_make(OpenOptions::new().read(true).write(true), path)
}

/// Removes a file, or a link in its place, and tells whether it is gone.
pub fn remove(path: &Path) -> bool {
    let removed = as_owner(path, || fs::remove_file(path));
    removed.map_or_else(|error| error.kind() == ErrorKind::NotFound, |()| true)
}

/// A file that has no name any more, so that nothing is left behind whatever happens.
pub fn nameless(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!(".{}{NEW}", random()));
    as_owner(&path, || {
        let file = make(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    })
}

/// Makes a folder if it isn't there, for nobody else to read, and writes into it to see whether
/// that works: permissions alone don't tell about read-only file systems. What killed processes
/// were writing there goes.
pub fn try_folder(folder: &Path) -> io::Result<()> {
    as_owner(folder, || {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    })?;
    nameless(folder)?;
    as_owner(&folder.join(NEW), || sweep(folder));
    Ok(())
}

fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let begun = entries.filter(|entry| is_begun(&entry.file_name().to_string_lossy()));
    for path in begun.map(|entry| entry.path()) {
        let file = open(OpenOptions::new().read(true), &path);
        if file.is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether a name is one that [`swap`] or [`nameless`] gives.
fn is_begun(name: &str) -> bool {
    let digits = name
        .strip_suffix(NEW)
        .and_then(|name| name.rsplit_once('.'));
    digits.is_some_and(|(_, digits)| {
        digits.len() == DIGITS && digits.bytes().all(|c| c.is_ascii_hexdigit())
    })
}

/// What to say of a file or folder that holds secrets, if others may look into it or change it.
pub fn exposed(path: &Path) -> Option<Warning> {
    let path = fs::canonicalize(path).ok()?;
    let mode = |path: &Path| fs::metadata(path).map_or(0, |about| about.permissions().mode());
    let (plain, folder) = (path.is_file(), path.is_dir());
    let reached = path
        .ancestors()
        .skip(1)
        .all(|above| mode(above) & ENTER != 0);
    let open = (plain || folder) && reached && mode(&path) & OTHERS != 0;
    let (path, rights) = (path.display(), if folder { "700" } else { "600" });
    open.then(|| {
        let text = format!("other users of this machine can look into {path}; chmod {rights} it");
        Warning::new(Kind::Exposed, path, text)
    })
}

fn open_or_make(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    as_owner(path, || match open(options, path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            match make_by(options.create_new(true), path) {
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    open(options.create_new(false), path)
                }
                made => made,
            }
        }
        opened => opened,
    })
}

fn make(path: &Path) -> io::Result<File> {
    make_by(
        OpenOptions::new().read(true).write(true).create_new(true),
        path,
    )
}

/// Makes a file, which belongs to the folder's owner then, whoever makes it.
fn make_by(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = open(options, path)?;
    let folder = path.parent().map(fs::metadata);
    if let (Some(Ok(folder)), true) = (folder, rustix::process::geteuid().is_root()) {
        // Where root couldn't put its rights aside.
        let _ = fchown(&file, Some(folder.uid()), Some(folder.gid()));
    }
    Ok(file)
}

/// Opens a plain file that has one name, and no link to one.
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Without waiting, in case it is a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let options = options.mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = options.open(path).map_err(|error| {
        match error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
            true => io::Error::other("it is a link, and nothing is opened through one here"),
            false => error,
        }
    })?;
    let about = file.metadata()?;
    match about.is_file() && about.nlink() <= 1 {
        true => Ok(file),
        false => Err(io::Error::other("it is no plain file with one name")),
    }
}

/// Digits that nobody can foresee, for names that nobody else has.
pub fn random() -> String {
    format!("{:0DIGITS$x}", RandomState::new().hash_one(NEW))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("disk-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        try_folder(&path).expect("a writable folder");
        path
    }

    #[test]
    fn only_plain_files_are_opened() {
        let folder = folder("plain");
        let [target, link, twin, pipe] = ["target", "link", "twin", "pipe"].map(|n| folder.join(n));
        fs::write(&target, "theirs").unwrap();
        symlink(&target, &link).unwrap();
        let nothing = rustix::fs::CWD;
        rustix::fs::mknodat(nothing, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let refused = |path: &Path| {
            let tries = [
                read(path).err(),
                append(path, b"x").err(),
                lock_file(path).err(),
            ];
            assert!(tries.iter().all(Option::is_some), "{}", path.display());
        };
        refused(&link);
        refused(&pipe);
        refused(&folder);
        assert_eq!(read(&target).unwrap(), b"theirs");
        fs::hard_link(&target, &twin).unwrap();
        refused(&target);
        // Replaced is the link itself, and not what it leads to.
        replace(&link, b"ours").unwrap();
        assert_eq!(read(&link).unwrap(), b"ours");
        assert_eq!(fs::read(&twin).unwrap(), b"theirs");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_killed_processes_were_writing_goes() {
        let folder = folder("sweep");
        let begun = |digits: &str| folder.join(format!("a.json.{digits}{NEW}"));
        let left = begun("0123456789abcdef");
        let others = [
            begun("0123456789abcdeg"),
            folder.join("a.new"),
            folder.join("a.json"),
        ];
        for file in others.iter().chain([&left]) {
            fs::write(file, "").unwrap();
        }
        let under_way = begun("fedcba9876543210");
        let file = make(&under_way).unwrap();
        file.try_lock().unwrap();
        try_folder(&folder).unwrap();
        assert!(!left.exists() && under_way.exists());
        assert!(others.iter().all(|file| file.exists()));
        drop(file);
        try_folder(&folder).unwrap();
        assert!(!under_way.exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn names_differ() {
        assert_ne!(random(), random());
        assert!(is_begun(&format!("x.{}{NEW}", random())));
    }
}
