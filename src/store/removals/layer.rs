//! The layer as a store: packs by what is noted of them, everything else straight to the store
//! below.

use super::Removals;
use crate::body::Body;
use crate::restic::{File, Id, Kind, Range, Repo};
use crate::store::{Error, Found, Health, Limits, Loaded, Store};
use crate::sync;
use std::collections::HashSet;
use std::time::Instant;

impl Store for Removals {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        self.shared.store.create(repo)
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        let shared = &self.shared;
        if kind != Kind::Data {
            return shared.store.list(repo, kind, found);
        }
        // What goes while the list is read may still be in it.
        let before: HashSet<Id> = sync::lock(&shared.notes).of(repo).collect();
        shared.store.list(repo, kind, &mut |entry| {
            let hidden =
                before.contains(&entry.id) || sync::lock(&shared.notes).has(repo, entry.id);
            if hidden { Ok(()) } else { found(entry) }
        })
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        self.shared.visible(repo, file)?;
        self.shared.store.stat(repo, file)
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        self.shared.visible(repo, file)?;
        self.shared.store.load(repo, file, range)
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let shared = &self.shared;
        let File::Hashed(Kind::Data, id) = file else {
            return shared.store.save(repo, file, body);
        };
        if !shared.take_back(repo, *id, body)? {
            shared.store.save(repo, file, body)?;
        }
        sync::lock(&shared.young).stored(repo, *id, Instant::now());
        Ok(())
    }

    fn holds(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        // Who is told that it is there must not lose it a moment later.
        if let File::Hashed(Kind::Data, id) = file
            && self.shared.take_back(repo, *id, body)?
        {
            return Ok(true);
        }
        self.shared.store.holds(repo, file, body)
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let early: Vec<_> = files
            .iter()
            .map(|(repo, file)| self.early(repo, file))
            .collect();
        let open = files.iter().zip(&early).filter(|(_, done)| done.is_none());
        let open: Vec<(Repo, File)> = open.map(|(file, _)| file.clone()).collect();
        let mut rest = match open.is_empty() {
            true => Vec::new(),
            false => self.shared.store.remove(&open),
        }
        .into_iter();
        let answers = early.into_iter();
        answers
            .map(|done| done.or_else(|| rest.next()).unwrap_or(Ok(())))
            .collect()
    }

    fn limits(&self) -> Limits {
        self.shared.store.limits()
    }

    fn health(&self) -> Health {
        let mut health = self.shared.store.health();
        let notes = sync::lock(&self.shared.notes);
        (health.removing, health.unremoved) = (notes.len(), notes.failed);
        health
    }

    fn probe(&self) -> Result<(), Error> {
        self.shared.store.probe()
    }

    fn free_space(&self) -> Option<u64> {
        self.shared.store.free_space()
    }

    fn make_room(&self, wanted: u64) {
        self.shared.make_room();
        self.shared.store.make_room(wanted);
    }

    fn used_space(&self, folder: &Repo) -> Result<Option<u64>, Error> {
        self.shared.store.used_space(folder)
    }
}

impl Removals {
    /// What is answered without the store below, if this can be.
    fn early(&self, repo: &Repo, file: &File) -> Option<Result<(), Error>> {
        match file {
            File::Hashed(Kind::Data, id) if self.sender.is_some() => self.note(repo, *id),
            File::Hashed(Kind::Locks, _) => self.shared.settle(repo).err().map(Err),
            _ => None,
        }
    }

    /// Notes a pack's removal; None if the store below must see to it at once. What isn't there may
    /// come at any moment, perhaps through another server, and nothing may remove it then.
    fn note(&self, repo: &Repo, id: Id) -> Option<Result<(), Error>> {
        let (shared, pack) = (&self.shared, File::Hashed(Kind::Data, id));
        let is_noted = sync::lock(&shared.notes).has(repo, id);
        let is_there = match is_noted {
            true => Ok(true),
            false => shared.store.is_there(repo, &pack),
        };
        match is_there {
            Ok(true) => Some(shared.note(repo, id)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}
