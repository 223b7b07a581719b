//! Wrong passwords make the answers to their address and about their user slower, and bound how
//! many guesses are under way, so that guessing leads nowhere while everybody else is served as
//! ever. A guess counts from its beginning, or many at once would be free; it is taken back when
//! it was right. The same name and password from one address is one guess, however many
//! connections bring it: clients have several.

use super::Peer;
use crate::sync::lock;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Wrong passwords without any consequence: people mistype.
const FREE: usize = 3;
/// Doublings of the pause: 16 times at most.
const DOUBLINGS: usize = 4;
/// Guesses of an address under way, once there were more than the free failures.
const ATTEMPTS: usize = 4;
/// The same for guesses at one user, from wherever: some more, because whoever guesses from many
/// addresses keeps the user out meanwhile, unless it is where he was let in before.
const USER_ATTEMPTS: usize = 8;
/// Connections that bring the same guess at a time: more than clients open.
const SAME: usize = 64;
/// How long failures count after the last one.
const MEMORY: Duration = Duration::from_secs(10 * 60);
/// Most addresses, and most users, that are remembered; beyond it the one whose last failure is
/// oldest goes.
const MOST: usize = 1024;

/// What stands for a name and a password.
pub(super) type Mark = [u8; 32];

/// Whose guess it is, and at what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    /// Where it comes from.
    pub(super) peer: Peer,
    /// What stands for the user's name.
    pub(super) user: u64,
    /// What stands for both name and password.
    pub(super) mark: Mark,
    /// Whether the user was let in at this address before.
    pub(super) known: bool,
}

/// The addresses and users with failures.
pub(super) struct Slow {
    pause: Duration,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    addresses: HashMap<Peer, Count>,
    users: HashMap<u64, Count>,
    under_way: HashMap<(Peer, Mark), UnderWay>,
}

/// The failures of an address, or at a user.
#[derive(Debug)]
struct Count {
    failures: usize,
    last: Instant,
    /// Guesses whose passwords are being proven.
    running: usize,
    /// When the answers that are kept back will be given.
    kept: Vec<Instant>,
}

/// A guess under way.
#[derive(Debug)]
struct UnderWay {
    /// How many attempts bring it.
    attempts: usize,
    /// Whether it was right, once that is known; if not, how long the answer is kept back.
    decided: Option<Result<(), Duration>>,
}

impl Slow {
    /// Delays answers by multiples of `pause`.
    pub(super) fn new(pause: Duration) -> Arc<Self> {
        let counts = Mutex::default();
        Arc::new(Self { pause, counts })
    }

    /// Begins an attempt; None if too many are under way.
    pub(super) fn begin(self: &Arc<Self>, guess: Guess, now: Instant) -> Option<Attempt> {
        let (peer, user) = (neighbourhood(guess.peer), guess.user);
        let mut counts = lock(&self.counts);
        let place = (peer, guess.mark);
        if let Some(same) = counts.under_way.get_mut(&place) {
            if same.attempts >= SAME {
                return None;
            }
            same.attempts += 1;
        } else {
            let most = if guess.known {
                usize::MAX
            } else {
                USER_ATTEMPTS
            };
            let crowded = is_crowded(&mut counts.addresses, &peer, ATTEMPTS, now)
                || is_crowded(&mut counts.users, &user, most, now);
            if crowded {
                return None;
            }
            count(&mut counts.addresses, peer, now).running += 1;
            count(&mut counts.users, user, now).running += 1;
            let decided = None;
            let attempts = 1;
            counts
                .under_way
                .insert(place, UnderWay { attempts, decided });
        }
        Some(Attempt {
            slow: Arc::clone(self),
            user,
            place,
        })
    }
}

impl Counts {
    /// The counts that an attempt goes into.
    fn of(&mut self, attempt: &Attempt, now: Instant) -> [&mut Count; 2] {
        let address = count(&mut self.addresses, attempt.place.0, now);
        [address, count(&mut self.users, attempt.user, now)]
    }
}

