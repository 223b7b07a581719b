//! Paths of folders below the account's root, and their parts.

/// A folder's path below the account's root, without slashes at the ends; empty for the root.
pub type Path = str;

/// The folder above.
pub fn parent(path: &Path) -> &Path {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// A folder's own name.
pub fn last(path: &Path) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A folder's path from its parent's.
pub fn join(path: &Path, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        _ => format!("{path}/{name}"),
    }
}
