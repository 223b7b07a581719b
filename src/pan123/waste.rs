//! The list of what this server has put into the bin: since when each file lies there and when it
//! is to be purged, kept in the state directory so that it survives a restart. Nothing here calls
//! the cloud, and the clock comes from the configuration; the purging itself is `purge`'s.
//!
//! The list is a convenience, never the truth: what isn't in it stays in the bin, and what is in
//! it is purged only while 123pan still shows it there (safety rule 19).

mod list;
#[cfg(test)]
mod tests;

pub use list::{List, NEVER, Past, SANE, TOGETHER, Waiting};

use super::bin::Purge;
use super::journal::{Journal, Noted};
use super::tree::BATCH;
use super::{Bin, Clock, Config};
use crate::disk::{self, StateFile};
use crate::restic::Kind;
use list::DAY;
use log::{info, warn};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most files that are remembered; beyond it the oldest stay in the bin.
const MOST: usize = 200_000;

/// Files that have just gone into the bin.
#[derive(Clone, Debug)]
pub struct Thrown {
    /// Their repository's folder in the account.
    pub repo: String,
    /// What they are.
    pub kind: Kind,
    /// Their numbers.
    pub files: Vec<u64>,
    /// How long they stay there.
    pub purge: Purge,
}

/// What `infos` said of files on the list.
#[derive(Debug, Default)]
pub struct Fate {
    /// We have destroyed them.
    pub gone: HashSet<u64>,
    /// 123pan doesn't know them: others have destroyed them.
    pub missing: HashSet<u64>,
    /// They aren't in the bin.
    pub alive: HashSet<u64>,
}

/// The list, and where it is kept.
pub struct Waste {
    keep: Bin,
    clock: Clock,
    list: Mutex<List>,
    file: Option<StateFile>,
    journal: Journal,
    /// Removals that an earlier process had noted and may not have carried out.
    unsure: Mutex<Vec<(u64, Thrown)>>,
    /// Held as long as the process lives: one process keeps the list of a state directory.
    _lock: Option<fs::File>,
}

impl Waste {
    /// What an earlier process has left.
    pub fn new(config: &Config) -> Self {
        let file = list_file(config);
        let lock = file.as_deref().map_or(Ok(None), lock);
        if let (Err(()), Some(file)) = (&lock, &file) {
            info!(
                "another process keeps {}: what this one deletes stays in the bin if it is \
                 restarted before its purge",
                file.display()
            );
        }
        let file = file.filter(|_| lock.is_ok());
        let list = file.as_deref().map(read).unwrap_or_default();
        let journal = file.as_deref().map(Journal::beside).unwrap_or_default();
        let unsure = journal.read(&list.waiting.iter().map(|entry| entry.file).collect());
        Self {
            keep: config.bin,
            clock: config.clock.clone(),
            list: Mutex::new(list),
            file: file.map(StateFile::new),
            journal,
            unsure: Mutex::new(unsure),
            _lock: lock.unwrap_or_default(),
        }
    }

    /// Whether this process keeps the list, and whatever else is kept beside it.
    pub fn keeps(&self) -> bool {
        self.file.is_some()
    }

    /// The list as it is on disk, without keeping it: the server that does may be running.
    pub fn peek(config: &Config) -> List {
        list_file(config).as_deref().map(read).unwrap_or_default()
    }

    /// The numbers of all that the server of this state directory has put into the bin, or is
    /// about to.
    pub fn put(config: &Config) -> HashSet<u64> {
        // The journal first: its lines go when the list has got them.
        let journal = list_file(config).as_deref().map(Journal::beside);
        let noted = journal.unwrap_or_default().read(&HashSet::new());
        let noted = noted.into_iter().flat_map(|(_, thrown)| thrown.files);
        let list = Self::peek(config);
        let waiting = list.waiting.iter().map(|entry| entry.file);
        noted.chain(waiting).collect()
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many files are on the list.
    pub fn len(&self) -> usize {
        self.list().waiting.len()
    }

    /// Notes what is about to go into the bin; the answer is dropped when it has been added.
    pub fn note(&self, thrown: &[Thrown]) -> Noted<'_> {
        self.journal.note(thrown, self.clock.now())
    }

    /// The first of the removals that an earlier process may not have carried out.
    pub fn unsure(&self) -> Option<Vec<u64>> {
        let unsure = self.unsure.lock().unwrap_or_else(PoisonError::into_inner);
        unsure.first().map(|(_, thrown)| thrown.files.clone())
    }

