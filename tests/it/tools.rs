//! The programs that tests use and don't build: the clients in the cache that `tests/clients.sh`
//! fills, and tools of the system. Where one is missing its tests are skipped with a printed
//! reason; where `ALL_TOOLS` is set, as `.ci/run` does, they fail instead.

use std::path::PathBuf;

/// Says what a test must do without.
pub(crate) fn missing(what: &str) {
    assert!(
        std::env::var_os("ALL_TOOLS").is_none(),
        "ALL_TOOLS is set, but {what}"
    );
    eprintln!("SKIPPED: {what}");
}

/// A client in the cache.
pub(crate) fn client(name: &str) -> Option<PathBuf> {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    let path = cache.join("restic-123pan/clients").join(name);
    if path.exists() {
        return Some(path);
    }
    missing(&format!(
        "{name} is not in the cache; tests/clients.sh says why"
    ));
    None
}

/// A program of the system's.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        missing(&format!("there is no {name} on this machine"));
    }
    found
}
