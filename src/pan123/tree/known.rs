//! What is known of the cloud's folders and files, and how it is laid over what the cloud lists.
//! Pure bookkeeping: the calls are `tree`'s.
//!
//! 123pan's lists lag behind its answers by an unknown time, so what this server wrote or removed
//! itself is believed over a list for a while, and what a list leaves out isn't taken for gone
//! before `infos` has said so (safety rules 13, 14). All of it is keyed by file id, never by name:
//! a name can be given anew.

use super::files::{CONFIG, Files, Known};
use super::paths::{Path, holds_packs, is_hashed, join, last};
use crate::cloud::layout;
use crate::pan123::api::Row;
use crate::restic::Id;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::time::{Duration, Instant};

/// Most own removals that are remembered; beyond it the oldest are dropped.
const MOST_REMOVED: usize = 100_000;
/// How many overlay times an own removal is remembered: long enough to ask again about an id that
/// the cloud goes on showing.
const REMEMBERED: u32 = 10;

/// What is known of one folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// Its numbers, lowest first; several when duplicates of one name exist.
    pub ids: Vec<u64>,
    /// Whether a list of its parent has shown all of them, and so any older duplicate as well.
    pub shown: bool,
    /// When the cloud last said that it is there and not in the bin.
    pub seen: Option<Instant>,
    /// When all of its files were last seen at the cloud.
    pub listed: Option<Instant>,
    /// Whether all of its subfolders are known, unless another server makes one.
    pub explored: bool,
    /// Its files.
    pub files: Files,
}

/// What is known of all folders.
#[derive(Debug)]
pub struct Knowledge {
    pub(super) folders: BTreeMap<String, Folder>,
    written: HashMap<u64, Instant>,
    removed: BTreeMap<u64, Instant>,
    /// What rows in the account's root tell as the number of their folder.
    root: Option<u64>,
    overlay: Duration,
}

/// A list laid over with what is known, and what must still be asked about.
#[derive(Debug, Default)]
pub struct Merged {
    /// Living files that the list shows.
    pub rows: Vec<Row>,
    /// Files that it doesn't show, but that this server has just written: they are believed in
    /// unless `infos` knows better.
    pub own: Vec<Known>,
    /// Numbers to be asked: known but not shown, or shown although removed.
    pub doubtful: Vec<u64>,
    /// Names of living files that don't belong there.
    pub stray: Vec<String>,
    /// Names of subfolders that exist more than once.
    pub duplicates: Vec<String>,
    /// Names of subfolders that were known and have another name now.
    pub renamed: Vec<String>,
    /// Names of subfolders that were known and have got a duplicate since.
    pub new_duplicates: Vec<String>,
}

impl Knowledge {
    /// Knows nothing yet; own writes and removals are believed for `overlay`.
    pub fn new(overlay: Duration) -> Self {
        Self {
            folders: BTreeMap::new(),
            written: HashMap::new(),
            removed: BTreeMap::new(),
            root: None,
            overlay,
        }
    }

    /// A folder's numbers, if any are known.
    pub fn ids(&self, path: &Path) -> Option<Vec<u64>> {
        match path {
            "" => Some(vec![0]),
            _ => {
                let ids = self.folders.get(path).map(|folder| folder.ids.clone());
                ids.filter(|ids| !ids.is_empty())
            }
        }
    }

    /// The number of the folder that new files go into: the oldest of its name. None while a
    /// duplicate may be older that lists don't show yet (safety rule 16); a pack is found in any of them.
    pub fn home(&self, path: &Path) -> Option<u64> {
        let certain = |folder: &&Folder| folder.shown || holds_packs(path);
        match path {
            "" => Some(0),
            _ => self.folders.get(path).filter(certain)?.ids.first().copied(),
        }
    }

    /// Whether all subfolders of a folder are known.
    pub fn explored(&self, path: &Path) -> bool {
        self.folders.get(path).is_some_and(|folder| folder.explored)
    }

    /// The known subfolders of a folder, by name.
    pub fn subfolders(&self, path: &Path) -> Vec<String> {
        self.inside(path).map(str::to_owned).collect()
    }

