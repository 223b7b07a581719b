//! The store over Tencent SMH (Smart Media Hosting, 媒体托管): a library's space, in which
//! everything is addressed by its path.
//!
//! ```text
//!   save ─► upload ──┬─► folders ─┐
//!   load ─► download ┼────────────┼─► api ─► cloud::client
//!   list ─► list ────┴─► recent   │
//! remove ─► remove ───────────────┘
//! ```
//!
//! An upload appears whole when it is confirmed, with its checksum, and a deletion is one call; so
//! nothing is kept here of what was done but the names of the last minute, for lists
//! that may lag. What is true of a file, the service is asked. How late lists may be, the probe finds
//! out.
//!
//! "API reference" in comments, with a section, is the team's collection of what Tencent documents
//! and what other clients have seen.
#![doc = include_str!("safety.md")]

mod account;
pub mod api;
mod bin;
mod checks;
mod config;
mod doctor;
mod download;
mod facts;
mod folders;
mod list;
mod options;
mod packs;
mod places;
mod probe;
mod recent;
mod remove;
mod space;
mod upload;
mod verify;

pub use account::CLOUD;
pub use bin::RecycleBin;
pub use config::Config;
pub use probe::probe;

use crate::body::Body;
use crate::cloud::daemon::Daemon;
use crate::cloud::paths::{Root, join, priority_of};
use crate::restic::{File, Kind, Range, Repo};
use crate::settings::values::Bin;
use crate::store::{Error, Found, Health, Limits, Loaded, Store, absent_is};
use api::{Api, Scope};
use download::Downloads;
use list::{Lists, Memory};
use remove::Removals;
use space::Space;
use std::sync::Arc;
use std::time::Instant;
use upload::Uploads;

/// The rules for names and sizes (API reference 1 and 7.3), and the files of a call that deletes.
const LIMITS: Limits = Limits {
    longest_name: 255,
    forbidden: "\"\\/:*?|><",
    largest: 5 << 30,
    batch: api::BATCH,
};

/// The store over Tencent SMH.
pub struct Smh {
    root: Root,
    api: Arc<Api>,
    memory: Memory,
    lists: Lists,
    uploads: Uploads,
    downloads: Downloads,
    removals: Removals,
    space: Arc<Space>,
    watch: Daemon,
}

impl Smh {
    /// A store for the configured space. Nothing is sent before the first request, except what
    /// somebody who watches has asked for.
    pub fn new(config: &Config) -> Self {
        let api = Arc::new(Api::new(config, Scope::Space));
        let memory = Memory::new(&api, config.shared.timing.overlay);
        let space = Arc::new(Space::new(&api));
        Self {
            root: Root::new(&config.shared.repo_path),
            lists: Lists::new(&api, &memory),
            uploads: Uploads::new(&api, &memory.folders, config.shared.uploads),
            downloads: Downloads::new(&api),
            removals: Removals::new(&api, config.shared.bin != Bin::Purge),
            watch: space.watch(),
            space,
            api,
            memory,
        }
    }

    /// Notes that a file is there now, or gone.
    fn note(&self, folder: &str, file: &File, is_there: bool) {
        self.downloads.forget(&join(folder, &file.name()));
        if let Some(id) = file.id() {
            self.memory.recent.note(folder, id, is_there);
            self.memory.folders.note(folder, is_there);
            self.memory.packs.forget(folder, &id);
        }
    }

    /// A lock counts only when others can see it (safety rule 20).
    fn show_lock(&self, folder: &str, file: &File) -> Result<(), Error> {
        let shown = self
            .lists
            .wait_until_listed(folder, priority_of(file.kind()));
        if shown.is_err() {
            // Nobody is to find a lock that its holder doesn't believe in.
            let _ = self.removals.remove(&[(folder.to_owned(), *file)]);
            self.note(folder, file, false);
        }
        shown
    }

    /// Before a lock or an index file goes, others can see what was stored under the lock: lists
    /// show the index files and snapshots that this server has just acknowledged.
    fn show_work(&self, repo: &Repo, file: &File) -> Result<(), Error> {
        if !matches!(file.kind(), Some(Kind::Locks | Kind::Index)) {
            return Ok(());
        }
        for kind in [Kind::Index, Kind::Snapshots] {
            let folder = self.root.kind(repo, kind);
            self.lists
                .wait_until_listed(&folder, priority_of(file.kind()))?;
        }
        Ok(())
    }
}

impl Store for Smh {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        let asked = Instant::now();
        for kind in Kind::ALL {
            let path = self.root.kind(repo, kind);
            self.memory.folders.make(&path, asked, priority_of(None))?;
        }
        Ok(())
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        self.lists.list(&self.root.kind(repo, kind), kind, found)
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        self.found(repo, file, |folder| self.size(folder, file))
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        self.found(repo, file, |folder| {
            self.downloads.load(folder, file, range)
        })
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let folder = self.place(repo, file)?;
        if self.uploads.upload(&folder, file, body)? {
            self.space.room.stored(&folder, body.len());
            self.note(&folder, file, true);
        }
        match file.kind() {
            Some(Kind::Locks) => self.show_lock(&folder, file),
            _ => Ok(()),
        }
    }

    fn holds(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        let folders = self.places(repo, file, false)?;
        let mut each = folders.iter();
        each.try_fold(false, |held, folder| {
            Ok(held || self.uploads.holds(folder, file, body)?)
        })
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let mut results: Vec<Result<(), Error>> = files.iter().map(|_| Ok(())).collect();
        let (mut owners, mut going) = (Vec::new(), Vec::new());
        for (n, (repo, file)) in files.iter().enumerate() {
            let shown = self.show_work(repo, file);
            match shown.and_then(|()| self.places(repo, file, false)) {
                Ok(folders) => {
                    owners.extend(folders.iter().map(|_| n));
                    going.extend(folders.into_iter().map(|folder| (folder, *file)));
                }
                Err(error) => results[n] = Err(error),
            }
        }
        let removed = self.removals.remove(&going);
        for ((n, (folder, file)), removed) in owners.into_iter().zip(&going).zip(removed) {
            match removed {
                Ok(()) => self.note(folder, file, false),
                Err(error) => results[n] = Err(error),
            }
        }
        results
    }

    fn is_there(&self, repo: &Repo, file: &File) -> Result<bool, Error> {
        let found = self.found(repo, file, |folder| self.known(folder, file));
        absent_is(found.map(|()| true), false)
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn health(&self) -> Health {
        if self.api.client.seen.is_old() {
            // The next look will be younger.
            self.watch.wake();
        }
        self.api.client.health(self.uploads.places.state())
    }

    fn probe(&self) -> Result<(), Error> {
        let client = &self.api.client;
        client.seen.proof(client.cloud(), || self.watch.wake())
    }

    fn free_space(&self) -> Option<u64> {
        self.space.room.free()
    }

    fn make_room(&self, _: u64) {
        self.space.refresh();
    }

    fn used_space(&self, folder: &Repo) -> Result<Option<u64>, Error> {
        self.space.used(&self.root.repo(folder)).map(Some)
    }
}