impl Count {
    fn forget(&mut self, now: Instant) {
        self.kept.retain(|until| *until > now);
        if now.saturating_duration_since(self.last) >= MEMORY {
            self.failures = 0;
        }
    }

    fn is_void(&self) -> bool {
        self.running == 0 && self.failures == 0
    }
}

/// Whether no further guess may begin.
fn is_crowded<K: Eq + Hash>(
    counts: &mut HashMap<K, Count>,
    key: &K,
    most: usize,
    now: Instant,
) -> bool {
    counts.get_mut(key).is_some_and(|count| {
        count.forget(now);
        let busy = count.running + count.kept.len();
        count.failures + count.running > FREE && busy >= most
    })
}

/// What is counted under a key, from now on if nothing was before.
fn count<K: Clone + Eq + Hash>(counts: &mut HashMap<K, Count>, key: K, now: Instant) -> &mut Count {
    if !counts.contains_key(&key) && counts.len() >= MOST {
        counts.values_mut().for_each(|count| count.forget(now));
        counts.retain(|_, count| !count.is_void());
        if counts.len() >= MOST {
            let oldest = counts.iter().min_by_key(|(_, count)| count.last);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|key| counts.remove(&key));
        }
    }
    counts.entry(key).or_insert_with(|| Count {
        failures: 0,
        last: now,
        running: 0,
        kept: Vec::new(),
    })
}

/// Who counts as one: an IPv4 address, or the 64 bits of a network of IPv6, in which anybody has
/// as many addresses as he likes.
pub(super) fn neighbourhood(peer: Peer) -> Peer {
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
    user: u64,
    place: (Peer, Mark),
}

impl Attempt {
    /// What became of the same guess, if that is known already.
    pub(super) fn decided(&self) -> Option<Result<(), Duration>> {
        lock(&self.slow.counts).under_way.get(&self.place)?.decided
    }

    /// Notes that it was right, which takes the guess back.
    pub(super) fn succeeded(&self, now: Instant) {
        let _ = self.decide(now, |_| Ok(()));
    }

    /// Notes that it failed, and tells how long the answer is to be kept back.
    pub(super) fn failed(&self, now: Instant) -> Duration {
        let decided = self.decide(now, |counts| {
            let failures = counts.iter().map(|count| count.failures + 1).max();
            let pause = match failures.unwrap_or(0).checked_sub(FREE + 1) {
                None => Duration::ZERO,
                Some(more) => self.slow.pause * (1 << more.min(DOUBLINGS)),
            };
            for count in counts {
                count.failures += 1;
                count.last = now;
                count.kept.extend((!pause.is_zero()).then(|| now + pause));
            }
            Err(pause)
        });
        decided.err().unwrap_or_default()
    }

    /// Decides about the guess, unless another attempt has.
    fn decide(
        &self,
        now: Instant,
        decide: impl FnOnce([&mut Count; 2]) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let mut counts = lock(&self.slow.counts);
        let decided = counts
            .under_way
            .get(&self.place)
            .and_then(|all| all.decided);
        if let Some(decided) = decided {
            return decided;
        }
        let [one, other] = counts.of(self, now);
        one.running = one.running.saturating_sub(1);
        other.running = other.running.saturating_sub(1);
        let decided = decide([one, other]);
        if let Some(all) = counts.under_way.get_mut(&self.place) {
            all.decided = Some(decided);
        }
        decided
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut counts = lock(&self.slow.counts);
        let Some(all) = counts.under_way.get_mut(&self.place) else {
            return;
        };
        all.attempts -= 1;
        if all.attempts > 0 {
            return;
        }
        let undecided = usize::from(all.decided.is_none());
        counts.under_way.remove(&self.place);
        end(&mut counts.addresses, &self.place.0, undecided);
        end(&mut counts.users, &self.user, undecided);
    }
}

/// Forgets a guess whose outcome nobody learns any more, and a count without any.
fn end<K: Eq + Hash>(counts: &mut HashMap<K, Count>, key: &K, undecided: usize) {
    if let Some(count) = counts.get_mut(key) {
        count.running = count.running.saturating_sub(undecided);
        if count.is_void() {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
