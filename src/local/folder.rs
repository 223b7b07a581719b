//! A folder that is open: everything in it is reached through its handle, by a name without
//! slashes, and no link is followed. So a path can't lead elsewhere while it is walked, and a disk
//! that is unmounted meanwhile isn't mistaken for what lies below it. What the names mean is
//! `mod`'s.

use crate::error::{Cause, Error};
use crate::warning::Kind;
use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// New folders belong to their owner alone, as restic's do.
const PRIVATE_FOLDER: Mode = Mode::RWXU;
/// So do new files.
const PRIVATE_FILE: Mode = Mode::from_raw_mode(0o600);

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    handle: fs::File,
    /// Where it is, for messages.
    pub(super) path: PathBuf,
}

impl Folder {
    /// Opens a folder by its path, whose links are followed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self {
            handle: opened.into(),
            path: path.to_owned(),
        })
    }

    /// The number of its file system, which changes when that is unmounted or mounted.
    pub(super) fn device(&self) -> io::Result<u64> {
        Ok(self.handle.metadata()?.dev())
    }

    /// Opens a folder in it.
    pub(super) fn enter(&self, name: &str) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(opened) => Ok(Self {
                handle: opened.into(),
                path: self.path.join(name),
            }),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let path = self.path.join(name);
                let text = format!("{} is no folder; links aren't followed", path.display());
                Err(Error::new(Cause::Cloud, text))
            }
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Makes a folder in it that survives a power cut; Ok if it is there already.
    pub(super) fn make(&self, name: &str) -> Result<(), Error> {
        match rustix::fs::mkdirat(&self.handle, name, PRIVATE_FOLDER) {
            Ok(()) => self.sync(),
            Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Opens a file in it for reading; None if there is none, or something else of that name.
    pub(super) fn file(&self, name: &str) -> Result<Option<fs::File>, Error> {
        // Without NONBLOCK a pipe would wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(opened) => fs::File::from(opened),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO) => return Ok(self.is_no_file(name)),
            Err(error) => return Err(self.failed(name, error)),
        };
        let found = opened.metadata().map_err(|e| self.failed(name, e))?;
        match found.is_file() {
            true => Ok(Some(opened)),
            false => Ok(self.is_no_file(name)),
        }
    }

    /// Makes a file in it, for writing; None if the name is taken.
    pub(super) fn new_file(&self, name: &str) -> Result<Option<fs::File>, Error> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, name, flags, PRIVATE_FILE) {
            Ok(opened) => Ok(Some(opened.into())),
            Err(Errno::EXIST) => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// A file's size; None if there is none, or something else of that name.
    pub(super) fn size(&self, name: &str) -> Result<Option<u64>, Error> {
        let found = match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.failed(name, error)),
        };
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Ok(u64::try_from(found.st_size).ok()),
            _ => Ok(self.is_no_file(name)),
        }
    }

    /// Says in the log that something isn't what its name says.
    fn is_no_file<T>(&self, name: &str) -> Option<T> {
        let path = self.path.join(name);
        let path = path.display();
        log::warn!(target: &Kind::NoFile.about(&path), "{path} is no file, and is left out");
        None
    }

    /// Calls `each` with what is in it.
    pub(super) fn each(
        &self,
        mut each: impl FnMut(&str, &DirEntry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed = |error: Errno| self.failed("", error);
        for entry in Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // No name of ours is anything but ASCII.
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => each(name, &entry)?,
            }
        }
        Ok(())
    }

    /// Gives a file another name, in place of what has that name.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        let renamed = rustix::fs::renameat(&self.handle, from, &self.handle, to);
        renamed.map_err(|error| self.failed(to, error))
    }

    /// Gives a file one more name, or, where a file can't have two, another one; false if that
    /// name is taken.
    pub(super) fn link(&self, from: &str, to: &str) -> Result<bool, Error> {
        let handle = &self.handle;
        let linked = match rustix::fs::linkat(handle, from, handle, to, AtFlags::empty()) {
            // FAT, exFAT.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => move_to_free(handle, from, to),
            linked => linked,
        };
        match linked {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(self.failed(to, error)),
        }
    }

    /// Removes a file; false if there was none, or something else of that name.
    pub(super) fn remove(&self, name: &str) -> Result<bool, Error> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::ISDIR) => Ok(false),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Waits until its names are on disk.
    pub(super) fn sync(&self) -> Result<(), Error> {
        match self.handle.sync_all() {
            // Some file systems can't do it for folders.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            synced => synced.map_err(|error| self.failed("", error)),
        }
    }

    /// All bytes of its file system, and those that are free.
    pub(super) fn room(&self) -> io::Result<(u64, u64)> {
        let found = rustix::fs::fstatvfs(&self.handle)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok((bytes(found.f_blocks), bytes(found.f_bavail)))
    }

    /// What a failure means, with the path that it met.
    pub(super) fn failed(&self, name: &str, error: impl Into<io::Error>) -> Error {
        let path = match name {
            "" => self.path.clone(),
            name => self.path.join(name),
        };
        failed(&path, &error.into())
    }
}

/// Renames where the file system itself sees to it that nothing is replaced.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn move_to_free(folder: &fs::File, from: &str, to: &str) -> Result<(), Errno> {
    let only_free = rustix::fs::RenameFlags::NOREPLACE;
    rustix::fs::renameat_with(folder, from, folder, to, only_free)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn move_to_free(_: &fs::File, _: &str, _: &str) -> Result<(), Errno> {
    Err(Errno::OPNOTSUPP)
}

/// What a failure at a path means.
pub(super) fn failed(path: &Path, error: &io::Error) -> Error {
    let cause = match error.kind() {
        ErrorKind::NotFound => Cause::Absent,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Cause::Full,
        // Whoever owns the machine can change that, and then it works.
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Cause::Busy,
        _ => Cause::Cloud,
    };
    Error::new(cause, format!("{}: {error}", path.display()))
}

/// Whether an entry of a folder may be of a type; file systems need not tell.
pub(super) fn may_be(entry: &DirEntry, kind: FileType) -> bool {
    let told = entry.file_type();
    told == kind || told == FileType::Unknown
}
