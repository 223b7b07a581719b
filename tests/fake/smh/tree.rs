//! The files and folders of a space as a plain state machine, with its recycle bin. No I/O, no
//! clock (milliseconds come in as arguments), no switches. Lists are in `listing`, the order of an
//! upload's events in `upload`.

use super::super::cloud::suffixed;
use super::super::content::Content;
use super::refusal::{Refusal, no};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The folder above all others.
pub const ROOT: u64 = 0;
/// How long deleted entries are remembered for lists that lag.
const GHOSTS_FOR: u64 = 10 * 60 * 1000;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Dir,
    File,
    Image,
    Video,
    Symlink,
    Virtual,
}

impl Kind {
    /// As the service calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Dir => "dir",
            Kind::File => "file",
            Kind::Image => "image",
            Kind::Video => "video",
            Kind::Symlink => "symlink",
            Kind::Virtual => "virtual",
        }
    }

    /// Whether it has bytes of its own.
    pub fn has_bytes(self) -> bool {
        matches!(self, Kind::File | Kind::Image | Kind::Video)
    }
}

/// What a client wants when a name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Ask,
    Rename,
    Overwrite,
}

impl Strategy {
    /// As the service calls it.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Ask => "ask",
            Strategy::Rename => "rename",
            Strategy::Overwrite => "overwrite",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Result<Strategy, Refusal> {
        match text {
            "ask" => Ok(Strategy::Ask),
            "rename" => Ok(Strategy::Rename),
            "overwrite" => Ok(Strategy::Overwrite),
            _ => no("InvalidConflictResolutionStrategy"),
        }
    }
}

/// The bytes of a file and what is known of them.
#[derive(Clone, Debug)]
pub struct Stored {
    pub size: u64,
    pub crc64: u64,
    pub etag: String,
    pub content: Content,
}

/// A file or a folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    pub id: u64,
    pub parent: u64,
    pub name: String,
    pub kind: Kind,
    pub size: u64,
    pub crc64: u64,
    pub etag: String,
    pub made: u64,
    pub changed: u64,
    /// Its bytes went because the space was over its quota.
    pub removed: bool,
    pub content: Option<Content>,
}

/// Something in the recycle bin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Binned {
    pub id: u64,
    /// Where it was.
    pub path: Vec<String>,
    pub at: u64,
}

/// What a delete leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Nothing.
    ForGood,
    /// An item in the bin.
    Binned(u64),
}

/// The whole space.
#[derive(Default)]
pub struct Tree {
    pub(super) nodes: HashMap<u64, Node>,
    children: HashMap<u64, BTreeMap<String, u64>>,
    /// Folder → what was deleted there, and when.
    ghosts: HashMap<u64, Vec<(Node, u64)>>,
    pub(super) bin: BTreeMap<u64, Binned>,
    pub(super) next: u64,
    /// Bytes of all files, binned ones too.
    pub bytes: u64,
    /// Raised by each change, for whoever saves the state.
    pub version: u64,
}

impl Tree {
    /// A row that exists, in the bin or not.
    pub fn node(&self, id: u64) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// The same, to change it.
    pub fn node_mut(&mut self, id: u64) -> Option<&mut Node> {
        self.version += 1;
        self.nodes.get_mut(&id)
    }

    /// The entry of a name in a folder.
    pub fn named(&self, folder: u64, name: &str) -> Option<u64> {
        self.children.get(&folder)?.get(name).copied()
    }

    /// What is at a path; `None` for the root, too, which is no entry.
    pub fn at(&self, path: &[String]) -> Option<&Node> {
        let id = path.iter().try_fold(ROOT, |at, name| self.named(at, name));
        self.nodes.get(&id?)
    }

    /// The folder at a path.
    pub fn folder(&self, path: &[String]) -> Option<u64> {
        if path.is_empty() {
            return Some(ROOT);
        }
        self.at(path).filter(|n| n.kind == Kind::Dir).map(|n| n.id)
    }

