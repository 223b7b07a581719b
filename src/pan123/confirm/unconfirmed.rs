//! What was acknowledged and hasn't been seen at the cloud yet: kept in memory until `confirm` has
//! looked, and in `ledger` for the next process; and the locks from which it is told whether a
//! client has ended.

use super::acknowledged::{Acknowledged, AllAcknowledged, Client};
use super::ledger::Ledger;
use crate::pan123::bin::pending::PendingPurges;
use crate::pan123::tree::paths::{Path, holds_packs};
use crate::restic::{Id, Repo};
use crate::sync::lock;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How long restic believes in a lock that isn't refreshed: older ones were left by clients that
/// were killed, and others may have removed them.
const STALE: Duration = Duration::from_secs(30 * 60);

/// What was acknowledged and hasn't been seen yet.
pub struct Unconfirmed {
    acknowledged: Mutex<AllAcknowledged>,
    /// The same on disk; written while `acknowledged` is held.
    ledger: Ledger,
    /// Index files and snapshots that no list of the cloud has shown yet, by folder.
    unseen: Mutex<HashMap<String, Vec<u64>>>,
    /// Locks that this server has acknowledged and not removed.
    locks: Mutex<HashMap<Repo, HashMap<u64, Instant>>>,
}

impl Unconfirmed {
    /// Begins with what an earlier process has acknowledged by its ledger, but for what it has put
    /// into the bin, or was about to when it was killed.
    pub fn recall(ledger: Ledger, removed: &PendingPurges) -> Self {
        let mut done = Vec::new();
        let mut unconfirmed = Self {
            acknowledged: Mutex::default(),
            // What is added now stands in it already.
            ledger: ledger.without_file(),
            unseen: Mutex::default(),
            locks: Mutex::default(),
        };
        for (repo, file) in ledger.read() {
            if removed.has(file.number) {
                done.push(file.number);
                continue;
            }
            if !holds_packs(&file.path) {
                unconfirmed.unseen(&file.path, file.number);
            }
            unconfirmed.add(&repo, file);
        }
        unconfirmed.ledger = ledger;
        unconfirmed.ledger.done(&unconfirmed.all(), &done);
        unconfirmed
    }

    /// Remembers a file whose presence is checked later.
    pub fn add(&self, repo: &Repo, mut file: Acknowledged) {
        if lock(&self.locks).contains_key(repo) {
            file.client = Client::Locked;
        }
        let mut all = self.all();
        let list = all.entry(repo.clone()).or_default();
        let old = take(list, &|old| old.is_at(&file.path, file.name));
        let line = self.ledger.line(repo, &file);
        list.push(file);
        self.ledger.add(&all, &line);
        self.ledger.done(&all, &old);
    }

    /// Remembers an index file or a snapshot that lists don't show yet.
    pub fn unseen(&self, path: &Path, file: u64) {
        let mut unseen = lock(&self.unseen);
        unseen.entry(path.to_owned()).or_default().push(file);
    }

    /// The index files and snapshots of a folder that lists don't show yet.
    pub fn unseen_in(&self, path: &Path) -> Vec<u64> {
        lock(&self.unseen).get(path).cloned().unwrap_or_default()
    }

    /// These have been shown, or are known not to be there, so that nobody waits for them.
    pub fn shown(&self, files: &[u64]) {
        lock(&self.unseen).retain(|_, unseen| {
            unseen.retain(|file| !files.contains(file));
            !unseen.is_empty()
        });
    }

    /// Remembers a lock.
    pub fn locked(&self, repo: &Repo, file: u64) {
        let mut all = lock(&self.locks);
        let locks = all.entry(repo.clone()).or_default();
        locks.retain(|_, since| since.elapsed() < STALE);
        locks.insert(file, Instant::now());
    }

    /// The file that was acknowledged under a name. Its row may have another name: a service that
    /// renames instead of refusing has stored it beside what had the name before.
    pub fn file(&self, repo: &Repo, path: &Path, name: Id) -> Option<u64> {
        let all = self.all();
        let mut list = all.get(repo)?.iter();
        list.find(|file| file.is_at(path, name))
            .map(|file| file.number)
    }

