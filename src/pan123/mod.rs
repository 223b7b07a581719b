//! The store over 123pan (123云盘), through its Open Platform API.
//!
//! ```text
//!   save ─► upload ─► tree (ensure) ─┐
//!   load ─► download ─► tree (locate)├─► api ─► call ─► pace, token, judge
//!   list ─► tree (scan) ─────────────┤
//! remove ─► bin ─► tree, fence ──────┘
//! ```
//!
//! Files have numbers here and nowhere else. The layout on the cloud is restic's own:
//! `{repo-path}/{repo}/config`, `keys/`, `locks/`, `snapshots/`, `index/`, `data/ab/abcd…`.
//!
//! "API reference" in comments, with a section, is the team's collection of what 123pan documents
//! and what its other clients have seen.
#![doc = include_str!("safety.md")]

pub mod api;
mod bin;
mod call;
mod damage;
pub mod doctor;
mod download;
mod fence;
mod files;
#[cfg(fuzzing)]
pub mod fuzz;
mod health;
mod hosts;
mod journal;
mod judge;
mod known;
mod ledger;
mod list;
mod locate;
mod lost;
mod multipart;
mod pace;
mod pages;
mod paths;
mod promises;
mod purge;
mod ripe;
mod space;
mod token;
mod trash;
mod tree;
mod trouble;
mod upload;
mod verify;
mod walk;
mod waste;

pub use api::Tier;
pub use token::{Grant, authorization, log_in};
pub use trash::{Freed, Item, RecycleBin, Restored, Seen, What};
pub use verify::{Finding, Flaw, Holding, Report, Told, verify};

use crate::body::Body;
use crate::restic::{File, Kind, Range, Repo};
use crate::store::{Error, Found, Health, Loaded, Store};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What becomes of deleted files in the account's bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bin {
    /// They stay.
    Keep,
    /// They are purged at once.
    Purge,
    /// They are purged after so many days; locks at once.
    Days(u32),
}

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

    fn now(&self) -> u64 {
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

/// The store over 123pan.
pub struct Pan123 {
    cloud: Arc<Cloud>,
    purger: Option<purge::Purger>,
}

/// What the parts of the store share.
struct Cloud {
    base: String,
    door: Arc<call::Door>,
    tree: tree::Tree,
    fence: promises::Fence,
    waste: waste::Waste,
    doubtful: bin::Doubtful,
    uploads: upload::Uploads,
    downloads: download::Downloads,
    space: space::Space,
}

impl Pan123 {
    /// A store for the configured account. Nothing is sent before the first request, except
    /// what a thread of its own asks and purges in the background.
    pub fn new(config: &Config) -> Self {
        let door = Arc::new(call::Door::new(config, pacer(config)));
        let waste = waste::Waste::new(config);
        let ledger = ledger::Ledger::new(config, waste.keeps());
        let cloud = Arc::new(Cloud {
            base: config.repo_path.clone(),
            tree: tree::Tree::new(Arc::clone(&door)),
            fence: promises::Fence::recall(ledger, config),
            waste,
            doubtful: bin::Doubtful::default(),
            uploads: upload::Uploads::new(config),
            downloads: download::Downloads::default(),
            space: space::Space::new(config.timing.space),
            door,
        });
        let purger = purge::Purger::start(&cloud, config);
        Self { cloud, purger }
    }
}

impl Pan123 {
    /// Has the account looked at, in the background.
    fn wake(&self) {
        if let Some(purger) = &self.purger {
            purger.wake();
        }
    }
}

impl Drop for Pan123 {
    fn drop(&mut self) {
        if let Some(purger) = self.purger.take() {
            purger.stop();
        }
    }
}

impl Store for Pan123 {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        let folder = self.cloud.repo(repo);
        let paths = Kind::ALL.map(|kind| known::join(&folder, kind.name()));
        self.cloud.tree.ensure_all(&paths, pace::Priority::Small)
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        self.cloud.list(repo, kind, found)
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        self.cloud.stat(repo, file)
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        Cloud::load(&self.cloud, repo, file, range)
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        self.cloud.save(repo, file, body)
    }

    fn holds(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        self.cloud.holds(repo, file, body)
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        self.cloud.remove(files)
    }

    fn health(&self) -> Health {
        let health = self.cloud.health();
        if self.cloud.door.seen.is_old() {
            // The next look will be younger.
            self.wake();
        }
        health
    }

    fn probe(&self) -> Result<(), Error> {
        let seen = &self.cloud.door.seen;
        seen.proof(|| self.wake())
    }

    fn free_space(&self) -> Option<u64> {
        self.cloud.space.free()
    }

    fn used_space(&self, folder: &Repo) -> Result<Option<u64>, Error> {
        self.cloud.used_space(folder)
    }
}

impl Cloud {
    /// The folder of a repository.
    fn repo(&self, repo: &Repo) -> String {
        match repo.path() {
            "" => self.base.clone(),
            path => known::join(&self.base, path),
        }
    }

    /// The folder that holds a file.
    fn folder(&self, repo: &Repo, file: &File) -> String {
        let repo = self.repo(repo);
        match file {
            File::Config => repo,
            File::Hashed(Kind::Data, id) => {
                known::join(&known::join(&repo, Kind::Data.name()), &id.prefix())
            }
            File::Hashed(kind, _) => known::join(&repo, kind.name()),
        }
    }
}

/// Paces calls by the tier that the configuration names, or a free account's.
fn pacer(config: &Config) -> pace::Pacer {
    let (tier, share) = (config.tier.unwrap_or(Tier::Free), config.rate_share);
    pace::Pacer::new(|endpoint| pace::share(endpoint.per_second(tier), share))
}

/// The name under which a file is known.
fn key(file: &File) -> crate::restic::Id {
    file.id().unwrap_or(known::CONFIG)
}

/// Who goes first.
fn priority(kind: Option<Kind>) -> pace::Priority {
    match kind {
        None | Some(Kind::Keys | Kind::Locks) => pace::Priority::Small,
        Some(Kind::Index | Kind::Snapshots) => pace::Priority::Index,
        Some(Kind::Data) => pace::Priority::Packs,
    }
}
