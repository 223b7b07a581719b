//! A log of small facts on disk: lines are only appended, each sealed with a sum by which damage
//! shows, and nobody waits for the disk: what the kernel has survives a kill, and a power cut costs
//! the last lines. When nothing stands open, the file goes; when most of it is done with, it is
//! written anew. What the lines say is for others.

use super::StateFile;
use crate::restic::hex;
use sha2::{Digest, Sha256};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes besides twice what stands open, beyond which the file is written anew.
const SPARE: usize = 1 << 10;
/// As good as a longer file than may be: some lines couldn't be written.
const INCOMPLETE: usize = usize::MAX / 2;

/// A log; without a file it forgets everything.
#[derive(Debug, Default)]
pub struct Log {
    file: Option<StateFile>,
    /// What follows for the user when it can't be written.
    follows: &'static str,
    /// Whether it is on disk before it takes the place of the one before.
    synced: bool,
    /// How many bytes it has.
    size: AtomicUsize,
    /// How many it may have before somebody looks what of it stands open.
    most: AtomicUsize,
}

impl Log {
    /// The log at a path, if it is kept at all; `follows` says what follows for the user when it
    /// can't be written.
    pub fn new(path: Option<PathBuf>, follows: &'static str) -> Self {
        Self {
            file: path.map(StateFile::new),
            follows,
            ..Self::default()
        }
    }

    /// The same where what a power cut leaves of it must never be less than it once was.
    pub fn synced(path: PathBuf, follows: &'static str) -> Self {
        Self {
            synced: true,
            ..Self::new(Some(path), follows)
        }
    }

    /// What stands in it, for [`unsealed`]; nothing if it isn't there.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let file = self.file.as_ref();
        let read = file.map_or(Ok(Vec::new()), |file| super::read(&file.path));
        let read = read.or_else(|error| match error.kind() {
            ErrorKind::NotFound => Ok(Vec::new()),
            _ => Err(error),
        });
        let size = read.as_ref().map_or(INCOMPLETE, Vec::len);
        self.size.store(size, Ordering::Relaxed);
        read
    }

    /// Appends sealed lines, after which something stands open or not; `all` writes down what does.
    pub fn append(&self, text: &str, is_open: bool, all: impl FnOnce() -> String) {
        let Some(file) = &self.file else { return };
        if !is_open {
            self.most.store(0, Ordering::Relaxed);
            return self.written(super::remove(&file.path), 0);
        }
        let size = self.size.load(Ordering::Relaxed) + text.len();
        if size > self.most.load(Ordering::Relaxed) {
            let all = all();
            let most = 2 * all.len() + SPARE;
            self.most.store(most, Ordering::Relaxed);
            if size > most {
                self.replace(&all);
                return;
            }
        }
        self.written(file.append(text.as_bytes(), self.follows), size);
    }

    /// Writes down what couldn't be written when it came; tells whether there was anything.
    pub fn complete(&self, is_open: bool, all: impl FnOnce() -> String) -> bool {
        let is_incomplete = self.size.load(Ordering::Relaxed) >= INCOMPLETE;
        if is_incomplete {
            self.append("", is_open, all);
        }
        is_incomplete
    }

    /// Replaces all that stands in it, and tells whether that worked.
    pub fn replace(&self, all: &str) -> bool {
        let Some(file) = &self.file else { return true };
        let written = match self.synced {
            true => file.write(all.as_bytes(), self.follows),
            false => file.write_soon(all.as_bytes(), self.follows),
        };
        self.written(written, all.len());
        written
    }

    fn written(&self, written: bool, size: usize) {
        let size = if written { size } else { INCOMPLETE };
        self.size.store(size, Ordering::Relaxed);
    }
}

/// A line with its sum, begun by an end of line, as the one before may have broken off.
pub fn sealed(words: &str) -> String {
    format!("\n{}\t{words}", sum(words))
}

/// The words of the lines of a text; one that broke off or is damaged is left out.
pub fn unsealed(text: &[u8]) -> impl Iterator<Item = &str> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let (said, words) = std::str::from_utf8(line).ok()?.split_once('\t')?;
        (said == sum(words)).then_some(words)
    })
}

fn sum(words: &str) -> String {
    hex(&Sha256::digest(words)[..4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_log_has_little_that_is_done_with() {
        let folder = std::env::temp_dir().join(format!("log-{}", std::process::id()));
        super::super::try_folder(&folder).unwrap();
        let path = folder.join("log");
        let (log, written) = (Log::new(Some(path.clone()), ""), || {
            fs::read_to_string(&path).unwrap_or_default()
        });
        let (open, done) = (sealed("open"), sealed("done with"));
        let mut all = String::new();
        while all.len() + done.len() <= 2 * open.len() + SPARE {
            let line = if all.is_empty() { &open } else { &done };
            log.append(line, true, || open.clone());
            all += line;
            assert_eq!(written(), all);
        }
        log.append(&done, true, || open.clone());
        assert_eq!(written(), open, "what is open");
        log.append(&done, false, String::new);
        assert!(!path.exists(), "nothing is open");
        fs::remove_dir_all(&folder).unwrap();
        log.append(&open, true, || open.clone());
        super::super::try_folder(&folder).unwrap();
        assert!(log.complete(true, || open.repeat(2)));
        assert_eq!(written(), open.repeat(2), "what couldn't be written");
        assert!(!log.complete(true, String::new));
        fs::remove_dir_all(&folder).unwrap();
    }
}
