//! Wrong passwords make the answers to their address slower, and bound how many attempts of it
//! are under way, so that guessing leads nowhere while everybody else is served as ever.

use super::Peer;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords without any consequence: people mistype.
const FREE: u32 = 3;
/// Doublings of the pause: 16 times at most.
const DOUBLINGS: u32 = 4;
/// Attempts of an address under way, once there were more than the free failures.
const ATTEMPTS: usize = 4;
/// How long failures count after the last one.
const MEMORY: Duration = Duration::from_secs(10 * 60);
/// Most addresses that are remembered; beyond it the one whose last failure is oldest goes.
const ADDRESSES: usize = 1024;

/// The addresses that failed.
pub(super) struct Slow {
    pause: Duration,
    addresses: Mutex<HashMap<Peer, Address>>,
}

#[derive(Debug)]
struct Address {
    failures: u32,
    last: Instant,
    /// Attempts whose passwords are being proven.
    running: usize,
    /// When the answers that are kept back will be given.
    kept: Vec<Instant>,
}

impl Slow {
    /// Delays answers by multiples of `pause`.
    pub(super) fn new(pause: Duration) -> Arc<Self> {
        let addresses = Mutex::default();
        Arc::new(Self { pause, addresses })
    }

    /// Begins an attempt; None if the address has too many under way.
    pub(super) fn begin(self: &Arc<Self>, peer: Peer, now: Instant) -> Option<Attempt> {
        let peer = neighbourhood(peer);
        let mut addresses = self.addresses();
        if let Some(address) = addresses.get_mut(&peer) {
            address.forget(now);
            let busy = address.running + address.kept.len();
            if address.failures > FREE && busy >= ATTEMPTS {
                return None;
            }
        }
        make_room(&mut addresses, now);
        addresses
            .entry(peer)
            .or_insert_with(|| Address::new(now))
            .running += 1;
        Some(Attempt {
            slow: Arc::clone(self),
            peer,
        })
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<Peer, Address>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Address {
    fn new(now: Instant) -> Self {
        Self {
            failures: 0,
            last: now,
            running: 0,
            kept: Vec::new(),
        }
    }

    fn forget(&mut self, now: Instant) {
        self.kept.retain(|until| *until > now);
        if now.saturating_duration_since(self.last) >= MEMORY {
            self.failures = 0;
        }
    }
}

fn make_room(addresses: &mut HashMap<Peer, Address>, now: Instant) {
    if addresses.len() < ADDRESSES {
        return;
    }
    addresses
        .values_mut()
        .for_each(|address| address.forget(now));
    addresses.retain(|_, address| address.running > 0 || address.failures > 0);
    if addresses.len() >= ADDRESSES {
        let oldest = addresses.iter().min_by_key(|(_, address)| address.last);
        if let Some(peer) = oldest.map(|(peer, _)| *peer) {
            addresses.remove(&peer);
        }
    }
}

/// Who counts as one: an IPv4 address, or the 64 bits of a network of IPv6, in which anybody has
/// as many addresses as he likes.
fn neighbourhood(peer: Peer) -> Peer {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address => address,
    }
}

/// An attempt under way; it ends when it is dropped.
pub(super) struct Attempt {
    slow: Arc<Slow>,
    peer: Peer,
}

impl Attempt {
    /// Notes that it failed, and tells how long the answer is to be kept back.
    pub(super) fn failed(&self, now: Instant) -> Duration {
        let mut addresses = self.slow.addresses();
        let address = addresses.entry(self.peer);
        let address = address.or_insert_with(|| Address::new(now));
        address.failures = address.failures.saturating_add(1);
        address.last = now;
        if address.failures <= FREE {
            return Duration::ZERO;
        }
        let doublings = (address.failures - FREE - 1).min(DOUBLINGS);
        let pause = self.slow.pause * (1 << doublings);
        address.kept.push(now + pause);
        pause
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut addresses = self.slow.addresses();
        if let Some(address) = addresses.get_mut(&self.peer) {
            address.running = address.running.saturating_sub(1);
            if address.running == 0 && address.failures == 0 {
                addresses.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn peer(last: u8) -> Peer {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn pauses_grow_up_to_a_bound_and_are_forgotten() {
        let slow = Slow::new(SECOND);
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let attempt = slow.begin(peer(1), now).expect("one at a time");
            pauses.push(attempt.failed(now).as_secs());
            now += SECOND * 20;
        }
        assert_eq!(pauses, [0, 0, 0, 1, 2, 4, 8, 16, 16, 16]);
        now += MEMORY;
        let attempt = slow.begin(peer(1), now).expect("one at a time");
        assert_eq!(attempt.failed(now), Duration::ZERO);
    }

    #[test]
    fn few_attempts_at_once_for_those_who_failed_alone() {
        let slow = Slow::new(SECOND);
        let now = Instant::now();
        let failed = |_| slow.begin(peer(1), now).map(|attempt| attempt.failed(now));
        let given = (0..20).filter_map(failed).count();
        assert_eq!(given, FREE as usize + ATTEMPTS, "the rest isn't even tried");
        let others: Vec<_> = (0..20).map(|_| slow.begin(peer(2), now)).collect();
        assert!(others.iter().all(Option::is_some), "others aren't bounded");
        assert!(
            slow.begin(peer(1), now + SECOND * 20).is_some(),
            "later again"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let slow = Slow::new(SECOND);
        let start = Instant::now();
        for number in 0..3000_u32 {
            let now = start + Duration::from_millis(number.into());
            let attempt = slow.begin(IpAddr::from(number.to_be_bytes()), now);
            attempt.expect("a new address").failed(now);
        }
        assert_eq!(slow.addresses().len(), ADDRESSES);
        drop(slow.begin(peer(1), start + MEMORY * 2));
        assert_eq!(
            slow.addresses().len(),
            0,
            "nothing is left of what is forgotten"
        );
    }

    #[test]
    fn networks_of_ipv6_count_as_one() {
        let parse = |text: &str| text.parse::<IpAddr>().expect("an address");
        let one = neighbourhood(parse("2001:db8:1:2::3"));
        assert_eq!(one, neighbourhood(parse("2001:db8:1:2:ffff::4")));
        assert_ne!(one, neighbourhood(parse("2001:db8:1:3::3")));
        assert_eq!(neighbourhood(parse("::ffff:192.0.2.1")), peer(1));
    }
}
