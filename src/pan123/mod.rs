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

mod account;
pub mod api;
mod bin;
mod call;
mod config;
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
mod options;
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

pub use crate::settings::values::Bin;
pub use account::Description;
pub use api::Tier;
pub use config::{Clock, Config, Timing};
pub use token::Grant;
use token::{authorization, log_in};
pub use trash::RecycleBin;
pub use verify::{Finding, Flaw, Holding, Report, Told, verify};

use crate::body::Body;
use crate::restic::{File, Kind, Range, Repo};
use crate::store::{Error, Found, Health, Loaded, Store};
use std::sync::Arc;

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
