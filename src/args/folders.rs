//! The folders that the program may write to.

use super::{Env, NAME};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder that was named, which must be usable, or the first usable one of the usual ones.
pub(super) fn state(path: Option<&str>, env: &Env<'_>) -> Result<Option<PathBuf>, String> {
    if let Some(path) = path {
        return named("state-dir", path).map(Some);
    }
    let below = |name: &str, rest: &str| Some(Path::new(&env.get(name)?).join(rest));
    let usual = [
        // systemd may name several, with colons between them.
        env.get("STATE_DIRECTORY")
            .and_then(|list| list.split(':').next().map(PathBuf::from)),
        below("XDG_STATE_HOME", NAME),
        below("HOME", ".local/state").map(|path| path.join(NAME)),
        Some(Path::new("/var/lib").join(NAME)),
    ];
    Ok(usual
        .into_iter()
        .flatten()
        .find(|path| usable(path).is_ok()))
}

/// A folder that an option names.
pub(super) fn named(name: &str, path: &str) -> Result<PathBuf, String> {
    match usable(Path::new(path)) {
        Ok(()) => Ok(path.into()),
        Err(error) => Err(format!("--{name} {path:?}: {error}")),
    }
}

/// Makes a folder if it isn't there, for nobody else to read, and writes into it to see whether
/// that works: permissions alone don't tell about read-only file systems.
fn usable(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path)?;
    let probe = path.join(format!(".probe-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(&probe)?;
    fs::remove_file(&probe)
}
