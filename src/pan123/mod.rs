//! The store over 123pan (123云盘), through its Open Platform API.
//!
//! ```text
//!   save ─► upload ─────────────────┐
//!   load ─► download ───────────────┤
//!   list ───────────────────────────┼─► tree ─► api ─► cloud::client
//! remove ─► confirm ─► bin (trash) ─┘
//! ```
//!
//! Files have numbers here and nowhere else. The layout on the cloud is restic's own but for packs
//! ([`crate::cloud::layout`]): `{repo-path}/{repo}/config`, `keys/`, `locks/`, `snapshots/`,
//! `index/`, `data/a/abcd…`, or `data/ab/abcd…` where that is there.
//!
//! Each part owns its state and takes what it uses: `api` calls, `tree` knows folders and numbers,
//! `bin` puts files into the account's bin and knows what is to be purged there, `confirm` makes
//! sure of what was acknowledged, `upload` and `download` move bytes, `background` does what nobody
//! waits for. None of them knows one that stands further left in the picture. What `probe` has found
//! out about 123pan is in `facts`, by which they go.
//!
//! "API reference" in comments, with a section, is the team's collection of what 123pan documents
//! and what its other clients have seen.
#![doc = include_str!("safety.md")]

mod account;
pub mod api;
mod background;
mod bin;
mod config;
mod confirm;
pub mod doctor;
mod download;
mod facts;
#[cfg(fuzzing)]
pub mod fuzz;
mod options;
mod probe;
mod remove;
mod space;
mod tree;
mod upload;
mod urgent;
mod verify;

pub use crate::cloud::finding::{Contents, Event, Finding, Flaw, Report};
pub use crate::cloud::token::Grant;
pub use crate::cloud::{Clock, Timing};
pub use account::CLOUD;
pub use bin::recycle::RecycleBin;
pub use config::{Bin, Config, Tier};
pub use probe::probe;
pub use verify::verify;

use crate::body::Body;
use crate::cloud::paths::{Root, priority_of};
use crate::restic::{File, Kind, Range, Repo};
use crate::store::{Error, Found, Health, Limits, Loaded, Store};
use api::Api;
use background::{Background, Parts};
use bin::Trash;
use bin::pending::PendingPurges;
use confirm::Confirm;
use download::Downloads;
use remove::Removals;
use space::Space;
use std::sync::Arc;
use tree::Tree;
use tree::files::{Known, name_of};
use upload::Uploads;

/// 123pan's rules for names and sizes (API reference 3.5) and its ids a call. What else no name may
/// have, none of the protocol's has.
const LIMITS: Limits = Limits {
    longest_name: 255,
    forbidden: "\"\\/:*?|><",
    largest: 10_000_000_000,
    batch: api::BATCH,
};

/// The store over 123pan.
pub struct Pan123 {
    root: Root,
    api: Arc<Api>,
    tree: Arc<Tree>,
    trash: Arc<Trash>,
    confirm: Arc<Confirm>,
    removals: Removals,
    uploads: Uploads,
    downloads: Downloads,
    space: Arc<Space>,
    background: Background,
}

impl Pan123 {
    /// A store for the configured account. Nothing is sent before the first request, except
    /// what a thread of its own asks and purges in the background.
    pub fn new(config: &Config) -> Self {
        let root = Root::new(&config.shared.repo_path);
        let api = Arc::new(Api::new(config));
        let tree = Arc::new(Tree::new(Arc::clone(&api)));
        let trash = Arc::new(Trash::new(
            &api,
            &tree,
            PendingPurges::new(config, &api.client.time),
        ));
        let confirm = Arc::new(Confirm::new(config, &api, &tree, &trash));
        let space = Arc::new(Space::new(config.shared.timing.space));
        let parts = Parts {
            api: Arc::clone(&api),
            trash: Arc::clone(&trash),
            confirm: Arc::clone(&confirm),
            space: Arc::clone(&space),
        };
        Self {
            removals: Removals::new(&config.shared.timing, &root, &tree, &confirm),
            uploads: Uploads::new(config, &api, &tree),
            downloads: Downloads::new(&api, &tree),
            background: Background::start(parts, config),
            root,
            api,
            tree,
            trash,
            confirm,
            space,
        }
    }
}

impl Store for Pan123 {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        let (folder, priority) = (self.root.repo(repo), priority_of(None));
        // What is remembered of it may lie elsewhere now.
        if self.tree.is_stale(&folder) {
            self.tree.forget_gone(&folder, priority)?;
        }
        let paths = Kind::ALL.map(|kind| self.root.kind(repo, kind));
        self.tree.ensure_all(&paths, priority)
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        self.tree.list(&self.root.kind(repo, kind), kind, found)
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        self.tree.stat(&self.root.folder(repo, file), file)
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        let path = self.root.folder(repo, file);
        self.downloads.load(&path, file, range)
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let (path, priority) = (self.root.folder(repo, file), priority_of(file.kind()));
        self.removals.finish(&path, name_of(file), priority)?;
        self.confirm.before(repo, file, priority)?;
        let path = self.tree.place(&path, name_of(file), priority)?;
        let Some((number, md5)) = self.uploads.upload(&path, file, body)? else {
            return Ok(());
        };
        self.space.room.stored(&path, body.len());
        let stored = Known {
            name: name_of(file),
            file: number,
            size: body.len(),
        };
        self.confirm.acknowledge(repo, file, &path, stored, md5)
    }

    fn holds(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        let (path, priority) = (self.root.folder(repo, file), priority_of(file.kind()));
        self.removals.finish(&path, name_of(file), priority)?;
        if !self.uploads.holds(&path, file, body)? {
            return Ok(false);
        }
        self.confirm.before(repo, file, priority).map(|()| true)
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let removed = self.removals.remove(files);
        let gone = files.iter().zip(&removed).filter(|(_, done)| done.is_ok());
        let folders = gone.map(|((repo, file), _)| self.root.folder(repo, file));
        self.space.removed(&folders.collect::<Vec<String>>());
        removed
    }

    fn is_there(&self, repo: &Repo, file: &File) -> Result<bool, Error> {
        let (path, priority) = (self.root.folder(repo, file), priority_of(file.kind()));
        let known = self.tree.locate(&path, name_of(file), priority)?;
        Ok(!known.is_empty())
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn health(&self) -> Health {
        if self.api.client.seen.is_old() {
            // The next look will be younger.
            self.background.wake();
        }
        Health {
            bin: self.trash.pending.len(),
            ..self.api.client.health(self.uploads.state())
        }
    }

    fn probe(&self) -> Result<(), Error> {
        let client = &self.api.client;
        client.seen.proof(client.cloud(), || self.background.wake())
    }

    fn free_space(&self) -> Option<u64> {
        self.space.room.free()
    }

    fn make_room(&self, wanted: u64) {
        self.space.refresh(&self.api);
        if self.space.room.has(wanted) || self.trash.pending.len() == 0 {
            return;
        }
        self.background.purge_now(self.api.timing().visible);
        self.space.refresh(&self.api);
    }

    fn used_space(&self, folder: &Repo) -> Result<Option<u64>, Error> {
        let path = self.root.repo(folder);
        self.space.used(&self.api, &self.tree, &path)
    }
}
