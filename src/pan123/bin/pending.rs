//! The list of what this server has put into the bin: since when each file lies there and what it is
//! kept for, kept in a log of the state directory so that it survives a restart. When something is to
//! be purged follows from how the process that asks is configured. Nothing here calls the cloud; ages
//! are counted by its time, or not at all. The purging itself is the background's.
//!
//! A file is noted before it goes into the bin, so that a killed server's removals are purged by the
//! next one. The list is a convenience, never the truth: what isn't on it stays in the bin, as does
//! what a power cut costs, and what is on it is purged only while 123pan still shows it there (safety
//! rule 19).

use super::earlier;
use super::list::{List, Stage, Waiting, unread};
use super::removal::{DAY, NEVER, Removal, Retention};
use crate::cloud::time::Time;
use crate::disk::{self, log::Log};
use crate::pan123::api::BATCH;
use crate::pan123::config::{Bin, Config};
use crate::pan123::tree::paths::owner;
use crate::sync::lock;
use log::info;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Most files that are remembered; beyond it the oldest stay in the bin.
const MOST: usize = 200_000;
/// What follows if the log can't be written.
const FOLLOWS: &str = "what is deleted until then may stay in the bin after a restart";

/// The list, and where it is kept.
pub struct PendingPurges {
    bin: Bin,
    time: Arc<Time>,
    list: Mutex<List>,
    /// The same on disk; written while `list` is held.
    log: Log,
    keeps: bool,
    /// Held as long as the process lives: one process keeps the list of a state directory.
    _lock: Option<fs::File>,
}

impl PendingPurges {
    /// What an earlier process has left.
    pub fn new(config: &Config, time: &Arc<Time>) -> Self {
        let path = config.state_file("bin", "log");
        let claimed = path.as_deref().map_or(Ok(None), claim);
        if let (Err(()), Some(path)) = (&claimed, &path) {
            info!(
                "another process keeps {}: what this one deletes stays in the bin if it is \
                 restarted before its purge",
                path.display()
            );
        }
        let path = path.filter(|_| claimed.is_ok());
        let opened = path.and_then(|path| open(&path));
        let keeps = opened.is_some();
        let (list, log) = opened.unwrap_or_default();
        Self {
            bin: config.shared.bin,
            time: Arc::clone(time),
            list: Mutex::new(list),
            log,
            keeps,
            _lock: claimed.unwrap_or_default(),
        }
    }

    /// Whether this process keeps the list, and whatever else is kept beside it.
    pub fn keeps(&self) -> bool {
        self.keeps
    }

    /// The list as it is on disk, without keeping it: the server that does may be running.
    pub fn peek(config: &Config) -> List {
        let path = config.state_file("bin", "log");
        let log = Log::new(path.clone(), "");
        path.map(|path| read(&log, &path)).unwrap_or_default()
    }

    /// Whether a file is on the list.
    pub fn has(&self, file: u64) -> bool {
        lock(&self.list).waiting.contains_key(&file)
    }

    /// How many files are on the list.
    pub fn len(&self) -> usize {
        lock(&self.list).waiting.len()
    }

    /// Notes what is about to go into the bin, unless it stays there whatever is configured. What was
    /// brought back and is removed again begins anew.
    pub fn note(&self, removals: &[Removal]) {
        let since = self.time.now().unwrap_or(0);
        let passes = |removal: &&Removal| removal.retention != Retention::Forever;
        self.change(|list| {
            let mut noted = Vec::new();
            for removal in removals.iter().filter(passes) {
                let (repo, Some(kind)) = owner(&removal.path) else {
                    continue;
                };
                let entry = Waiting {
                    repo: list.place(repo),
                    kind,
                    stage: Stage::Going,
                    since,
                    retention: removal.retention,
                    postponed: 0,
                };
                noted.extend(&removal.files);
                let files = removal.files.iter();
                list.waiting.extend(files.map(|file| (*file, entry)));
            }
            let too_many = list.waiting.len().saturating_sub(MOST);
            let oldest = list.oldest(too_many, |_| true);
            list.remove("left", &oldest) + &list.lines(&noted)
        });
    }

