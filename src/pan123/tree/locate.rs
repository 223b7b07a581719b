//! Finding one file in its folder: from memory, from memory as far as `infos` agrees, or by a list.

use super::Tree;
use super::files::{CONFIG, Known};
use super::known::key;
use super::moved::Numbered;
use super::paths::{Path, is_data, join, way};
use crate::cloud::Priority;
use crate::pan123::api::BATCH;
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
        let around = self.around(path, name);
        let folders = around.iter().flat_map(|(_, ids)| ids);
        let asked: Vec<u64> = ids.iter().chain(folders).take(BATCH).copied().collect();
        let rows = self.api.infos(&asked, priority)?;
        let mut memory = self.known();
        memory.saw_all(&around, &rows, Instant::now());
        let (here, time) = (memory.ids_for(path, name), Instant::now());
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
        memory.forget(path, name, &ids);
        drop(memory);
        self.look(path, name, priority)
    }

    /// The same, from a fresh list. Of packs' folders another server may have made some, duplicates
    /// among them, that this one hasn't seen; of all others they are seen before anything is stored
    /// in them (safety rule 16).
    pub fn look(&self, path: &Path, name: Id, priority: Priority) -> Result<Vec<Known>, Error> {
        if !is_data(path) {
            let scan = self.scan(path, priority)?;
            return Ok(scan.map_or_else(Vec::new, |scan| scan.files.named(name)));
        }
        let places = || {
            let known = self.known();
            (known.explored(path), known.ids_for(path, name))
        };
        let before = places();
        let found = match before.0 {
            true => self.look_for_pack(path, name, false, priority)?,
            false => Vec::new(),
        };
        if !found.is_empty() || (before.0 && before != places()) {
            return Ok(found);
        }
        self.scan(path, priority)?;
        match before == places() {
            true => Ok(found),
            false => self.look_for_pack(path, name, true, priority),
        }
    }

    /// Looks for a pack in the folders of its that are known; `shown` if a list of `data` has just
    /// shown them.
    fn look_for_pack(
        &self,
        path: &Path,
        name: Id,
        shown: bool,
        priority: Priority,
    ) -> Result<Vec<Known>, Error> {
        let places = self.known().places(path, name);
        let mut found = Vec::new();
        for place in places {
            let scan = self.scan_anew(&place, shown, priority)?;
            found.extend(scan.map_or_else(Vec::new, |scan| scan.files.named(name)));
        }
        Ok(found)
    }

    /// Whether what is known of a folder's files has just been seen at the cloud.
    pub fn lately(&self, path: &Path) -> bool {
        self.known()
            .lately(path, self.api.timing().lately, Instant::now())
    }

    /// A file's folder, those above it, and the few inside it: asked about along with the file they
    /// cost nothing.
    fn around(&self, path: &Path, name: Id) -> Vec<Numbered> {
        let known = self.known();
        let inside: Vec<String> = match is_data(path) {
            true => known.places(path, name),
            false => {
                let names = known.inside(path).take(INSIDE);
                names.map(|name| join(path, name)).collect()
            }
        };
        known.numbered(way(path).chain(inside.iter().map(String::as_str)))
    }
}
