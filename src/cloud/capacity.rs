//! How much room there is, as far as it is known: what is free, and what lies in folders that
//! somebody has limited. What this server has stored since it was asked is counted in. When to ask,
//! and how, is the cloud's own.

use super::paths::covers;
use crate::store::Error;
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What is known about the known.
#[derive(Debug, Default)]
pub struct Capacity(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// None until the cloud has told it, and where it tells none.
    free: Option<u64>,
    used: u64,
    /// Whether somebody has wanted to know since it was asked: an idle server asks nothing.
    wanted: bool,
    /// Bytes that were stored since the start.
    stored: u64,
    folders: HashMap<String, Folder>,
}

/// What lies below a folder. There are as many of these as there are limits.
#[derive(Debug)]
struct Folder {
    size: u64,
    asked: Instant,
}

impl Capacity {
    /// Bytes that are free.
    pub fn free(&self) -> Option<u64> {
        let mut state = lock(&self.0);
        state.wanted = true;
        state.free
    }

    /// Whether so many bytes are free, as far as is known.
    pub fn has(&self, wanted: u64) -> bool {
        lock(&self.0).free.is_none_or(|free| free >= wanted)
    }

    /// Bytes that are used, if it is known what is free.
    pub fn used(&self) -> Option<u64> {
        let state = lock(&self.0);
        state.free.map(|_| state.used)
    }

    /// Whether somebody has wanted to know what is free since it was asked.
    pub fn is_wanted(&self) -> bool {
        lock(&self.0).wanted
    }

    /// Counts what was stored in a folder.
    pub fn stored(&self, path: &str, bytes: u64) {
        let mut state = lock(&self.0);
        state.stored = state.stored.saturating_add(bytes);
        state.used = state.used.saturating_add(bytes);
        state.free = state.free.map(|free| free.saturating_sub(bytes));
        let above = state.folders.iter_mut();
        let above = above.filter(|(folder, _)| covers(folder, path));
        above.for_each(|(_, folder)| folder.size = folder.size.saturating_add(bytes));
    }

    /// What was stored until now, for [`Capacity::learn`].
    pub fn before(&self) -> u64 {
        lock(&self.0).stored
    }

    /// Takes in what the cloud says; `before` is what had been stored when it was asked: whether
    /// its answer has what was stored meanwhile is unknown.
    pub fn learn(&self, used: u64, free: Option<u64>, before: u64) {
        let mut state = lock(&self.0);
        let meanwhile = state.stored - before;
        state.used = used.saturating_add(meanwhile);
        state.free = free.map(|free| free.saturating_sub(meanwhile));
        state.wanted = false;
    }

    /// Forgets the sizes of folders, but for those that stay: by path, and how long ago each was
    /// asked for.
    pub fn forget(&self, stays: impl Fn(&str, Duration) -> bool) {
        let folders = &mut lock(&self.0).folders;
        folders.retain(|path, folder| stays(path, folder.asked.elapsed()));
    }

    /// Bytes of everything below a folder, if they were asked for within this time.
    pub fn known_below(&self, path: &str, life: Duration) -> Option<u64> {
        let state = lock(&self.0);
        let known = state.folders.get(path);
        let known = known.filter(|known| known.asked.elapsed() < life);
        known.map(|known| known.size)
    }

    /// Bytes of everything below a folder, which `ask` tells unless that was known a while ago.
    pub fn below(
        &self,
        path: &str,
        life: Duration,
        ask: impl FnOnce() -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        if let Some(known) = self.known_below(path, life) {
            return Ok(known);
        }
        let before = self.before();
        let size = ask()?;
        let mut state = lock(&self.0);
        let size = size.saturating_add(state.stored - before);
        let asked = Instant::now();
        let folder = Folder { size, asked };
        state.folders.insert(path.to_owned(), folder);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_since_counts() {
        let known = Capacity::default();
        assert!(known.free().is_none() && known.is_wanted());
        known.stored("a/b", 7);
        known.learn(100, Some(1000), 3);
        assert_eq!((known.free(), known.used()), (Some(996), Some(104)));
        known.stored("a/b", 4);
        assert_eq!(known.free(), Some(992));
        known.stored("a/b", 1000);
        assert_eq!((known.free(), known.has(1)), (Some(0), false));
        known.learn(0, None, 1011);
        assert_eq!((known.free(), known.used()), (None, None));
        let stored_meanwhile = || {
            known.stored("a/b", 3);
            Ok(100)
        };
        let below = known.below("a", Duration::MAX, stored_meanwhile);
        assert_eq!(below.unwrap(), 103);
        known.stored("a/b", 7);
        known.stored("ab", 1000);
        assert_eq!(known.known_below("a", Duration::MAX), Some(110));
        assert_eq!(known.known_below("a", Duration::ZERO), None);
        let failed = || Err(Error::new(crate::store::Cause::Busy, "no answer"));
        assert!(known.below("c", Duration::MAX, failed).is_err());
        assert_eq!(known.known_below("c", Duration::MAX), None);
    }
}
