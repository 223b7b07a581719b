//! Folders to back up: made from a seed, changed, read back for comparison. And temporary folders.
//! Everything is small, so a tree is compared as a whole, in memory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that goes with its owner.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    /// A new, empty folder.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("restic-123pan-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // What others may look into is a warning of the program's.
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Bytes that don't compress, the same for the same seed.
pub(crate) fn random(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = vec![0; len];
    for eight in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let value = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
        eight.copy_from_slice(&value[..eight.len()]);
    }
    bytes
}

/// Writes a tree of a few dozen files, `size` bytes of them random.
pub(crate) fn grow(root: &Path, seed: u64, size: usize) {
    const FOLDERS: [&str; 4] = ["", "two words", "照片/二〇二六年", "deep/er/est"];
    const FILES: usize = 40;
    for number in 0..FILES {
        let folder = root.join(FOLDERS[number % FOLDERS.len()]);
        fs::create_dir_all(&folder).unwrap();
        let content = random(seed + number as u64, size / FILES);
        fs::write(folder.join(format!("文件 {number}.bin")), content).unwrap();
    }
    fs::write(root.join("empty"), "").unwrap();
    fs::write(root.join("text.txt"), "the same line\n".repeat(5000)).unwrap();
    fs::create_dir_all(root.join("empty folder")).unwrap();
    std::os::unix::fs::symlink("text.txt", root.join("link")).unwrap();
}

/// Changes some of it: a file added, one rewritten, one removed.
pub(crate) fn change(root: &Path, seed: u64) {
    fs::write(root.join("added"), random(seed, 300_000)).unwrap();
    fs::write(root.join("text.txt"), "another line\n".repeat(7000)).unwrap();
    fs::remove_file(root.join("文件 0.bin")).unwrap();
}

/// What is at a path of a tree.
#[derive(PartialEq, Eq)]
pub(crate) enum Entry {
    /// A folder.
    Folder,
    /// A link and where it leads.
    Link(PathBuf),
    /// A file's bytes.
    File(Vec<u8>),
}

/// All of a tree, by path.
pub(crate) fn read(root: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let (entry, path) = entry.map(|e| (e.file_type().unwrap(), e.path())).unwrap();
            let value = if entry.is_symlink() {
                Entry::Link(fs::read_link(&path).unwrap())
            } else if entry.is_dir() {
                folders.push(path.clone());
                Entry::Folder
            } else {
                Entry::File(fs::read(&path).unwrap())
            };
            all.insert(path.strip_prefix(root).unwrap().to_owned(), value);
        }
    }
    all
}

/// Fails, naming the paths, if two trees differ.
pub(crate) fn compare(wanted: &Path, found: &Path) {
    let (wanted, found) = (read(wanted), read(found));
    let differs = |path: &&PathBuf| wanted.get(*path) != found.get(*path);
    let paths: Vec<_> = wanted.keys().chain(found.keys()).filter(differs).collect();
    assert!(
        paths.is_empty(),
        "these differ after the restore: {paths:?}"
    );
}
