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
    limit: u64,
    /// Behind a lock, as 32-bit MIPS has no 64-bit atomics.
    used: Mutex<u64>,
    /// Held by the one body of unknown length that may grow in memory, so that several can't
    /// take the budget from each other with none of them fitting.
    growing: Mutex<()>,
    spool: Option<PathBuf>,
    /// Most bytes in the spool, and how many are there.
    most_spooled: u64,
    spooled: Mutex<u64>,
}

impl Budget {
    /// A budget of `limit` bytes; `spool` is the folder for what doesn't fit.
    pub fn new(limit: u64, spool: Option<PathBuf>) -> Self {
        Self {
            limit,
            used: Mutex::new(0),
            growing: Mutex::new(()),
            spool,
            most_spooled: u64::MAX,
            spooled: Mutex::new(0),
        }
    }

    /// The same with a bound for the spool.
    #[must_use]
    pub fn spooling(self, most: u64) -> Self {
        let most_spooled = most;
        Self {
            most_spooled,
            ..self
        }
    }

    /// Most bytes that may be held.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes held now.
    pub fn used(&self) -> u64 {
        *lock(&self.used)
    }

    /// Takes a share, if there is one or it must be had.
    pub(super) fn take(&self, bytes: u64, always: bool) -> Option<Lease<'_>> {
        let mut used = lock(&self.used);
        let sum = *used + bytes;
        if !always && sum > self.limit {
            return None;
        }
        *used = sum;
        Some(Lease {
            budget: self,
            bytes,
        })
    }

    /// The right to grow in memory without a known end; one body has it at a time.
    pub(super) fn try_turn(&self) -> Option<MutexGuard<'_, ()>> {
        try_lock(&self.growing)
    }

    /// A file that has no name any more, so that nothing is left behind whatever happens.
    pub(super) fn spool_file(&self) -> Result<Spool<'_>, Error> {
        let Some(folder) = &self.spool else {
            return Err(no_room("there is no folder to spool it in"));
        };
        let file = nameless(folder).map_err(|e| spool_error(&e))?;
        let (budget, bytes) = (self, 0);
        Ok(Spool {
            budget,
            file,
            bytes,
        })
    }
}

/// A file in the spool, whose bytes count until it is dropped.
#[derive(Debug)]
pub(super) struct Spool<'a> {
    budget: &'a Budget,
    pub(super) file: fs::File,
    bytes: u64,
}

impl Write for Spool<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let more = bytes.len() as u64;
        {
            let mut spooled = lock(&self.budget.spooled);
            if *spooled + more > self.budget.most_spooled {
                return Err(io::Error::other(
                    "so much doesn't fit; raise --spool-size or --memory",
                ));
            }
            *spooled += more;
        }
        self.bytes += more;
        self.file.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Spool<'_> {
    fn drop(&mut self) {
        *lock(&self.budget.spooled) -= self.bytes;
    }
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Lease<'a> {
    pub(super) budget: &'a Budget,
    pub(super) bytes: u64,
}

impl<'a> Lease<'a> {
    /// A share of nothing.
    pub(super) fn none(budget: &'a Budget) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Takes more.
    pub(super) fn grow(&mut self, bytes: u64, always: bool) -> bool {
        let Some(mut more) = self.budget.take(bytes, always) else {
            return false;
        };
        self.bytes += std::mem::take(&mut more.bytes);
        true
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        *lock(&self.budget.used) -= self.bytes;
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
        assert_eq!(*lock(&budget.spooled), 0);
    }
}
