//! The cloud in a folder: content in files named after MD5 and size, everything else in one JSON
//! file that is replaced as a whole, soon after a change and at the end.

use super::cloud::Node;
use super::content::Content;
use super::state::Hub;
use super::tokens::Tokens;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The least time between two writes of the state.
const PAUSE: Duration = Duration::from_millis(200);

/// What the JSON file holds.
#[derive(Serialize, Deserialize)]
struct Saved {
    next: u64,
    nodes: Vec<Node>,
    tokens: Tokens,
}

/// The folder for content.
pub fn content_folder(folder: &Path) -> io::Result<PathBuf> {
    let content = folder.join("content");
    std::fs::create_dir_all(&content)?;
    Ok(content)
}

/// Saves until it is dropped, and then once more.
pub struct Saver {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Saver {
    /// Loads what is there, and saves from now on.
    pub fn start(hub: Arc<Hub>, folder: &Path) -> io::Result<Saver> {
        let file = folder.join("state.json");
        load(&hub, &file, &content_folder(folder)?)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let thread = std::thread::spawn(move || run(&hub, &file, &stopping));
        Ok(Saver {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Saves after changes.
fn run(hub: &Hub, file: &Path, stopping: &AtomicBool) {
    let mut saved = hub.lock().cloud.version;
    loop {
        super::http::pause(PAUSE, stopping);
        let last = stopping.load(Ordering::SeqCst);
        let version = hub.lock().cloud.version;
        if version != saved {
            match save(hub, file) {
                Ok(()) => saved = version,
                Err(e) => log::error!("can't save the emulator's state: {e}"),
            }
        }
        if last {
            return;
        }
    }
}

/// Writes the state beside the old one, then puts it in its place.
fn save(hub: &Hub, file: &Path) -> io::Result<()> {
    let text = {
        let state = hub.lock();
        let cloud = &state.cloud;
        let living = cloud.nodes.values().filter(|n| n.gone.is_none());
        let nodes: Vec<&Node> = living.collect();
        serde_json::to_vec(&serde_json::json!({
            "next": cloud.next, "nodes": nodes, "tokens": state.tokens,
        }))?
    };
    let beside = file.with_extension("new");
    std::fs::write(&beside, text)?;
    std::fs::rename(beside, file)
}

/// Reads the state, if there is one, and removes content that nothing names.
fn load(hub: &Hub, file: &Path, content: &Path) -> io::Result<()> {
    let saved: Saved = match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    let mut used = HashSet::new();
    let mut state = hub.lock();
    state.tokens = saved.tokens;
    for mut node in saved.nodes {
        if let Some(Content::Disk(path)) = &mut node.content {
            // The folder may have been moved, or named from elsewhere.
            *path = content.join(path.file_name().unwrap_or_default());
            used.insert(path.clone());
        }
        state.cloud.learn(&node);
        state.cloud.insert(node);
    }
    state.cloud.next = saved.next;
    super::content::sweep(content, &used);
    Ok(())
}