    /// Where an entry is; `None` when it, or something above it, is deleted.
    pub fn path_of(&self, id: u64) -> Option<Vec<String>> {
        if id == ROOT {
            return Some(Vec::new());
        }
        let node = self.nodes.get(&id)?;
        if self.named(node.parent, &node.name) != Some(id) {
            return None;
        }
        let mut path = self.path_of(node.parent)?;
        path.push(node.name.clone());
        Some(path)
    }

    /// Everything directly in a folder, by name.
    pub fn below(&self, folder: u64) -> impl Iterator<Item = &Node> {
        let ids = self.children.get(&folder).into_iter().flatten();
        ids.filter_map(|(_, id)| self.nodes.get(id))
    }

    /// What was deleted in a folder lately, and when.
    pub fn ghosts(&self, folder: u64) -> impl Iterator<Item = &(Node, u64)> {
        self.ghosts.get(&folder).into_iter().flatten()
    }

    /// Makes a folder, and those above it that are missing. Answers where it is.
    pub fn mkdir(&mut self, path: &[String], strategy: Strategy, now: u64) -> Result<u64, Refusal> {
        let Some((last, above)) = path.split_last() else {
            return no("RootDirectoryNotAllowed");
        };
        let mut at = ROOT;
        for name in above {
            at = match self.named(at, name) {
                None => self.add(at, name, Kind::Dir, None, now),
                Some(id) if self.nodes[&id].kind == Kind::Dir => id,
                Some(_) => return no("SameNameDirectoryOrFileExists"),
            };
        }
        let name = match (self.named(at, last), strategy) {
            (None, _) => last.clone(),
            (Some(_), Strategy::Rename) => self.free_name(at, last),
            (Some(_), _) => return no("SameNameDirectoryOrFileExists"),
        };
        Ok(self.add(at, &name, Kind::Dir, None, now))
    }

    /// Under which name a file would be stored, and whether it would replace another.
    pub fn place(
        &self,
        folder: u64,
        name: &str,
        strategy: Strategy,
    ) -> Result<(String, bool), Refusal> {
        let Some(taken) = self.named(folder, name) else {
            return Ok((name.to_owned(), false));
        };
        match strategy {
            Strategy::Rename => Ok((self.free_name(folder, name), false)),
            Strategy::Overwrite if self.nodes[&taken].kind != Kind::Dir => {
                Ok((name.to_owned(), true))
            }
            _ => no("SameNameDirectoryOrFileExists"),
        }
    }

    fn free_name(&self, folder: u64, name: &str) -> String {
        let mut names = (1..).map(|number| suffixed(name, number));
        let free = names.find(|name| self.named(folder, name).is_none());
        free.unwrap_or_default()
    }

    /// Adds an entry under a name that is free.
    pub fn add(
        &mut self,
        parent: u64,
        name: &str,
        kind: Kind,
        stored: Option<Stored>,
        now: u64,
    ) -> u64 {
        self.next += 1;
        let stored = stored.map(|s| (s.size, s.crc64, s.etag, Some(s.content)));
        let (size, crc64, etag, content) = stored.unwrap_or_default();
        self.insert(Node {
            id: self.next,
            parent,
            name: name.to_owned(),
            kind,
            size,
            crc64,
            etag,
            made: now,
            changed: now,
            removed: false,
            content,
        });
        self.next
    }

    /// Puts an entry into its folder.
    fn insert(&mut self, node: Node) {
        self.link(&node);
        self.bytes += node.size;
        self.nodes.insert(node.id, node);
    }

    fn link(&mut self, node: &Node) {
        self.version += 1;
        let names = self.children.entry(node.parent).or_default();
        names.insert(node.name.clone(), node.id);
    }

