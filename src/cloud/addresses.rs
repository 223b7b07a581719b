//! Addresses of downloads: each is kept until shortly before its end, and asked for once, however
//! many want it. How one is asked for, and when it ends, is the cloud's own.

use super::outcome::Fault;
use crate::sync::{lock, wait_while};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// Addresses that are kept: the packs that a restore reads at a time are far fewer.
const MOST: usize = 256;
/// Seconds before an address's end at which it isn't used any more.
const MARGIN: u64 = 300;

/// The addresses of files.
pub struct Addresses<K, A> {
    kept: Mutex<Kept<K, A>>,
    asked: Condvar,
}

struct Kept<K, A> {
    /// Each with its end.
    addresses: HashMap<K, (A, Instant)>,
    /// Files whose addresses are being asked for: clients read several parts of a pack at once.
    asking: HashSet<K>,
}

impl<K, A> Default for Addresses<K, A> {
    /// None is known.
    fn default() -> Self {
        Self {
            kept: Mutex::new(Kept {
                addresses: HashMap::new(),
                asking: HashSet::new(),
            }),
            asked: Condvar::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, A: Clone> Addresses<K, A> {
    /// The address of a file, kept or new: `ask` brings it, with how long it may be used. Whoever
    /// wants the same one meanwhile waits, at most so long.
    pub fn get(
        &self,
        file: &K,
        longest: Duration,
        ask: impl FnOnce() -> Result<(A, Duration), Fault>,
    ) -> Result<A, Fault> {
        let others = |kept: &mut Kept<K, A>| kept.asking.contains(file);
        let (mut kept, _) = wait_while(&self.asked, lock(&self.kept), longest, others);
        let known = kept.addresses.get(file);
        if let Some((known, _)) = known.filter(|(_, until)| Instant::now() < *until) {
            return Ok(known.clone());
        }
        kept.asking.insert(file.clone());
        drop(kept);
        let asked = ask();
        let mut kept = lock(&self.kept);
        kept.asking.remove(file);
        self.asked.notify_all();
        let (address, life) = asked?;
        kept.keep(file, &address, life);
        Ok(address)
    }

    /// An address that may not be right any more isn't used again.
    pub fn forget(&self, file: &K) {
        lock(&self.kept).addresses.remove(file);
    }
}

impl<K: Clone + Eq + Hash, A: Clone> Kept<K, A> {
    fn keep(&mut self, file: &K, address: &A, life: Duration) {
        let now = Instant::now();
        self.addresses.retain(|_, (_, until)| now < *until);
        if self.addresses.len() >= MOST {
            let soonest = self.addresses.iter().min_by_key(|(_, (_, until))| *until);
            let soonest = soonest.map(|(file, _)| file.clone());
            soonest.and_then(|file| self.addresses.remove(&file));
        }
        let kept = (address.clone(), now + life);
        self.addresses.insert(file.clone(), kept);
    }
}

/// How long an address may be used of which so many seconds are left: until shortly before its
/// end, if that is within `most` seconds, or the usual time.
pub fn lifetime(left: Option<u64>, most: u64, usual: Duration) -> Duration {
    match left {
        Some(left) if left < most => Duration::from_secs(left.saturating_sub(MARGIN)),
        _ => usual,
    }
}
