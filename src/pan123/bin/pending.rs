//! The list of what this server has put into the bin: since when each file lies there and when it
//! is to be purged, kept in the state directory so that it survives a restart. Nothing here calls
//! the cloud; ages are counted by its time, or not at all. The purging itself is the background's.
//!
//! The list is a convenience, never the truth: what isn't in it stays in the bin, and what is in
//! it is purged only while 123pan still shows it there (safety rule 19).

use super::journal::{Journal, JournalEntry};
use super::list::{DAY, List, NEVER, PurgeRecord, Retention, Trashed, Waiting};
use crate::cloud::time::Time;
use crate::disk::{self, StateFile};
use crate::pan123::api::BATCH;
use crate::pan123::config::{Bin, Config};
use crate::sync::lock;
use crate::warning::Kind;
use log::{info, warn};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Most files that are remembered; beyond it the oldest stay in the bin.
const MOST: usize = 200_000;

/// What `infos` said of files on the list.
#[derive(Debug, Default)]
pub struct PurgeOutcome {
    /// We have destroyed them.
    pub gone: HashSet<u64>,
    /// 123pan doesn't know them: others have destroyed them.
    pub missing: HashSet<u64>,
    /// They aren't in the bin.
    pub alive: HashSet<u64>,
}

/// The list, and where it is kept.
pub struct PendingPurges {
    keep: Bin,
    time: Arc<Time>,
    list: Mutex<List>,
    file: Option<StateFile>,
    journal: Journal,
    /// Removals that an earlier process had noted and may not have carried out.
    uncommitted: Mutex<Vec<(u64, Trashed)>>,
    /// Held as long as the process lives: one process keeps the list of a state directory.
    _lock: Option<fs::File>,
}

impl PendingPurges {
    /// What an earlier process has left.
    pub fn new(config: &Config, time: &Arc<Time>) -> Self {
        let file = list_file(config);
        let claimed = file.as_deref().map_or(Ok(None), claim);
        if let (Err(()), Some(file)) = (&claimed, &file) {
            info!(
                "another process keeps {}: what this one deletes stays in the bin if it is \
                 restarted before its purge",
                file.display()
            );
        }
        let file = file.filter(|_| claimed.is_ok());
        let list = file.as_deref().map(read).unwrap_or_default();
        let journal = file.as_deref().map(Journal::beside).unwrap_or_default();
        let uncommitted = journal.read(&list.waiting.iter().map(|entry| entry.file).collect());
        Self {
            keep: config.shared.bin,
            time: Arc::clone(time),
            list: Mutex::new(list),
            file: file.map(StateFile::new),
            journal,
            uncommitted: Mutex::new(uncommitted),
            _lock: claimed.unwrap_or_default(),
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
        let noted = noted.into_iter().flat_map(|(_, trashed)| trashed.files);
        let list = Self::peek(config);
        let waiting = list.waiting.iter().map(|entry| entry.file);
        noted.chain(waiting).collect()
    }

    /// How many files are on the list.
    pub fn len(&self) -> usize {
        lock(&self.list).waiting.len()
    }

    /// Notes what is about to go into the bin; the answer is dropped when it has been added.
    pub fn note(&self, trashed: &[Trashed]) -> JournalEntry<'_> {
        self.journal.note(trashed, self.now())
    }

    /// The first of the removals that an earlier process may not have carried out.
    pub fn uncommitted(&self) -> Option<Vec<u64>> {
        let uncommitted = lock(&self.uncommitted);
        uncommitted
            .first()
            .map(|(_, trashed)| trashed.files.clone())
    }

    /// Adds what of it lies in the bin, and forgets the rest.
    pub fn recall(&self, in_bin: &[u64]) {
        let mut uncommitted = lock(&self.uncommitted);
        let (since, mut trashed) = uncommitted.remove(0);
        drop(uncommitted);
        trashed.files.retain(|file| in_bin.contains(file));
        self.add_since(&[trashed], since);
    }

    /// Adds what has gone into the bin.
    pub fn add(&self, trashed: &[Trashed]) {
        self.add_since(trashed, self.now());
    }

    /// The cloud's time; 0 if it isn't known, and then the days begin when it is.
    fn now(&self) -> u64 {
        self.time.now().unwrap_or(0)
    }

