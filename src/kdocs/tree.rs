//! Folders and their rows. Folders have ids that are found by walking from the app's own folder and
//! remembered; that is a hint, and found again when it turns out wrong. Of several folders of one
//! name all are read. Rows are read anew each time; those of packs are remembered for reading.

use super::api::{Api, Row};
use super::names::id_of;
use crate::cloud::paths::covers;
use crate::cloud::{Fault, Priority, Reason};
use crate::restic::Id;
use crate::store::{Cause, Error, absent_is};
use crate::sync::lock;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Most folders, packs and removed files that are remembered; each takes 100 to 200 bytes.
const MOST: usize = 50_000;
/// Pages without a row, one after the other, after which a list is given up.
const EMPTY: u32 = 16;

/// The user's files.
pub struct Tree {
    api: Arc<Api>,
    /// Path → the ids of the folders that have it.
    folders: Mutex<HashMap<String, Vec<String>>>,
    /// Files that this server has removed, which lists may still show.
    gone: Mutex<HashMap<String, Instant>>,
    packs: Mutex<HashMap<Id, Row>>,
}

impl Tree {
    /// Nothing has been seen.
    pub fn new(api: &Arc<Api>) -> Self {
        Self {
            api: Arc::clone(api),
            folders: Mutex::default(),
            gone: Mutex::default(),
            packs: Mutex::default(),
        }
    }

    /// The rows of a folder that aren't known to be gone. [`Cause::Absent`] if there is none.
    pub fn rows(&self, path: &str, priority: Priority) -> Result<Vec<Row>, Error> {
        let mut rows = self.all(path, priority)?;
        let life = self.api.timing().overlay;
        let mut gone = lock(&self.gone);
        gone.retain(|_, since| since.elapsed() < life);
        rows.retain(|row| !gone.contains_key(row.id()));
        Ok(rows)
    }

    /// The same; none if there is no such folder.
    pub fn rows_or_none(&self, path: &str, priority: Priority) -> Result<Vec<Row>, Error> {
        absent_is(self.rows(path, priority), Vec::new())
    }

    /// The rows of a folder as lists show them. One that is empty, or unknown by its remembered id, is
    /// looked for once more; so is one that is shown by the list above it and then said not to be
    /// there, which proves nothing.
    pub fn all(&self, path: &str, priority: Priority) -> Result<Vec<Row>, Error> {
        let remembered = self.is_known(path);
        let is_absent = |error: &Error| error.cause == Cause::Absent && self.is_known(path);
        match self.read(path, priority) {
            Ok(rows) if rows.is_empty() && remembered => {}
            Err(error) if is_absent(&error) => {}
            rows => return rows,
        }
        self.forget(path);
        self.read(path, priority)
            .map_err(|error| match is_absent(&error) && !path.is_empty() {
                true => {
                    let text = format!("a list shows /{path}, and Kdocs says that it isn't there");
                    Error::new(Cause::Busy, text)
                }
                false => error,
            })
    }

    /// The id of a folder to put something into, if it is known to be there.
    pub fn known(&self, path: &str) -> Option<String> {
        let folders = lock(&self.folders);
        folders.get(path).and_then(|ids| ids.first().cloned())
    }

    /// Forgets a folder, and those above and below it.
    pub fn forget(&self, path: &str) {
        lock(&self.folders).retain(|known, _| !covers(known, path) && !covers(path, known));
    }

    /// Remembers that a file was removed.
    pub fn removed(&self, row: &Row) {
        let mut gone = lock(&self.gone);
        if gone.len() < MOST {
            gone.insert(row.id().to_owned(), Instant::now());
        }
        if let Some(id) = id_of(&row.name) {
            lock(&self.packs).remove(&id);
        }
    }

    /// Remembers a pack's row.
    pub fn learn(&self, id: Id, row: &Row) {
        let mut packs = lock(&self.packs);
        if packs.len() >= MOST {
            packs.clear();
        }
        packs.insert(id, row.clone());
    }

    /// A pack's row as a list showed it last.
    pub fn pack(&self, id: &Id) -> Option<Row> {
        lock(&self.packs).get(id).cloned()
    }

    /// A pack is no longer what it was.
    pub fn unlearn(&self, id: &Id) {
        lock(&self.packs).remove(id);
    }

    fn is_known(&self, path: &str) -> bool {
        path.is_empty() || lock(&self.folders).contains_key(path)
    }

    fn read(&self, path: &str, priority: Priority) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for folder in self.ids(path, priority)? {
            rows.append(&mut self.pages(path, &folder, priority)?);
        }
        Ok(rows)
    }

    /// The ids of the folders of a path; the app's own has none.
    fn ids(&self, path: &str, priority: Priority) -> Result<Vec<String>, Error> {
        if path.is_empty() {
            return Ok(vec![String::new()]);
        }
        if let Some(ids) = lock(&self.folders).get(path) {
            return Ok(ids.clone());
        }
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let rows = self.all(above, priority)?;
        let here = rows
            .iter()
            .filter(|row| row.is_folder() && row.name == name);
        let mut ids: Vec<String> = here.map(|row| row.id().to_owned()).collect();
        if ids.is_empty() {
            return Err(absent(path));
        }
        ids.sort();
        let mut folders = lock(&self.folders);
        if folders.len() >= MOST {
            folders.clear();
        }
        folders.insert(path.to_owned(), ids.clone());
        Ok(ids)
    }

    /// Reads a folder's pages to the end; when they contradict each other, once more.
    fn pages(&self, path: &str, folder: &str, priority: Priority) -> Result<Vec<Row>, Error> {
        let mut read = self.pass(folder, priority);
        if matches!(read, Ok(Err(_))) {
            read = self.pass(folder, priority);
        }
        match read {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(why)) => {
                let text = format!("the list of /{path} {why}, twice");
                Err(Error::new(Cause::Cloud, text))
            }
            Err(fault) if fault.reason == Reason::NoFile => Err(absent(path)),
            Err(fault) => Err(Error::from(fault).during(format!("listing /{path}"))),
        }
    }

    /// Reads the pages once; the Err inside is what is wrong with them.
    fn pass(
        &self,
        folder: &str,
        priority: Priority,
    ) -> Result<Result<Vec<Row>, &'static str>, Fault> {
        let (mut rows, mut seen, mut empty) = (Vec::new(), HashSet::new(), 0);
        let (mut offset, mut filter) = (0, None::<String>);
        loop {
            let page = self.api.list(folder, offset, filter.as_deref(), priority)?;
            empty = if page.files.is_empty() { empty + 1 } else { 0 };
            for row in page.files {
                if !seen.insert(row.id().to_owned()) {
                    return Ok(Err("shows a file on two of its pages"));
                }
                rows.push(row);
            }
            match page.next_offset {
                next if next < 0 => return Ok(Ok(rows)),
                next if next <= offset => return Ok(Err("stands still")),
                _ if empty > EMPTY => return Ok(Err("has only empty pages")),
                next => (offset, filter) = (next, page.next_filter),
            }
        }
    }
}

fn absent(path: &str) -> Error {
    Error::new(Cause::Absent, format!("there is no /{path}"))
}
