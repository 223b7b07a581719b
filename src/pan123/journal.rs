//! What is about to go into the bin, noted on disk before it goes, so that a killed server's
//! removals are purged by the next one. Lines are only appended, and nobody waits for the disk:
//! what the kernel has survives a kill, and a power cut costs what the list of `waste` hadn't
//! got yet, which then stays in the bin. When that list is written, the lines go.

use super::bin::Purge;
use super::waste::Thrown;
use crate::disk;
use crate::restic::Kind;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The journal of one list; without a path it forgets everything.
#[derive(Debug, Default)]
pub struct Journal {
    path: Option<PathBuf>,
    /// Removals that are noted and not on the list yet.
    under_way: Mutex<usize>,
}

/// Files of one kind, noted together.
#[derive(Debug, Deserialize, Serialize)]
pub struct Line {
    since: u64,
    repo: String,
    kind: String,
    at_once: bool,
    files: Vec<u64>,
}

impl Journal {
    /// The journal beside a list's file.
    pub fn beside(list: &Path) -> Self {
        Self {
            path: Some(list.with_extension("journal")),
            under_way: Mutex::new(0),
        }
    }

    /// What an earlier process has noted, with the times, but for what its list has got. A line
    /// that broke off is left out.
    pub fn read(&self, listed: &HashSet<u64>) -> Vec<(u64, Thrown)> {
        let text = self.path.as_ref().and_then(|path| disk::read(path).ok());
        let text = text.unwrap_or_default();
        let unsure = parse(&text).map(|(since, mut thrown)| {
            thrown.files.retain(|file| !listed.contains(file));
            (since, thrown)
        });
        unsure
            .filter(|(_, thrown)| !thrown.files.is_empty())
            .collect()
    }

    /// Notes what goes into the bin now. The lines stay at least until the answer is dropped.
    pub fn note(&self, thrown: &[Thrown], since: u64) -> Noted<'_> {
        let mut under_way = self.lock();
        *under_way += 1;
        let lines = thrown.iter().filter(|thrown| !thrown.files.is_empty());
        let lines: String = lines.map(|thrown| Line::of(thrown, since)).collect();
        if let Some(path) = self.path.as_ref().filter(|_| !lines.is_empty()) {
            // A disk that can't take it is the list's to complain about.
            let _ = disk::append(path, lines.as_bytes());
        }
        Noted(self)
    }

    /// Has `store` write the list, and forgets the lines if that worked and nothing else is under
    /// way; nothing is noted meanwhile.
    pub fn fold(&self, store: impl FnOnce() -> bool) -> bool {
        let under_way = self.lock();
        let stored = store();
        if let Some(path) = self.path.as_ref().filter(|_| stored && *under_way == 0) {
            let _ = disk::remove(path);
        }
        stored
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines of a journal; one that broke off is left out.
pub fn parse(text: &[u8]) -> impl Iterator<Item = (u64, Thrown)> {
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()?.thrown())
}

/// A note whose removal is under way.
#[derive(Debug)]
pub struct Noted<'a>(&'a Journal);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
    }
}

impl Line {
    /// What is written of files that go into the bin.
    pub fn of(thrown: &Thrown, since: u64) -> String {
        let line = Self {
            since,
            repo: thrown.repo.clone(),
            kind: thrown.kind.name().to_owned(),
            at_once: thrown.purge == Purge::AtOnce,
            files: thrown.files.clone(),
        };
        // Begun by an end of line, because the one before may have broken off.
        serde_json::to_string(&line).map_or(String::new(), |line| format!("\n{line}\n"))
    }

    fn thrown(self) -> Option<(u64, Thrown)> {
        let mut kinds = Kind::ALL.into_iter();
        let thrown = Thrown {
            repo: self.repo,
            kind: kinds.find(|kind| kind.name() == self.kind)?,
            files: self.files,
            purge: match self.at_once {
                true => Purge::AtOnce,
                false => Purge::Usual,
            },
        };
        Some((self.since, thrown))
    }
}
