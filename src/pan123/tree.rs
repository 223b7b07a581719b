//! Paths to numbers: finds folders and files by reading lists, makes folders when they are first
//! needed, each once, and reads whole lists so that they can be believed. What is known meanwhile
//! is `known`'s.

use super::api::Row;
use super::call::{Door, Fault};
use super::damage::Damage;
use super::judge::{Why, pause};
use super::known::{Files, Knowledge, Merged, Path, join, last, parent};
use super::pace::Priority;
use super::pages::Pages;
use crate::lines::shown;
use crate::store::{Cause, Error};
use log::{info, warn};
use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Most numbers in one call of `infos`: its own limit isn't documented, those of its neighbours
/// are 100.
pub const BATCH: usize = 100;
/// How often a path is looked up anew when what was known turns out stale.
const ROUNDS: usize = 3;

/// The account's folders and files.
pub struct Tree {
    pub(super) door: Arc<Door>,
    /// What isn't there as it was stored.
    pub damage: Damage,
    pages: Pages,
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
    /// Knows nothing yet, and asks through `door`.
    pub fn new(door: Arc<Door>) -> Self {
        let known = Mutex::new(Knowledge::new(door.timing.overlay));
        Self {
            door,
            damage: Damage::default(),
            pages: Pages::default(),
            known,
            making: Mutex::default(),
            made: Condvar::new(),
            said: Mutex::default(),
        }
    }

    /// What is known.
    pub fn known(&self) -> MutexGuard<'_, Knowledge> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A folder's numbers, from memory if they are there; None only if the cloud has just said
    /// that it doesn't exist.
    pub fn find(&self, path: &Path, first: Priority) -> Result<Option<Vec<u64>>, Error> {
        Ok(self.find_or_read(path, first)?.map(|(ids, _)| ids))
    }

    /// The same, and whether a list of the parent was read for it.
    fn find_or_read(
        &self,
        path: &Path,
        first: Priority,
    ) -> Result<Option<(Vec<u64>, bool)>, Error> {
        let known = || self.known().ids(path).filter(|ids| !ids.is_empty());
        if let Some(ids) = known() {
            return Ok(Some((ids, false)));
        }
        if self.scan(parent(path), first)?.is_none() {
            return Ok(None);
        }
        Ok(known().map(|ids| (ids, true)))
    }

    /// Reads a folder's list to its end. None only if the cloud has just said that there is no
    /// such folder.
    pub fn scan(&self, path: &Path, first: Priority) -> Result<Option<Scan>, Error> {
        for _ in 0..ROUNDS {
            let Some((ids, fresh)) = self.find_or_read(path, first)? else {
                return Ok(None);
            };
            let read = self.read(&ids, first);
            // What a folder in the bin holds may still be listed.
            if self.forget_binned(path, first)? {
                continue;
            }
            match read {
                // A parent that has just shown the folder needn't be asked again.
                Ok(rows) if fresh || !rows.is_empty() => {
                    return self.take_in(path, rows, first).map(Some);
                }
                Err(fault) if !may_mean_gone(fault.why) => return Err(read_error(path, fault)),
                // What is said about a number that is gone is unknown; it may be "empty"
                // (safety rule 12).
                read => {
                    if self.is_still_there(path, &ids, first)? {
                        let rows = read.map_err(|fault| read_error(path, fault))?;
                        return self.take_in(path, rows, first).map(Some);
                    }
                }
            }
        }
        Err(Error::new(Cause::Busy, format!("/{path} comes and goes")))
    }

    /// The same for a folder that a list of its parent has just shown.
    pub fn scan_shown(&self, path: &Path, first: Priority) -> Result<Scan, Error> {
        let Some(ids) = self.known().ids(path) else {
            return Err(Error::new(Cause::Busy, format!("/{path} is gone again")));
        };
        let rows = self
            .read(&ids, first)
            .map_err(|fault| read_error(path, fault))?;
        self.take_in(path, rows, first)
    }

