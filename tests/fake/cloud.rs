//! 123pan as a plain state machine: ids, parents, names, MD5s, the recycle bin. No I/O, no clock
//! (milliseconds come in as arguments), no switches but the ones given to a call. Calls that take
//! many ids are in `many`, lists in `views`, uploads' order of events in `upload`.

use super::content::Content;
use super::refusal::Refusal;
use super::switches::{Overwritten, Taken};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// The folder above all others.
pub const ROOT: u64 = 0;

/// A file or a folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    pub id: u64,
    pub parent: u64,
    pub name: String,
    pub folder: bool,
    pub size: u64,
    pub etag: String,
    pub status: i64,
    pub trashed: bool,
    /// When it came to be.
    pub made: u64,
    /// When it last went into the bin or came out of it; 0 is never.
    pub moved: u64,
    /// When it was destroyed. It stays for a while because lists lag.
    pub gone: Option<u64>,
    pub content: Option<Content>,
    /// How often `download_info` was asked for it.
    #[serde(skip)]
    pub asked: u32,
}

/// What an upload wants to store.
#[derive(Clone)]
pub struct Put {
    pub parent: u64,
    pub name: String,
    pub size: u64,
    pub etag: String,
    pub content: Content,
    pub duplicate: Option<u64>,
}

/// How a taken name is dealt with.
#[derive(Clone, Copy)]
pub struct NameRules {
    pub taken: Taken,
    pub overwritten: Overwritten,
    pub kinds_apart: bool,
}

impl NameRules {
    /// Whether a file takes the place of one of its name.
    fn replaces(self, put: &Put) -> bool {
        put.duplicate == Some(2) || self.taken == Taken::Replace
    }
}

/// The whole account.
#[derive(Default)]
pub struct Cloud {
    pub(super) nodes: HashMap<u64, Node>,
    /// Parent → ids of everything below it, also the trashed: what lists page through.
    pub(super) children: BTreeMap<u64, BTreeSet<u64>>,
    /// (Parent, name) → ids of the living.
    names: HashMap<u64, HashMap<String, Vec<u64>>>,
    /// What is stored under (MD5, size), and how many rows share it.
    contents: HashMap<(String, u64), (Content, usize)>,
    /// Files that appear later.
    later: Vec<(u64, Put)>,
    gone: VecDeque<u64>,
    pub(super) next: u64,
    pub living_bytes: u64,
    pub bin_bytes: u64,
    /// Raised by each change, for whoever saves the state.
    pub version: u64,
}

/// How long destroyed rows are remembered for lists that lag.
const GONE_FOR: u64 = 10 * 60 * 1000;

impl Cloud {
    /// An empty account.
    pub fn new() -> Cloud {
        Cloud {
            next: 10_000_001,
            ..Cloud::default()
        }
    }

    /// Carries out what is due: files that appear late, rows that are forgotten at last.
    pub fn settle(&mut self, now: u64, rules: NameRules) {
        while let Some(at) = self.later.iter().position(|(due, _)| *due <= now) {
            let (due, put) = self.later.remove(at);
            let _ = self.put(put, due, rules);
        }
        while let Some(id) = self.gone.front().copied() {
            let over = self.nodes.get(&id).and_then(|n| n.gone);
            if over.is_some_and(|at| at + GONE_FOR > now) {
                break;
            }
            self.gone.pop_front();
            self.forget(id);
        }
    }

    /// A row that exists, in the bin or not.
    pub fn node(&self, id: u64) -> Option<&Node> {
        self.nodes.get(&id).filter(|n| n.gone.is_none())
    }

    /// The same, to change it.
    pub fn node_mut(&mut self, id: u64) -> Option<&mut Node> {
        self.version += 1;
        self.nodes.get_mut(&id).filter(|n| n.gone.is_none())
    }

    /// Does this id, or did it ever, stand for something?
    pub fn ever(&self, id: u64) -> bool {
        id < self.next && id >= 10_000_001
    }

