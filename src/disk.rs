//! Small files in the state directory, each replaced in one step: after a kill or a power cut
//! there is the old one or the new one. Or added to, for which nobody waits: what the kernel has
//! survives a kill, but not a power cut. What stands in them is for others to say.

pub mod log;

use ::log::{info, warn};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

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

    /// Removes it and tells whether it is gone.
    pub fn remove(&self) -> bool {
        match fs::remove_file(&self.path) {
            Err(error) => error.kind() == io::ErrorKind::NotFound,
            Ok(()) => true,
        }
    }

    fn tell(&self, written: io::Result<()>, follows: &str) -> bool {
        let failed = written.is_err();
        let path = self.path.display();
        match (self.said.swap(failed, Ordering::Relaxed), written) {
            (false, Err(error)) => warn!("{path} can't be written: {error}; {follows}"),
            (true, Ok(())) => info!("{path} can be written again"),
            _ => {}
        }
        !failed
    }
}

/// Replaces a file in one step, readable by its owner alone.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    swap(path, text, File::sync_all)?;
    // Or a power cut would bring the old one back; not every file system can do it.
    let folder = path.parent().and_then(|folder| File::open(folder).ok());
    let _ = folder.map(|folder| folder.sync_all());
    Ok(())
}

fn swap(path: &Path, text: &[u8], sync: fn(&File) -> io::Result<()>) -> io::Result<()> {
    // Always the same name, so that what a killed process has left is written over.
    let new = path.with_extension("new");
    let mut file = private(OpenOptions::new().create(true).truncate(true)).open(&new)?;
    let written = file.write_all(text).and_then(|()| sync(&file));
    let renamed = written.and_then(|()| fs::rename(&new, path));
    renamed.inspect_err(|_| drop(fs::remove_file(&new)))
}

/// Adds to the end of a file, readable by its owner alone, without waiting for the disk.
pub fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = private(OpenOptions::new().create(true).append(true)).open(path)?;
    file.write_all(text)
}

/// For writing, by the owner alone.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.write(true).mode(0o600)
}
