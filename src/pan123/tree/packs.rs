//! In which of the known folders a file may lie, or is to lie: its own, but for packs, whose
//! folders depend on the layout. A pack is known under `data`, wherever it lies.

use super::known::Knowledge;
use super::paths::{Path, is_data, join};
use crate::cloud::layout::{self, Layout, Layouts};
use crate::restic::Id;

/// The layout of new repositories: each folder costs a call to make, and one for each list of
/// packs.
const NEW: Layout = Layout::Sixteen;

impl Knowledge {
    /// The known folders that may hold a file which is known under this one: itself, but for packs.
    pub fn places(&self, path: &Path, name: Id) -> Vec<String> {
        if !is_data(path) {
            return vec![path.to_owned()];
        }
        let all = layout::places(&name).map(|folder| join(path, &folder));
        let is_known = |full: &String| self.folders.contains_key(full);
        all.into_iter().filter(is_known).collect()
    }

    /// The folder that a file goes into: the one in which its name is known, so that nothing is
    /// stored twice, or else by the layout of the folders that there are.
    pub fn place(&self, path: &Path, name: Id) -> String {
        if !is_data(path) {
            return path.to_owned();
        }
        let holds = |full: &String| !self.find(full, name).is_empty();
        let new = || {
            let layout = Layouts::of(self.inside(path)).written(NEW);
            join(path, &layout.folder(&name))
        };
        self.places(path, name)
            .into_iter()
            .find(holds)
            .unwrap_or_else(new)
    }

    /// Whether a pack may be there twice, and where it may be hasn't been read yet.
    pub fn is_half_read(&self, path: &Path, name: Id) -> bool {
        let places = self.places(path, name);
        let listed = |full: &String| self.folders.get(full).is_some_and(|f| f.listed.is_some());
        places.len() > 1 && !places.iter().all(listed)
    }

    /// The numbers of the folders in which a file of this name may lie.
    pub fn ids_for(&self, path: &Path, name: Id) -> Vec<u64> {
        let places = self.places(path, name).into_iter();
        places
            .filter_map(|place| self.ids(&place))
            .flatten()
            .collect()
    }
}