    /// The same, one by one.
    pub(super) fn inside<'k>(&'k self, path: &Path) -> impl Iterator<Item = &'k str> {
        let above = join(path, "");
        let start = (Bound::Excluded(above.clone()), Bound::Unbounded);
        let below = self.folders.range::<String, _>(start);
        below
            .map_while(move |(full, _)| full.strip_prefix(&above))
            .filter(|name| !name.contains('/'))
    }

    /// A folder that this server has just made; it is empty, unless a list has shown a duplicate of it
    /// meanwhile.
    pub fn made(&mut self, path: &Path, id: u64, now: Instant) {
        let folder = self.folders.entry(path.to_owned()).or_default();
        folder.explored |= folder.ids.is_empty();
        folder.seen = Some(now);
        if !folder.ids.contains(&id) {
            folder.shown = false;
            folder.ids.push(id);
            folder.ids.sort_unstable();
        }
        self.believe(id, now);
    }

    /// A file that this server has just written.
    pub fn wrote(&mut self, path: &Path, known: Known, now: Instant) {
        let folder = self.folders.entry(path.to_owned()).or_default();
        folder.files.insert(known);
        self.believe(known.file, now);
    }

    fn believe(&mut self, id: u64, now: Instant) {
        let overlay = self.overlay;
        self.written
            .retain(|_, at| now.duration_since(*at) < overlay);
        self.written.insert(id, now);
    }

    /// Files of a name that this server has just removed.
    pub fn removed(&mut self, path: &Path, name: Id, ids: &[u64], now: Instant) {
        self.forget(path, name, ids);
        let most = self.overlay * REMEMBERED;
        self.removed.retain(|_, at| now.duration_since(*at) < most);
        // Ids grow with time, so the lowest are the oldest files, if not the oldest removals.
        while self.removed.len() + ids.len() > MOST_REMOVED && self.removed.pop_first().is_some() {}
        for id in ids {
            self.written.remove(id);
            self.removed.insert(*id, now);
        }
    }

    /// Files of a name that turned out not to be there.
    pub fn forget(&mut self, path: &Path, name: Id, ids: &[u64]) {
        for place in self.places(path, name) {
            if let Some(folder) = self.folders.get_mut(&place) {
                folder.files.remove(ids);
            }
        }
    }

    /// A folder that turned out not to be there, with all that is in it.
    pub fn forget_folder(&mut self, path: &Path) {
        let inside = |full: &str| {
            full.strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.folders.retain(|full, _| full != path && !inside(full));
    }

    /// The files known under a name.
    pub fn find(&self, path: &Path, name: Id) -> Vec<Known> {
        let places = self.places(path, name).into_iter();
        let folders = places.filter_map(|place| self.folders.get(&place));
        folders
            .flat_map(|folder| folder.files.named(name))
            .collect()
    }

    /// Lays what is known over the complete list of a folder, and learns its subfolders.
    pub fn merge(&mut self, path: &Path, rows: Vec<Row>, now: Instant) -> Merged {
        let mut merged = Merged::default();
        let mut folders: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let shown: HashSet<u64> = rows.iter().map(|row| row.file_id).collect();
        if path.is_empty() {
            self.root = rows.first().map(|row| row.parent_file_id).or(self.root);
        }
        for row in rows {
            let removed = self.removed.get(&row.file_id).copied();
            if row.is_folder() {
                folders.entry(row.filename).or_default().push(row.file_id);
            } else if !row.is_file()
                || removed.is_some_and(|at| now.duration_since(at) < self.overlay)
            {
                // In the bin, or there soon; shown there, it is ours to believe in no longer.
                self.written.remove(&row.file_id);
            } else if removed.is_some() {
                merged.doubtful.push(row.file_id);
            } else if key(path, &row.filename).is_some() {
                self.seen(&[row.file_id]);
                merged.rows.push(row);
            } else if is_hashed(path) {
                // If it is ours, it has been renamed, and is nothing to believe in either.
                self.written.remove(&row.file_id);
                merged.stray.push(row.filename);
            }
        }
        merged.duplicates = folders
            .iter()
            .filter(|(_, ids)| ids.len() > 1)
            .map(|(name, _)| name.clone())
            .collect();
        let missing = |id: &u64| !shown.contains(id);
        self.merge_folders(path, folders, &missing, now, &mut merged);
        for known in self.files(path).iter().filter(|known| missing(&known.file)) {
            if self.is_own(known.file, now) {
                merged.own.push(*known);
            }
            merged.doubtful.push(known.file);
        }
        merged
    }

    fn merge_folders(
        &mut self,
        path: &Path,
        mut folders: BTreeMap<String, Vec<u64>>,
        missing: &dyn Fn(&u64) -> bool,
        now: Instant,
        merged: &mut Merged,
    ) {
        for name in self.subfolders(path) {
            let full = join(path, &name);
            let ids = self.ids(&full).unwrap_or_default();
            for id in ids.iter().copied().filter(missing) {
                if !self.is_own(id, now) {
                    merged.doubtful.push(id);
                }
                folders.entry(name.clone()).or_default().push(id);
            }
            // All of its numbers are shown, in the bin or under another name.
            if !folders.contains_key(&name) {
                let living = || folders.values().flatten();
                if ids.iter().any(|id| living().any(|shown| shown == id)) {
                    merged.renamed.push(name);
                }
                self.forget_folder(&full);
            }
        }
        for (name, mut ids) in folders {
            ids.sort_unstable();
            ids.dedup();
            let folder = self.folders.entry(join(path, &name)).or_default();
            folder.shown |= !ids.iter().any(missing);
            if !folder.ids.is_empty() && ids.iter().any(|id| !folder.ids.contains(id)) {
                // Nothing is known of what is in the new one.
                folder.explored = false;
                merged.new_duplicates.push(name);
            }
            (folder.ids, folder.seen) = (ids, Some(now));
        }
    }

    /// Whether a folder hasn't been seen for so long that somebody may have put it into the bin.
    pub fn is_stale(&self, path: &Path, now: Instant) -> bool {
        let seen = self.folders.get(path).and_then(|folder| folder.seen);
        seen.is_none_or(|at| now.duration_since(at) >= self.overlay)
    }

    /// Whether the files known in a folder were seen at the cloud just now, within this time.
    pub fn lately(&self, path: &Path, within: Duration, now: Instant) -> bool {
        let listed = self.folders.get(path).and_then(|folder| folder.listed);
        listed.is_some_and(|at| now.duration_since(at) < within)
    }

    /// The files of a folder were seen.
    pub fn listed(&mut self, path: &Path, now: Instant) {
        if let Some(folder) = self.folders.get_mut(path) {
            folder.listed = Some(now);
        }
    }

    /// The numbers by which rows name this folder as the one that they lie in.
    pub fn told(&self, path: &Path) -> Vec<u64> {
        let root = self.root.filter(|_| path.is_empty());
        let ids = self.ids(path).unwrap_or_default();
        ids.into_iter().chain(root).collect()
    }

    /// A folder was seen otherwise than in its parent's list.
    pub fn saw(&mut self, path: &Path, now: Instant) {
        if let Some(folder) = self.folders.get_mut(path) {
            folder.seen = Some(now);
        }
    }

    /// The cloud has shown these: that they are this server's own says nothing any more.
    pub fn seen(&mut self, ids: &[u64]) {
        for id in ids {
            self.written.remove(id);
        }
    }

    /// Whether this server has written it just now, and the cloud hasn't shown it yet.
    pub fn is_own(&self, id: u64, now: Instant) -> bool {
        self.written
            .get(&id)
            .is_some_and(|at| now.duration_since(*at) < self.overlay)
    }

    /// Learns a merged list, with what `infos` said about the doubtful.
    pub fn learn(&mut self, path: &Path, merged: &mut Merged, said: Vec<Row>) {
        let here = self.ids(path).unwrap_or_default();
        let mut alive: Vec<(u64, String)> = Vec::new();
        let said_ids: Vec<u64> = said.iter().map(|row| row.file_id).collect();
        self.seen(&said_ids);
        merged.own.retain(|known| !said_ids.contains(&known.file));
        for row in said.into_iter().filter(|row| row.lies_in(&here)) {
            if row.is_folder() {
                alive.push((row.file_id, row.filename));
            } else if row.is_file() && key(path, &row.filename).is_some() {
                // Shown although removed: it hasn't been removed after all, or was brought back.
                self.removed.remove(&row.file_id);
                merged.rows.push(row);
            }
        }
        for name in self.subfolders(path) {
            let lives = |id: &u64| alive.iter().any(|(one, named)| one == id && *named == name);
            let gone = |id: &u64| merged.doubtful.contains(id) && !lives(id);
            let full = join(path, &name);
            let Some(folder) = self.folders.get_mut(&full) else {
                continue;
            };
            folder.ids.retain(|id| !gone(id));
            if folder.ids.is_empty() {
                self.forget_folder(&full);
            }
        }
        let shown = merged.rows.iter().filter_map(|row| known(path, row));
        let mut files: Vec<Known> = shown.chain(merged.own.iter().copied()).collect();
        let folder = self.folders.entry(path.to_owned()).or_default();
        folder.explored = true;
        // What was written while the list was read is in neither.
        let since = folder
            .files
            .iter()
            .filter(|known| self.written.contains_key(&known.file));
        files.extend(since.filter(|known| !merged.doubtful.contains(&known.file)));
        files.retain(|known| !self.removed.contains_key(&known.file));
        folder.files = Files::new(files);
    }

    /// All files known in a folder.
    pub fn files(&self, path: &Path) -> Files {
        self.folders
            .get(path)
            .map(|folder| folder.files.clone())
            .unwrap_or_default()
    }
}

fn known(path: &Path, row: &Row) -> Option<Known> {
    Some(Known {
        name: key(path, &row.filename)?,
        file: row.file_id,
        size: row.size,
    })
}

/// What a file's name in this folder stands for; None if it has no business there.
pub fn key(path: &Path, name: &str) -> Option<Id> {
    match is_hashed(path) {
        false => (name == "config").then_some(CONFIG),
        true => {
            Id::from_hex(name).filter(|id| !holds_packs(path) || layout::belongs(last(path), id))
        }
    }
}
