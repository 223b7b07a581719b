//! How much lies below a folder: counted by walking it, and kept for a while, with what this server
//! stores meanwhile added. What is removed meanwhile shows at the next walk.

use super::folder::{Folder, may_be};
use crate::error::{Cause, Error};
use crate::restic::Repo;
use crate::sync::lock;
use rustix::fs::FileType;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a count is good for. A walk reads an inode a file: a disk that turns does some hundred
/// a second when they aren't in memory.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// Most entries in a walk: a repository of 100 TiB has 6 million packs.
const MOST: usize = 10_000_000;
/// Most folders in one another; each is open while what is in it is counted. Repositories have
/// eleven, but there may be other people's files beside them.
const DEEPEST: usize = 100;
/// What a file system's check puts at its top; often nobody but root may look into it.
const FOUND_BY_FSCK: &str = "lost+found";

/// What is known about folders.
#[derive(Debug, Default)]
pub(super) struct Space {
    state: Mutex<State>,
    /// Held during a walk, so that those who want the same wait for it.
    walking: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that were stored since the start.
    stored: u64,
    /// As many as there are limits.
    folders: HashMap<Repo, Count>,
}

#[derive(Debug)]
struct Count {
    bytes: u64,
    since: Instant,
}

impl Space {
    /// Counts what was stored.
    pub(super) fn stored(&self, repo: &Repo, bytes: u64) {
        let mut state = lock(&self.state);
        state.stored = state.stored.saturating_add(bytes);
        let above = state.folders.iter_mut();
        above
            .filter(|(folder, _)| repo.is_within(folder))
            .for_each(|(_, count)| count.bytes = count.bytes.saturating_add(bytes));
    }

    /// Bytes below a folder, as `measure` finds them if that isn't known.
    pub(super) fn used(
        &self,
        folder: &Repo,
        measure: impl FnOnce() -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        let known = |state: &State| {
            let count = state.folders.get(folder);
            count
                .filter(|count| count.since.elapsed() < FRESH)
                .map(|count| count.bytes)
        };
        if let Some(bytes) = known(&lock(&self.state)) {
            return Ok(bytes);
        }
        let _walking = lock(&self.walking);
        let before = {
            let state = lock(&self.state);
            if let Some(bytes) = known(&state) {
                return Ok(bytes);
            }
            state.stored
        };
        let found = measure()?;
        let mut state = lock(&self.state);
        // The walk may have seen it or not.
        let bytes = found.saturating_add(state.stored - before);
        let since = Instant::now();
        state.folders.insert(folder.clone(), Count { bytes, since });
        Ok(bytes)
    }
}

/// Bytes of all files below a folder.
pub(super) fn measure(folder: &Folder) -> Result<u64, Error> {
    let mut walk = Walk {
        bytes: 0,
        left: MOST,
    };
    walk.count(folder, DEEPEST)?;
    Ok(walk.bytes)
}

struct Walk {
    bytes: u64,
    left: usize,
}

impl Walk {
    fn count(&mut self, folder: &Folder, depth: usize) -> Result<(), Error> {
        folder.each(|name, entry| {
            let bound = self.left.checked_sub(1).filter(|_| depth > 0);
            self.left = bound.ok_or_else(|| {
                let text = "holds too much for its size to be told";
                Error::new(Cause::Busy, format!("{} {text}", folder.path.display()))
            })?;
            if may_be(entry, FileType::Directory) && name != FOUND_BY_FSCK {
                match folder.enter(name) {
                    Ok(inner) => return self.count(&inner, depth - 1),
                    // Removed meanwhile; or somebody else's, where nothing of ours can be.
                    Err(error) if matches!(error.cause, Cause::Absent | Cause::Busy) => {
                        return Ok(());
                    }
                    Err(error) if entry.file_type() == FileType::Directory => return Err(error),
                    // No folder, where the file system doesn't tell.
                    Err(_) => {}
                }
            }
            if may_be(entry, FileType::RegularFile) {
                let size = folder.size(name)?.unwrap_or(0);
                self.bytes = self.bytes.saturating_add(size);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_kept_and_has_what_was_stored_since() {
        let repo = |path| Repo::new(path).unwrap();
        let space = Space::default();
        let never = || Err(Error::new(Cause::Busy, "walked again"));
        space.stored(&repo("a"), 5);
        let stored_meanwhile = || {
            space.stored(&repo("a/b"), 3);
            Ok(100)
        };
        assert_eq!(space.used(&repo("a"), stored_meanwhile).unwrap(), 103);
        space.stored(&repo("a/b"), 7);
        space.stored(&repo("ab"), 1000);
        assert_eq!(space.used(&repo("a"), never).unwrap(), 110);
        let failed = space.used(&repo("c"), || Err(Error::new(Cause::Busy, "no disk")));
        assert!(failed.is_err());
        assert_eq!(space.used(&repo("c"), || Ok(1)).unwrap(), 1);
    }
}
