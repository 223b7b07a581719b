//! The folders that the program may write to.

use super::NAME;
use crate::disk::try_folder;
use crate::settings::Settings;
use crate::warning::{Kind, Warning};
use std::path::{Path, PathBuf};

/// How Linux calls a file system in memory.
#[cfg(target_os = "linux")]
const TMPFS: u64 = 0x0102_1994;
/// Bytes that must be free in memory for what exceeds `--memory`: several of rustic's packs. Routers
/// have less, and need it.
#[cfg(target_os = "linux")]
const ROOM: u64 = 256 << 20;

/// The folder that was named, or the first usable one of the usual ones, or the first that is
/// there at all. A backup needs none, and a disk that is full or read-only now may be mended: so
/// what is wrong with it is a warning.
pub(super) fn state(
    path: Option<&str>,
    settings: &Settings<'_>,
    warnings: &mut Vec<Warning>,
) -> Option<PathBuf> {
    let mut warn = |path: &str| {
        let wrong = named("state-dir", path).err();
        let follows = "without it each start asks for a new access token, and what was deleted \
                       before may stay in the bin";
        let warning = |wrong| Warning::new(Kind::StateFolder, path, format!("{wrong}; {follows}"));
        warnings.extend(wrong.map(warning));
    };
    if let Some(path) = path {
        warn(path);
        return Some(path.into());
    }
    let below = |name: &str, rest: &str| Some(Path::new(settings.foreign(name)?).join(rest));
    let usual = [
        of_systemd(settings, "STATE_DIRECTORY"),
        below("XDG_STATE_HOME", NAME),
        below("HOME", ".local/state").map(|path| path.join(NAME)),
        Some(Path::new("/var/lib").join(NAME)),
    ];
    let usual: Vec<PathBuf> = usual.into_iter().flatten().collect();
    let found = usual.iter().find(|path| try_folder(path).is_ok());
    let found = found.or_else(|| {
        let there = usual.iter().find(|path| path.is_dir());
        there.inspect(|path| warn(&path.display().to_string()))
    });
    found.cloned()
}

/// A folder in memory with much room, for bodies that exceed `--memory`. Nothing large is written to
/// a disk, which may be a router's flash, unless its user says so.
pub(super) fn roomy(settings: &Settings<'_>) -> Option<PathBuf> {
    let own = of_systemd(settings, "RUNTIME_DIRECTORY").into_iter();
    let mut usual = own.chain(["/dev/shm", "/tmp"].map(PathBuf::from));
    usual.find(|path| is_roomy(path))
}

/// A folder that systemd names; it may name several, with colons between them.
fn of_systemd(settings: &Settings<'_>, variable: &str) -> Option<PathBuf> {
    let list = settings.foreign(variable)?;
    list.split(':').next().map(PathBuf::from)
}

/// Whether a folder lies in memory, can be written to, and has room.
#[cfg(target_os = "linux")]
fn is_roomy(path: &Path) -> bool {
    use rustix::fs::{Access, access, statfs};
    let roomy = statfs(path).is_ok_and(|system| {
        let free = system.f_bavail.saturating_mul(system.f_bsize as u64);
        system.f_type as u64 == TMPFS && free >= ROOM
    });
    roomy && access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Elsewhere nobody can tell.
#[cfg(not(target_os = "linux"))]
fn is_roomy(_: &Path) -> bool {
    false
}

/// A folder that an option names.
pub(super) fn named(name: &str, path: &str) -> Result<PathBuf, String> {
    match try_folder(Path::new(path)) {
        Ok(()) => Ok(path.into()),
        Err(error) => Err(format!("--{name} {path:?}: {error}")),
    }
}
