//! Lists of a repository's files: page by page by marker, obeying what comes. Packs lie in many
//! folders, which are read side by side.
//!
//! What is told is what lies there as a file, once each; what lists leave out of this server's own
//! is asked about. A list that can't be told whole fails.

use super::api::meaning::is_absent;
use super::api::{Api, Entry, Filter};
use super::folders::Folders;
use super::packs::Packs;
use super::recent::Recent;
use crate::cloud::layout::{self, Layout, Layouts};
use crate::cloud::paths::{join, priority_of};
use crate::cloud::walk::{Sender, stream};
use crate::cloud::{Fault, Priority, Reason, look};
use crate::restic::{Id, Kind};
use crate::store::{self, Cause, Error, Found, absent_is};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Folders that are read at once.
const READERS: usize = 6;
/// Files that are read ahead of a slow client, about 50 KB.
const AHEAD: usize = 1000;
/// Pages without an entry, one after the other, after which a list is given up.
const EMPTY: u32 = 16;

/// What is remembered of what lists have shown; clones share it.
#[derive(Clone)]
pub struct Memory {
    /// Which folders there are.
    pub folders: Arc<Folders>,
    /// What was just stored and removed.
    pub recent: Arc<Recent>,
    /// What tells packs apart.
    pub packs: Arc<Packs>,
}

impl Memory {
    /// Nothing has been seen; what this server does is remembered so long.
    pub fn new(api: &Arc<Api>, life: Duration) -> Self {
        Self {
            folders: Arc::new(Folders::new(api)),
            recent: Arc::new(Recent::new(life)),
            packs: Arc::default(),
        }
    }
}

/// Reads folders.
pub struct Lists {
    api: Arc<Api>,
    memory: Memory,
}

impl Lists {
    /// Nothing has been read.
    pub fn new(api: &Arc<Api>, memory: &Memory) -> Self {
        Self {
            api: Arc::clone(api),
            memory: memory.clone(),
        }
    }

    /// Lists the files of a kind, whose folder this is.
    pub fn list(&self, path: &str, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        let priority = priority_of(Some(kind));
        if kind != Kind::Data {
            return self.files(path, priority, found);
        }
        let groups = layout::groups(self.shards(path)?).into_iter();
        let read = |group: Vec<String>, sender: &Sender<_>| self.group(path, &group, sender);
        stream(groups, (READERS, AHEAD), &read, found)
    }

    /// The folders of packs below this one, of which the layouts are remembered.
    fn shards(&self, path: &str) -> Result<Vec<String>, Error> {
        let mut shards = Vec::new();
        self.read(path, Filter::Folders, Priority::Packs, &mut |entry| {
            if entry.is_folder() && Layout::of(&entry.name).is_some() {
                shards.push(entry.name);
            }
            Ok(())
        })?;
        let layouts = Layouts::of(shards.iter().map(String::as_str));
        self.memory.packs.spread(path, layouts);
        Ok(shards)
    }

    /// How the packs below a folder are spread, from memory unless it must be `fresh`.
    pub fn layouts(&self, path: &str, fresh: bool) -> Result<Layouts, Error> {
        if let Some(layouts) = self.memory.packs.layouts(path).filter(|_| !fresh) {
            return Ok(layouts);
        }
        let shards = absent_is(self.shards(path), Vec::new())?;
        Ok(Layouts::of(shards.iter().map(String::as_str)))
    }

    /// Lists the packs of folders that may hold the same ones, each once; false if nobody listens
    /// any more.
    fn group(&self, path: &str, folders: &[String], sender: &Sender<store::Entry>) -> bool {
        let gone = |_| Error::new(Cause::Client, "nobody reads the list any more");
        let mut told = HashSet::new();
        let each = folders.iter().try_for_each(|folder| {
            let read = self.files(&join(path, folder), Priority::Packs, &mut |entry| {
                // One in another folder than its own can't be loaded.
                let is_new = folders.len() == 1 || told.insert(entry.id);
                match layout::belongs(folder, &entry.id) && is_new {
                    true => sender.send(Ok(entry)).map_err(gone),
                    false => Ok(()),
                }
            });
            // Somebody may have removed the folder since it was listed.
            absent_is(read, ())
        });
        each.is_ok() || each.is_err_and(|error| sender.send(Err(error)).is_ok())
    }