    /// Whether a folder, or one above it, lies in the bin; then it is forgotten. That is asked once
    /// a minute at most: it costs a call.
    fn forget_binned(&self, path: &Path, first: Priority) -> Result<bool, Error> {
        let now = Instant::now();
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        let way = above.chain([path].into_iter().filter(|path| !path.is_empty()));
        let known = self.known();
        let way: Vec<(&Path, Vec<u64>)> = way
            .map(|path| (path, known.ids(path).unwrap_or_default()))
            .collect();
        let is_stale = way.iter().any(|(path, _)| known.is_stale(path, now));
        drop(known);
        if !is_stale {
            return Ok(false);
        }
        let ids: Vec<u64> = way.iter().flat_map(|(_, ids)| ids).copied().collect();
        let mut binned = Vec::new();
        for batch in ids.chunks(BATCH) {
            let rows = self.door.infos(batch, first)?.into_iter();
            binned.extend(rows.filter(|row| row.trashed != 0).map(|row| row.file_id));
        }
        let is_binned = |(_, ids): &&(&Path, Vec<u64>)| ids.iter().any(|id| binned.contains(id));
        let mut known = self.known();
        if let Some((path, _)) = way.iter().find(is_binned) {
            known.forget_folder(path);
            return Ok(true);
        }
        way.iter().for_each(|(path, _)| known.saw(path, now));
        Ok(false)
    }

    /// Whether a fresh list of the parent shows a folder, and no twin of it that hasn't been read;
    /// if it isn't there, it is forgotten.
    fn is_still_there(&self, path: &Path, ids: &[u64], first: Priority) -> Result<bool, Error> {
        if path.is_empty() {
            return Ok(true);
        }
        let parent_there = self.scan(parent(path), first)?.is_some();
        let mut known = self.known();
        let now = known.ids(path).unwrap_or_default();
        let there = parent_there && !now.is_empty() && ids == now;
        if !parent_there {
            known.forget_folder(path);
        }
        Ok(there)
    }

    /// Lays what is known over a complete list, asking `infos` about what doesn't fit.
    fn take_in(&self, path: &Path, rows: Vec<Row>, first: Priority) -> Result<Scan, Error> {
        let before = self.known().files(path);
        let mut merged = self.known().merge(path, rows, Instant::now());
        let mut said = Vec::new();
        for batch in merged.doubtful.chunks(BATCH) {
            said.extend(self.door.infos(batch, first)?);
        }
        self.mention(path, &merged);
        for text in self.damage.compare(path, &before, &merged.rows) {
            self.door.troubles.damaged(&text);
        }
        let mut known = self.known();
        known.learn(path, &mut merged, said);
        known.listed(path, Instant::now());
        let files = known.files(path);
        drop(known);
        self.read_grown(path, &merged.grown, first)?;
        Ok(Scan {
            rows: merged.rows,
            files,
        })
    }

    /// What is inside a folder's new twin are twins of what is known inside the folder.
    fn read_grown(&self, path: &Path, grown: &[String], first: Priority) -> Result<(), Error> {
        let grown = grown.iter().map(|name| join(path, name));
        for folder in grown.filter(|folder| !self.known().subfolders(folder).is_empty()) {
            self.scan_shown(&folder, first)?;
        }
        Ok(())
    }

