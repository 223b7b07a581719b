//! Addresses of downloads: each is kept until shortly before its end, and asked for once, however
//! many want it. How one is asked for, and when it ends, is the cloud's own.

use super::outcome::Fault;
use super::pace::Priority;
use crate::sync::{SingleFlight, lock};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
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
    /// Each with its end.
    kept: Mutex<HashMap<K, (Address, Instant)>>,
    /// Clients read several parts of a pack at once.
    asking: SingleFlight<K>,
}

impl<K: Clone + Eq + Hash> Addresses<K> {
    /// None is known; each is asked for so. Whoever wants the same one meanwhile waits, at most so
    /// long, and then asks as well.
    pub fn new(
        longest: Duration,
        ask: impl Fn(&K, Priority) -> Result<Address, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            ask: Box::new(ask),
            longest,
            kept: Mutex::default(),
            asking: SingleFlight::default(),
        }
    }

    /// The address of a file, kept or new.
    pub fn get(&self, file: &K, priority: Priority) -> Result<Address, Fault> {
        if let Some(known) = self.known(file) {
            return Ok(known);
        }
        let _flight = self.asking.begin(file.clone(), self.longest);
        if let Some(known) = self.known(file) {
            return Ok(known);
        }
        let address = (self.ask)(file, priority)?;
        self.keep(file, &address);
        Ok(address)
    }

    /// An address that may not be right any more isn't used again.
    pub fn forget(&self, file: &K) {
        lock(&self.kept).remove(file);
    }

    fn known(&self, file: &K) -> Option<Address> {
        let kept = lock(&self.kept);
        let (known, _) = kept
            .get(file)
            .filter(|(_, until)| Instant::now() < *until)?;
        Some(known.clone())
    }

    fn keep(&self, file: &K, address: &Address) {
        let (mut kept, now) = (lock(&self.kept), Instant::now());
        kept.retain(|_, (_, until)| now < *until);
        if kept.len() >= MOST {
            let soonest = kept.iter().min_by_key(|(_, (_, until))| *until);
            let soonest = soonest.map(|(file, _)| file.clone());
            soonest.and_then(|file| kept.remove(&file));
        }
        kept.insert(file.clone(), (address.clone(), now + address.life));
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
