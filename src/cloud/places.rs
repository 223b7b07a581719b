//! So many at a time, and one place kept for who goes first: uploads, or calls to a host.

use super::pace::Priority;
use crate::body::{Body, SIGN_OF_LIFE};
use crate::store::{Cause, Error};
use crate::sync::{lock, wait_while};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// Places that are taken and given back.
pub struct Places {
    most: usize,
    taken: Mutex<usize>,
    ended: Condvar,
}

impl Places {
    /// So many, at least one.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            taken: Mutex::new(0),
            ended: Condvar::new(),
        }
    }

    /// How many are taken, and how many there are.
    pub fn state(&self) -> (usize, usize) {
        (*lock(&self.taken), self.most)
    }

    /// Waits for a place, at most so long. The last one is for small files, so that a lock never
    /// waits for packs.
    pub fn take(&self, priority: Priority, longest: Duration) -> Option<Place<'_>> {
        let spare = usize::from(priority >= Priority::Packs && self.most > 1);
        let full = |taken: &mut usize| *taken + spare >= self.most;
        let (mut taken, late) = wait_while(&self.ended, lock(&self.taken), longest, full);
        if late {
            return None;
        }
        *taken += 1;
        Some(Place(self))
    }

    /// Waits for a place for an upload. Meanwhile the client sees its body move; when there is
    /// nothing left to show it, it waits no longer than this.
    pub fn take_for(
        &self,
        body: &mut Body<'_>,
        priority: Priority,
        longest: Duration,
    ) -> Result<Place<'_>, Error> {
        let mut end = Instant::now() + longest;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if let Some(place) = self.take(priority, left.min(SIGN_OF_LIFE)) {
                return Ok(place);
            }
            if body.read_ahead()? {
                end = Instant::now() + longest;
            } else if Instant::now() >= end {
                return Err(Error::new(Cause::Busy, "too many uploads are under way"));
            }
        }
    }
}

/// A place, given back when dropped.
pub struct Place<'a>(&'a Places);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *lock(&self.0.taken) -= 1;
        self.0.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_leave_one_place_to_others() {
        let places = Places::new(2);
        let soon = Duration::from_millis(1);
        let first = places.take(Priority::Packs, soon);
        assert!(first.is_some() && places.take(Priority::Packs, soon).is_none());
        let lock = places.take(Priority::Small, soon);
        assert!(lock.is_some() && places.take(Priority::Small, soon).is_none());
        assert_eq!(places.state(), (2, 2));
        drop(first);
        assert!(
            places.take(Priority::Packs, soon).is_none(),
            "only one is free"
        );
        drop(lock);
        assert!(places.take(Priority::Packs, soon).is_some());
    }
}
