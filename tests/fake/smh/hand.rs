//! What tests do to the space behind the client's back, and what they look at.

use super::super::content::{Content, Keep, md5_hex};
use super::Fake;
use super::call::segments;
use super::tree::{Kind, Node, ROOT, Stored, Strategy, Tree};
use super::upload::Receiver;
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// A file or folder as a test sees it.
#[derive(Clone, Debug)]
pub struct FileView {
    /// Its bytes went because the space was over its quota.
    pub removed: bool,
    content: Option<Content>,
}

impl FileView {
    fn of(node: &Node) -> FileView {
        FileView {
            removed: node.removed,
            content: node.content.clone(),
        }
    }

    /// What it holds.
    pub fn bytes(&self) -> Vec<u8> {
        let content = self.content.as_ref();
        content.map(Content::bytes).unwrap_or_default()
    }
}

impl Fake {
    // --- Looking at the space ---

    /// The file or folder at a path.
    pub fn file(&self, path: &str) -> Option<FileView> {
        let state = self.hub.lock();
        state.tree.at(&segments(path)).map(FileView::of)
    }

    /// The names in a folder, in order.
    pub fn living(&self, path: &str) -> Vec<String> {
        let state = self.hub.lock();
        let folder = state.tree.folder(&segments(path));
        let below = folder.into_iter().flat_map(|id| state.tree.below(id));
        below.map(|n| n.name.clone()).collect()
    }

    /// All files: path → size and CRC-64.
    pub fn tree(&self) -> BTreeMap<String, (u64, u64)> {
        tree(&self.hub.lock().tree)
    }

    /// What is in the recycle bin: number → the path that it had.
    pub fn bin(&self) -> BTreeMap<u64, String> {
        let state = self.hub.lock();
        let binned = state.tree.bin.iter();
        binned
            .map(|(n, b)| (*n, format!("/{}", b.path.join("/"))))
            .collect()
    }

    // --- Changing the space by hand ---

    /// Puts a file there, with the folders above it, in the place of another.
    pub fn plant(&self, path: &str, bytes: &[u8]) {
        self.plant_kind(path, Kind::File, Some(stored(&self.hub.keep, bytes)));
    }

    /// Puts a file of made-up bytes there.
    pub fn plant_sized(&self, path: &str, size: u64) {
        let mut known = self
            .checksums
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let crc64 = *known.entry(size).or_insert_with(|| made_up(size).crc64);
        drop(known);
        let file = Stored {
            crc64,
            ..unchecked(size)
        };
        self.plant_kind(path, Kind::File, Some(file));
    }

    /// Puts an entry of some kind there: a link, a folder that is named like a pack.
    pub fn plant_odd(&self, path: &str, kind: Kind) {
        self.plant_kind(path, kind, None);
    }

    /// The folder at a path, made if it is missing.
    pub fn plant_folder(&self, path: &str) {
        let now = self.hub.clock.now();
        folder(&mut self.hub.lock().tree, &segments(path), now);
    }

    fn plant_kind(&self, path: &str, kind: Kind, file: Option<Stored>) {
        let now = self.hub.clock.now();
        plant(&mut self.hub.lock().tree, path, kind, file, now);
    }

    /// Somebody destroys it.
    pub fn delete_by_hand(&self, path: &str) {
        self.remove(path, false);
    }

    /// Somebody puts it into the bin; answers its number there.
    pub fn trash_by_hand(&self, path: &str) -> u64 {
        self.remove(path, true).unwrap()
    }

    fn remove(&self, path: &str, into_bin: bool) -> Option<u64> {
        let (id, now) = (self.id(path), self.hub.clock.now());
        match self.hub.lock().tree.remove(id, into_bin, now) {
            super::tree::Gone::Binned(number) => Some(number),
            super::tree::Gone::ForGood => None,
        }
    }

    /// Somebody takes it out of the bin.
    pub fn restore_by_hand(&self, number: u64) {
        let now = self.hub.clock.now();
        self.hub.lock().tree.restore(number, now).unwrap();
    }

    /// Its bytes become others; size and checksum in its row follow.
    pub fn damage(&self, path: &str, bytes: &[u8]) {
        let (id, new) = (self.id(path), stored(&self.hub.keep, bytes));
        let mut state = self.hub.lock();
        let old = state.tree.node(id).map_or(0, |n| n.size);
        state.tree.bytes = state.tree.bytes - old + new.size;
        let node = state.tree.node_mut(id).unwrap();
        (node.size, node.crc64, node.etag) = (new.size, new.crc64, new.etag);
        node.content = Some(new.content);
    }

    /// Its bytes go because the space is over its quota.
    pub fn remove_by_quota(&self, path: &str) {
        let id = self.id(path);
        self.hub.lock().tree.remove_by_quota(id);
    }

    /// The id at a path that must exist.
    fn id(&self, path: &str) -> u64 {
        let state = self.hub.lock();
        let node = state.tree.at(&segments(path));
        node.unwrap_or_else(|| panic!("nothing at {path}")).id
    }
}

fn stored(keep: &Keep, bytes: &[u8]) -> Stored {
    let mut receiver = Receiver::new(keep).unwrap();
    receiver.take(bytes).unwrap();
    receiver.finish().unwrap()
}

/// A file of made-up bytes, but for its checksum.
fn unchecked(size: u64) -> Stored {
    Stored {
        size,
        crc64: 0,
        etag: md5_hex(format!("made up: {size}").as_bytes()),
        content: Content::MadeUp(size),
    }
}

/// A file of made-up bytes.
pub fn made_up(size: u64) -> Stored {
    let mut receiver = Receiver::new(&Keep::Discard).unwrap();
    let content = Content::MadeUp(size);
    receiver.take(content.reader(0).unwrap()).unwrap();
    let crc64 = receiver.finish().unwrap().crc64;
    Stored {
        crc64,
        ..unchecked(size)
    }
}

/// The folder at a path, made if it is missing.
fn folder(tree: &mut Tree, path: &[String], now: u64) -> u64 {
    match tree.folder(path) {
        Some(id) => id,
        None => tree.mkdir(path, Strategy::Ask, now).unwrap(),
    }
}

/// Puts an entry at a path, in the place of another.
pub fn plant(tree: &mut Tree, path: &str, kind: Kind, file: Option<Stored>, now: u64) {
    let path = segments(path);
    let (name, above) = path.split_last().unwrap();
    let parent = folder(tree, above, now);
    if let Some(old) = tree.named(parent, name) {
        tree.remove(old, false, now);
    }
    tree.add(parent, name, kind, file, now);
}

/// All files: path → size and CRC-64.
pub fn tree(tree: &Tree) -> BTreeMap<String, (u64, u64)> {
    let mut all = BTreeMap::new();
    walk(tree, ROOT, "", &mut all);
    all
}

fn walk(tree: &Tree, folder: u64, path: &str, all: &mut BTreeMap<String, (u64, u64)>) {
    for node in tree.below(folder) {
        let path = format!("{path}/{}", node.name);
        match node.kind {
            Kind::Dir => walk(tree, node.id, &path, all),
            _ => drop(all.insert(path, (node.size, node.crc64))),
        }
    }
}