    /// Takes an entry out of its folder: with all below it, it is nowhere then.
    fn unlink(&mut self, id: u64, now: u64) {
        self.version += 1;
        let Some(node) = self.nodes.get(&id) else {
            return;
        };
        if let Some(names) = self.children.get_mut(&node.parent) {
            names.remove(&node.name);
        }
        let ghosts = self.ghosts.entry(node.parent).or_default();
        ghosts.retain(|(_, gone)| gone + GHOSTS_FOR > now);
        let mut ghost = node.clone();
        ghost.content = None;
        ghosts.push((ghost, now));
    }

    /// Deletes an entry and everything below it.
    pub fn remove(&mut self, id: u64, into_bin: bool, now: u64) -> Gone {
        let path = self.path_of(id).unwrap_or_default();
        self.unlink(id, now);
        if !into_bin {
            self.forget(id);
            return Gone::ForGood;
        }
        self.next += 1;
        self.bin.insert(self.next, Binned { id, path, at: now });
        Gone::Binned(self.next)
    }

    fn forget(&mut self, id: u64) {
        for (_, child) in self.children.remove(&id).unwrap_or_default() {
            self.forget(child);
        }
        self.ghosts.remove(&id);
        if let Some(node) = self.nodes.remove(&id).filter(|n| !n.removed) {
            self.bytes -= node.size;
        }
    }

    /// Empties an item of the bin; whether it was there.
    pub fn purge(&mut self, number: u64) -> bool {
        let binned = self.bin.remove(&number);
        if let Some(binned) = &binned {
            self.version += 1;
            self.forget(binned.id);
        }
        binned.is_some()
    }

    /// Takes an item out of the bin. Its folder is made anew where it is missing; a name that is
    /// taken meanwhile gets a number.
    pub fn restore(&mut self, number: u64, now: u64) -> Result<Vec<String>, Refusal> {
        let Some(binned) = self.bin.get(&number).cloned() else {
            return no("RecycledItemNotFound");
        };
        let (name, above) = binned.path.split_last().ok_or(Refusal("PathNotFound"))?;
        let parent = match self.folder(above) {
            Some(id) => id,
            None => self.mkdir(above, Strategy::Ask, now)?,
        };
        let (name, _) = self.place(parent, name, Strategy::Rename)?;
        self.bin.remove(&number);
        let Some(node) = self.nodes.get_mut(&binned.id) else {
            return no("RecycledItemNotFound");
        };
        (node.parent, node.name) = (parent, name);
        let node = node.clone();
        self.link(&node);
        Ok(self.path_of(node.id).unwrap_or_default())
    }

    /// The files that lie longest, first.
    pub fn oldest_files(&self) -> Vec<u64> {
        let files = self.nodes.values().filter(|n| n.kind.has_bytes());
        let mut files: Vec<&Node> = files.filter(|n| !n.removed).collect();
        files.sort_by_key(|n| (n.made, n.id));
        files.iter().map(|n| n.id).collect()
    }

    /// A file loses its bytes because the space is over its quota; its entry stays.
    pub fn remove_by_quota(&mut self, id: u64) {
        if let Some(node) = self.node_mut(id) {
            node.removed = true;
            let size = node.size;
            self.bytes -= size;
        }
    }

    /// Rows as they were saved.
    pub fn restored(nodes: Vec<Node>, bin: BTreeMap<u64, Binned>, next: u64) -> Tree {
        let mut tree = Tree {
            bin,
            next,
            ..Tree::default()
        };
        let binned: Vec<u64> = tree.bin.values().map(|b| b.id).collect();
        for node in nodes {
            if !binned.contains(&node.id) {
                tree.link(&node);
            }
            tree.bytes += if node.removed { 0 } else { node.size };
            tree.nodes.insert(node.id, node);
        }
        tree
    }
}

/// The rules for a name that is to be made.
pub fn check_name(name: &str, too_long: &'static str) -> Result<(), Refusal> {
    if name.chars().count() > 255 {
        return no(too_long);
    }
    let forbidden = name.chars().any(|c| "\\/:*?\"<>|".contains(c));
    if forbidden || name.trim().is_empty() || [".", ".."].contains(&name) {
        return no("IllegalFileName");
    }
    Ok(())
}
