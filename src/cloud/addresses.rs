//! Addresses of downloads: each is kept until shortly before its end, and asked for once, however
//! many want it. How one is asked for, and when it ends, is the cloud's own.

use super::outcome::Fault;
use super::pace::Priority;
use crate::sync::{lock, wait_while};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Addresses that are kept: the packs that a restore reads at a time are far fewer.
const MOST: usize = 256;
/// Seconds before an address's end at which it isn't used any more.
const MARGIN: u64 = 300;

/// Where a file is downloaded from. It has no `Debug`: the address may hold a secret.
#[derive(Clone)]
pub struct Address {
    /// The address.
    pub url: Arc<str>,
    /// Bytes of the file, if that is told with it.
    pub size: Option<u64>,
    /// How long it may be used.
    pub life: Duration,
}

/// Asks for the address of a file, by what its cloud knows it.
pub type Ask<K> = dyn Fn(&K, Priority) -> Result<Address, Fault> + Send + Sync;

/// The addresses of files.
pub struct Addresses<K> {
    ask: Box<Ask<K>>,
    /// Longest wait for somebody else who asks for the same one.
    longest: Duration,
    kept: Mutex<Kept<K>>,
    asked: Condvar,
}

struct Kept<K> {
    /// Each with its end.
    addresses: HashMap<K, (Address, Instant)>,
    /// Files whose addresses are being asked for: clients read several parts of a pack at once.
    asking: HashSet<K>,
}

impl<K: Clone + Eq + Hash> Addresses<K> {
    /// None is known; each is asked for so. Whoever wants the same one meanwhile waits, at most so
    /// long.
    pub fn new(
        longest: Duration,
        ask: impl Fn(&K, Priority) -> Result<Address, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            ask: Box::new(ask),
            longest,
            kept: Mutex::new(Kept {
                addresses: HashMap::new(),
                asking: HashSet::new(),
            }),
            asked: Condvar::new(),
        }
    }

    /// The address of a file, kept or new.
    pub fn get(&self, file: &K, priority: Priority) -> Result<Address, Fault> {
        let others = |kept: &mut Kept<K>| kept.asking.contains(file);
        let (mut kept, _) = wait_while(&self.asked, lock(&self.kept), self.longest, others);
        let known = kept.addresses.get(file);
        if let Some((known, _)) = known.filter(|(_, until)| Instant::now() < *until) {
            return Ok(known.clone());
        }
        kept.asking.insert(file.clone());
        drop(kept);
        let asked = (self.ask)(file, priority);
        let mut kept = lock(&self.kept);
        kept.asking.remove(file);
        self.asked.notify_all();
        let address = asked?;
        kept.keep(file, &address);
        Ok(address)
    }

    /// An address that may not be right any more isn't used again.
    pub fn forget(&self, file: &K) {
        lock(&self.kept).addresses.remove(file);
    }
}

impl<K: Clone + Eq + Hash> Kept<K> {
    fn keep(&mut self, file: &K, address: &Address) {
        let now = Instant::now();
        self.addresses.retain(|_, (_, until)| now < *until);
        if self.addresses.len() >= MOST {
            let soonest = self.addresses.iter().min_by_key(|(_, (_, until))| *until);
            let soonest = soonest.map(|(file, _)| file.clone());
            soonest.and_then(|file| self.addresses.remove(&file));
        }
        let kept = (address.clone(), now + address.life);
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