    /// A row that is neither in the bin nor below something that is.
    pub fn lives(&self, id: u64) -> bool {
        let mut id = id;
        while id != ROOT {
            match self.node(id) {
                Some(node) if !node.trashed => id = node.parent,
                _ => return false,
            }
        }
        true
    }

    /// A folder that things can be put into.
    pub fn living_folder(&self, id: u64) -> bool {
        id == ROOT || (self.lives(id) && self.node(id).is_some_and(|n| n.folder))
    }

    /// The living rows of a name in a folder, lowest id first.
    pub fn named(&self, parent: u64, name: &str) -> Vec<u64> {
        let ids = self.names.get(&parent).and_then(|names| names.get(name));
        ids.cloned().unwrap_or_default()
    }

    /// The ids of everything directly below a folder that exists, also the trashed.
    pub fn below(&self, parent: u64) -> Vec<u64> {
        let ids = self.children.get(&parent).into_iter().flatten();
        ids.copied().filter(|id| self.node(*id).is_some()).collect()
    }

    /// Makes a folder.
    pub fn mkdir(
        &mut self,
        parent: u64,
        name: &str,
        now: u64,
        kinds_apart: bool,
        twins: bool,
    ) -> Result<u64, Refusal> {
        check_name(name)?;
        if !self.living_folder(parent) {
            return Err(Refusal::NoParent);
        }
        let taken = self.named(parent, name);
        let hit = |id: &u64| !kinds_apart || self.nodes[id].folder;
        if taken.iter().any(hit) && !twins {
            return Err(Refusal::FolderExists);
        }
        Ok(self.add(parent, name, now, None))
    }

    /// Stores a file.
    pub fn put(&mut self, put: Put, now: u64, rules: NameRules) -> Result<u64, Refusal> {
        let mut put = put;
        put.name = self.free_name(&put, rules)?;
        if rules.replaces(&put) {
            for old in self.named(put.parent, &put.name) {
                self.set_trashed(old, true, now);
                if rules.overwritten == Overwritten::Vanish {
                    self.destroy(old, now);
                }
            }
        }
        let key = (put.etag.clone(), put.size);
        let entry = self.contents.entry(key).or_insert((put.content, 0));
        entry.1 += 1;
        let content = entry.0.clone();
        let file = (put.size, put.etag, content);
        Ok(self.add(put.parent, &put.name, now, Some(file)))
    }

    /// May this file be stored, and under which name?
    pub fn free_name(&self, put: &Put, rules: NameRules) -> Result<String, Refusal> {
        check_name(&put.name)?;
        if !self.living_folder(put.parent) {
            return Err(Refusal::NoParent);
        }
        let mut taken = self.named(put.parent, &put.name);
        taken.retain(|id| !rules.kinds_apart || !self.nodes[id].folder);
        let replaces = rules.replaces(put) && !taken.iter().any(|id| self.nodes[id].folder);
        if taken.is_empty() || replaces || rules.taken == Taken::Twin {
            return Ok(put.name.clone());
        }
        if put.duplicate != Some(1) && rules.taken != Taken::Suffix {
            return Err(Refusal::NameTaken(rules.taken));
        }
        let mut names = (1..).map(|n| suffixed(&put.name, n));
        let free = names.find(|name| self.named(put.parent, name).is_empty());
        free.ok_or(Refusal::BadName)
    }

    /// Stores a file later.
    pub fn put_later(&mut self, put: Put, due: u64) {
        self.later.push((due, put));
    }

    /// Content that the service has already.
    pub fn known(&self, etag: &str, size: u64) -> Option<Content> {
        let found = self.contents.get(&(etag.to_owned(), size));
        found.map(|(content, _)| content.clone())
    }

