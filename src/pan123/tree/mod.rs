//! Paths to numbers: finds folders and files by reading lists, and reads whole lists so that they
//! can be believed. What is known meanwhile is `known`'s; making folders is `make`'s.

mod damage;
pub mod files;
pub mod known;
pub mod list;
mod locate;
mod make;
pub mod moved;
mod packs;
pub mod paths;
mod read;

use super::api::{Api, Row};
use crate::cloud::{Fault, Priority, Reason};
use crate::lines::shown;
use crate::store::{Cause, Error};
use crate::sync::lock;
use crate::warning::Kind;
use damage::Damage;
use files::Files;
use known::{Knowledge, Merged};
use log::{info, warn};
use paths::{Path, join, parent, way};
use read::Lists;
use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// How often a path is looked up anew when what was known turns out stale.
const ROUNDS: usize = 3;

/// The account's folders and files.
pub struct Tree {
    api: Arc<Api>,
    /// What isn't there as it was stored.
    pub damage: Damage,
    lists: Lists,
    known: Mutex<Knowledge>,
    making: Mutex<HashSet<String>>,
    made: Condvar,
    /// What the log has been told once.
    said: Mutex<HashSet<String>>,
}

/// The living files of a folder, read from the cloud.
pub struct Scan {
    /// Those that the cloud shows, with their etags.
    pub rows: Vec<Row>,
    /// All of them, sorted, with those that this server wrote and the cloud doesn't show yet.
    pub files: Files,
}

impl Tree {
    /// Knows nothing yet, and asks through `api`.
    pub fn new(api: Arc<Api>) -> Self {
        let known = Mutex::new(Knowledge::new(api.timing().overlay));
        Self {
            api,
            damage: Damage::default(),
            lists: Lists::default(),
            known,
            making: Mutex::default(),
            made: Condvar::new(),
            said: Mutex::default(),
        }
    }

