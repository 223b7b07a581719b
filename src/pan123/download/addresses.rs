//! Where files are downloaded from: addresses that are kept, each asked for once.

use super::Downloads;
use crate::cloud::download::Source;
use crate::cloud::{Fault, Priority, Reason};
use crate::sync::{lock, wait_while};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Addresses that are kept: the packs that a restore reads at a time are far fewer.
const MOST: usize = 256;
/// Seconds before an address's expiry at which it isn't used any more.
const MARGIN: u64 = 300;

/// Addresses, and who is asking for them.
#[derive(Default)]
pub struct Addresses {
    addresses: Mutex<HashMap<u64, (Arc<str>, Instant)>>,
    /// Files whose addresses are being asked for: clients read several parts of a pack at once.
    asking: Mutex<HashSet<u64>>,
    asked: Condvar,
    /// When the traffic was found to be used up.
    dry: Mutex<Option<Instant>>,
}

impl Addresses {
    fn addresses(&self) -> MutexGuard<'_, HashMap<u64, (Arc<str>, Instant)>> {
        lock(&self.addresses)
    }

    fn known(&self, file: u64) -> Option<Arc<str>> {
        let addresses = self.addresses();
        addresses
            .get(&file)
            .filter(|(_, until)| Instant::now() < *until)
            .map(|(url, _)| url.clone())
    }

    fn keep(&self, file: u64, url: &Arc<str>, lifetime: Duration) {
        let mut addresses = self.addresses();
        let time = Instant::now();
        addresses.retain(|_, (_, until)| time < *until);
        if addresses.len() >= MOST {
            let soonest = addresses
                .iter()
                .min_by_key(|(_, (_, until))| *until)
                .map(|(file, _)| *file);
            soonest.and_then(|file| addresses.remove(&file));
        }
        addresses.insert(file, (url.clone(), time + lifetime));
    }

    /// An address that may not be right any more isn't used again.
    pub fn drop_address(&self, file: u64) {
        self.addresses().remove(&file);
    }

    /// Waits while somebody else asks for the same file's address.
    fn ask(&self, file: u64, longest: Duration) -> Asking<'_> {
        let others = |asking: &mut HashSet<u64>| asking.contains(&file);
        let (mut asking, _) = wait_while(&self.asked, lock(&self.asking), longest, others);
        asking.insert(file);
        Asking {
            addresses: self,
            file,
        }
    }
}

/// The right to ask for one file's address, given up when dropped.
struct Asking<'a> {
    addresses: &'a Addresses,
    file: u64,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        lock(&self.addresses.asking).remove(&self.file);
        self.addresses.asked.notify_all();
    }
}

/// How long an address may be used: until shortly before the time in its `t` (API reference
/// 3.24), if that is in the future, or the usual time.
pub fn lifetime(url: &str, now: u64, usual: Duration) -> Duration {
    match expiry(url).and_then(|time| time.checked_sub(now)) {
        Some(left) if left < 365 * 24 * 3600 => Duration::from_secs(left.saturating_sub(MARGIN)),
        _ => usual,
    }
}

/// The time in an address's `t`, in seconds since 1970.
pub fn expiry(url: &str) -> Option<u64> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = query.split('&');
    pairs.find_map(|pair| pair.strip_prefix("t=")?.parse().ok())
}

impl Downloads {
    /// The address of a file, kept or new.
    pub(super) fn address(&self, file: u64, priority: Priority) -> Result<Arc<str>, Fault> {
        if let Some(url) = self.addresses.known(file) {
            return Ok(url);
        }
        let _asking = self.addresses.ask(file, self.api.timing().rate_wait);
        if let Some(url) = self.addresses.known(file) {
            return Ok(url);
        }
        let mut dry = lock(&self.addresses.dry);
        if dry.is_some_and(|since| since.elapsed() < self.api.timing().traffic) {
            let text = "the account's download traffic is used up";
            return Err(Fault::new(Reason::Traffic, text));
        }
        *dry = None;
        drop(dry);
        let url: Arc<str> = self
            .api
            .download_info(file, priority)
            .inspect_err(|fault| {
                if fault.reason == Reason::Traffic {
                    *lock(&self.addresses.dry) = Some(Instant::now());
                }
            })?
            .into();
        let now = self.api.client.time.or_ours();
        let lifetime = lifetime(&url, now, self.api.timing().address);
        self.addresses.keep(file, &url, lifetime);
        Ok(url)
    }
}

/// One file, as a reader downloads it.
pub struct Download {
    /// What knows its address.
    pub downloads: Arc<Downloads>,
    /// Its number.
    pub file: u64,
    /// Who goes first.
    pub priority: Priority,
}

impl Source for Download {
    fn address(&self) -> Result<Arc<str>, Fault> {
        self.downloads.address(self.file, self.priority)
    }

    fn drop_address(&self) {
        self.downloads.addresses.drop_address(self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_used_until_shortly_before_their_expiry() {
        let usual = Duration::from_secs(600);
        for (url, expected) in [
            ("https://c/a?t=2000&s=x", 700),
            ("https://c/a?s=x&t=1100", 0),
            ("https://c/a?s=x&t=900", 600),
            ("https://c/a?s=x", 600),
            ("https://c/a?t=99999999999999", 600),
            ("https://c/a", 600),
        ] {
            assert_eq!(
                lifetime(url, 1000, usual),
                Duration::from_secs(expected),
                "{url}"
            );
        }
    }
}
