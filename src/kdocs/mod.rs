//! The store over WPS Kdocs (金山文档), as far as its API for personal files goes: files can be listed,
//! stored, read, and put into a recycle bin that no program can empty. What an app may do in a day is
//! counted; what isn't documented is tried out once, by the probe, before anything is uploaded.
//!
//! ```text
//!   save ─► save ──┬─► remove ─┬─► tree ─► api ─► cloud::client
//! remove ──────────┘           │    ▲
//!   list, stat ────────────────│────┤
//!   load ─► load ──────────────┘────┘        probe ─► facts ─► save
//! ```
//!
//! Whether a file has come, and whether one is gone, only lists can say: no answer of Kdocs' is
//! documented well enough for that. A removed file isn't destroyed, and not safe either: bins expire.

mod account;
pub mod api;
mod config;
mod doctor;
mod facts;
mod layout;
mod load;
mod names;
mod options;
mod probe;
mod remove;
mod save;
mod tree;
mod verify;

pub use account::CLOUD;
pub use config::{App, Config};
pub use probe::probe;
pub use verify::verify;

use crate::body::Body;
use crate::cloud::layout::{belongs, groups};
use crate::cloud::paths::{join, priority_of};
use crate::cloud::{Fault, Priority, Reason, now};
use crate::restic::{File, Id, Kind, Part, Range, Repo};
use crate::store::{Account, Cause, Entry, Error, Found, Health, Limits, Loaded, Store, absent_is};
use crate::sync::lock;
use api::{Api, Row};
use facts::Known;
use layout::Layout;
use load::Downloads;
use names::{id_of, is_named};
use remove::Removals;
use save::{Target, Uploads};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use tree::Tree;

/// Most repositories that are remembered as made.
const MADE: usize = 1000;

/// The store over Kdocs.
pub struct Kdocs {
    layout: Layout,
    largest: u64,
    known: Known,
    api: Arc<Api>,
    tree: Arc<Tree>,
    uploads: Uploads,
    downloads: Arc<Downloads>,
    removals: Arc<Removals>,
    /// Repositories that were made here: folders come with their first file only.
    made: Mutex<HashSet<String>>,
}

impl Kdocs {
    /// A store for the configured app. Nothing is sent before the first request.
    pub fn new(config: &Config) -> Self {
        let api = Arc::new(Api::new(config));
        let tree = Arc::new(Tree::new(&api));
        let removals = Arc::new(Removals::new(&api, &tree));
        let downloads = Arc::new(Downloads::new(&api));
        let known = Known::new(config);
        Self {
            layout: Layout::new(&config.shared.repo_path, &tree),
            largest: known.facts().map_or(config.largest, |facts| facts.largest),
            uploads: Uploads::new(&api, &tree, &removals, &downloads, config.shared.uploads),
            made: Mutex::default(),
            known,
            api,
            tree,
            downloads,
            removals,
        }
    }

    /// The files of a folder; none if it is to come with its first file.
    fn rows(&self, repo: &Repo, folder: &str, kind: Option<Kind>) -> Result<Vec<Row>, Error> {
        let priority = priority_of(kind);
        match self.tree.rows(folder, priority) {
            Err(error) if error.cause == Cause::Absent => match self.is_begun(repo, priority)? {
                true => Ok(Vec::new()),
                false => Err(error),
            },
            rows => rows,
        }
    }

    /// Whether a repository was made here, or has something of its own.
    fn is_begun(&self, repo: &Repo, priority: Priority) -> Result<bool, Error> {
        let above = self.layout.root.repo(repo);
        if lock(&self.made).contains(&above) {
            return Ok(true);
        }
        let is_kind = |row: &Row| Kind::ALL.iter().any(|kind| kind.name() == row.name);
        let is_own = |row: &Row| match row.is_folder() {
            true => is_kind(row),
            false => is_named(&row.name, &File::Config),
        };
        let rows = absent_is(self.tree.all(&above, priority), Vec::new())?;
        Ok(rows.iter().any(is_own))
    }

    /// A file's row, from memory if it is a pack's.
    fn row(&self, repo: &Repo, file: &File) -> Result<Row, Error> {
        if let File::Hashed(Kind::Data, id) = file
            && let Some(row) = self.tree.pack(id)
        {
            return Ok(row);
        }
        self.fresh(repo, file)
    }

    /// A file's row as its folders have it now.
    fn fresh(&self, repo: &Repo, file: &File) -> Result<Row, Error> {
        let mut found = None;
        for folder in self.layout.folders(&[(repo.clone(), *file)])?.concat() {
            for row in self.tree.rows_or_none(&folder, priority_of(file.kind()))? {
                if let (Some(Kind::Data), Some(id)) = (file.kind(), id_of(&row.name)) {
                    self.tree.learn(id, &row);
                }
                if is_named(&row.name, file) && !row.is_folder() {
                    found = Some(row);
                }
            }
        }
        let absent = || Error::new(Cause::Absent, format!("there is no {file} in {repo}"));
        found.ok_or_else(absent)
    }

