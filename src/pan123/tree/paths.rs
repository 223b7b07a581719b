//! Paths of folders below the account's root, their parts, and what lies there.

pub use crate::cloud::paths::join;

use crate::restic::Kind;

/// A folder's path below the account's root, without slashes at the ends; empty for the root.
pub type Path = str;

/// The folder above.
pub fn parent(path: &Path) -> &Path {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The folders on the way from the account's root down to this one, and itself; the root isn't
/// among them.
pub fn way(path: &Path) -> impl Iterator<Item = &Path> {
    let above = path.match_indices('/').map(|(end, _)| &path[..end]);
    above.chain([path]).filter(|path| !path.is_empty())
}

/// A folder's own name.
pub fn last(path: &Path) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The repository's folder that a folder belongs to, and the kind of the files in it; none where
/// only a config can be.
pub fn owner(path: &Path) -> (&Path, Option<Kind>) {
    if holds_packs(path) {
        return (parent(parent(path)), Some(Kind::Data));
    }
    match Kind::from_name(last(path)) {
        Some(kind) => (parent(path), Some(kind)),
        None => (path, None),
    }
}

/// Whether the files of a folder are named by hashes. Repositories can't have the names of kinds,
/// so the path tells.
pub fn is_hashed(path: &Path) -> bool {
    owner(path).1.is_some()
}

/// Whether a folder is one of those below `data` that packs lie in.
pub fn holds_packs(path: &Path) -> bool {
    is_data(parent(path))
}

/// Whether a folder is a `data`, below which packs have folders.
pub fn is_data(path: &Path) -> bool {
    last(path) == Kind::Data.name()
}

/// The folder under which a file in this one is known, wherever it lies: of a pack `data`.
pub fn known_under(path: &Path) -> &Path {
    match holds_packs(path) {
        true => parent(path),
        false => path,
    }
}