    /// What is known.
    pub fn known(&self) -> MutexGuard<'_, Knowledge> {
        lock(&self.known)
    }

    /// A folder's numbers, from memory if they are there; None only if the cloud has just said
    /// that it doesn't exist.
    pub fn find(&self, path: &Path, priority: Priority) -> Result<Option<Vec<u64>>, Error> {
        let known = self.known().ids(path);
        if known.is_some() || self.scan(parent(path), priority)?.is_none() {
            return Ok(known);
        }
        Ok(self.known().ids(path))
    }

    /// Whether a folder's numbers are in memory.
    fn knows(&self, path: &Path) -> bool {
        self.known().ids(path).is_some()
    }

    /// Reads a folder's list to its end. None only if the cloud has just said that there is no
    /// such folder.
    pub fn scan(&self, path: &Path, priority: Priority) -> Result<Option<Scan>, Error> {
        self.scan_anew(path, false, priority)
    }

    /// The same; `shown` if a list of the parent has just shown the folder.
    fn scan_anew(
        &self,
        path: &Path,
        mut shown: bool,
        priority: Priority,
    ) -> Result<Option<Scan>, Error> {
        for _ in 0..ROUNDS {
            // What isn't known, a list of the parent shows now.
            let fresh = std::mem::take(&mut shown) || !self.knows(path);
            let Some(ids) = self.find(path, priority)? else {
                return Ok(None);
            };
            let read = self.read(&ids, priority);
            // What a folder in the bin holds may still be listed.
            if self.forget_gone(path, priority)? {
                continue;
            }
            match read {
                // A parent that has just shown the folder needn't be asked again.
                Ok(rows) if fresh || !rows.is_empty() => {
                    return self.take_in(path, rows, priority).map(Some);
                }
                Err(fault) if !may_mean_gone(fault.reason) => return Err(read_error(path, fault)),
                // What is said about a number that is gone is unknown; it may be "empty"
                // (safety rule 12).
                read => {
                    if self.is_still_there(path, &ids, priority)? {
                        let rows = read.map_err(|fault| read_error(path, fault))?;
                        return self.take_in(path, rows, priority).map(Some);
                    }
                }
            }
        }
        Err(Error::new(
            Cause::Busy,
            format!("/{path} appears and disappears again and again"),
        ))
    }

    /// The same for a folder that a list of its parent has just shown.
    pub fn scan_shown(&self, path: &Path, priority: Priority) -> Result<Scan, Error> {
        let Some(ids) = self.known().ids(path) else {
            return Err(Error::new(Cause::Busy, format!("/{path} is gone again")));
        };
        let rows = self
            .read(&ids, priority)
            .map_err(|fault| read_error(path, fault))?;
        self.take_in(path, rows, priority)
    }

    /// Whether it is time to ask again whether a folder is still where it was.
    pub fn is_stale(&self, path: &Path) -> bool {
        let known = self.known();
        known.ids(path).is_some() && known.is_stale(path, Instant::now())
    }

    /// Whether a folder, or one above it, lies in the bin or elsewhere; then it is forgotten. That is
    /// asked once a minute at most: it costs a call.
    pub fn forget_gone(&self, path: &Path, priority: Priority) -> Result<bool, Error> {
        let now = Instant::now();
        let known = self.known();
        let way = known.numbered(way(path));
        let is_stale = way.iter().any(|(path, _)| known.is_stale(path, now));
        drop(known);
        if !is_stale {
            return Ok(false);
        }
        let ids: Vec<u64> = way.iter().flat_map(|(_, ids)| ids).copied().collect();
        let rows = self.api.infos(&ids, priority)?;
        // What isn't shown may only be late, and isn't asked about again for a minute either.
        let mut known = self.known();
        let all_there = known.saw_all(&way, &rows, now);
        way.iter()
            .filter(|_| all_there)
            .for_each(|(path, _)| known.saw(path, now));
        Ok(!all_there)
    }

    /// Whether a fresh list of the parent shows a folder, and no duplicate of it that hasn't been read;
    /// if it isn't there, it is forgotten.
    fn is_still_there(&self, path: &Path, ids: &[u64], priority: Priority) -> Result<bool, Error> {
        if path.is_empty() {
            return Ok(true);
        }
        let parent_there = self.scan(parent(path), priority)?.is_some();
        let mut known = self.known();
        let now = known.ids(path).unwrap_or_default();
        let there = parent_there && ids == now;
        if !parent_there {
            known.forget_folder(path);
        }
        Ok(there)
    }

    /// Lays what is known over a complete list, asking `infos` about what doesn't fit.
    fn take_in(&self, path: &Path, rows: Vec<Row>, priority: Priority) -> Result<Scan, Error> {
        let before = self.known().files(path);
        let mut merged = self.known().merge(path, rows, Instant::now());
        let said = self.api.infos(&merged.doubtful, priority)?;
        self.mention(path, &merged);
        self.mention_moved(path, &before, &merged, &said);
        for text in self.damage.compare(path, &before, &merged.rows) {
            self.api.client.troubles.damaged(&text);
        }
        let mut known = self.known();
        known.learn(path, &mut merged, said);
        known.listed(path, Instant::now());
        let files = known.files(path);
        drop(known);
        self.read_new_duplicates(path, &merged.new_duplicates, priority)?;
        Ok(Scan {
            rows: merged.rows,
            files,
        })
    }

    /// What is inside a folder's new duplicate are duplicates of what is known inside the folder.
    fn read_new_duplicates(
        &self,
        path: &Path,
        names: &[String],
        priority: Priority,
    ) -> Result<(), Error> {
        let folders = names.iter().map(|name| join(path, name));
        for folder in folders.filter(|folder| !self.known().subfolders(folder).is_empty()) {
            self.scan_shown(&folder, priority)?;
        }
        Ok(())
    }

    fn mention(&self, path: &Path, merged: &Merged) {
        let mut said = lock(&self.said);
        for name in &merged.stray {
            if said.insert(join(path, name)) {
                let (path, name) = (shown(path), shown(name));
                info!("/{path} holds \"{name}\", which isn't a restic file; it is left alone");
            }
        }
        for name in &merged.duplicates {
            if said.insert(join(path, name)) {
                let (path, name) = (shown(path), shown(name));
                warn!(
                    target: &Kind::Doubled.about(format!("/{path}/{name}")),
                    "/{path} has several folders \"{name}\"; what is in them is read as one, and new \
                     files go into the oldest: move the others' files there by hand"
                );
            }
        }
    }

    /// All rows of the folders with these numbers, those in the bin among them.
    pub fn read(&self, ids: &[u64], priority: Priority) -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        for id in ids {
            rows.extend(self.lists.read(&self.api, *id, priority)?);
        }
        Ok(rows)
    }
}

/// Whether an answer to a list may be about a folder that doesn't exist any more.
fn may_mean_gone(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NoFile | Reason::NoParent | Reason::Unknown | Reason::Lost
    )
}

fn read_error(path: &Path, fault: Fault) -> Error {
    Error::from(fault).during(format!("reading /{path}"))
}