    /// Lists the files of one folder.
    fn files(&self, path: &str, priority: Priority, found: &mut Found<'_>) -> Result<(), Error> {
        let (own, mut shown) = (self.memory.recent.of(path), HashSet::new());
        let was_filled = self.memory.folders.was_filled(path);
        // It may have been emptied; that twice nothing comes is no chance (safety rule 14).
        for _ in 0..2 {
            self.read(path, Filter::Files, priority, &mut |entry| {
                let Some((id, file)) = self.file(path, &entry) else {
                    return Ok(());
                };
                let is_gone =
                    own.get(&id) == Some(&false) && self.look(path, id, priority)?.is_none();
                self.memory.recent.listed(path, &id);
                if priority == Priority::Packs {
                    self.memory.packs.learn(path, id);
                }
                match shown.insert(id) && !is_gone {
                    true => found(file),
                    false => Ok(()),
                }
            })?;
            if !was_filled || !shown.is_empty() {
                break;
            }
        }
        self.memory.folders.note(path, !shown.is_empty());
        let missing = own
            .iter()
            .filter(|(id, there)| **there && !shown.contains(*id));
        for (id, _) in missing {
            if let Some(file) = self.look(path, *id, priority)? {
                found(file)?;
            }
        }
        Ok(())
    }

    /// An entry as a file of the repository; None if it is none, or its bytes are gone.
    fn file(&self, path: &str, entry: &Entry) -> Option<(Id, store::Entry)> {
        let id = Id::from_hex(&entry.name).filter(|_| entry.is_file())?;
        if entry.removed {
            self.lost(path, &entry.name);
            return None;
        }
        let size = entry.size?;
        Some((id, store::Entry { id, size }))
    }

    /// Says that a file's bytes are gone (safety rule 12).
    pub fn lost(&self, path: &str, name: &str) {
        let text = format!("the bytes of /{path}/{name} were removed because of the space's quota");
        self.api.client.troubles.damaged(&text);
    }

    /// A file that a list may lag behind; None if it isn't there.
    fn look(&self, path: &str, id: Id, priority: Priority) -> Result<Option<store::Entry>, Error> {
        let entry = self.api.there(&join(path, &id.to_string()), priority)?;
        let file = entry.filter(|entry| entry.is_file() && !entry.removed);
        let size = file.and_then(|entry| entry.size);
        Ok(size.map(|size| store::Entry { id, size }))
    }

    /// Waits until the service's own list of a folder shows what this server has just stored there
    /// (safety rule 20, and rule 9 of those for every cloud).
    pub fn wait_until_listed(&self, path: &str, priority: Priority) -> Result<(), Error> {
        let recent = &self.memory.recent;
        if recent.unlisted(path).is_empty() {
            return Ok(());
        }
        let see = || -> Result<_, Error> {
            self.read(path, Filter::Files, priority, &mut |entry| {
                if let Some(id) = Id::from_hex(&entry.name) {
                    recent.listed(path, &id);
                }
                Ok(())
            })?;
            Ok(recent.unlisted(path).is_empty())
        };
        match look(self.api.timing(), see, |shown| *shown)? {
            true => Ok(()),
            false => {
                let text = format!("the list of /{path} doesn't show what was stored there");
                Err(Error::new(Cause::Busy, text))
            }
        }
    }

    /// Reads a folder to its end. When its pages contradict each other it is read once more from
    /// the start, and broken off if that happens again (safety rule 15).
    pub fn read(
        &self,
        path: &str,
        filter: Filter,
        priority: Priority,
        each: &mut dyn FnMut(Entry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self.pass(path, filter, priority, each) {
            Err(Broken::Drift(_)) => {}
            Err(Broken::Failed(error)) => return Err(error),
            Ok(()) => return Ok(()),
        }
        self.pass(path, filter, priority, each)
            .map_err(|broken| match broken {
                Broken::Failed(error) => error,
                Broken::Drift(why) => {
                    Error::new(Cause::Cloud, format!("the list of /{path} {why}, twice"))
                }
            })
    }

    fn pass(
        &self,
        path: &str,
        filter: Filter,
        priority: Priority,
        each: &mut dyn FnMut(Entry) -> Result<(), Error>,
    ) -> Result<(), Broken> {
        let (mut seen, mut after, mut empty) = (HashSet::new(), None::<String>, 0);
        loop {
            let page = self.api.list(path, filter, after.as_deref(), priority);
            let page = page.map_err(|fault| broken(path, fault))?;
            empty = if page.contents.is_empty() {
                empty + 1
            } else {
                0
            };
            for entry in page.contents {
                if !seen.insert(entry.name.clone()) {
                    return Err(Broken::Drift("shows a name on two of its pages"));
                }
                each(entry).map_err(Broken::Failed)?;
            }
            match page.next {
                None => return Ok(()),
                next if next == after => return Err(Broken::Drift("stands still")),
                _ if empty > EMPTY => return Err(Broken::Drift("has only empty pages")),
                next => after = next,
            }
        }
    }
}

/// Why a folder wasn't read to its end.
enum Broken {
    /// Its pages contradict each other.
    Drift(&'static str),
    Failed(Error),
}

fn broken(path: &str, fault: Fault) -> Broken {
    match fault.reason {
        Reason::Stale => Broken::Drift("doesn't know its own place"),
        reason if is_absent(reason) => Broken::Failed(Error::new(
            Cause::Absent,
            format!("/{path} doesn't exist: {fault}"),
        )),
        _ => Broken::Failed(Error::from(fault).during(format!("listing /{path}"))),
    }
}
