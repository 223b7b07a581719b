//! What is about to go into the bin, noted on disk before it goes, so that a killed server's
//! removals are purged by the next one. Lines are only appended, and nobody waits for the disk:
//! what the kernel has survives a kill, and a power cut costs what the list of `pending` hadn't
//! got yet, which then stays in the bin. When that list is written, the lines go.

use super::list::{Retention, Trashed};
use crate::disk::append;
use crate::restic::Kind;
use crate::sync::lock;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

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
    pub fn read(&self, listed: &HashSet<u64>) -> Vec<(u64, Trashed)> {
        let text = self.path.as_ref().and_then(|path| fs::read(path).ok());
        let text = text.unwrap_or_default();
        let uncommitted = parse(&text).map(|(since, mut trashed)| {
            trashed.files.retain(|file| !listed.contains(file));
            (since, trashed)
        });
        uncommitted
            .filter(|(_, trashed)| !trashed.files.is_empty())
            .collect()
    }

    /// Notes what goes into the bin now. The lines stay at least until the answer is dropped.
    pub fn note(&self, trashed: &[Trashed], since: u64) -> JournalEntry<'_> {
        let mut under_way = self.entries();
        *under_way += 1;
        let lines = trashed.iter().filter(|trashed| !trashed.files.is_empty());
        let lines: String = lines.map(|trashed| Line::of(trashed, since)).collect();
        if let Some(path) = self.path.as_ref().filter(|_| !lines.is_empty()) {
            // A disk that can't take it is the list's to complain about.
            let _ = append(path, lines.as_bytes());
        }
        JournalEntry(self)
    }

    /// Has `store` write the list, and forgets the lines if that worked and nothing else is under
    /// way; nothing is noted meanwhile.
    pub fn fold(&self, store: impl FnOnce() -> bool) -> bool {
        let under_way = self.entries();
        let stored = store();
        if let Some(path) = self.path.as_ref().filter(|_| stored && *under_way == 0) {
            let _ = fs::remove_file(path);
        }
        stored
    }

    fn entries(&self) -> MutexGuard<'_, usize> {
        lock(&self.under_way)
    }
}

/// The lines of a journal; one that broke off is left out.
pub fn parse(text: &[u8]) -> impl Iterator<Item = (u64, Trashed)> {
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()?.trashed())
}

/// A note whose removal is under way.
#[derive(Debug)]
pub struct JournalEntry<'a>(&'a Journal);

impl Drop for JournalEntry<'_> {
    fn drop(&mut self) {
        *self.0.entries() -= 1;
    }
}

impl Line {
    /// What is written of files that go into the bin.
    pub fn of(trashed: &Trashed, since: u64) -> String {
        let line = Self {
            since,
            repo: trashed.repo.clone(),
            kind: trashed.kind.name().to_owned(),
            at_once: trashed.retention == Retention::Immediate,
            files: trashed.files.clone(),
        };
        // Begun by an end of line, because the one before may have broken off.
        serde_json::to_string(&line).map_or(String::new(), |line| format!("\n{line}\n"))
    }

    fn trashed(self) -> Option<(u64, Trashed)> {
        let mut kinds = Kind::ALL.into_iter();
        let trashed = Trashed {
            repo: self.repo,
            kind: kinds.find(|kind| kind.name() == self.kind)?,
            files: self.files,
            retention: match self.at_once {
                true => Retention::Immediate,
                false => Retention::Configured,
            },
        };
        Some((self.since, trashed))
    }
}
