//! Paths of folders below the account's root, their parts, and what lies there.

pub use crate::cloud::paths::{holds_packs, is_data, join, last, owner, parent};

use crate::restic::Kind;

/// A folder's path below the account's root, without slashes at the ends; empty for the root.
pub type Path = str;

/// Whether the files of a folder are named by hashes. Repositories can't have the names of kinds,
/// so the path tells.
pub fn is_hashed(path: &Path) -> bool {
    holds_packs(path) || Kind::ALL.iter().any(|kind| kind.name() == last(path))
}

/// The folder under which a file in this one is known, wherever it lies: of a pack `data`.
pub fn known_under(path: &Path) -> &Path {
    match holds_packs(path) {
        true => parent(path),
        false => path,
    }
}
