//! What was acknowledged and hasn't been seen at the cloud yet: kept in memory until `fence` has
//! looked, with what is known of the clients that sent it.

use super::api::Row;
use super::known::{CONFIG, Path};
use crate::restic::{Id, Repo};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long restic believes in a lock that isn't refreshed: older ones were left by clients that
/// were killed, and others may have removed them.
const STALE: Duration = Duration::from_secs(30 * 60);

/// A file that was acknowledged, as it must be found.
#[derive(Clone, Debug)]
pub struct Promise {
    /// Its folder.
    pub path: String,
    /// What it is called by; the config by [`CONFIG`].
    pub name: Id,
    /// Its number.
    pub file: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its MD5.
    pub md5: String,
    /// When it was stored, or last looked for in the background.
    pub looked: Instant,
    /// What is known of its client.
    pub client: Client,
    /// Whether it was seen in the bin.
    pub binned: bool,
    /// Since when it can't be found.
    pub lost: Option<Instant>,
}

/// What is known of the client that sent a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Nothing: some clients don't lock.
    Unknown,
    /// There was a lock in the repository that had come through this server.
    Locked,
    /// Since then there was a moment without any such lock: the client has ended.
    Ended,
}

impl Promise {
    /// The name of its file.
    pub fn filename(&self) -> String {
        match self.name {
            CONFIG => "config".to_owned(),
            name => name.to_string(),
        }
    }

    /// Whether it is about the file of this name in this folder.
    pub fn is_about(&self, path: &Path, name: Id) -> bool {
        self.path == path && self.name == name
    }

    /// Whether this row, which has its number, is what was promised.
    pub fn is_kept_by(&self, row: &Row) -> bool {
        let accepted = row.is_file() && row.status <= 100;
        accepted && row.filename == self.filename() && row.holds(self.size, &self.md5)
    }

    /// Whether nobody can miss the file: somebody has removed it, and its client has ended without
    /// an index that names it, since that would have made sure of it.
    pub fn is_void(&self) -> bool {
        self.binned && self.client == Client::Ended
    }
}

/// What has been promised and not been seen yet.
#[derive(Default)]
pub struct Fence {
    promises: Mutex<HashMap<Repo, Vec<Promise>>>,
    /// Index files and snapshots that no list of the cloud has shown yet, by folder.
    unseen: Mutex<HashMap<Repo, Vec<(String, u64)>>>,
    /// Locks that this server has acknowledged and not removed.
    locks: Mutex<HashMap<Repo, HashMap<u64, Instant>>>,
}

impl Fence {
    /// Remembers a file whose presence is checked later.
    pub fn promise(&self, repo: &Repo, mut promise: Promise) {
        if self.locks().contains_key(repo) {
            promise.client = Client::Locked;
        }
        let mut promises = self.promises();
        let list = promises.entry(repo.clone()).or_default();
        list.retain(|old| !old.is_about(&promise.path, promise.name));
        list.push(promise);
    }

    /// Remembers an index file or a snapshot that lists don't show yet.
    pub fn unseen(&self, repo: &Repo, path: &Path, file: u64) {
        self.unseen_files()
            .entry(repo.clone())
            .or_default()
            .push((path.to_owned(), file));
    }

    /// Remembers a lock.
    pub fn locked(&self, repo: &Repo, file: u64) {
        let mut all = self.locks();
        let locks = all.entry(repo.clone()).or_default();
        locks.retain(|_, since| since.elapsed() < STALE);
        locks.insert(file, Instant::now());
    }

    /// The file that is promised under a name. Its row may have another name: a service that
    /// renames instead of refusing has stored it beside what had the name before.
    pub fn promised(&self, repo: &Repo, path: &Path, name: Id) -> Option<u64> {
        let promises = self.promises();
        let mut list = promises.get(repo)?.iter();
        list.find(|promise| promise.is_about(path, name))
            .map(|promise| promise.file)
    }

    /// Files that were removed needn't be there; when the last lock goes, its repository's clients
    /// have ended.
    pub fn forget(&self, files: &[u64]) {
        let mut ended = Vec::new();
        self.locks().retain(|repo, locks| {
            locks.retain(|lock, _| !files.contains(lock));
            if locks.is_empty() {
                ended.push(repo.clone());
            }
            !locks.is_empty()
        });
        for (repo, list) in self.promises().iter_mut() {
            list.retain(|promise| !files.contains(&promise.file));
            let locked = list.iter_mut().filter(|p| p.client == Client::Locked);
            if ended.contains(repo) {
                locked.for_each(|promise| promise.client = Client::Ended);
            }
        }
        for list in self.unseen_files().values_mut() {
            list.retain(|(_, file)| !files.contains(file));
        }
    }

    /// The promises of all repositories.
    pub fn promises(&self) -> MutexGuard<'_, HashMap<Repo, Vec<Promise>>> {
        self.promises.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locks(&self) -> MutexGuard<'_, HashMap<Repo, HashMap<u64, Instant>>> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What lists don't show yet, of all repositories.
    pub fn unseen_files(&self) -> MutexGuard<'_, HashMap<Repo, Vec<(String, u64)>>> {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves those that are still promised: what is removed meanwhile, or taken back by another
    /// request, needn't be there. What is sent again meanwhile must be there instead; whether there
    /// is any.
    pub fn follow(&self, repo: &Repo, open: &mut Vec<Promise>) -> bool {
        let promises = self.promises();
        let list = promises.get(repo).map(Vec::as_slice).unwrap_or_default();
        let mut again = false;
        open.retain_mut(|promise| {
            if list.iter().any(|other| other.file == promise.file) {
                return true;
            }
            let same = |other: &&Promise| other.is_about(&promise.path, promise.name);
            let new = list.iter().find(same);
            if let Some(new) = new {
                *promise = new.clone();
                again = true;
            }
            new.is_some()
        });
        again
    }

    /// Promises to these files have been kept.
    pub fn kept(&self, repo: &Repo, kept: &HashSet<u64>) {
        let mut promises = self.promises();
        if let Some(list) = promises.get_mut(repo) {
            list.retain(|promise| !kept.contains(&promise.file));
            if list.is_empty() {
                promises.remove(repo);
            }
        }
    }
}
