//! How a cloud does, in words that fit every cloud: what the status page, the metrics and the
//! readiness check tell their readers. What its calls are named is the cloud's own business.

use crate::warning::Advice;
use serde::Serialize;

/// A look at a cloud, taken from memory without asking it anything.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Health {
    /// The cloud's name.
    pub cloud: &'static str,
    /// Whether it can be used; None before the first call has ended.
    pub reachable: Option<bool>,
    /// When it last answered well, in seconds since 1970.
    pub answered: Option<u64>,
    /// The account, once it has been asked for.
    pub account: Option<Account>,
    /// When the access token ends, in seconds since 1970.
    pub token_expires: Option<u64>,
    /// The calls that it takes, each with its counts.
    pub calls: Vec<Calls>,
    /// Uploads under way.
    pub uploads: usize,
    /// Most uploads at the same time.
    pub uploads_most: usize,
    /// Packs whose removal was acknowledged and hasn't happened yet.
    pub removing: usize,
    /// Packs whose removal was acknowledged and has failed for good.
    pub unremoved: u64,
    /// Deleted files that are still to be purged from its bin.
    pub bin: usize,
    /// Files that were found damaged since the start.
    pub damaged: u64,
    /// What is or was wrong, with what its owner can do.
    pub troubles: Vec<Trouble>,
}

/// An account's tier and space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The tier, as the cloud's owner names it.
    pub tier: &'static str,
    /// Bytes used.
    pub used: u64,
    /// Bytes that the account has; 0 where it has no bound.
    pub total: u64,
    /// When the access that was paid for ends, in seconds since 1970.
    pub paid_until: Option<u64>,
    /// When all this was asked for, in seconds since 1970.
    pub as_of: u64,
}

impl Account {
    /// Bytes that are free, where there is a bound.
    pub fn free(&self) -> u64 {
        self.total.saturating_sub(self.used)
    }

    /// Whether so many percent of the account are used, or more.
    pub fn is_used(&self, percent: u64) -> bool {
        let used = self.used.saturating_mul(100);
        self.total > 0 && used >= self.total.saturating_mul(percent)
    }
}

/// What became of one kind of call.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Calls {
    /// The call, from the cloud's own table.
    pub name: &'static str,
    /// How often it was made.
    pub made: u64,
    /// How often it was refused for coming too often.
    pub throttled: u64,
    /// How often it failed otherwise.
    pub failed: u64,
    /// Milliseconds that requests have waited for its rate, together.
    pub waited_ms: u64,
    /// How many wait for its rate now.
    pub waiting: usize,
    /// How often it may be made a second, now.
    pub per_second: f64,
}

/// Something that is wrong, or was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// When it was first met, in seconds since 1970.
    pub since: u64,
    /// When it was last met.
    pub last: u64,
    /// How often it was met.
    pub times: u64,
    /// Whether it is that the cloud refuses the credentials.
    pub refused: bool,
    /// Whether it is known to be over.
    pub over: bool,
    /// What happened the last time.
    pub text: String,
    /// What to do.
    pub advice: Advice,
}

/// Seconds after which a trouble whose end nobody can see counts as past.
const CURRENT: u64 = 15 * 60;

impl Trouble {
    /// Whether its owner should look at it now.
    pub fn is_current(&self, now: u64) -> bool {
        !self.over && now.saturating_sub(self.last) < CURRENT
    }
}
