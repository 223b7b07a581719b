//! A file that is being written: under a name of its own until its bytes are on disk, so that what
//! stands under a repository's name is whole. What a killed process has left is removed later, when
//! its folder is listed.

use super::folder::Folder;
use crate::body::Body;
use crate::disk;
use crate::error::{Cause, Error};
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use std::fs;
use std::io::{Read, Write};
use std::time::Duration;

/// What the names of unfinished files begin with; restic doesn't take such a name for a file.
const PREFIX: &str = ".restic-123pan-tmp-";
/// Bytes moved at once.
pub(super) const BUFFER: usize = 64 << 10;
/// How old a left-over must be before it is removed, besides that nobody holds it: machines that
/// share a folder need not see each other's locks.
const LEFT_OVER: Duration = Duration::from_secs(60 * 60);

/// An unfinished file. It goes when it is dropped, unless it has got its name.
pub(super) struct Unfinished<'a> {
    folder: &'a Folder,
    name: String,
    file: fs::File,
    named: bool,
}

impl<'a> Unfinished<'a> {
    /// An empty one.
    pub(super) fn new(folder: &'a Folder) -> Result<Self, Error> {
        let name = format!("{PREFIX}{}", disk::random());
        let taken = || Error::new(Cause::Busy, format!("{name} is taken"));
        let file = folder.new_file(&name)?.ok_or_else(taken)?;
        // It tells whoever looks for left-overs that this is none. Not every file system can.
        let _ = file.try_lock();
        Ok(Self {
            folder,
            name,
            file,
            named: false,
        })
    }

    /// Writes a body into it and waits until that is on disk.
    pub(super) fn fill(&mut self, body: &mut Body<'_>) -> Result<(), Error> {
        body.rewind()?;
        self.reserve(body.len())?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = body.read(&mut buffer);
            let n = read.map_err(|error| body.unread(&error))?;
            if n == 0 {
                return self.finish();
            }
            let written = self.file.write_all(&buffer[..n]);
            written.map_err(|error| self.folder.failed(&self.name, error))?;
        }
    }

    /// Writes a short text into it and waits until that is on disk.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Error> {
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| self.folder.failed(&self.name, error))?;
        self.finish()
    }

    fn finish(&self) -> Result<(), Error> {
        let synced = self.file.sync_all();
        synced.map_err(|error| self.folder.failed(&self.name, error))
    }

    /// Has the disk keep room for it, so that a full one says so before the body is read, when it
    /// can still be compared with what is there.
    fn reserve(&self, len: u64) -> Result<(), Error> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, len) {
            Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
                Err(self.folder.failed(&self.name, error))
            }
            // Not every file system can.
            _ => Ok(()),
        }
    }

    /// Gives it its name, in place of what has that name.
    pub(super) fn replace(mut self, name: &str) -> Result<(), Error> {
        self.folder.rename(&self.name, name)?;
        self.named = true;
        Ok(())
    }

    /// Gives it its name, of which nobody else can have the same; false if it is taken.
    pub(super) fn place(self, name: &str) -> Result<bool, Error> {
        self.folder.link(&self.name, name)
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.named {
            let _ = self.folder.remove(&self.name);
        }
    }
}

/// Whether a name is that of an unfinished file.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Writes a file, reads it and removes it again.
pub(super) fn rehearse(folder: &Folder) -> Result<(), Error> {
    const TEXT: &str = "restic-123pan was here";
    let mut file = Unfinished::new(folder)?;
    file.write(TEXT)?;
    let mut found = String::new();
    let there = folder.file(&file.name)?;
    let read = there.map(|mut there| there.read_to_string(&mut found));
    read.transpose()
        .map_err(|error| folder.failed(&file.name, error))?;
    match found == TEXT {
        true => Ok(()),
        false => {
            let text = "what was written isn't what is read";
            Err(Error::new(
                Cause::Cloud,
                format!("{}: {text}", folder.path.display()),
            ))
        }
    }
}

/// Removes the left-overs in a folder.
pub(super) fn sweep(folder: &Folder) {
    // What can't be removed now can be later.
    let _ = folder.each(|name, _| {
        if is_unfinished(name) {
            clear(folder, name);
        }
        Ok(())
    });
}

/// Removes an unfinished file if it is old and nobody writes it.
pub(super) fn clear(folder: &Folder, name: &str) {
    let Ok(Some(file)) = folder.file(name) else {
        return;
    };
    let changed = file.metadata().and_then(|found| found.modified());
    let age = changed.ok().and_then(|changed| changed.elapsed().ok());
    if age.is_some_and(|age| age > LEFT_OVER)
        && file.try_lock().is_ok()
        && matches!(folder.remove(name), Ok(true))
    {
        let path = folder.path.join(name);
        log::info!(
            "{} was left by a process that was killed; removed",
            path.display()
        );
    }
}
