//! What tests do to the cloud behind the client's back, and what they look at: the part of `Fake`
//! that goes by paths.

use super::Fake;
use super::cloud::{self, Cloud};
use super::content::{self, Content};
use super::inspect::{self, FileView};
use std::collections::BTreeMap;
use std::sync::PoisonError;

impl Fake {
    // --- Looking at the cloud ---

    /// The living file or folder at a path.
    pub fn file(&self, path: &str) -> Option<FileView> {
        let state = self.hub.lock();
        let id = inspect::find(&state.cloud, path)?;
        state.cloud.node(id).map(FileView::of)
    }

    /// A file or folder by its id, in the bin or not.
    pub fn by_id(&self, id: u64) -> Option<FileView> {
        self.hub.lock().cloud.node(id).map(FileView::of)
    }

    /// The names of the living in a folder, in order; of all folders of that path.
    pub fn living(&self, path: &str) -> Vec<String> {
        let state = self.hub.lock();
        let cloud = &state.cloud;
        let (above, name) = inspect::split(path);
        let folders = match inspect::find(cloud, above) {
            _ if name.is_empty() => vec![cloud::ROOT],
            Some(above) => cloud.named(above, name),
            None => Vec::new(),
        };
        let rows = folders.into_iter().flat_map(|id| cloud.below(id));
        let nodes = rows.filter_map(|id| cloud.node(id)).filter(|n| !n.trashed);
        let mut names: Vec<String> = nodes.map(|n| n.name.clone()).collect();
        names.sort();
        names
    }

    /// All living files: path → size and MD5.
    pub fn tree(&self) -> BTreeMap<String, (u64, String)> {
        inspect::tree(&self.hub.lock().cloud)
    }

    /// Everything in the recycle bin, by id.
    pub fn bin(&self) -> Vec<FileView> {
        let state = self.hub.lock();
        let all = state.cloud.nodes.values();
        let binned = all.filter(|n| n.trashed && n.gone.is_none());
        let mut views: Vec<FileView> = binned.map(FileView::of).collect();
        views.sort_by_key(|v| v.id);
        views
    }

    // --- Changing the cloud by hand ---

    /// Puts a file there, with the folders above it. A file of that name stays beside it.
    pub fn plant(&self, path: &str, bytes: &[u8]) -> u64 {
        let taken = content::take(&self.hub.keep, bytes).unwrap();
        let file = (taken.size, taken.etag, taken.content);
        self.change(|cloud, now| inspect::plant(cloud, path, file, now))
    }

    /// Puts a file of made-up bytes there. Its MD5 is true up to 1 MiB, and invented beyond.
    pub fn plant_sized(&self, path: &str, size: u64) -> u64 {
        let etag = {
            let mut etags = self.etags.lock().unwrap_or_else(PoisonError::into_inner);
            let etag = etags.entry(size);
            etag.or_insert_with(|| content::made_up_etag(size)).clone()
        };
        let file = (size, etag, Content::MadeUp(size));
        self.change(|cloud, now| inspect::plant(cloud, path, file, now))
    }

    /// The folder at a path, made if it is missing.
    pub fn plant_folder(&self, path: &str) -> u64 {
        self.change(|cloud, now| inspect::folder(cloud, path, now))
    }

    /// One more folder at a path, also when there is one.
    pub fn plant_twin_folder(&self, path: &str) -> u64 {
        let (above, name) = inspect::split(path);
        self.change(|cloud, now| {
            let parent = inspect::folder(cloud, above, now);
            cloud.add(parent, name, now, None)
        })
    }

    /// Makes a folder in one given by its id, for twins.
    pub fn plant_folder_into(&self, folder: u64, name: &str) -> u64 {
        self.change(|cloud, now| cloud.add(folder, name, now, None))
    }

    /// Puts a file into a folder given by its id, for twins.
    pub fn plant_into(&self, folder: u64, name: &str, bytes: &[u8]) -> u64 {
        let taken = content::take(&self.hub.keep, bytes).unwrap();
        let file = (taken.size, taken.etag, taken.content);
        self.change(|cloud, now| cloud.add(folder, name, now, Some(file)))
    }

    /// Somebody puts it into the bin; answers its id.
    pub fn trash_by_hand(&self, path: &str) -> u64 {
        let id = self.id(path);
        self.change(|cloud, now| cloud.set_trashed(id, true, now));
        id
    }

    /// Somebody moves it to another folder, or renames it, or both.
    pub fn move_by_hand(&self, path: &str, to: &str) {
        let id = self.id(path);
        let (above, name) = inspect::split(to);
        self.change(|cloud, now| {
            let parent = inspect::folder(cloud, above, now);
            cloud.relocate(id, parent, name).unwrap();
        });
    }

    /// Somebody takes it out of the bin.
    pub fn restore_by_hand(&self, id: u64) {
        self.change(|cloud, now| cloud.set_trashed(id, false, now));
    }

    /// Somebody destroys it; answers the id it had.
    pub fn delete_by_hand(&self, path: &str) -> u64 {
        let id = self.id(path);
        self.change(|cloud, now| cloud.destroy(id, now));
        id
    }

    /// Its bytes become others; size and MD5 in its row follow.
    pub fn damage(&self, path: &str, bytes: &[u8]) {
        let id = self.id(path);
        let taken = content::take(&self.hub.keep, bytes).unwrap();
        self.change(|cloud, _| cloud.damage(id, taken.size, taken.etag, taken.content));
    }

    /// Its bytes become others; its row stays as it was, so that only a reader can tell.
    pub fn rot(&self, path: &str, bytes: &[u8]) {
        let id = self.id(path);
        let taken = content::take(&self.hub.keep, bytes).unwrap();
        self.change(|cloud, _| {
            if let Some(node) = cloud.node_mut(id) {
                node.content = Some(taken.content);
            }
        });
    }

    /// Its `status`: above 100 is refused by the content audit.
    pub fn set_status(&self, path: &str, status: i64) {
        let id = self.id(path);
        self.change(|cloud, _| {
            if let Some(node) = cloud.node_mut(id) {
                node.status = status;
            }
        });
    }

    /// The id at a path that must exist.
    fn id(&self, path: &str) -> u64 {
        let found = inspect::find(&self.hub.lock().cloud, path);
        found.unwrap_or_else(|| panic!("nothing at {path}"))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Cloud, u64) -> T) -> T {
        let now = self.hub.clock.now();
        change(&mut self.hub.lock().cloud, now)
    }
}
