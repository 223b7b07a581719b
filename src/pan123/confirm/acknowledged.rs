//! What was acknowledged and hasn't been seen at the cloud yet: kept in memory until `fence` has
//! looked, with what is known of the clients that sent it; and in `ledger`, for the next process.

use super::Config;
use super::api::Row;
use super::known::{CONFIG, Path};
use super::ledger::Ledger;
use super::paths::holds_packs;
use super::waste::Waste;
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
    /// The number of its folder, or 0.
    pub folder: u64,
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
    /// Nothing any more: an earlier process had the file from it.
    Earlier,
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

    /// For how long it has been missed, or if its client may be gone with an earlier process, how
    /// old it is.
    pub fn waited(&self) -> Option<Duration> {
        let earlier = (self.client == Client::Earlier).then_some(self.looked);
        earlier.or(self.lost).map(|since| since.elapsed())
    }
}

/// Promises, by repository.
pub type Promises = HashMap<Repo, Vec<Promise>>;

/// What has been promised and not been seen yet.
#[derive(Default)]
pub struct Fence {
    promises: Mutex<Promises>,
    /// The same on disk; written while `promises` is held.
    ledger: Ledger,
    /// Index files and snapshots that no list of the cloud has shown yet, by folder.
    unseen: Mutex<HashMap<Repo, Vec<(String, u64)>>>,
    /// Locks that this server has acknowledged and not removed.
    locks: Mutex<HashMap<Repo, HashMap<u64, Instant>>>,
}

impl Fence {
    /// Begins with what an earlier process has promised by its ledger, if that isn't too long ago,
    /// but for what it has put into the bin, or was about to when it was killed.
    pub fn recall(ledger: Ledger, config: &Config) -> Self {
        let recalled = ledger.read(config.timing.lost);
        let (mut fence, mut done) = (Self::default(), Vec::new());
        let removed = (!recalled.is_empty()).then(|| Waste::put(config));
        let removed = removed.unwrap_or_default();
        for (repo, promise) in recalled {
            if removed.contains(&promise.file) {
                done.push(promise.file);
                continue;
            }
            if !holds_packs(&promise.path) {
                fence.unseen(&repo, &promise.path, promise.file);
            }
            fence.promise(&repo, promise);
        }
        fence.ledger = ledger;
        fence.ledger.done(&fence.promises(), &done);
        fence
    }

    /// Remembers a file whose presence is checked later.
    pub fn promise(&self, repo: &Repo, mut promise: Promise) {
        if self.locks().contains_key(repo) {
            promise.client = Client::Locked;
        }
        let mut promises = self.promises();
        let list = promises.entry(repo.clone()).or_default();
        let old = take(list, &|old| old.is_about(&promise.path, promise.name));
        let line = self.ledger.line(repo, &promise);
        list.push(promise);
        self.ledger.add(&promises, &line);
        self.ledger.done(&promises, &old);
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
        let (mut promises, mut done) = (self.promises(), Vec::new());
        for (repo, list) in promises.iter_mut() {
            done.extend(take(list, &|promise| files.contains(&promise.file)));
            let locked = list.iter_mut().filter(|p| p.client == Client::Locked);
            for promise in locked.filter(|_| ended.contains(repo)) {
                promise.client = Client::Ended;
                done.push(promise.file);
            }
        }
        self.ledger.done(&promises, &done);
        drop(promises);
        for list in self.unseen_files().values_mut() {
            list.retain(|(_, file)| !files.contains(file));
        }
    }

    /// What is promised in a repository and hasn't waited for so long: then no client repeats its
    /// index any more, and a new backup must go on.
    pub fn open(&self, repo: &Repo, most: Duration) -> Vec<Promise> {
        let is_over = |promise: &Promise| promise.waited().is_some_and(|time| time >= most);
        self.end(repo, &is_over);
        self.promises().get(repo).cloned().unwrap_or_default()
    }

    /// The promises of all repositories.
    pub fn promises(&self) -> MutexGuard<'_, Promises> {
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
        self.end(repo, &|promise| kept.contains(&promise.file));
    }

    fn end(&self, repo: &Repo, is_over: &dyn Fn(&Promise) -> bool) {
        let mut promises = self.promises();
        if let Some(list) = promises.get_mut(repo) {
            let done = take(list, is_over);
            if list.is_empty() {
                promises.remove(repo);
            }
            self.ledger.done(&promises, &done);
        }
    }
}

/// Takes promises out of a list; their files.
fn take(list: &mut Vec<Promise>, is_one: &dyn Fn(&Promise) -> bool) -> Vec<u64> {
    let mut files = Vec::new();
    list.retain(|promise| {
        let taken = is_one(promise);
        files.extend(taken.then_some(promise.file));
        !taken
    });
    files
}