    /// Learns which of the files that have come so far lie in the bin; the others leave the list.
    pub fn settle(&self, from: Stage, files: &[u64], is_in_bin: impl Fn(&u64) -> bool) {
        self.change(|list| {
            let is_there =
                |file: &&u64| (list.waiting.get(file)).is_some_and(|entry| entry.stage == from);
            let there = files.iter().filter(is_there);
            let (trashed, left): (Vec<u64>, Vec<u64>) = there.partition(|file| is_in_bin(file));
            let left = list.remove("left", &left);
            left + &list.set(&trashed, |entry| {
                entry.stage = Stage::Trashed;
                if let (Stage::Going, Some(time)) = (from, self.time.now()) {
                    entry.since = time;
                }
            })
        });
    }

    /// Up to a hundred files that an earlier process was about to put into the bin.
    pub fn uncommitted(&self) -> Vec<u64> {
        let is_open = |entry: &Waiting| entry.stage == Stage::Uncommitted;
        lock(&self.list).oldest(BATCH, is_open)
    }

    /// Whether something waits whose days can't be counted yet.
    pub fn needs_time(&self) -> bool {
        let is_counted = |entry: &Waiting| entry.is_counted(self.bin);
        self.time.now().is_none() && lock(&self.list).waiting.values().any(is_counted)
    }

    /// Up to a hundred files whose time has come.
    pub fn due(&self) -> Vec<u64> {
        let time = self.time.now();
        if let Some(time) = time {
            self.change(|list| list.mend(self.bin, time));
        }
        lock(&self.list).oldest(BATCH, |entry| {
            let due = entry.due(self.bin).max(entry.postponed);
            let is_due = due == 0 || time.is_some_and(|time| due <= time);
            entry.stage == Stage::Trashed && is_due
        })
    }

    /// The up to a hundred files that have been in the bin for longest, save those that are kept.
    pub fn oldest(&self) -> Vec<u64> {
        let is_purgeable =
            |entry: &Waiting| entry.stage == Stage::Trashed && entry.due(self.bin) != NEVER;
        lock(&self.list).oldest(BATCH, is_purgeable)
    }

    /// Learns which files have been destroyed, and which somebody has brought back.
    pub fn learn(&self, purged: &[u64], alive: &[u64]) {
        self.change(|list| list.remove("purged", purged) + &list.remove("left", alive));
    }

    /// Leaves files alone for a day.
    pub fn postpone(&self, files: &[u64]) {
        let until = self.time.now().unwrap_or(0) + DAY;
        lock(&self.list).set(files, |entry| entry.postponed = until);
    }

    /// Writes down what couldn't be written when it came; tells whether there was anything.
    pub fn complete(&self) -> bool {
        let list = lock(&self.list);
        self.log.complete(is_open(&list), || list.text())
    }

    /// Changes the list, and appends the lines that say how.
    fn change(&self, change: impl FnOnce(&mut List) -> String) {
        let mut list = lock(&self.list);
        let lines = change(&mut list);
        if !lines.is_empty() {
            self.log.append(&lines, is_open(&list), || list.text());
        }
    }
}

#[cfg(any(test, fuzzing))]
impl PendingPurges {
    /// Keeps a list in memory alone.
    pub fn of(list: List, time: Time) -> Self {
        Self {
            bin: Bin::Days(7),
            time: Arc::new(time),
            list: Mutex::new(list),
            log: Log::default(),
            keeps: false,
            _lock: None,
        }
    }
}

fn is_open(list: &List) -> bool {
    !list.waiting.is_empty() || !list.past.is_empty()
}

/// The right to keep a list; none where files can't be locked, Err if another process has it.
fn claim(path: &Path) -> Result<Option<fs::File>, ()> {
    let Ok(lock) = disk::lock_file(&path.with_extension("lock")) else {
        return Ok(None);
    };
    match lock.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(()),
        tried => Ok(tried.is_ok().then_some(lock)),
    }
}

/// The list at a path and its log; none as long as that can't take the place of what an earlier
/// version has left.
fn open(path: &Path) -> Option<(List, Log)> {
    let log = Log::synced(path.to_owned(), FOLLOWS);
    let list = read(&log, path);
    if earlier::is_there(path) && !(log.replace(&list.text()) && earlier::remove(path)) {
        let path = path.display();
        info!("{path} can't take the place of an earlier version's list: {FOLLOWS}");
        return None;
    }
    Some((list, log))
}

/// The list as it is on disk.
fn read(log: &Log, path: &Path) -> List {
    let earlier = earlier::read(path);
    let logged = log.read().inspect_err(|error| unread(path, error));
    let mut text = logged.unwrap_or_default();
    text.extend_from_slice(earlier.as_bytes());
    List::parse(&text)
}
