//! How the store is told to work: the account, what becomes of deleted files, and every bound in
//! time.

use super::api::Tier;
use super::token::{self, Grant};
use crate::restic::hex;
use crate::settings::values::Bin;
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The account, and how it is used.
#[derive(Clone)]
pub struct Config {
    /// Where the API is, without a slash at the end.
    pub api_url: String,
    /// The client id, or the OAuth app's.
    pub client_id: String,
    /// The secret that goes with it; empty for an app that has none.
    pub client_secret: String,
    /// The grant by which the app may use the account; None for a developer's own account.
    pub grant: Option<Arc<Grant>>,
    /// The folder that holds the repositories, without slashes at the ends; empty for the root.
    pub repo_path: String,
    /// Where the token, the purge list and promises are kept; None keeps them in memory.
    pub state_dir: Option<PathBuf>,
    /// Most uploads in flight. 123pan bans accounts that flood it: more than 20 were seen to be
    /// dangerous (API reference 6.2).
    pub uploads: usize,
    /// Share of the allowed rates that is used.
    pub rate_share: f64,
    /// The account's tier; None finds it out.
    pub tier: Option<Tier>,
    /// What becomes of deleted files.
    pub bin: Bin,
    /// Bytes of free space below which the oldest of them are purged before their time.
    pub reserve: u64,
    /// What tells the time of day.
    pub clock: Clock,
    /// Whether the token may go to upload hosts in the clear (safety rule 24).
    pub allow_http_upload: bool,
    /// Whether IPv6 is left alone.
    pub ipv4_only: bool,
    /// Certificate authorities to trust instead of the usual ones, as PEM.
    pub ca: Option<Vec<u8>>,
    /// Every timeout, pause and bound in time.
    pub timing: Timing,
}

impl Config {
    /// A file of the state directory, by whose account and which folder it is about: several
    /// servers may share the directory.
    pub fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        let (url, client, path) = (&self.api_url, &self.client_id, &self.repo_path);
        let whose = Sha256::digest(format!("{url} {client} {path}"));
        let name = format!("{name}-{}.{extension}", hex(&whose[..8]));
        self.state_dir.as_ref().map(|folder| folder.join(name))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("api_url", &self.api_url)
            .field("repo_path", &self.repo_path)
            .field("client_id", &"***")
            .field("client_secret", &"***")
            .finish_non_exhaustive()
    }
}

/// Tells the time of day, so that tests can do without waiting for days.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// A clock that tells what `now` says, in seconds since 1970.
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time, in seconds since 1970.
    pub(super) fn now(&self) -> u64 {
        (self.0)()
    }
}

impl Default for Clock {
    /// This machine's clock.
    fn default() -> Self {
        Self::new(token::now)
    }
}

/// Every timeout, pause and bound in time, so that tests can do without waiting.
#[derive(Clone, Debug)]
pub struct Timing {
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
    /// Between polls of what 123pan says to ask for again: documented as a second.
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
    /// How long a request for a token that failed isn't repeated; it doubles when 123pan itself
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
    /// How old a good answer may be to prove that 123pan answers.
    pub proof: Duration,
    /// Least time between two looks at the account while somebody watches, and longest wait of
    /// who asks whether 123pan answers.
    pub glance: Duration,
    /// Between two looks at the account's free space; also how long the size of a folder is
    /// believed.
    pub space: Duration,
    /// Least time between two writes of the purge list, to spare flash memory.
    pub store: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
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
