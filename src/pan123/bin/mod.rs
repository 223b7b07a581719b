//! Removing files: into the account's bin, many in one call, each answered by what has become of
//! it. The list of what is to be purged from there is `waste`'s, the purging `purge`'s.
//!
//! What trash does with ids that are unknown or in the bin already isn't documented (API
//! reference 3.19), so a failed call says nothing about any one of them: `infos` does (safety
//! rule 18).

use super::call::Fault;
use super::judge::Why;
use super::known::{CONFIG, Path, owner};
use super::pace::Priority;
use super::tree::{BATCH, Scan};
use super::waste::Thrown;
use super::{Cloud, key, priority};
use crate::restic::{File, Id, Kind, Repo};
use crate::store::Error;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Files of one name that go into the bin.
#[derive(Clone, Debug)]
pub struct Doomed {
    /// Their folder.
    pub path: String,
    /// Their numbers; one, but for doubles.
    pub files: Vec<u64>,
    /// How long they stay in the bin.
    pub purge: Purge,
}

/// How long something stays in the bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// As configured.
    Usual,
    /// It goes at once, however long others stay.
    AtOnce,
    /// It is left there, whatever is configured: without its config a repository is lost.
    Never,
}

/// Removals that may still come to pass although their DELETEs were answered with an error, by
/// folder and name (safety rule 4).
#[derive(Default)]
pub struct Doubtful(Mutex<HashMap<(String, Id), Vec<u64>>>);

impl Doubtful {
    fn all(&self) -> MutexGuard<'_, HashMap<(String, Id), Vec<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cloud {
    /// Removes files and answers for each. Ids of packs are believed, as they are many and never
    /// change; all others come from a fresh list (safety rule 17).
    pub fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let mut batch = Batch {
            cloud: self,
            scans: HashMap::new(),
            settled: HashMap::new(),
        };
        let found: Vec<Result<Doomed, Error>> = files
            .iter()
            .map(|(repo, file)| batch.find(repo, file))
            .collect();
        let doomed: Vec<Doomed> = found
            .iter()
            .filter_map(|found| found.as_ref().ok())
            .cloned()
            .collect();
        let first = files.iter().map(|(_, file)| priority(file.kind())).min();
        let mut removed = self
            .discard(&doomed, first.unwrap_or(Priority::Packs))
            .into_iter();
        let answer = |(found, (repo, file)): (Result<Doomed, Error>, &(Repo, File))| {
            let doomed = found?;
            let done = removed.next().unwrap_or(Ok(()));
            let name = (self.folder(repo, file), key(file));
            match &done {
                Ok(()) => {
                    self.tree.damage.mended(&name);
                    self.doubtful.all().remove(&name)
                }
                Err(_) => self.doubtful.all().insert(name, doomed.files),
            };
            done
        };
        found.into_iter().zip(files).map(answer).collect()
    }

    /// Puts files into the bin and answers for each name.
    pub fn discard(&self, doomed: &[Doomed], first: Priority) -> Vec<Result<(), Error>> {
        let all: HashSet<u64> = doomed
            .iter()
            .flat_map(|name| name.files.iter().copied())
            .collect();
        let all: Vec<u64> = all.into_iter().collect();
        let going: Vec<Thrown> = doomed.iter().filter_map(|name| self.thrown(name)).collect();
        let _noted = self.waste.note(&going);
        let mut failed = HashMap::new();
        for batch in all.chunks(BATCH) {
            self.trash(batch, first, &mut failed);
        }
        let mut thrown = Vec::new();
        let gone = |name: &Doomed| {
            if let Some(fault) = name.files.iter().find_map(|file| failed.get(file)) {
                return Err(Error::from(fault.clone()).during("moving it into 123pan's bin"));
            }
            self.tree
                .known()
                .removed(&name.path, &name.files, Instant::now());
            self.fence.forget(&name.files);
            thrown.extend(self.thrown(name));
            Ok(())
        };
        let removed = doomed.iter().map(gone).collect();
        self.waste.add(&thrown);
        removed
    }

    /// What is to be purged later of a name; nothing of a config.
    fn thrown(&self, name: &Doomed) -> Option<Thrown> {
        let (repo, kind) = owner(&name.path);
        let thrown = Thrown {
            repo: repo.to_owned(),
            kind: kind?,
            files: name.files.clone(),
            purge: name.purge,
        };
        (name.purge != Purge::Never).then_some(thrown)
    }

    /// Trashes up to a hundred files; those that aren't in the bin afterwards have failed.
    fn trash(&self, files: &[u64], first: Priority, failed: &mut HashMap<u64, Fault>) {
        let Err(fault) = self.door.trash(files, first) else {
            return;
        };
        let alive = match fault.why {
            // Nothing has been done, and asking wouldn't work either.
            Why::Unreachable | Why::Token | Why::NoToken | Why::Throttled | Why::Blocked => Err(()),
            _ => self.alive(files, first),
        };
        match alive {
            Ok(alive) if alive.is_empty() => {}
            // The call did some of it, or one of the ids spoils it for the others.
            Ok(alive) if files.len() > 1 => {
                let (one, other) = alive.split_at(alive.len().div_ceil(2));
                for half in [one, other].into_iter().filter(|half| !half.is_empty()) {
                    self.trash(half, first, failed);
                }
            }
            _ => failed.extend(files.iter().map(|file| (*file, fault.clone()))),
        }
    }

    /// Those of these files that aren't in the bin, or may not be.
    fn alive(&self, files: &[u64], first: Priority) -> Result<Vec<u64>, ()> {
        let rows = self.door.infos(files, first).map_err(drop)?;
        let (known, time) = (self.tree.known(), Instant::now());
        let is_alive = |file: &u64| match rows.iter().find(|row| row.file_id == *file) {
            Some(row) => row.trashed == 0,
            // What was just written may only be late.
            None => known.is_own(*file, time),
        };
        Ok(files.iter().copied().filter(is_alive).collect())
    }

    /// Completes a removal that failed before, so that it can't come to pass after a new upload of
    /// the same name (safety rule 4).
    pub fn finish_removal(&self, path: &Path, name: Id, first: Priority) -> Result<(), Error> {
        let key = (path.to_owned(), name);
        let Some(files) = self.doubtful.all().get(&key).cloned() else {
            return Ok(());
        };
        let doomed = Doomed {
            path: key.0.clone(),
            files,
            purge: match name {
                CONFIG => Purge::Never,
                _ => Purge::Usual,
            },
        };
        self.discard(&[doomed], first).pop().unwrap_or(Ok(()))?;
        self.doubtful.all().remove(&key);
        Ok(())
    }
}

