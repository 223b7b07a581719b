//! A log of small facts on disk: lines are only appended, each sealed with a sum by which damage
//! shows, and nobody waits for the disk, unless a line must survive a power cut: what the kernel has
//! survives a kill, and a power cut costs the last lines. When nothing stands open, the file goes;
//! when most of its lines are done with, it is written anew. What the lines say is for others.

use super::StateFile;
use crate::restic::hex;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lines besides two for each open fact, beyond which the file is written anew.
const SPARE: usize = 4;
/// As good as more lines than may be: some of them couldn't be written.
const INCOMPLETE: usize = usize::MAX / 2;

/// A log; without a file it forgets everything.
#[derive(Debug, Default)]
pub struct Log {
    file: Option<StateFile>,
    /// What follows for the user when it can't be written.
    follows: &'static str,
    /// Whether it is on disk before it takes the place of the one before.
    synced: bool,
    /// How many lines it has.
    lines: AtomicUsize,
}

impl Log {
    /// The log at a path, if it is kept at all; `follows` says what follows for the user when it
    /// can't be written.
    pub fn new(path: Option<PathBuf>, follows: &'static str) -> Self {
        Self {
            file: path.map(StateFile::new),
            follows,
            synced: false,
            lines: AtomicUsize::new(0),
        }
    }

    /// The same where lines of [`Log::append_synced`] must not come undone.
    pub fn synced(path: PathBuf, follows: &'static str) -> Self {
        Self {
            synced: true,
            ..Self::new(Some(path), follows)
        }
    }

    /// What stands in it, for [`unsealed`].
    pub fn read(&self) -> Vec<u8> {
        let file = self.file.as_ref();
        let text = file.and_then(|file| super::read(&file.path).ok());
        let text = text.unwrap_or_default();
        self.lines.store(lines(&text), Ordering::Relaxed);
        text
    }

    /// Appends sealed lines, all of which stand open. A disk that can't take them is for others to
    /// complain about.
    pub fn add(&self, text: &str) {
        if let Some(file) = &self.file {
            let _ = super::append(&file.path, text.as_bytes());
        }
    }

    /// Appends a sealed line that must survive a power cut; false if it may not.
    pub fn append_synced(&self, text: &str) -> bool {
        self.lines
            .fetch_add(lines(text.as_bytes()), Ordering::Relaxed);
        let file = self.file.as_ref();
        file.is_none_or(|file| super::append_synced(&file.path, text.as_bytes()).is_ok())
    }

    /// Forgets all lines.
    pub fn clear(&self) {
        if let Some(file) = &self.file {
            file.remove();
        }
    }

    /// Appends sealed lines, after which so many facts stand open, which `all` writes down.
    pub fn append(&self, text: &str, open: usize, all: impl FnOnce() -> String) {
        let Some(file) = &self.file else { return };
        let lines = self.lines.load(Ordering::Relaxed) + lines(text.as_bytes());
        let (written, lines) = if open == 0 {
            (file.remove(), 0)
        } else if lines <= 2 * open + SPARE {
            (file.append(text.as_bytes(), self.follows), lines)
        } else {
            let text = all();
            let written = match self.synced {
                true => file.write(text.as_bytes(), self.follows),
                false => file.write_soon(text.as_bytes(), self.follows),
            };
            (written, open)
        };
        let lines = if written { lines } else { INCOMPLETE };
        self.lines.store(lines, Ordering::Relaxed);
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

fn lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}
