//! What somebody has moved, renamed or put into the bin on 123pan's website or in its app: rows of
//! known numbers show where they lie now and what they are called. What lies elsewhere is forgotten,
//! so that its path is looked for anew, and said in the log.

use super::Tree;
use super::files::{Files, Known, filename};
use super::known::{Knowledge, Merged, key};
use super::paths::{Path, join, last, parent};
use crate::pan123::api::Row;
use crate::warning::Kind;
use log::warn;
use std::collections::HashMap;
use std::time::Instant;

/// A folder's path, and its numbers.
pub type Numbered = (String, Vec<u64>);

/// How a folder has come to lie elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Somebody has put it into the bin.
    Trashed,
    /// Somebody has moved or renamed it.
    Moved,
}

impl Knowledge {
    /// What rows say of a folder that isn't as it is known.
    fn gone(&self, path: &Path, ids: &[u64], rows: &[Row]) -> Option<Gone> {
        let above = self.told(parent(path));
        // Where one row tells its folder, 0 is the account's root, and not unknown.
        let tells = rows.iter().any(|row| row.parent_file_id != 0);
        let is_here = |row: &Row| match row.parent_file_id {
            _ if above.is_empty() => true,
            0 if !tells => true,
            parent => above.contains(&parent),
        };
        let mut own = rows.iter().filter(|row| ids.contains(&row.file_id));
        own.find_map(|row| match row.trashed {
            0 if row.filename == last(path) && is_here(row) => None,
            0 => Some(Gone::Moved),
            _ => Some(Gone::Trashed),
        })
    }

    /// Folders with the numbers that are known.
    pub fn numbered<'p>(&self, paths: impl Iterator<Item = &'p Path>) -> Vec<Numbered> {
        let numbers = |path| self.ids(path).unwrap_or_default();
        paths.map(|path| (path.to_owned(), numbers(path))).collect()
    }

    /// Forgets the first of some folders that lies elsewhere, with all that is in it; those above
    /// others come first.
    pub fn forget_gone(&mut self, folders: &[Numbered], rows: &[Row]) -> Option<(String, Gone)> {
        let gone = |(path, ids): &Numbered| Some((path.clone(), self.gone(path, ids, rows)?));
        let (path, gone) = folders.iter().find_map(gone)?;
        if gone == Gone::Moved {
            warn!(target: &Kind::Moved.about(&path), "somebody has moved or renamed /{path} at 123pan; it is looked for anew");
        }
        self.forget_folder(&path);
        Some((path, gone))
    }

    /// Learns where folders lie, of which those above others come first. False if one of them lies
    /// elsewhere and was forgotten.
    pub fn saw_all(&mut self, folders: &[Numbered], rows: &[Row], now: Instant) -> bool {
        if self.forget_gone(folders, rows).is_some() {
            return false;
        }
        let is_shown = |id: &u64| rows.iter().any(|row| row.file_id == *id);
        for (path, ids) in folders {
            if ids.iter().all(is_shown) {
                self.saw(path, now);
            }
        }
        true
    }
}

impl Tree {
    /// Says what of a folder's content has been moved or renamed, by its list and by what `infos`
    /// has `said` of what that doesn't show.
    pub(super) fn mention_moved(&self, path: &Path, before: &Files, merged: &Merged, said: &[Row]) {
        for name in &merged.renamed {
            warn!(target: &Kind::Moved.about(path), "somebody has renamed the folder {name:?} in /{path} at 123pan");
        }
        let moved = |row: &&Row| row.is_folder() && !self.holds(path, row);
        for name in said.iter().filter(moved).map(|row| &row.filename) {
            warn!(target: &Kind::Moved.about(path), "somebody has moved the folder {name:?} out of /{path} at 123pan");
        }
        let here = self.known().told(path);
        let files = merged.rows.iter().chain(said).filter(|row| row.is_file());
        let files: HashMap<u64, &Row> = files.map(|row| (row.file_id, row)).collect();
        let is_elsewhere = |old: &&Known| {
            let is_there =
                |row: &&Row| row.lies_in(&here) && key(path, &row.filename) == Some(old.name);
            files.get(&old.file).is_some_and(|row| !is_there(row))
        };
        for name in before
            .iter()
            .filter(is_elsewhere)
            .map(|old| filename(old.name))
        {
            warn!(target: &Kind::Moved.about(path), "somebody has moved or renamed {name} in /{path} at 123pan");
        }
    }

    /// Whether a row's folder is known in this one by the row's name.
    fn holds(&self, path: &Path, row: &Row) -> bool {
        let ids = self.known().ids(&join(path, &row.filename));
        ids.is_some_and(|ids| ids.contains(&row.file_id))
    }
}
