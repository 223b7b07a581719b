//! The user's files: folders and files by opaque ids, with several of one name where that is so, and
//! the bin, which keeps everything. Pure; time comes in as milliseconds.

use super::super::content::{Content, md5_hex};
use std::collections::BTreeMap;

/// The id of the user's own folder of documents.
pub const ROOT: u64 = 1;
/// The id of the app's own folder.
pub const APP: u64 = 2;

/// A file or a folder.
#[derive(Clone)]
pub struct Node {
    pub number: u64,
    pub parent: u64,
    pub name: String,
    /// None for a folder.
    pub content: Option<(u64, Content)>,
    /// When it came.
    pub since: u64,
    /// When it went into the bin, if it is there or on its way.
    pub binned: Option<u64>,
}

impl Node {
    /// Its id as clients see it.
    pub fn id(&self) -> String {
        id_of(self.number)
    }

    /// Whether a list shows it.
    pub fn shows(&self, now: u64, lag: u64) -> bool {
        self.since + lag <= now && self.binned.is_none_or(|at| now < at + lag)
    }

    /// Whether it lives.
    pub fn lives(&self, now: u64) -> bool {
        self.binned.is_none_or(|at| now < at)
    }
}

/// An id that tells nothing.
fn id_of(number: u64) -> String {
    format!("{number}-{}", &md5_hex(number.to_string().as_bytes())[..20])
}

/// All of them.
pub struct Files {
    nodes: BTreeMap<u64, Node>,
    next: u64,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::new(),
            next: APP + 1,
        }
    }
}

impl Files {
    /// What an id names, dead or alive.
    pub fn get(&self, id: &str) -> Option<&Node> {
        let number = id.split('-').next()?.parse().ok()?;
        self.nodes.get(&number).filter(|node| node.id() == id)
    }

    /// The folder that an id names and that lives.
    pub fn folder(&self, id: &str, now: u64) -> Option<u64> {
        let node = self.get(id).filter(|node| node.lives(now))?;
        node.content.is_none().then_some(node.number)
    }

    /// Whether there is the app's folder: the first file makes it.
    pub fn has_app(&self) -> bool {
        self.nodes.values().any(|node| node.parent == APP)
    }

    /// Everything in a folder, in the order of its coming.
    pub fn below(&self, folder: u64) -> impl Iterator<Item = &Node> {
        self.nodes
            .values()
            .filter(move |node| node.parent == folder)
    }

    /// Everything.
    pub fn all(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// A living thing of this name.
    pub fn named(&self, folder: u64, name: &str, now: u64) -> Option<&Node> {
        self.below(folder)
            .find(|node| node.name == name && node.lives(now))
    }

    /// The folder of this name, made if it is missing.
    pub fn make(&mut self, folder: u64, name: &str, now: u64) -> u64 {
        let found = self.below(folder);
        let found = found
            .filter(|node| node.name == name && node.lives(now) && node.content.is_none())
            .map(|node| node.number)
            .next();
        found.unwrap_or_else(|| self.add(folder, name, None, now))
    }

    /// One more.
    pub fn add(
        &mut self,
        parent: u64,
        name: &str,
        content: Option<(u64, Content)>,
        now: u64,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        let node = Node {
            number,
            parent,
            name: name.to_owned(),
            content,
            since: now,
            binned: None,
        };
        self.nodes.insert(number, node);
        number
    }

    /// Gives a file another content.
    pub fn replace(&mut self, number: u64, content: (u64, Content)) {
        if let Some(node) = self.nodes.get_mut(&number) {
            node.content = Some(content);
        }
    }

    /// Puts something into the bin, with all that is in it, now or later.
    pub fn bin(&mut self, number: u64, at: u64) {
        if let Some(node) = self.nodes.get_mut(&number) {
            node.binned.get_or_insert(at);
        }
        let below: Vec<u64> = self.below(number).map(|node| node.number).collect();
        below.into_iter().for_each(|number| self.bin(number, at));
    }

    /// Takes something out of the bin.
    pub fn recover(&mut self, number: u64) {
        if let Some(node) = self.nodes.get_mut(&number) {
            node.binned = None;
        }
    }

    /// The path from the app's folder on.
    pub fn path(&self, node: &Node) -> String {
        match self.nodes.get(&node.parent) {
            Some(above) => format!("{}/{}", self.path(above), node.name),
            None => node.name.clone(),
        }
    }
}
