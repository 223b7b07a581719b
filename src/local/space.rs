//! How much lies below a folder: counted by walking it, and kept for a while, with what this server
//! stores meanwhile added. What is removed meanwhile shows at the next walk.

use super::folder::{Folder, may_be};
use crate::cloud::capacity::Capacity;
use crate::error::{Cause, Error};
use crate::restic::Repo;
use crate::sync::lock;
use rustix::fs::FileType;
use std::sync::Mutex;
use std::time::Duration;

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
    /// How much was counted, and stored since.
    pub(super) known: Capacity,
    /// Held during a walk, so that those who want the same wait for it.
    walking: Mutex<()>,
}

impl Space {
    /// Bytes below a folder, as `measure` finds them if that isn't known.
    pub(super) fn used(
        &self,
        folder: &Repo,
        measure: impl FnOnce() -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        if let Some(bytes) = self.known.known_below(folder.path(), FRESH) {
            return Ok(bytes);
        }
        let _walking = lock(&self.walking);
        self.known.below(folder.path(), FRESH, measure)
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
