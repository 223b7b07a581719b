//! Paths of folders below the account's root, their parts, and what lies there.

pub use crate::cloud::paths::{holds_packs, is_data, join, last, owner, parent};

/// A folder's path below the account's root, without slashes at the ends; empty for the root.
pub type Path = str;

/// The folders on the way from the account's root down to this one, and itself; the root isn't
/// among them.
pub fn way(path: &Path) -> impl Iterator<Item = &Path> {
    let above = path.match_indices('/').map(|(end, _)| &path[..end]);
    above.chain([path]).filter(|path| !path.is_empty())
}

/// Whether the files of a folder are named by hashes. Repositories can't have the names of kinds,
/// so the path tells.
pub fn is_hashed(path: &Path) -> bool {
    owner(path).1.is_some()
}

/// The folder under which a file in this one is known, wherever it lies: of a pack `data`.
pub fn known_under(path: &Path) -> &Path {
    match holds_packs(path) {
        true => parent(path),
        false => path,
    }
}
