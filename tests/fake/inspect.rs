//! The cloud by paths, for tests that look at it or change it by hand. The service itself knows
//! only ids.

use super::cloud::{Cloud, Node, ROOT};
use super::content::Content;
use std::collections::BTreeMap;

/// A file or folder as a test sees it.
#[derive(Clone, Debug)]
pub struct FileView {
    pub id: u64,
    pub name: String,
    pub parent: u64,
    pub folder: bool,
    pub size: u64,
    pub etag: String,
    pub trashed: bool,
    pub status: i64,
    content: Option<Content>,
}

impl FileView {
    /// What it holds.
    pub fn bytes(&self) -> Vec<u8> {
        self.content
            .as_ref()
            .map(Content::bytes)
            .unwrap_or_default()
    }

    /// A view of a row.
    pub fn of(node: &Node) -> FileView {
        FileView {
            id: node.id,
            name: node.name.clone(),
            parent: node.parent,
            folder: node.folder,
            size: node.size,
            etag: node.etag.clone(),
            trashed: node.trashed,
            status: node.status,
            content: node.content.clone(),
        }
    }
}

/// The names in a path.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|s| !s.is_empty())
}

/// The living row at a path; of several of one name, the lowest id.
pub fn find(cloud: &Cloud, path: &str) -> Option<u64> {
    steps(path).try_fold(ROOT, |parent, name| {
        cloud.named(parent, name).first().copied()
    })
}

/// The folder at a path, made if it is missing.
pub fn folder(cloud: &mut Cloud, path: &str, now: u64) -> u64 {
    let mut at = ROOT;
    for name in steps(path) {
        let found = cloud.named(at, name).into_iter();
        let mut folders = found.filter(|id| cloud.node(*id).is_some_and(|n| n.folder));
        at = match folders.next() {
            Some(id) => id,
            None => cloud.add(at, name, now, None),
        };
    }
    at
}

/// Splits a path into its folder and its last name.
pub fn split(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Plants a file, whatever is there already.
pub fn plant(cloud: &mut Cloud, path: &str, file: (u64, String, Content), now: u64) -> u64 {
    let (above, name) = split(path);
    let parent = folder(cloud, above, now);
    cloud.add(parent, name, now, Some(file))
}

/// All living files: path → size and MD5.
pub fn tree(cloud: &Cloud) -> BTreeMap<String, (u64, String)> {
    let mut all = BTreeMap::new();
    walk(cloud, ROOT, "", &mut all);
    all
}

fn walk(cloud: &Cloud, folder: u64, path: &str, all: &mut BTreeMap<String, (u64, String)>) {
    for node in cloud.below(folder).iter().filter_map(|id| cloud.node(*id)) {
        if node.trashed {
            continue;
        }
        let path = format!("{path}/{}", node.name);
        if node.folder {
            walk(cloud, node.id, &path, all);
        } else {
            all.insert(path, (node.size, node.etag.clone()));
        }
    }
}
