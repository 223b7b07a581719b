//! Finding one file in its folder: from memory, from memory as far as `infos` agrees, or by a list.

use super::Tree;
use super::files::{CONFIG, Known};
use super::known::{Knowledge, key};
use super::paths::{Path, holds_packs, join, parent};
use crate::cloud::Priority;
use crate::pan123::api::{BATCH, Row};
use crate::restic::Id;
use crate::store::Error;
use std::time::Instant;

/// Subfolders that are asked about along with a file: a repository has one for each kind.
const INSIDE: usize = 8;

impl Tree {
    /// The living files of one name in a folder, from memory if there are any.
    pub fn locate(&self, path: &Path, name: Id, priority: Priority) -> Result<Vec<Known>, Error> {
        let known = self.known().find(path, name);
        if !known.is_empty() {
            return Ok(known);
        }
        self.look(path, name, priority)
    }

    /// The same, from memory only as far as `infos` agrees: other servers may have removed or
    /// replaced what this one remembers.
    pub fn locate_now(
        &self,
        path: &Path,
        name: Id,
        priority: Priority,
    ) -> Result<Vec<Known>, Error> {
        let known = self.known().find(path, name);
        if known.is_empty() {
            return self.look(path, name, priority);
        }
        // Clients look for the config and read it a moment later.
        if name == CONFIG && self.lately(path) {
            return Ok(known);
        }
        let ids: Vec<u64> = known.iter().map(|known| known.file).collect();
        let around = self.around(path);
        let folders = around.iter().flat_map(|(_, ids)| ids);
        let asked: Vec<u64> = ids.iter().chain(folders).take(BATCH).copied().collect();
        let rows = self.api.infos(&asked, priority)?;
        let mut memory = self.known();
        saw(&mut memory, &around, &rows);
        let (here, time) = (memory.ids(path).unwrap_or_default(), Instant::now());
        let is_so = |known: &Known| match rows.iter().find(|row| row.file_id == known.file) {
            Some(row) => {
                let same = row.size == known.size && key(path, &row.filename) == Some(name);
                same && row.is_file() && row.lies_in(&here)
            }
            // What was just written may only be late.
            None => memory.is_own(known.file, time),
        };
        if known.iter().all(is_so) {
            if name == CONFIG {
                memory.listed(path, time);
            }
            return Ok(known);
        }
        memory.forget(path, &ids);
        drop(memory);
        self.look(path, name, priority)
    }

    /// The same, from a fresh list. Of packs' folders another server may have made duplicates that this
    /// one hasn't seen; of all others they are seen before anything is stored in them (safety
    /// rule 16).
    pub fn look(&self, path: &Path, name: Id, priority: Priority) -> Result<Vec<Known>, Error> {
        let ids = || self.known().ids(path);
        let before = ids();
        let found = self.look_in_known(path, name, priority)?;
        if !found.is_empty() || !holds_packs(path) || before.is_none() || before != ids() {
            return Ok(found);
        }
        self.scan(parent(path), priority)?;
        match ids() == before {
            true => Ok(found),
            false => self.look_in_known(path, name, priority),
        }
    }

    fn look_in_known(
        &self,
        path: &Path,
        name: Id,
        priority: Priority,
    ) -> Result<Vec<Known>, Error> {
        let scan = self.scan(path, priority)?;
        let found = scan.map(|scan| scan.files.named(name));
        Ok(found.unwrap_or_default())
    }

    /// Whether what is known of a folder's files has just been seen at the cloud.
    pub fn lately(&self, path: &Path) -> bool {
        self.known()
            .lately(path, self.api.timing().lately, Instant::now())
    }

    /// A folder, those above it, and the few inside it: asked about along with a file they cost
    /// nothing.
    fn around(&self, path: &Path) -> Vec<(String, Vec<u64>)> {
        let known = self.known();
        let above = path
            .match_indices('/')
            .map(|(end, _)| path[..end].to_owned());
        let inside = known.subfolders(path).into_iter().take(INSIDE);
        let inside = inside.map(|name| join(path, &name));
        let all = above.chain([path.to_owned()]).chain(inside);
        all.filter(|path| !path.is_empty())
            .map(|path| (path.clone(), known.ids(&path).unwrap_or_default()))
            .collect()
    }
}

/// Learns which folders `infos` has shown, outside the bin or in it.
fn saw(known: &mut Knowledge, folders: &[(String, Vec<u64>)], rows: &[Row]) {
    let now = Instant::now();
    let shown = |id: &u64| rows.iter().find(|row| row.file_id == *id);
    for (path, ids) in folders {
        if ids.iter().filter_map(shown).any(|row| row.trashed != 0) {
            known.forget_folder(path);
        } else if ids.iter().all(|id| shown(id).is_some()) {
            known.saw(path, now);
        }
    }
}