    /// Adds what of it lies in the bin, and forgets the rest.
    pub fn recall(&self, in_bin: &[u64]) {
        let mut unsure = self.unsure.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, mut thrown) = unsure.remove(0);
        drop(unsure);
        thrown.files.retain(|file| in_bin.contains(file));
        self.add_since(&[thrown], since);
    }

    /// Adds what has gone into the bin.
    pub fn add(&self, thrown: &[Thrown]) {
        self.add_since(thrown, self.clock.now());
    }

    /// The same for what has gone there at this time.
    pub fn add_since(&self, thrown: &[Thrown], since: u64) {
        let mut list = self.list();
        // What was brought back and removed again begins anew.
        let again: HashSet<u64> = thrown.iter().flat_map(|t| t.files.clone()).collect();
        list.waiting.retain(|entry| !again.contains(&entry.file));
        for thrown in thrown.iter().filter(|thrown| !thrown.files.is_empty()) {
            let due = match (self.keep, thrown.purge) {
                (Bin::Keep, _) | (_, Purge::Never) => NEVER,
                (Bin::Purge, _) | (Bin::Days(_), Purge::AtOnce) => 0,
                (Bin::Days(days), Purge::Usual) => since.saturating_add(u64::from(days) * DAY),
            };
            let (repo, kind) = (list.number(&thrown.repo), thrown.kind);
            list.waiting.extend(thrown.files.iter().map(|file| Waiting {
                file: *file,
                due,
                since,
                repo,
                kind,
            }));
        }
        let most = list.waiting.len().saturating_sub(MOST);
        list.waiting.drain(..most);
        list.changed = true;
    }

    /// Up to a hundred files whose time has come.
    pub fn due(&self) -> Vec<u64> {
        let time = self.clock.now();
        let mut list = self.list();
        if time >= SANE {
            list.mend(time);
        }
        let is_due = |entry: &&Waiting| entry.due == 0 || (time >= SANE && entry.due <= time);
        let due = list.waiting.iter().filter(is_due).take(BATCH);
        due.map(|entry| entry.file).collect()
    }

    /// The up to a hundred files that have been in the bin for longest, save those that are kept.
    pub fn oldest(&self) -> Vec<u64> {
        let list = self.list();
        let purgeable = list.waiting.iter().filter(|entry| entry.due != NEVER);
        purgeable.take(BATCH).map(|entry| entry.file).collect()
    }

    /// Learns what has become of files.
    pub fn learn(&self, fate: &Fate) {
        let mut list = self.list();
        let mut past: Vec<Past> = Vec::new();
        list.waiting.retain(|entry| {
            let gone = fate.gone.contains(&entry.file) || fate.missing.contains(&entry.file);
            past.extend(gone.then(|| Past::of(entry)).flatten());
            // What is alive was brought back by somebody.
            !gone && !fate.alive.contains(&entry.file)
        });
        past.into_iter().for_each(|past| list.remember(past));
        list.changed = true;
    }

    /// Leaves files alone for a day.
    pub fn postpone(&self, files: &[u64]) {
        let time = self.clock.now();
        let mut list = self.list();
        let hit = |entry: &&mut Waiting| files.contains(&entry.file);
        for entry in list.waiting.iter_mut().filter(hit) {
            entry.due = time + DAY;
        }
        list.changed = true;
    }

    /// Writes the list to the state directory, if it has changed; tells whether it had.
    pub fn store(&self) -> bool {
        let Some(file) = &self.file else { return false };
        if !self.list().changed || self.unsure().is_some() {
            return false;
        }
        self.journal.fold(|| {
            let mut list = self.list();
            list.changed = false;
            let text = list.text();
            drop(list);
            let follows = "what is deleted until then may stay in the bin after a restart";
            let written = file.write(&text, follows);
            self.list().changed |= !written;
            written
        });
        true
    }
}

#[cfg(any(test, fuzzing))]
impl Waste {
    /// Keeps a list in memory alone.
    pub fn of(list: List, clock: Clock) -> Self {
        Self {
            keep: Bin::Days(7),
            clock,
            list: Mutex::new(list),
            file: None,
            journal: Journal::default(),
            unsure: Mutex::default(),
            _lock: None,
        }
    }

    /// The list as it is now.
    pub fn into_list(self) -> List {
        self.list
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The list's file.
fn list_file(config: &Config) -> Option<PathBuf> {
    config.state_file("bin", "json")
}

/// The right to keep a list; none where files can't be locked, Err if another process has it.
fn lock(file: &Path) -> Result<Option<fs::File>, ()> {
    let Ok(lock) = disk::lock_file(&file.with_extension("lock")) else {
        return Ok(None);
    };
    match lock.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(()),
        tried => Ok(tried.is_ok().then_some(lock)),
    }
}

fn read(file: &Path) -> List {
    let list = match disk::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return List::default(),
        Err(error) => Err(error.to_string()),
        Ok(text) => List::parse(&text).map_err(|error| error.to_string()),
    };
    match list {
        Ok(list) => list,
        Err(error) => {
            warn!(
                "the list of what is to be purged can't be read from {}: {error}; what stood in \
                 it stays in the bin, where `restic-123pan bin list` shows it",
                file.display()
            );
            List::default()
        }
    }
}
