//! What tests do to the files behind the client's back, and what they look at.

use super::super::content::{Content, Keep, take};
use super::Fake;
use super::call::Call;
use super::files::{APP, Files};

/// A file as a test sees it.
#[derive(Clone, Debug)]
pub struct FileView {
    pub id: String,
    content: Content,
}

impl FileView {
    /// What it holds.
    pub fn bytes(&self) -> Vec<u8> {
        self.content.bytes()
    }
}

impl Fake {
    /// The living files of a path below the app's folder: several where names are doubled.
    pub fn files(&self, path: &str) -> Vec<FileView> {
        let (state, now) = (self.hub.lock(), self.hub.clock.now());
        let living = state.files.all().filter(|node| node.lives(now));
        let here = living.filter(|node| state.files.path(node) == path);
        here.filter_map(|node| {
            let (_, content) = node.content.clone()?;
            let id = node.id();
            Some(FileView { id, content })
        })
        .collect()
    }

    /// The paths of all living files.
    pub fn living(&self) -> Vec<String> {
        let (state, now) = (self.hub.lock(), self.hub.clock.now());
        let living = state.files.all().filter(|node| node.lives(now));
        let files = living.filter(|node| node.content.is_some());
        let mut paths: Vec<String> = files.map(|node| state.files.path(node)).collect();
        paths.sort();
        paths
    }

    /// How many files lie in the bin.
    pub fn binned(&self) -> usize {
        let (state, now) = (self.hub.lock(), self.hub.clock.now());
        let dead = state.files.all().filter(|node| !node.lives(now));
        dead.filter(|node| node.content.is_some()).count()
    }

    /// How often a call was made today, where there is a budget.
    pub fn used(&self, call: Call) -> u64 {
        self.hub.lock().used(call)
    }

    /// A file that somebody else puts there.
    pub fn plant(&self, path: &str, bytes: &[u8]) {
        let (mut state, now) = (self.hub.lock(), self.hub.clock.now());
        let taken = take(&Keep::Memory, bytes).unwrap();
        let (folder, name) = parent(&mut state.files, path, now);
        let content = Some((taken.size, taken.content));
        state.files.add(folder, &name, content, now);
    }

    /// One more folder of a name, whether there is one already or not.
    pub fn plant_folder(&self, path: &str) {
        let (mut state, now) = (self.hub.lock(), self.hub.clock.now());
        let (folder, name) = parent(&mut state.files, path, now);
        state.files.add(folder, &name, None, now);
    }

    /// Puts what is at a path into the bin, as on the website.
    pub fn bin(&self, path: &str) {
        let (mut state, now) = (self.hub.lock(), self.hub.clock.now());
        let here = |node: &&super::files::Node| state.files.path(node) == path && node.lives(now);
        let numbers: Vec<u64> = state.files.all().filter(here).map(|n| n.number).collect();
        numbers.into_iter().for_each(|n| state.files.bin(n, now));
    }

    /// Takes everything out of the bin, as on the website.
    pub fn recover(&self) {
        let (mut state, now) = (self.hub.lock(), self.hub.clock.now());
        let dead = state.files.all().filter(|node| !node.lives(now));
        let numbers: Vec<u64> = dead.map(|node| node.number).collect();
        numbers.into_iter().for_each(|n| state.files.recover(n));
    }
}

/// The folder of a path, made if it is missing, and the name there.
fn parent(files: &mut Files, path: &str, now: u64) -> (u64, String) {
    let mut names: Vec<&str> = path.split('/').collect();
    let name = names.pop().unwrap_or_default().to_owned();
    let folder = names
        .into_iter()
        .fold(APP, |at, name| files.make(at, name, now));
    (folder, name)
}