    /// Tells of the packs of folders that may hold the same ones.
    fn tell_packs(&self, data: &str, group: &[String], found: &mut Found<'_>) -> Result<(), Error> {
        let mut told = HashSet::new();
        for name in group {
            // Somebody may have removed the folder since it was listed.
            let rows = self.tree.rows_or_none(&join(data, name), Priority::Packs)?;
            for row in &rows {
                if let Some(id) = id_of(&row.name).filter(|id| belongs(name, id)) {
                    self.tree.learn(id, row);
                }
            }
            tell(rows, &|id| belongs(name, id), &mut told, found)?;
        }
        Ok(())
    }
}

impl Store for Kdocs {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        let mut made = lock(&self.made);
        if made.len() >= MADE {
            made.clear();
        }
        made.insert(self.layout.root.repo(repo));
        Ok(())
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        let path = self.layout.root.kind(repo, kind);
        let rows = self.rows(repo, &path, Some(kind))?;
        if kind != Kind::Data {
            return tell(rows, &|_| true, &mut HashSet::new(), found);
        }
        let groups = groups(self.layout.learn(&path, &rows));
        let mut tell = |group: &Vec<String>| self.tell_packs(&path, group, found);
        groups.iter().try_for_each(&mut tell)
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        let row = self.fresh(repo, file)?;
        let none = || Error::new(Cause::Cloud, format!("no list tells the size of {file}"));
        row.size.ok_or_else(none)
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        let open = |row: Row| -> Result<Result<Loaded, Fault>, Error> {
            let size = row.size.unwrap_or(0);
            let none = || Error::new(Cause::Range(size), format!("{file} has only {size} bytes"));
            let part = Part::of(range, size).ok_or_else(none)?;
            Ok(self.downloads.load(&row, file, part))
        };
        let mut loaded = open(self.row(repo, file)?)?;
        if matches!(&loaded, Err(fault) if fault.reason == Reason::NoFile) {
            file.id().iter().for_each(|id| self.tree.unlearn(id));
            loaded = open(self.fresh(repo, file)?)?;
        }
        let loaded = loaded.inspect_err(|fault| {
            if fault.reason == Reason::Corrupt {
                let text = format!("{file} is damaged at Kdocs: {fault}");
                self.api.client.troubles.damaged(&text);
            }
        });
        loaded.map_err(Error::from)
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let facts = self.known.for_upload(body.len())?;
        let folder = self.layout.folder(repo, file)?;
        let target = Target {
            folder: &folder,
            file,
            name: facts.name(file),
        };
        self.uploads.save(&target, body)
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let priority = files.iter().map(|(_, file)| priority_of(file.kind())).min();
        match self.layout.folders(files) {
            Ok(folders) => {
                let names = files.iter().map(|(_, file)| *file);
                let files: Vec<(Vec<String>, File)> = folders.into_iter().zip(names).collect();
                self.removals
                    .remove(&files, priority.unwrap_or(Priority::Packs))
            }
            Err(error) => files.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    fn is_there(&self, repo: &Repo, file: &File) -> Result<bool, Error> {
        absent_is(self.row(repo, file).map(|_| true), false)
    }

    fn limits(&self) -> Limits {
        Limits {
            longest_name: 200,
            forbidden: "\"\\/:*?|><",
            largest: self.largest,
            batch: api::BATCH,
        }
    }

    fn health(&self) -> Health {
        self.api.client.health(self.uploads.places.state())
    }

    fn probe(&self) -> Result<(), Error> {
        let client = &self.api.client;
        client.seen.proof(client.cloud(), || {
            // No call tells anything of the account, so that a list of the app's folder does.
            let asked = self.api.list("", 0, None, Priority::Background);
            let asked = asked.map(drop).or_else(|fault| match fault.reason {
                Reason::NoFile => Ok(()),
                _ => Err(fault),
            });
            let account = asked.map(|()| Account {
                as_of: now(),
                ..Account::default()
            });
            client.seen.looked(account.as_ref().cloned());
        })
    }
}

/// Tells of those of the files that fit, each once.
fn tell(
    rows: Vec<Row>,
    fits: &dyn Fn(&Id) -> bool,
    told: &mut HashSet<Id>,
    found: &mut Found<'_>,
) -> Result<(), Error> {
    for row in rows.into_iter().filter(|row| !row.is_folder()) {
        let Some(id) = id_of(&row.name).filter(fits) else {
            continue;
        };
        let none = || Error::new(Cause::Cloud, format!("no list tells the size of {id}"));
        let size = row.size.ok_or_else(none)?;
        if told.insert(id) {
            found(Entry { id, size })?;
        }
    }
    Ok(())
}