    /// Files that were removed needn't be there; when the last lock goes, its repository's clients
    /// have ended.
    pub fn forget(&self, files: &[u64]) {
        let mut ended = Vec::new();
        lock(&self.locks).retain(|repo, locks| {
            locks.retain(|lock, _| !files.contains(lock));
            if locks.is_empty() {
                ended.push(repo.clone());
            }
            !locks.is_empty()
        });
        let (mut all, mut done) = (self.all(), Vec::new());
        for (repo, list) in all.iter_mut() {
            done.extend(take(list, &|file| files.contains(&file.number)));
            let locked = list.iter_mut().filter(|p| p.client == Client::Locked);
            for file in locked.filter(|_| ended.contains(repo)) {
                file.client = Client::Ended;
                done.push(file.number);
            }
        }
        self.ledger.done(&all, &done);
        drop(all);
        self.shown(files);
    }

    /// What is unconfirmed in a repository and hasn't waited for so long: then no client repeats its
    /// index any more, and a new backup must go on.
    pub fn open(&self, repo: &Repo, most: Duration) -> Vec<Acknowledged> {
        self.expire(repo, most);
        self.all().get(repo).cloned().unwrap_or_default()
    }

    fn expire(&self, repo: &Repo, most: Duration) {
        let now = self.ledger.now();
        self.end(repo, &|file| {
            file.waited(now).is_some_and(|time| time >= most)
        });
    }

    /// Drops what an earlier process has acknowledged too long ago; false as long as nobody can
    /// tell what that is.
    pub fn expire_earlier(&self, most: Duration) -> bool {
        let is_earlier = |file: &Acknowledged| file.client == Client::Earlier;
        let all = self.all();
        let earlier = all.iter().filter(|(_, list)| list.iter().any(is_earlier));
        let repos: Vec<Repo> = earlier.map(|(repo, _)| repo.clone()).collect();
        drop(all);
        repos.iter().for_each(|repo| self.expire(repo, most));
        repos.is_empty() || self.ledger.now().is_some()
    }

    /// What is unconfirmed in all repositories.
    pub fn all(&self) -> MutexGuard<'_, AllAcknowledged> {
        lock(&self.acknowledged)
    }

    /// Leaves those that are still unconfirmed: what is removed meanwhile, or taken back by another
    /// request, needn't be there. What is sent again meanwhile must be there instead; whether there
    /// is any.
    pub fn follow(&self, repo: &Repo, open: &mut Vec<Acknowledged>) -> bool {
        let all = self.all();
        let list = all.get(repo).map(Vec::as_slice).unwrap_or_default();
        let mut again = false;
        open.retain_mut(|file| {
            if list.iter().any(|other| other.number == file.number) {
                return true;
            }
            let same = |other: &&Acknowledged| other.is_at(&file.path, file.name);
            let new = list.iter().find(same);
            if let Some(new) = new {
                *file = new.clone();
                again = true;
            }
            new.is_some()
        });
        again
    }

    /// These files have been seen.
    pub fn confirmed(&self, repo: &Repo, seen: &HashSet<u64>) {
        self.end(repo, &|file| seen.contains(&file.number));
    }

    fn end(&self, repo: &Repo, is_over: &dyn Fn(&Acknowledged) -> bool) {
        let mut all = self.all();
        if let Some(list) = all.get_mut(repo) {
            let done = take(list, is_over);
            if list.is_empty() {
                all.remove(repo);
            }
            self.ledger.done(&all, &done);
        }
    }
}

/// Takes some out of a list; their numbers.
fn take(list: &mut Vec<Acknowledged>, is_one: &dyn Fn(&Acknowledged) -> bool) -> Vec<u64> {
    let taken = list.extract_if(.., |file| is_one(file));
    taken.map(|file| file.number).collect()
}
