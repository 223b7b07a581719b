//! Removing files: into the account's bin, many in one call, each answered by what has become of
//! it; and the list of what is to be purged from there. The purging itself is `purge`'s.
//!
//! What trash does with ids that are unknown or in the bin already isn't documented (API
//! reference 3.19), so a failed call says nothing about any one of them: `infos` does (safety
//! rule 18).

use super::call::Fault;
use super::judge::Why;
use super::known::{CONFIG, Path};
use super::pace::Priority;
use super::token::{now, replace};
use super::tree::{BATCH, Scan, named};
use super::{Bin, Cloud, Config, key, priority};
use crate::restic::{File, Id, Kind, Repo, hex};
use crate::store::Error;
use log::warn;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Most files that are remembered for a purge; beyond it the oldest stay in the bin.
const MOST: usize = 200_000;
/// Seconds since 1970 before which a clock is certainly wrong: a router without a battery starts
/// there. 2020-01-01.
const SANE: u64 = 1_577_836_800;

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

/// A file in the bin that is to be purged.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Waiting {
    /// Its number.
    pub file: u64,
    /// When, in seconds since 1970; 0 for at once.
    pub due: u64,
    /// When it was put there, in seconds since 1970.
    pub since: u64,
}

/// What this server has put into the bin.
pub struct Waste {
    keep: Bin,
    list: Mutex<List>,
    file: Option<PathBuf>,
    /// Held as long as the process lives: one process keeps the list of a state directory.
    _lock: Option<fs::File>,
    /// Files whose removal may still come to pass although their DELETE was answered with an
    /// error (safety rule 4).
    doubtful: Mutex<HashMap<(String, Id), Vec<u64>>>,
}

#[derive(Default)]
struct List {
    waiting: VecDeque<Waiting>,
    changed: bool,
}

impl Waste {
    /// What an earlier process has left to be purged.
    pub fn new(config: &Config) -> Self {
        let whose = format!(
            "{} {} {}",
            config.api_url, config.client_id, config.repo_path
        );
        let name = format!("bin-{}", hex(&Sha256::digest(whose)[..8]));
        let file = config
            .state_dir
            .as_ref()
            .map(|folder| folder.join(format!("{name}.json")));
        let lock = file.as_ref().and_then(|file| {
            let lock = fs::File::create(file.with_extension("lock")).ok()?;
            lock.try_lock().is_ok().then_some(lock)
        });
        let file = file.filter(|_| lock.is_some());
        let stored = file.as_ref().and_then(|file| fs::read(file).ok());
        let waiting = stored
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let list = Mutex::new(List {
            waiting,
            changed: false,
        });
        Self {
            keep: config.bin,
            list,
            file,
            _lock: lock,
            doubtful: Mutex::default(),
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubtful(&self) -> MutexGuard<'_, HashMap<(String, Id), Vec<u64>>> {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, files: &[u64], purge: Purge) {
        let since = now();
        let due = match (self.keep, purge) {
            (Bin::Keep, _) | (_, Purge::Never) => return,
            (Bin::Purge, _) | (Bin::Days(_), Purge::AtOnce) => 0,
            (Bin::Days(days), Purge::Usual) => since + u64::from(days) * 24 * 3600,
        };
        let mut list = self.list();
        list.waiting.extend(files.iter().map(|file| Waiting {
            file: *file,
            due,
            since,
        }));
        let most = list.waiting.len().saturating_sub(MOST);
        list.waiting.drain(..most);
        list.changed = true;
    }

    /// Up to a hundred files whose time has come.
    pub fn due(&self) -> Vec<Waiting> {
        let time = now();
        let mut list = self.list();
        if time >= SANE {
            // What was put there under a wrong clock stays its full time from now on.
            for entry in list
                .waiting
                .iter_mut()
                .filter(|entry| entry.due != 0 && entry.since < SANE)
            {
                entry.due += time - entry.since;
                entry.since = time;
            }
        }
        let is_due = |entry: &&Waiting| entry.due == 0 || (time >= SANE && entry.due <= time);
        list.waiting
            .iter()
            .filter(is_due)
            .take(BATCH)
            .copied()
            .collect()
    }

    /// Files that needn't be purged any more.
    pub fn done(&self, files: &HashSet<u64>) {
        let mut list = self.list();
        list.waiting.retain(|entry| !files.contains(&entry.file));
        list.changed = true;
    }

    /// Writes the list to the state directory, if it has changed.
    pub fn store(&self) {
        let Some(file) = &self.file else { return };
        let mut list = self.list();
        if !std::mem::take(&mut list.changed) {
            return;
        }
        let text = serde_json::to_vec(&list.waiting).unwrap_or_default();
        drop(list);
        if let Err(error) = replace(file, &text) {
            warn!(
                "what is to be purged from the bin can't be kept in {}: {error}; after a restart \
                 it stays in the bin",
                file.display()
            );
        }
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
                Ok(()) => self.bin.doubtful().remove(&name),
                Err(_) => self.bin.doubtful().insert(name, doomed.files),
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
        let mut failed = HashMap::new();
        for batch in all.chunks(BATCH) {
            self.trash(batch, first, &mut failed);
        }
        let gone = |name: &Doomed| {
            if let Some(fault) = name.files.iter().find_map(|file| failed.get(file)) {
                return Err(Error::from(fault.clone()).during("moving it into 123pan's bin"));
            }
            self.tree
                .known()
                .removed(&name.path, &name.files, Instant::now());
            self.fence.forget(&name.files);
            if !name.files.is_empty() {
                self.bin.add(&name.files, name.purge);
            }
            Ok(())
        };
        doomed.iter().map(gone).collect()
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
        let Some(files) = self.bin.doubtful().get(&key).cloned() else {
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
        self.bin.doubtful().remove(&key);
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
            let settled = self.settled.entry(repo.clone());
            settled
                .or_insert_with(|| cloud.settle(repo, first))
                .clone()?;
        }
        let known = match file.kind() {
            Some(Kind::Data) => cloud.tree.locate(&path, key(file), first)?,
            _ => self
                .scan(&path, first)?
                .map(|scan| named(&scan.files, key(file)))
                .unwrap_or_default(),
        };
        let files = known.iter().map(|known| known.file).collect();
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

    fn scan(&mut self, path: &Path, first: Priority) -> Result<Option<&Scan>, Error> {
        if !self.scans.contains_key(path) {
            let scan = self.cloud.tree.scan(path, first)?;
            self.scans.insert(path.to_owned(), scan);
        }
        Ok(self.scans.get(path).and_then(Option::as_ref))
    }
}
