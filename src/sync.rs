//! Locks whose holder may have panicked. What it left behind is as good as before: every change
//! under a lock here is made whole or not at all, and one thread's end must not stop the others.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// Locks.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks, unless somebody else holds the lock now.
pub fn try_lock<T: ?Sized>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// What a lock has guarded, when nobody shares it any more.
pub fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until somebody notifies, at most so long.
pub fn wait<'a, T>(
    notified: &Condvar,
    guard: MutexGuard<'a, T>,
    most: Duration,
) -> MutexGuard<'a, T> {
    let waited = notified.wait_timeout(guard, most);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

/// Waits as long as `busy` says so, at most so long; true if it says so still.
pub fn wait_while<'a, T>(
    notified: &Condvar,
    guard: MutexGuard<'a, T>,
    most: Duration,
    busy: impl FnMut(&mut T) -> bool,
) -> (MutexGuard<'a, T>, bool) {
    let waited = notified.wait_timeout_while(guard, most, busy);
    let (guard, waited) = waited.unwrap_or_else(PoisonError::into_inner);
    (guard, waited.timed_out())
}

/// What one thread at a time does for each key, while others who want the same wait for its end.
#[derive(Debug)]
pub struct SingleFlight<K> {
    under_way: Mutex<HashSet<K>>,
    landed: Condvar,
}

impl<K> Default for SingleFlight<K> {
    /// Nothing is under way.
    fn default() -> Self {
        let (under_way, landed) = (Mutex::default(), Condvar::new());
        Self { under_way, landed }
    }
}

impl<K: Clone + Eq + Hash> SingleFlight<K> {
    /// Waits until nobody does it any more, at most so long; None if somebody still does.
    pub fn begin(&self, key: K, most: Duration) -> Option<Flight<'_, K>> {
        let busy = |under_way: &mut HashSet<K>| under_way.contains(&key);
        let (mut under_way, late) = wait_while(&self.landed, lock(&self.under_way), most, busy);
        if late {
            return None;
        }
        under_way.insert(key.clone());
        Some(Flight { all: self, key })
    }
}

/// The right to do it alone, given back when dropped.
#[derive(Debug)]
pub struct Flight<'a, K: Eq + Hash> {
    all: &'a SingleFlight<K>,
    key: K,
}

impl<K: Eq + Hash> Drop for Flight<'_, K> {
    fn drop(&mut self) {
        lock(&self.all.under_way).remove(&self.key);
        self.all.landed.notify_all();
    }
}
