//! The account's bin: putting files there, many in one call, each answered by what has become of
//! it. What of it is to be purged, and when, is the list of `pending`; purging is the background's;
//! `recycle` is the bin as its owner sees it.
//!
//! What trash does with ids that are unknown or in the bin already isn't documented (API
//! reference 3.19), so a failed call says nothing about any one of them: `infos` does (safety
//! rule 18).

pub mod earlier;
pub mod list;
pub mod look;
pub mod pending;
pub mod recycle;
mod removal;
#[cfg(test)]
mod tests;

use super::api::{Api, BATCH};
use super::tree::Tree;
use crate::cloud::{Fault, Priority, Reason};
use crate::store::Error;
use list::Stage;
use pending::PendingPurges;
pub use removal::{Removal, Retention};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

/// The way into the bin.
pub struct Trash {
    api: Arc<Api>,
    tree: Arc<Tree>,
    /// What is to be purged from there.
    pub pending: PendingPurges,
}

impl Trash {
    /// The way there of what is known in this tree.
    pub fn new(api: &Arc<Api>, tree: &Arc<Tree>, pending: PendingPurges) -> Self {
        let (api, tree) = (Arc::clone(api), Arc::clone(tree));
        Self { api, tree, pending }
    }

    /// Puts files into the bin and answers for each name.
    pub fn discard(&self, removals: &[Removal], priority: Priority) -> Vec<Result<(), Error>> {
        let all: HashSet<&u64> = removals.iter().flat_map(|name| &name.files).collect();
        let all: Vec<u64> = all.into_iter().copied().collect();
        self.pending.note(removals);
        let mut failed = HashMap::new();
        for batch in all.chunks(BATCH) {
            self.trash(batch, priority, &mut failed);
        }
        let is_in_bin = |file: &u64| !failed.contains_key(file);
        self.pending.settle(Stage::Going, &all, is_in_bin);
        let gone = |removal: &Removal| {
            if let Some(fault) = removal.files.iter().find_map(|file| failed.get(file)) {
                return Err(Error::from(fault.clone()).during("moving it into 123pan's bin"));
            }
            let Removal {
                path, name, files, ..
            } = removal;
            self.tree
                .known()
                .removed(path, *name, files, Instant::now());
            Ok(())
        };
        removals.iter().map(gone).collect()
    }

    /// Trashes up to a hundred files; those that aren't in the bin afterwards have failed.
    fn trash(&self, files: &[u64], priority: Priority, failed: &mut HashMap<u64, Fault>) {
        let Err(fault) = self.api.trash(files, priority) else {
            return;
        };
        let alive = match fault.reason {
            // Nothing has been done, and asking wouldn't work either.
            Reason::Unreachable
            | Reason::Token
            | Reason::NoToken
            | Reason::Throttled
            | Reason::Blocked => Err(()),
            _ => self.alive(files, priority),
        };
        match alive {
            Ok(alive) if alive.is_empty() => {}
            // The call did some of it, or one of the ids spoils it for the others.
            Ok(alive) if files.len() > 1 => {
                let (one, other) = alive.split_at(alive.len().div_ceil(2));
                for half in [one, other].into_iter().filter(|half| !half.is_empty()) {
                    self.trash(half, priority, failed);
                }
            }
            _ => failed.extend(files.iter().map(|file| (*file, fault.clone()))),
        }
    }

    /// Those of these files that aren't in the bin, or may not be.
    fn alive(&self, files: &[u64], priority: Priority) -> Result<Vec<u64>, ()> {
        let rows = self.api.infos(files, priority).map_err(drop)?;
        let (known, time) = (self.tree.known(), Instant::now());
        let is_alive = |file: &u64| match rows.iter().find(|row| row.file_id == *file) {
            Some(row) => row.trashed == 0,
            // What was just written may only be late.
            None => known.is_own(*file, time),
        };
        Ok(files.iter().copied().filter(is_alive).collect())
    }
}