    /// The same for what has gone there at this time.
    pub fn add_since(&self, trashed: &[Trashed], since: u64) {
        let mut list = lock(&self.list);
        // What was brought back and removed again begins anew.
        let again: HashSet<u64> = trashed.iter().flat_map(|t| t.files.clone()).collect();
        list.waiting.retain(|entry| !again.contains(&entry.file));
        for trashed in trashed.iter().filter(|trashed| !trashed.files.is_empty()) {
            let due = match (self.keep, trashed.retention) {
                (Bin::Keep, _) | (_, Retention::Forever) => NEVER,
                (Bin::Purge, _) | (Bin::Days(_), Retention::Immediate) => 0,
                (Bin::Days(days), Retention::Configured) => {
                    since.saturating_add(u64::from(days) * DAY)
                }
            };
            let (repo, kind) = (list.number(&trashed.repo), trashed.kind);
            list.waiting
                .extend(trashed.files.iter().map(|file| Waiting {
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

    /// Whether something waits whose days can't be counted yet.
    pub fn needs_time(&self) -> bool {
        let is_counted = |entry: &Waiting| entry.due != 0 && entry.due != NEVER;
        self.time.now().is_none() && lock(&self.list).waiting.iter().any(is_counted)
    }

    /// Up to a hundred files whose time has come.
    pub fn due(&self) -> Vec<u64> {
        let time = self.time.now();
        let mut list = lock(&self.list);
        if let Some(time) = time {
            list.mend(time);
        }
        let is_due =
            |entry: &&Waiting| entry.due == 0 || time.is_some_and(|time| entry.due <= time);
        let due = list.waiting.iter().filter(is_due).take(BATCH);
        due.map(|entry| entry.file).collect()
    }

    /// The up to a hundred files that have been in the bin for longest, save those that are kept.
    pub fn oldest(&self) -> Vec<u64> {
        let list = lock(&self.list);
        let purgeable = list.waiting.iter().filter(|entry| entry.due != NEVER);
        purgeable.take(BATCH).map(|entry| entry.file).collect()
    }

    /// Learns what has become of files.
    pub fn learn(&self, outcome: &PurgeOutcome) {
        let mut list = lock(&self.list);
        let mut past: Vec<PurgeRecord> = Vec::new();
        list.waiting.retain(|entry| {
            let gone = outcome.gone.contains(&entry.file) || outcome.missing.contains(&entry.file);
            past.extend(gone.then(|| PurgeRecord::of(entry)).flatten());
            // What is alive was brought back by somebody.
            !gone && !outcome.alive.contains(&entry.file)
        });
        past.into_iter().for_each(|past| list.remember(past));
        list.changed = true;
    }

    /// Leaves files alone for a day.
    pub fn postpone(&self, files: &[u64]) {
        let time = self.now();
        let mut list = lock(&self.list);
        let hit = |entry: &&mut Waiting| files.contains(&entry.file);
        for entry in list.waiting.iter_mut().filter(hit) {
            entry.due = time + DAY;
        }
        list.changed = true;
    }

    /// Writes the list to the state directory, if it has changed; tells whether it had.
    pub fn store(&self) -> bool {
        let Some(file) = &self.file else { return false };
        if !lock(&self.list).changed || self.uncommitted().is_some() {
            return false;
        }
        self.journal.fold(|| {
            let mut list = lock(&self.list);
            list.changed = false;
            let text = list.text();
            drop(list);
            let follows = "what is deleted until then may stay in the bin after a restart";
            let written = file.write(&text, follows);
            lock(&self.list).changed |= !written;
            written
        });
        true
    }
}

#[cfg(any(test, fuzzing))]
impl PendingPurges {
    /// Keeps a list in memory alone.
    pub fn of(list: List, time: Time) -> Self {
        Self {
            keep: Bin::Days(7),
            time: Arc::new(time),
            list: Mutex::new(list),
            file: None,
            journal: Journal::default(),
            uncommitted: Mutex::default(),
            _lock: None,
        }
    }

    /// The list as it is now.
    pub fn into_list(self) -> List {
        crate::sync::into_inner(self.list)
    }
}

/// The list's file.
fn list_file(config: &Config) -> Option<PathBuf> {
    config.state_file("bin", "json")
}

/// The right to keep a list; none where files can't be locked, Err if another process has it.
fn claim(file: &Path) -> Result<Option<fs::File>, ()> {
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
                target: &Kind::StateUnread.about(file.display()),
                "the list of what is to be purged can't be read from {}: {error}; what stood in \
                 it stays in the bin, where `restic-123pan bin list` shows it",
                file.display()
            );
            List::default()
        }
    }
}
