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
//! nothing is kept here of what was done but the names of the last minute ([`recent`]), for lists
//! that may lag. What is true of a file, the service is asked.
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
mod folders;
mod layout;
mod list;
mod options;
mod packs;
mod recent;
mod remove;
mod space;
mod upload;
mod verify;

pub use account::Description;
pub use bin::RecycleBin;
pub use config::Config;

use crate::body::Body;
use crate::restic::{File, Kind, Range, Repo};
use crate::store::{Cause, Error, Found, Health, Identity, Limits, Loaded, Store};
use api::meaning::is_absent;
use api::{Api, Scope};
use download::Downloads;
use layout::{Layout, join, priority_of};
use list::{Lists, Memory};
use remove::Removals;
use space::{Space, Watch};
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
    layout: Layout,
    api: Arc<Api>,
    memory: Memory,
    lists: Lists,
    uploads: Uploads,
    downloads: Arc<Downloads>,
    removals: Removals,
    space: Arc<Space>,
    watch: Option<Watch>,
}

impl Smh {
    /// A store for the configured space. Nothing is sent before the first request, except what
    /// somebody who watches has asked for.
    pub fn new(config: &Config) -> Self {
        let api = Arc::new(Api::new(config, Scope::Space));
        let memory = Memory::new(&api, config.timing.overlay);
        let space = Arc::new(Space::new(&api));
        Self {
            layout: Layout::new(&config.repo_path),
            lists: Lists::new(&api, &memory),
            uploads: Uploads::new(&api, &memory.folders, config.uploads),
            downloads: Arc::new(Downloads::new(&api)),
            removals: Removals::new(&api, config.keep_deleted),
            watch: Watch::start(&space),
            space,
            api,
            memory,
        }
    }

    /// Has the space looked at, in the background.
    fn wake(&self) {
        if let Some(watch) = &self.watch {
            watch.wake();
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
            let folder = self.layout.kind(repo, kind);
            self.lists
                .wait_until_listed(&folder, priority_of(file.kind()))?;
        }
        Ok(())
    }
}

impl Drop for Smh {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.stop();
        }
    }
}

impl Store for Smh {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        let asked = Instant::now();
        for kind in Kind::ALL {
            let path = self.layout.kind(repo, kind);
            self.memory.folders.make(&path, asked, priority_of(None))?;
        }
        Ok(())
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        self.lists.list(&self.layout.kind(repo, kind), kind, found)
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        let (folder, name) = (self.layout.folder(repo, file), file.name());
        let path = join(&folder, &name);
        let absent = |why: &str| Error::new(Cause::Absent, format!("there is no /{path}{why}"));
        match self.api.info(&path, priority_of(file.kind())) {
            Ok(entry) if entry.removed => {
                self.lists.lost(&folder, &name);
                Err(Error::new(
                    Cause::Cloud,
                    format!("the bytes of /{path} are gone"),
                ))
            }
            Ok(entry) if entry.is_file() => entry.size.ok_or_else(|| {
                Error::new(Cause::Cloud, format!("nobody tells the size of /{path}"))
            }),
            Ok(_) => Err(absent(" that is a file")),
            Err(fault) if is_absent(fault.reason) => Err(absent(&format!(": {fault}"))),
            Err(fault) => Err(fault.into()),
        }
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        self.downloads
            .load(&self.layout.folder(repo, file), file, range)
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let folder = self.layout.folder(repo, file);
        if self.uploads.upload(&folder, file, body)? {
            self.space.stored(&folder, body.len());
            self.note(&folder, file, true);
        }
        match file.kind() {
            Some(Kind::Locks) => self.show_lock(&folder, file),
            _ => Ok(()),
        }
    }

    fn holds(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        self.uploads
            .holds(&self.layout.folder(repo, file), file, body)
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let mut results: Vec<Result<(), Error>> = files.iter().map(|_| Ok(())).collect();
        let mut going = Vec::new();
        for (n, (repo, file)) in files.iter().enumerate() {
            match self.show_work(repo, file) {
                Ok(()) => going.push((n, (self.layout.folder(repo, file), *file))),
                Err(error) => results[n] = Err(error),
            }
        }
        let (places, going): (Vec<usize>, Vec<_>) = going.into_iter().unzip();
        let removed = self.removals.remove(&going);
        for ((n, (folder, file)), removed) in places.into_iter().zip(&going).zip(removed) {
            if removed.is_ok() {
                self.note(folder, file, false);
            }
            results[n] = removed;
        }
        results
    }

    fn identity(&self, repo: &Repo, file: &File) -> Result<Option<Identity>, Error> {
        let folder = self.layout.folder(repo, file);
        let known = file
            .id()
            .and_then(|id| self.memory.packs.identity(&folder, &id));
        if known.is_some() {
            return Ok(known);
        }
        let path = join(&folder, &file.name());
        match self.api.info(&path, priority_of(file.kind())) {
            Ok(entry) if entry.is_file() && !entry.removed => Ok(packs::identity(&entry)),
            Ok(_) => Ok(None),
            Err(fault) if is_absent(fault.reason) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn health(&self) -> Health {
        let (uploads, uploads_most) = self.uploads.places.state();
        if self.api.client.seen.is_old() {
            // The next look will be younger.
            self.wake();
        }
        Health {
            uploads,
            uploads_most,
            ..self.api.client.health()
        }
    }

    fn probe(&self) -> Result<(), Error> {
        let client = &self.api.client;
        client.seen.proof(client.cloud(), || self.wake())
    }

    fn free_space(&self) -> Option<u64> {
        self.space.free()
    }

    fn used_space(&self, folder: &Repo) -> Result<Option<u64>, Error> {
        self.space.used(&self.layout.repo(folder))
    }
}
