//! What was acknowledged and hasn't been seen at the cloud yet: kept in memory until `fence` has
//! looked.

use super::known::Path;
use crate::restic::{Id, Repo};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A file that was acknowledged, as it must be found.
#[derive(Clone, Debug)]
pub struct Promise {
    /// Its folder.
    pub path: String,
    /// Its name; the config's is [`CONFIG`].
    pub name: Id,
    /// Its number.
    pub file: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its MD5.
    pub md5: String,
    /// Since when it can't be found.
    pub lost: Option<Instant>,
}

/// What has been promised and not been seen yet.
#[derive(Default)]
pub struct Fence {
    promises: Mutex<HashMap<Repo, Vec<Promise>>>,
    /// Index files and snapshots that no list of the cloud has shown yet, by folder.
    unseen: Mutex<HashMap<Repo, Vec<(String, u64)>>>,
}

impl Fence {
    /// Remembers a file whose presence is checked later.
    pub fn promise(&self, repo: &Repo, promise: Promise) {
        let mut promises = self.promises();
        let list = promises.entry(repo.clone()).or_default();
        list.retain(|old| (&old.path, old.name) != (&promise.path, promise.name));
        list.push(promise);
    }

    /// Remembers an index file or a snapshot that lists don't show yet.
    pub fn unseen(&self, repo: &Repo, path: &Path, file: u64) {
        self.unseen_files()
            .entry(repo.clone())
            .or_default()
            .push((path.to_owned(), file));
    }

    /// The file that is promised under a name. Its row may have another name: a service that
    /// renames instead of refusing has stored it beside what had the name before.
    pub fn promised(&self, repo: &Repo, path: &Path, name: Id) -> Option<u64> {
        let promises = self.promises();
        let mut list = promises.get(repo)?.iter();
        list.find(|promise| promise.name == name && promise.path == path)
            .map(|promise| promise.file)
    }

    /// Files that were removed needn't be there.
    pub fn forget(&self, files: &[u64]) {
        for list in self.promises().values_mut() {
            list.retain(|promise| !files.contains(&promise.file));
        }
        for list in self.unseen_files().values_mut() {
            list.retain(|(_, file)| !files.contains(file));
        }
    }

    /// The promises of all repositories.
    pub fn promises(&self) -> MutexGuard<'_, HashMap<Repo, Vec<Promise>>> {
        self.promises.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What lists don't show yet, of all repositories.
    pub fn unseen_files(&self) -> MutexGuard<'_, HashMap<Repo, Vec<(String, u64)>>> {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves those that are still promised: what is removed meanwhile, or taken back by another
    /// request, needn't be there.
    pub fn retain_promised(&self, repo: &Repo, open: &mut Vec<Promise>) {
        let promises = self.promises();
        let list = promises.get(repo).map(Vec::as_slice).unwrap_or_default();
        open.retain(|promise| list.iter().any(|other| other.file == promise.file));
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