    /// Uses up an id for nothing, and answers it.
    pub fn skip_id(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Adds a row, whatever its name.
    pub fn add(
        &mut self,
        parent: u64,
        name: &str,
        now: u64,
        file: Option<(u64, String, Content)>,
    ) -> u64 {
        let id = self.next;
        self.next += 1;
        let folder = file.is_none();
        let (size, etag, content) = match file {
            Some((size, etag, content)) => (size, etag, Some(content)),
            None => (0, String::new(), None),
        };
        self.insert(Node {
            id,
            parent,
            name: name.to_owned(),
            folder,
            size,
            etag,
            status: 0,
            trashed: false,
            made: now,
            moved: 0,
            gone: None,
            content,
            asked: 0,
        });
        id
    }

    /// Puts a row into all indexes.
    pub fn insert(&mut self, node: Node) {
        self.version += 1;
        self.children
            .entry(node.parent)
            .or_default()
            .insert(node.id);
        if node.trashed {
            self.bin_bytes += node.size;
        } else {
            self.living_bytes += node.size;
            self.index(&node);
        }
        self.nodes.insert(node.id, node);
    }

    /// A living row's name is taken from now on.
    pub(super) fn index(&mut self, node: &Node) {
        let names = self.names.entry(node.parent).or_default();
        let ids = names.entry(node.name.clone()).or_default();
        ids.push(node.id);
        ids.sort_unstable();
    }

    /// Its name is free again.
    pub(super) fn unindex(&mut self, node: &Node) {
        if let Some(names) = self.names.get_mut(&node.parent)
            && let Some(ids) = names.get_mut(&node.name)
        {
            ids.retain(|id| *id != node.id);
            if ids.is_empty() {
                names.remove(&node.name);
            }
        }
    }

    /// Moves a row into the bin or out of it.
    pub fn set_trashed(&mut self, id: u64, trashed: bool, now: u64) {
        self.version += 1;
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        if node.trashed == trashed || node.gone.is_some() {
            return;
        }
        node.trashed = trashed;
        node.moved = now;
        let node = node.clone();
        if trashed {
            self.unindex(&node);
            self.living_bytes -= node.size;
            self.bin_bytes += node.size;
        } else {
            self.index(&node);
            self.bin_bytes -= node.size;
            self.living_bytes += node.size;
        }
    }

    /// Destroys a row and everything below it.
    pub fn destroy(&mut self, id: u64, now: u64) {
        if self.node(id).is_none() {
            return;
        }
        for child in self.below(id) {
            self.destroy(child, now);
        }
        self.set_trashed(id, true, now);
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        node.gone = Some(now);
        self.bin_bytes -= node.size;
        self.gone.push_back(id);
        let key = (node.etag.clone(), node.size);
        if let Some(entry) = self.contents.get_mut(&key) {
            entry.1 = entry.1.saturating_sub(1);
            if entry.1 == 0 {
                self.contents.remove(&key);
            }
        }
    }

    fn forget(&mut self, id: u64) {
        if let Some(node) = self.nodes.remove(&id)
            && let Some(ids) = self.children.get_mut(&node.parent)
        {
            ids.remove(&id);
        }
    }

    /// Changes what a file holds, behind everyone's back.
    pub fn damage(&mut self, id: u64, size: u64, etag: String, content: Content) {
        self.version += 1;
        if let Some(node) = self.nodes.get_mut(&id) {
            self.living_bytes = self.living_bytes - node.size + size;
            (node.size, node.etag, node.content) = (size, etag, Some(content));
        }
    }

    /// Remembers content of rows that were loaded from disk.
    pub fn learn(&mut self, node: &Node) {
        if let Some(content) = &node.content {
            let key = (node.etag.clone(), node.size);
            let entry = self.contents.entry(key);
            entry.or_insert((content.clone(), 0)).1 += 1;
        }
    }
}

/// The documented rules for names.
pub fn check_name(name: &str) -> Result<(), Refusal> {
    let long = name.len() >= 256;
    let forbidden = name.chars().any(|c| "\"\\/:*?|><".contains(c));
    if long || forbidden || name.trim().is_empty() {
        return Err(Refusal::BadName);
    }
    Ok(())
}

/// `name(1)`, or `name(1).txt`.
pub fn suffixed(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() => format!("{stem}({number}).{end}"),
        _ => format!("{name}({number})"),
    }
}
