//! Finds what lies in the bin by reading the folders of the repositories: 123pan has no list of
//! its bin, but shows what lies in it in the lists of the folders where it was (API reference
//! 3.12). Folders that are in the bin themselves are read as far as 123pan lets.

use super::super::Cloud;
use super::super::api::Row;
use super::super::known::join;
use super::super::pace::Priority;
use super::Item;
use crate::restic::MAX_DEPTH;
use crate::store::{Cause, Error};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Folders that are read at once.
const READERS: usize = 8;
/// Bytes of stack of a reader; it makes HTTPS calls.
const STACK: usize = 256 << 10;
/// Folders within each other that are looked into: those of a repository's path, `data` and one
/// of its 256.
const DEEPEST: usize = MAX_DEPTH + 2;

/// What a walk has found.
#[derive(Debug, Default)]
pub struct Seen {
    /// What lies in the bin.
    pub items: Vec<Item>,
    /// Folders in the bin that can't be looked into.
    pub closed: usize,
    /// Folders that were read.
    pub folders: usize,
}

/// A folder to be read.
struct Place {
    path: String,
    id: u64,
    /// Whether it lies in the bin, or below what does.
    in_bin: bool,
}

#[derive(Default)]
struct Findings {
    seen: Seen,
    below: Vec<Place>,
    error: Option<Error>,
}

/// Walks through all folders of repositories.
pub fn walk(cloud: &Cloud, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Seen, Error> {
    let Some(ids) = cloud.tree.find(&cloud.base, Priority::Background)? else {
        let text = format!("/{} doesn't exist in the account", cloud.base);
        return Err(Error::new(Cause::Absent, text));
    };
    let place = |id| Place {
        path: cloud.base.clone(),
        id,
        in_bin: false,
    };
    let mut places: Vec<Place> = ids.into_iter().map(place).collect();
    let findings = Mutex::new(Findings::default());
    for _ in 0..=DEEPEST {
        if places.is_empty() {
            break;
        }
        let (readers, next) = (places.len().min(READERS), Mutex::new(places.into_iter()));
        thread::scope(|scope| -> Result<(), Error> {
            for _ in 0..readers {
                let builder = thread::Builder::new().stack_size(STACK);
                let (next, findings) = (&next, &findings);
                let read = move || {
                    while let Some(place) = lock(next).next() {
                        read_place(cloud, &place, findings);
                        let so_far = lock(findings);
                        progress(so_far.seen.folders, so_far.seen.items.len());
                        if so_far.error.is_some() {
                            return;
                        }
                    }
                };
                let reader = builder.spawn_scoped(scope, read);
                reader.map_err(|e| Error::new(Cause::Busy, format!("starting a thread: {e}")))?;
            }
            Ok(())
        })?;
        let mut found = lock(&findings);
        if let Some(error) = found.error.take() {
            return Err(error);
        }
        places = std::mem::take(&mut found.below);
    }
    let found = findings
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let mut seen = found.seen;
    let order = |item: &Item| (item.path.clone(), item.name.clone(), item.file);
    seen.items.sort_by_cached_key(order);
    Ok(seen)
}

fn read_place(cloud: &Cloud, place: &Place, findings: &Mutex<Findings>) {
    let rows = cloud.tree.read(&[place.id], Priority::Background);
    let mut found = lock(findings);
    found.seen.folders += 1;
    match rows {
        Ok(rows) => found.take_in(&cloud.base, place, rows),
        // What is said of a folder in the bin isn't documented.
        Err(_) if place.in_bin => found.seen.closed += 1,
        Err(fault) => {
            let error = Error::from(fault).during(format!("reading /{}", place.path));
            found.error.get_or_insert(error);
        }
    }
}

impl Findings {
    fn take_in(&mut self, base: &str, place: &Place, rows: Vec<Row>) {
        let living = rows.iter().filter(|row| row.is_file());
        let living: HashSet<String> = living.map(|row| row.filename.clone()).collect();
        for row in rows {
            let trashed = row.trashed != 0;
            if row.kind == 1 && !row.filename.contains('/') {
                self.below.push(Place {
                    path: join(&place.path, &row.filename),
                    id: row.file_id,
                    in_bin: place.in_bin || trashed,
                });
            }
            if trashed {
                let taken = living.contains(&row.filename);
                let item = Item::new(base, &place.path, row);
                self.seen.items.push(Item { taken, ..item });
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
