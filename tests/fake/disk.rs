//! A cloud in a folder: content in files named after MD5 and size, everything else in one JSON
//! file that is replaced as a whole, soon after a change and at the end. What 123pan's file holds.

use super::cloud::Node;
use super::content::Content;
use super::state::Hub;
use super::tokens::Tokens;
use serde::Deserialize;
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
#[derive(Deserialize)]
struct Saved {
    next: u64,
    nodes: Vec<Node>,
    tokens: Tokens,
}

/// What can be kept in a folder.
pub trait Lasting: Send + Sync + 'static {
    /// A number that each change raises.
    fn version(&self) -> u64;
    /// All but the content.
    fn save(&self) -> serde_json::Result<Vec<u8>>;
    /// Takes in what was saved; answers the files of content that are used, in this folder.
    fn load(&self, saved: &[u8], content: &Path) -> serde_json::Result<HashSet<PathBuf>>;
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
    pub fn start(hub: Arc<impl Lasting>, folder: &Path) -> io::Result<Saver> {
        let file = folder.join("state.json");
        load(&*hub, &file, &content_folder(folder)?)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        // Here, not in the thread, which may begin after the first changes.
        let saved = hub.version();
        let thread = std::thread::spawn(move || run(&*hub, &file, saved, &stopping));
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

/// Saves after changes of the version that is saved.
fn run(hub: &impl Lasting, file: &Path, mut saved: u64, stopping: &AtomicBool) {
    loop {
        super::http::pause(PAUSE, stopping);
        let last = stopping.load(Ordering::SeqCst);
        let version = hub.version();
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
fn save(hub: &impl Lasting, file: &Path) -> io::Result<()> {
    let beside = file.with_extension("new");
    std::fs::write(&beside, hub.save()?)?;
    std::fs::rename(beside, file)
}

/// Reads the state, if there is one, and removes content that nothing names.
fn load(hub: &impl Lasting, file: &Path, content: &Path) -> io::Result<()> {
    match std::fs::read(file) {
        Ok(saved) => super::content::sweep(content, &hub.load(&saved, content)?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    Ok(())
}

/// Content as it lies in a folder that may have been moved, or named from elsewhere.
pub fn moved_to(folder: &Path, content: &mut Option<Content>) -> Option<PathBuf> {
    let Some(Content::Disk(path)) = content else {
        return None;
    };
    *path = folder.join(path.file_name().unwrap_or_default());
    Some(path.clone())
}

impl Lasting for Hub {
    fn version(&self) -> u64 {
        self.lock().cloud.version
    }

    fn save(&self) -> serde_json::Result<Vec<u8>> {
        let state = self.lock();
        let cloud = &state.cloud;
        let living = cloud.nodes.values().filter(|n| n.gone.is_none());
        let nodes: Vec<&Node> = living.collect();
        serde_json::to_vec(&serde_json::json!({
            "next": cloud.next, "nodes": nodes, "tokens": state.tokens,
        }))
    }

    fn load(&self, saved: &[u8], content: &Path) -> serde_json::Result<HashSet<PathBuf>> {
        let saved: Saved = serde_json::from_slice(saved)?;
        let mut used = HashSet::new();
        let mut state = self.lock();
        state.tokens = saved.tokens;
        for mut node in saved.nodes {
            used.extend(moved_to(content, &mut node.content));
            state.cloud.learn(&node);
            state.cloud.insert(node);
        }
        state.cloud.next = saved.next;
        Ok(used)
    }
}
