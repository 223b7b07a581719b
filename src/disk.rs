//! Small files in the state directory, each replaced in one step: after a kill or a power cut
//! there is the old one or the new one. What stands in them is for others to say.

use log::{info, warn};
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
        let written = replace(&self.path, text);
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
    // Always the same name, so that what a killed process has left is written over.
    let new = path.with_extension("new");
    let mut file = private(OpenOptions::new().create(true).truncate(true)).open(&new)?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    let renamed = written.and_then(|()| fs::rename(&new, path));
    renamed.inspect_err(|_| drop(fs::remove_file(&new)))?;
    // Or a power cut would bring the old one back; not every file system can do it.
    let folder = path.parent().and_then(|folder| File::open(folder).ok());
    let _ = folder.map(|folder| folder.sync_all());
    Ok(())
}

/// For writing, by the owner alone.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.write(true).mode(0o600)
}