    fn mention(&self, path: &Path, merged: &Merged) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for name in &merged.odd {
            if said.insert(join(path, name)) {
                let (path, name) = (shown(path), shown(name));
                info!("/{path} holds \"{name}\", which is no file of restic's and is left alone");
            }
        }
        for name in &merged.twins {
            if said.insert(join(path, name)) {
                let (path, name) = (shown(path), shown(name));
                warn!(
                    "/{path} has several folders \"{name}\"; what is in them is read as one, and new \
                     files go into the oldest: move its twins' files there by hand"
                );
            }
        }
    }

    /// All rows of the folders with these numbers, those in the bin among them.
    pub fn read(&self, ids: &[u64], first: Priority) -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        for id in ids {
            rows.extend(self.pages.read(&self.door, *id, first)?);
        }
        Ok(rows)
    }

    /// The number of the folder that new files go into, making it and those above it where they
    /// don't exist.
    pub fn ensure(&self, path: &Path, first: Priority) -> Result<u64, Error> {
        let home = || self.known().home(path);
        if let Some(id) = home() {
            return Ok(id);
        }
        // One at a time for each folder, also when ten uploads want it at once.
        let _turn = self.turn(path)?;
        for _ in 0..ROUNDS {
            if self.make(path, first)? {
                self.wait_for(path, first)?;
            }
            if let Some(id) = home() {
                return Ok(id);
            }
            if self.is_known(path) {
                let text = format!("123pan's list doesn't show /{path}, which was made there");
                return Err(Error::new(Cause::Busy, text));
            }
        }
        Err(Error::new(Cause::Busy, format!("/{path} can't be made")))
    }

    /// The same for folders side by side, with one list for all that are made.
    pub fn ensure_all(&self, paths: &[String], first: Priority) -> Result<(), Error> {
        for path in paths
            .iter()
            .filter(|path| self.known().home(path).is_none())
        {
            let _turn = self.turn(path)?;
            self.make(path, first)?;
        }
        paths
            .iter()
            .try_for_each(|path| self.ensure(path, first).map(drop))
    }

    /// Makes a folder, unless it is known; false if those above it must be looked for anew.
    fn make(&self, path: &Path, first: Priority) -> Result<bool, Error> {
        let above = self.ensure(parent(path), first)?;
        // Both at one moment: another request may be reading the parent's list.
        let known = self.known();
        let (ids, explored) = (known.ids(path), known.explored(parent(path)));
        drop(known);
        let ids = match explored {
            true => ids,
            false => self.find(path, first)?,
        };
        if ids.is_some_and(|ids| !ids.is_empty()) {
            return Ok(true);
        }
        match self.door.mkdir(above, last(path), first) {
            Ok(0) => Ok(true),
            Ok(id) => {
                self.known().made(path, id, Instant::now());
                Ok(true)
            }
            Err(fault) if fault.why == Why::NoParent => {
                self.known().forget_folder(parent(path));
                Ok(false)
            }
            // Made by somebody else, or by us without our hearing of it.
            Err(fault) if matches!(fault.why, Why::Taken | Why::Lost | Why::Server) => Ok(true),
            Err(fault) => Err(Error::from(fault).during(format!("making /{path}"))),
        }
    }

    /// Waits until the list of its parent shows a folder, which may lag. Had another server made
    /// an older twin of it at the same moment, the list would show that as well (safety rule 16).
    fn wait_for(&self, path: &Path, first: Priority) -> Result<(), Error> {
        let (start, timing) = (Instant::now(), &self.door.timing);
        let mut tries = 0;
        while self.known().home(path).is_none() {
            if tries > 0 {
                // After an unknown outcome it may well not exist: the caller makes it again.
                let longest = timing.visible / if self.is_known(path) { 1 } else { 4 };
                let pause = pause(timing.pause, tries);
                if start.elapsed() + pause > longest {
                    break;
                }
                std::thread::sleep(pause);
            }
            self.scan(parent(path), first)?;
            tries += 1;
        }
        Ok(())
    }

    fn is_known(&self, path: &Path) -> bool {
        self.known().ids(path).is_some_and(|ids| !ids.is_empty())
    }

    fn turn(&self, path: &Path) -> Result<Turn<'_>, Error> {
        let making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |making: &mut HashSet<String>| making.contains(path);
        let waited = self
            .made
            .wait_timeout_while(making, self.door.timing.rate_wait, busy);
        let (mut making, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(Error::new(
                Cause::Busy,
                format!("/{path} is still being made"),
            ));
        }
        making.insert(path.to_owned());
        Ok(Turn {
            tree: self,
            path: path.to_owned(),
        })
    }
}

/// Whether an answer to a list may be about a folder that doesn't exist any more.
fn may_mean_gone(why: Why) -> bool {
    matches!(why, Why::NoFile | Why::NoParent | Why::Unknown | Why::Lost)
}

fn read_error(path: &Path, fault: Fault) -> Error {
    Error::from(fault).during(format!("reading /{path}"))
}

/// The right to make one folder.
struct Turn<'a> {
    tree: &'a Tree,
    path: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.tree
            .making
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.path);
        self.tree.made.notify_all();
    }
}
