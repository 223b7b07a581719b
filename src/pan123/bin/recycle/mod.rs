//! The bin as its owner sees it, for the commands `bin list`, `bin purge` and `bin restore`: what
//! lies in it below the repository folder, since when, until when; freeing it, bringing it back.
//! Which files are meant, and how they are shown, is `command`'s; walking is `walk`'s, whether
//! a removal can still be undone as a whole is `whole`'s.
//!
//! The list of what is to be purged belongs to the server, which may be running: it is read here
//! and never written. The server sees for itself what has been brought back or purged, because it
//! asks `infos` before it purges.

mod restore;
mod walk;
mod whole;

use super::list::List;
use super::look::{destroy, examine};
use super::pending::PendingPurges;
use super::removal::NEVER;
use crate::cloud::timing::SANE;
use crate::cloud::{Freed, Item, Listing, Priority, Reason, Restored, Trash, What};
use crate::pan123::api::{Api, BATCH, Row};
use crate::pan123::tree::Tree;
use crate::pan123::tree::known::key;
use crate::pan123::tree::paths::{Path, owner};
use crate::pan123::{Bin, Config};
use crate::restic::File;
use crate::store::{Cause, Error};
use std::sync::Arc;

/// An account's bin.
pub struct RecycleBin {
    base: String,
    /// How the server would be configured that purges.
    bin: Bin,
    api: Arc<Api>,
    tree: Tree,
    list: List,
}

impl Item {
    fn new(base: &Path, path: &Path, row: Row) -> Self {
        let (repo, kind) = owner(path);
        let below = repo.strip_prefix(base).unwrap_or(repo);
        let what = match (key(path, &row.filename), kind) {
            _ if row.kind == 1 => What::Folder,
            (Some(id), Some(kind)) => What::File(File::Hashed(kind, id)),
            (Some(_), None) => What::File(File::Config),
            (None, _) => What::Other,
        };
        Self {
            repo: below.trim_matches('/').to_owned(),
            what,
            name: row.filename,
            size: row.size,
            since: None,
            due: None,
            taken: false,
            path: path.to_owned(),
            file: row.file_id,
        }
    }
}

impl RecycleBin {
    /// The bin of the configured account. Nothing is sent yet.
    pub fn open(config: &Config) -> Self {
        let api = Arc::new(Api::new(config));
        Self {
            base: config.shared.repo_path.path().to_owned(),
            bin: config.shared.bin,
            tree: Tree::new(Arc::clone(&api)),
            list: PendingPurges::peek(config),
            api,
        }
    }

    fn purge_batch(&self, files: &[u64], freed: &mut Freed) -> Result<(), Error> {
        let looked = examine(&self.api, files, Priority::Background)?;
        let files: Vec<u64> = looked.in_bin.iter().map(|row| row.file_id).collect();
        match destroy(&self.api, &files) {
            Ok(()) => {
                freed.files += files.len() as u64;
                freed.bytes += looked.in_bin.iter().map(|row| row.size).sum::<u64>();
                Ok(())
            }
            // One of them may spoil it for the others.
            Err(fault) if fault.reason == Reason::Unknown && files.len() > 1 => {
                let (one, other) = files.split_at(files.len() / 2);
                self.purge_batch(one, freed)?;
                self.purge_batch(other, freed)
            }
            Err(fault) if fault.reason == Reason::NoEndpoint => Err(Error::new(
                Cause::Cloud,
                "123pan doesn't let programs empty the bin any more: empty it on its website",
            )),
            Err(fault) => Err(Error::from(fault).during("emptying the bin")),
        }
    }
}

impl Trash for RecycleBin {
    fn now(&self) -> u64 {
        self.api.client.time.or_ours()
    }

    fn hidden(&self) -> u64 {
        self.api.timing().overlay.as_secs()
    }

    fn walk(&self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Listing, Error> {
        let mut listing = walk::walk(&self.tree, &self.base, progress)?;
        for item in &mut listing.items {
            if let Some(entry) = self.list.waiting.get(&item.file) {
                item.since = (entry.since >= SANE).then_some(entry.since);
                item.due = Some(entry.due(self.bin)).filter(|due| *due != NEVER);
            }
        }
        Ok(listing)
    }

    fn purge(&self, items: &[&Item], progress: &dyn Fn(Freed)) -> (Freed, Result<(), Error>) {
        let mut freed = Freed::default();
        for batch in items.chunks(BATCH) {
            let files: Vec<u64> = batch.iter().map(|item| item.file).collect();
            if let Err(error) = self.purge_batch(&files, &mut freed) {
                return (freed, Err(error));
            }
            progress(freed);
        }
        (freed, Ok(()))
    }

    fn purged_with(&self, wanted: &[&Item], all: &Listing) -> Result<u64, Error> {
        whole::purged_with(self, wanted, all)
    }

    fn restore(&self, items: &[&Item], progress: &dyn Fn(usize)) -> (Restored, Result<(), Error>) {
        restore::restore(self, items, progress)
    }

    fn about_folders(&self) -> &'static str {
        "folders are brought back on 123pan's website"
    }
}