/// A batch of removals, in which each folder is listed once.
struct Batch<'a> {
    cloud: &'a Cloud,
    scans: HashMap<String, Option<Scan>>,
    settled: HashMap<Repo, Result<(), Error>>,
}

impl Batch<'_> {
    /// What must go for a file to be gone.
    fn find(&mut self, repo: &Repo, file: &File) -> Result<Doomed, Error> {
        let cloud = self.cloud;
        let (path, first) = (cloud.folder(repo, file), priority(file.kind()));
        if file.kind() == Some(Kind::Locks) {
            self.settle(repo, first)?;
        }
        let promised = cloud.fence.promised(repo, &path, key(file));
        let known = match file.kind() {
            // Nobody has looked yet whether this server's own is the only one.
            Some(Kind::Data) if promised.is_some() => cloud.tree.look(&path, key(file), first)?,
            Some(Kind::Data) => cloud.tree.locate(&path, key(file), first)?,
            _ => self
                .scan(&path, first)?
                .map(|scan| scan.files.named(key(file)))
                .unwrap_or_default(),
        };
        if file.kind() == Some(Kind::Index) && !known.is_empty() {
            self.settle(repo, first)?;
            cloud.check_others(repo, &path, key(file))?;
        }
        let mut files: Vec<u64> = known.iter().map(|known| known.file).collect();
        files.extend(promised.filter(|file| !known.iter().any(|known| known.file == *file)));
        Ok(Doomed {
            path,
            files,
            purge: match file.kind() {
                None => Purge::Never,
                Some(Kind::Locks) => Purge::AtOnce,
                Some(_) => Purge::Usual,
            },
        })
    }

    /// Makes sure of what a lock protected before it goes, and of what replaces an index file
    /// before that goes (safety rule 9).
    fn settle(&mut self, repo: &Repo, first: Priority) -> Result<(), Error> {
        let settled = self.settled.entry(repo.clone());
        let settle = || self.cloud.settle(repo, first);
        settled.or_insert_with(settle).clone()
    }

    fn scan(&mut self, path: &Path, first: Priority) -> Result<Option<&Scan>, Error> {
        if !self.scans.contains_key(path) {
            let scan = self.cloud.tree.scan(path, first)?;
            self.scans.insert(path.to_owned(), scan);
        }
        Ok(self.scans.get(path).and_then(Option::as_ref))
    }
}
