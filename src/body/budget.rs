//! The memory that held bodies share, and the files into which the others are spooled.

use crate::disk::nameless;
use crate::error::{Cause, Error};
use crate::sync::{lock, try_lock};
use crate::warning::Kind;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

/// How much memory held bodies may take together, and where the others may be spooled.
#[derive(Debug)]
pub struct Budget {
    memory: Pool,
    /// Held by the one body of unknown length that may grow in memory, so that several can't
    /// take the budget from each other with none of them fitting.
    growing: Mutex<()>,
    folder: Option<PathBuf>,
    spool: Pool,
}

/// Bytes that are shared.
#[derive(Debug)]
struct Pool {
    limit: u64,
    /// Behind a lock, as 32-bit MIPS has no 64-bit atomics.
    used: Mutex<u64>,
}

impl Budget {
    /// A budget of `limit` bytes; `folder` is the one for what doesn't fit.
    pub fn new(limit: u64, folder: Option<PathBuf>) -> Self {
        Self {
            memory: Pool::new(limit),
            growing: Mutex::new(()),
            folder,
            spool: Pool::new(u64::MAX),
        }
    }

    /// The same with a bound for the spool.
    #[must_use]
    pub fn spooling(self, most: u64) -> Self {
        let spool = Pool::new(most);
        Self { spool, ..self }
    }

    /// Most bytes that may be held.
    pub fn limit(&self) -> u64 {
        self.memory.limit
    }

    /// Bytes held now.
    pub fn used(&self) -> u64 {
        *lock(&self.memory.used)
    }

    /// A share of the memory, with nothing in it yet.
    pub(super) fn lease(&self) -> Lease<'_> {
        self.memory.lease()
    }

    /// The right to grow in memory without a known end; one body has it at a time.
    pub(super) fn try_turn(&self) -> Option<MutexGuard<'_, ()>> {
        try_lock(&self.growing)
    }

    /// A file that has no name any more, so that nothing is left behind whatever happens.
    pub(super) fn spool_file(&self) -> Result<Spool<'_>, Error> {
        let Some(folder) = &self.folder else {
            return Err(no_room("there is no folder to spool it in"));
        };
        let file = nameless(folder).map_err(|e| spool_error(&e))?;
        let lease = self.spool.lease();
        Ok(Spool { file, lease })
    }
}

impl Pool {
    fn new(limit: u64) -> Self {
        let used = Mutex::new(0);
        Self { limit, used }
    }

    fn lease(&self) -> Lease<'_> {
        let (pool, bytes) = (self, 0);
        Lease { pool, bytes }
    }
}

/// A share of a pool, given back when dropped.
#[derive(Debug)]
pub(super) struct Lease<'a> {
    pool: &'a Pool,
    pub(super) bytes: u64,
}

impl Lease<'_> {
    /// Takes more, if there is as much or it must be had.
    pub(super) fn grow(&mut self, bytes: u64, always: bool) -> bool {
        let mut used = lock(&self.pool.used);
        let grows = always || *used + bytes <= self.pool.limit;
        if grows {
            *used += bytes;
            self.bytes += bytes;
        }
        grows
    }

    /// All of it; this has nothing any more.
    pub(super) fn take(&mut self) -> Self {
        let bytes = std::mem::take(&mut self.bytes);
        let pool = self.pool;
        Self { pool, bytes }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        *lock(&self.pool.used) -= self.bytes;
    }
}

/// A file in the spool, whose bytes count until it is dropped.
#[derive(Debug)]
pub(super) struct Spool<'a> {
    pub(super) file: fs::File,
    lease: Lease<'a>,
}

impl Write for Spool<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.lease.grow(bytes.len() as u64, false) {
            let text = "so much doesn't fit; raise --spool-size or --memory";
            return Err(io::Error::other(text));
        }
        self.file.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A body that fits nowhere, and what to do about it.
fn no_room(why: &str) -> Error {
    Error::new(
        Cause::TooLarge,
        format!(
            "the body doesn't fit the memory budget and {why}: raise --memory, name a --spool-dir \
             on a disk with room, or have rustic make smaller packs, by `rustic config \
             --set-datapack-size 4MiB --set-treepack-size 4MiB`"
        ),
    )
}

/// A failure of the spool's.
pub(super) fn spool_error(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::StorageFull {
        return no_room("the folder to spool it in is full");
    }
    Error::new(
        Cause::Busy,
        format!("the spool file can't be used ({error}); see --spool-dir"),
    )
    .of(Kind::Spool)
    .briefly("the spool can't be used; see --spool-dir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spool_has_a_bound_in_all() {
        let budget = Budget::new(0, Some(std::env::temp_dir())).spooling(10);
        let mut one = budget.spool_file().unwrap();
        let mut other = budget.spool_file().unwrap();
        assert!(one.write_all(&[0; 6]).is_ok());
        let full = other.write_all(&[0; 6]).unwrap_err().to_string();
        assert!(full.contains("--spool-size"), "{full}");
        assert!(other.write_all(&[0; 4]).is_ok());
        drop(one);
        assert!(other.write_all(&[0; 6]).is_ok(), "there is room again");
        drop(other);
        assert_eq!(*lock(&budget.spool.used), 0);
    }
}
