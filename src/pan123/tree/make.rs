//! Making folders when they are first needed, each once.

use super::Tree;
use super::paths::{Path, is_data, last, parent};
use crate::cloud::{Priority, Reason, pause};
use crate::restic::Id;
use crate::store::{Cause, Error};
use crate::sync::{lock, wait_while};
use std::collections::HashSet;
use std::time::Instant;

/// How often a path is looked up anew when what was known turns out stale.
const ROUNDS: usize = 3;

impl Tree {
    /// The folder that a file goes into. To choose one for a pack takes the list of `data` that
    /// making one takes anyway.
    pub fn place(&self, path: &Path, name: Id, priority: Priority) -> Result<String, Error> {
        if is_data(path) && !self.known().explored(path) {
            self.ensure(path, priority)?;
            // One reads for all.
            let _reading = self.begin(path)?;
            if !self.known().explored(path) {
                self.scan(path, priority)?;
            }
        }
        Ok(self.known().place(path, name))
    }

    /// The number of the folder that new files go into, making it and those above it where they
    /// don't exist.
    pub fn ensure(&self, path: &Path, priority: Priority) -> Result<u64, Error> {
        let home = || self.known().home(path);
        if let Some(id) = home() {
            return Ok(id);
        }
        // One at a time for each folder, also when ten uploads want it at once.
        let _making = self.begin(path)?;
        for _ in 0..ROUNDS {
            if self.make(path, priority)? {
                self.wait_for(path, priority)?;
            }
            if let Some(id) = home() {
                return Ok(id);
            }
            if self.knows(path) {
                let text = format!("123pan's list doesn't show /{path}, which was made there");
                return Err(Error::new(Cause::Busy, text));
            }
        }
        Err(Error::new(Cause::Busy, format!("/{path} can't be made")))
    }

    /// The same for folders side by side, with one list for all that are made.
    pub fn ensure_all(&self, paths: &[String], priority: Priority) -> Result<(), Error> {
        for path in paths
            .iter()
            .filter(|path| self.known().home(path).is_none())
        {
            let _making = self.begin(path)?;
            self.make(path, priority)?;
        }
        paths
            .iter()
            .try_for_each(|path| self.ensure(path, priority).map(drop))
    }

    /// Makes a folder, unless it is known; false if those above it must be looked for anew.
    fn make(&self, path: &Path, priority: Priority) -> Result<bool, Error> {
        let above = self.ensure(parent(path), priority)?;
        // Both at one moment: another request may be reading the parent's list.
        let known = self.known();
        let (ids, explored) = (known.ids(path), known.explored(parent(path)));
        drop(known);
        let ids = match explored {
            true => ids,
            false => self.find(path, priority)?,
        };
        if ids.is_some() {
            return Ok(true);
        }
        match self.api.mkdir(above, last(path), priority) {
            Ok(0) => Ok(true),
            Ok(id) => {
                self.known().made(path, id, Instant::now());
                Ok(true)
            }
            Err(fault) if fault.reason == Reason::NoParent => {
                self.known().forget_folder(parent(path));
                Ok(false)
            }
            // Made by somebody else, or by us without our hearing of it.
            Err(fault) if matches!(fault.reason, Reason::Taken | Reason::Lost | Reason::Server) => {
                Ok(true)
            }
            Err(fault) => Err(Error::from(fault).during(format!("making /{path}"))),
        }
    }

    /// Waits until the list of its parent shows a folder, which may lag. Had another server made
    /// an older duplicate of it at the same moment, the list would show that as well (safety rule 16).
    fn wait_for(&self, path: &Path, priority: Priority) -> Result<(), Error> {
        let (start, timing) = (Instant::now(), &self.api.timing());
        let mut tries = 0;
        while self.known().home(path).is_none() {
            if tries > 0 {
                // After an unknown outcome it may well not exist: the caller makes it again.
                let longest = timing.visible / if self.knows(path) { 1 } else { 4 };
                let pause = pause(timing.pause, tries);
                if start.elapsed() + pause > longest {
                    break;
                }
                std::thread::sleep(pause);
            }
            self.scan(parent(path), priority)?;
            tries += 1;
        }
        Ok(())
    }

    fn begin(&self, path: &Path) -> Result<Making<'_>, Error> {
        let busy = |making: &mut HashSet<String>| making.contains(path);
        let longest = self.api.timing().rate_wait;
        let (mut making, late) = wait_while(&self.made, lock(&self.making), longest, busy);
        if late {
            return Err(Error::new(
                Cause::Busy,
                format!("/{path} is still being made"),
            ));
        }
        making.insert(path.to_owned());
        Ok(Making {
            tree: self,
            path: path.to_owned(),
        })
    }
}

/// The right to make one folder.
struct Making<'a> {
    tree: &'a Tree,
    path: String,
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        lock(&self.tree.making).remove(&self.path);
        self.tree.made.notify_all();
    }
}
