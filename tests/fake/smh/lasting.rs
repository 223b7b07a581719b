//! What of the space is kept in a folder: all entries and the bin. Tokens and uploads under way end
//! with the process.

use super::super::disk::{Lasting, moved_to};
use super::state::Hub;
use super::tree::{Binned, Node, Tree};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// What the JSON file holds.
#[derive(Deserialize)]
struct Saved {
    next: u64,
    nodes: Vec<Node>,
    bin: BTreeMap<u64, Binned>,
}

impl Lasting for Hub {
    fn version(&self) -> u64 {
        self.lock().tree.version
    }

    fn save(&self) -> serde_json::Result<Vec<u8>> {
        let state = self.lock();
        let tree = &state.tree;
        let nodes: Vec<&Node> = tree.nodes.values().collect();
        serde_json::to_vec(&json!({"next": tree.next, "nodes": nodes, "bin": tree.bin}))
    }

    fn load(&self, saved: &[u8], content: &Path) -> serde_json::Result<HashSet<PathBuf>> {
        let mut saved: Saved = serde_json::from_slice(saved)?;
        let nodes = saved.nodes.iter_mut();
        let used = nodes.filter_map(|node| moved_to(content, &mut node.content));
        let used = used.collect();
        self.lock().tree = Tree::restored(saved.nodes, saved.bin, saved.next);
        Ok(used)
    }
}
