//! Every timeout, pause and bound in time, and what tells the time of day: values, so that tests
//! can do without waiting.

pub use crate::civil::{SANE, now};

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Tells the time of day, so that tests can do without waiting for days.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// A clock that tells what `now` says, in seconds since 1970.
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time, in seconds since 1970.
    pub fn now(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Default for Clock {
    /// This machine's clock.
    fn default() -> Self {
        Self::new(now)
    }
}

/// Counts how often the background has looked after everything, so that tests can wait for looks
/// instead of time. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Looks(Arc<AtomicUsize>);

impl Looks {
    /// One more is over.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many are over.
    pub fn made(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Every timeout, pause and bound in time, so that tests can do without waiting.
#[derive(Clone, Debug)]
pub struct Timing {
    /// What tells this machine's time of day.
    pub clock: Clock,
    /// How often the background has looked after everything.
    pub looks: Looks,
    /// How long this machine's clock and the cloud's must have agreed before anything is purged.
    pub agreed: Duration,
    /// Longest for DNS, and again for the connection.
    pub connect: Duration,
    /// Longest until an answer begins; lists were seen to take more than 30 s.
    pub answer: Duration,
    /// Longest without a byte.
    pub stall: Duration,
    /// How long an idle connection is kept.
    pub idle: Duration,
    /// Longest wait of a request for the rate (safety rule 22).
    pub rate_wait: Duration,
    /// Longest repetition after errors (safety rule 22).
    pub retry: Duration,
    /// The first pause before a repetition; it doubles.
    pub pause: Duration,
    /// Between polls of what the cloud says to ask for again.
    pub poll: Duration,
    /// Most polls for the end of an upload in slices; other clients use 60.
    pub polls: u32,
    /// The first pause before looking again for what a list doesn't show yet; it doubles.
    pub look: Duration,
    /// How long what was just seen at the cloud is believed, where no other server can do harm by
    /// it: config and keys while a command opens its repository.
    pub lately: Duration,
    /// Longest until what was written must be visible (safety rules 5, 8, 9).
    pub visible: Duration,
    /// How long own writes and removals are believed over lists (safety rule 13).
    pub overlay: Duration,
    /// Least time between two new tokens (safety rule 23).
    pub token_pause: Duration,
    /// How long a request for a token that failed isn't repeated; it doubles when the cloud itself
    /// refuses one after the other.
    pub token_again: Duration,
    /// How long nothing is written after a ban was met; bans of 2.5 hours were seen, so that this
    /// asks a few times in vain.
    pub ban: Duration,
    /// How long nothing is read after the download traffic was used up, before it is tried again.
    pub traffic: Duration,
    /// How long a download address is used that doesn't tell its expiry.
    pub address: Duration,
    /// How long a pack that was lost keeps index files from being stored (safety rule 5): longer
    /// than any client repeats its request.
    pub lost: Duration,
    /// Between two looks at what is to be purged.
    pub purge: Duration,
    /// Before the account is asked about again, when it couldn't be.
    pub tier: Duration,
    /// How old a good answer may be to prove that the cloud answers.
    pub proof: Duration,
    /// Least time between two looks at the account while somebody watches, and longest wait of
    /// who asks whether the cloud answers.
    pub glance: Duration,
    /// Between two looks at the account's free space; also how long the size of a folder is
    /// believed.
    pub space: Duration,
    /// Before what couldn't be written to the state directory is tried again.
    pub store: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            clock: Clock::default(),
            looks: Looks::default(),
            agreed: seconds(60 * 60),
            connect: seconds(10),
            answer: seconds(120),
            stall: seconds(60),
            idle: seconds(10),
            rate_wait: seconds(120),
            retry: seconds(20),
            pause: Duration::from_millis(500),
            poll: seconds(1),
            polls: 60,
            look: Duration::from_millis(250),
            lately: seconds(5),
            visible: seconds(20),
            overlay: seconds(60),
            token_pause: seconds(60),
            token_again: seconds(5),
            ban: seconds(30 * 60),
            traffic: seconds(60 * 60),
            address: seconds(10 * 60),
            lost: seconds(60 * 60),
            purge: seconds(2),
            tier: seconds(60),
            proof: seconds(60),
            glance: seconds(5),
            space: seconds(5 * 60),
            store: seconds(30),
        }
    }
}
