//! Removing files: what must go for a name to be gone, what must be seen at the cloud before, and
//! which removals may still come to pass although they failed. The way into the bin is `bin`'s.

use super::bin::{Removal, Retention};
use super::confirm::Confirm;
use super::tree::files::name_of;
use super::tree::paths::Path;
use super::tree::{Scan, Tree};
use crate::cloud::paths::{Root, priority_of};
use crate::cloud::{Priority, Timing};
use crate::restic::{File, Id, Kind, Repo};
use crate::store::{Cause, Error};
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Removes files.
pub struct Removals {
    /// How long a call is repeated.
    patience: Duration,
    root: Root,
    tree: Arc<Tree>,
    confirm: Arc<Confirm>,
    /// Removals that may still come to pass although their DELETEs were answered with an error, by
    /// folder and name (safety rule 4).
    doubtful: Mutex<HashMap<(String, Id), Removal>>,
}

impl Removals {
    /// Removes what lies below this folder.
    pub fn new(timing: &Timing, root: &Root, tree: &Arc<Tree>, confirm: &Arc<Confirm>) -> Self {
        Self {
            patience: timing.retry,
            root: root.clone(),
            tree: Arc::clone(tree),
            confirm: Arc::clone(confirm),
            doubtful: Mutex::default(),
        }
    }

    /// Removes files and answers for each. Ids of packs are believed, as they are many and never
    /// change; all others come from a fresh list (safety rule 17).
    pub fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let mut batch = Batch {
            removals: self,
            scans: HashMap::new(),
            confirmed: HashMap::new(),
        };
        let found = batch.find_all(files);
        let all: Vec<Removal> = found
            .iter()
            .filter_map(|found| found.as_ref().ok())
            .cloned()
            .collect();
        let priority = files.iter().map(|(_, file)| priority_of(file.kind()));
        let priority = priority.min().unwrap_or(Priority::Packs);
        let mut removed = self.confirm.discard(&all, priority).into_iter();
        let answer = |(found, (repo, file)): (Result<Removal, Error>, &(Repo, File))| {
            let removal = found?;
            let done = removed.next().unwrap_or(Ok(()));
            let name = (self.root.folder(repo, file), name_of(file));
            match &done {
                Ok(()) => lock(&self.doubtful).remove(&name),
                Err(_) => lock(&self.doubtful).insert(name, removal),
            };
            done
        };
        found.into_iter().zip(files).map(answer).collect()
    }

    /// Completes a removal that failed before, so that it can't come to pass after a new upload of
    /// the same name (safety rule 4).
    pub fn finish(&self, path: &Path, name: Id, priority: Priority) -> Result<(), Error> {
        let key = (path.to_owned(), name);
        let Some(removal) = lock(&self.doubtful).get(&key).cloned() else {
            return Ok(());
        };
        self.confirm
            .discard(&[removal], priority)
            .pop()
            .unwrap_or(Ok(()))?;
        lock(&self.doubtful).remove(&key);
        Ok(())
    }
}

/// A batch of removals, in which each folder is listed once.
struct Batch<'a> {
    removals: &'a Removals,
    scans: HashMap<String, Option<Scan>>,
    confirmed: HashMap<Repo, Result<(), Error>>,
}

impl Batch<'_> {
    /// What must go for each file to be gone. All of them together wait for a cloud that can't be
    /// used no longer than one call does.
    fn find_all(&mut self, files: &[(Repo, File)]) -> Vec<Result<Removal, Error>> {
        let (start, most) = (Instant::now(), self.removals.patience);
        let mut given_up: Option<Error> = None;
        let find = |(repo, file): &(Repo, File)| {
            if let Some(error) = &given_up {
                return Err(error.clone());
            }
            self.find(repo, file).inspect_err(|error| {
                let passes = matches!(error.cause, Cause::Busy | Cause::Cloud);
                if passes && start.elapsed() >= most {
                    given_up = Some(error.clone());
                }
            })
        };
        files.iter().map(find).collect()
    }

    /// What must go for a file to be gone.
    fn find(&mut self, repo: &Repo, file: &File) -> Result<Removal, Error> {
        let Removals {
            root,
            tree,
            confirm,
            ..
        } = self.removals;
        let (path, name) = (root.folder(repo, file), name_of(file));
        let priority = priority_of(file.kind());
        if file.kind() == Some(Kind::Locks) {
            self.confirm_first(repo, priority)?;
        }
        let acknowledged = confirm.unconfirmed.file(repo, &path, name);
        let known = match file.kind() {
            // Nobody has looked yet whether this server's own is the only one, or whether there is
            // another one in the other layout.
            Some(Kind::Data)
                if acknowledged.is_some() || tree.known().is_half_read(&path, name) =>
            {
                tree.look(&path, name, priority)?
            }
            Some(Kind::Data) => tree.locate(&path, name, priority)?,
            _ => self
                .scan(&path, priority)?
                .map(|scan| scan.files.named(name))
                .unwrap_or_default(),
        };
        if file.kind() == Some(Kind::Index) && !known.is_empty() {
            self.confirm_first(repo, priority)?;
            confirm.check_others(repo, &path, name)?;
        }
        let mut files: Vec<u64> = known.iter().map(|known| known.file).collect();
        files.extend(acknowledged.filter(|file| !known.iter().any(|known| known.file == *file)));
        Ok(Removal {
            path,
            name,
            files,
            retention: match file.kind() {
                None => Retention::Forever,
                Some(Kind::Locks) => Retention::Immediate,
                Some(_) => Retention::Configured,
            },
        })
    }

    /// Makes sure of what a lock protected before it goes, and of what replaces an index file
    /// before that goes (safety rule 9).
    fn confirm_first(&mut self, repo: &Repo, priority: Priority) -> Result<(), Error> {
        let confirmed = self.confirmed.entry(repo.clone());
        let confirm = || self.removals.confirm.wait_until_listed(repo, priority);
        confirmed.or_insert_with(confirm).clone()
    }

    fn scan(&mut self, path: &Path, priority: Priority) -> Result<Option<&Scan>, Error> {
        if !self.scans.contains_key(path) {
            let scan = self.removals.tree.scan(path, priority)?;
            self.scans.insert(path.to_owned(), scan);
        }
        Ok(self.scans.get(path).and_then(Option::as_ref))
    }
}
