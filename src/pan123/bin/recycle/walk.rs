//! Finds what lies in the bin by reading the folders of the repositories: 123pan has no list of
//! its bin, but shows what lies in it in the lists of the folders where it was (API reference
//! 3.12). Folders that are in the bin themselves are read as far as 123pan lets.

use crate::cloud::walk::walk as walk_through;
use crate::cloud::{Item, Listing, Priority};
use crate::pan123::api::Row;
use crate::pan123::tree::Tree;
use crate::pan123::tree::paths::join;
use crate::restic::MAX_DEPTH;
use crate::store::{Cause, Error};
use crate::sync::{into_inner, lock};
use std::collections::HashSet;
use std::sync::Mutex;

/// Folders within each other that are looked into: those of a repository's path, `data` and one
/// of packs.
const DEEPEST: usize = MAX_DEPTH + 2;

/// A folder to be read.
struct Place {
    path: String,
    id: u64,
    /// Whether it lies in the bin, or below what does.
    in_bin: bool,
}

/// Walks through all folders of repositories.
pub fn walk(
    tree: &Tree,
    base: &str,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Listing, Error> {
    let Some(ids) = tree.find(base, Priority::Background)? else {
        let text = format!("/{base} doesn't exist in the account");
        return Err(Error::new(Cause::Absent, text));
    };
    let place = |id| Place {
        path: base.to_owned(),
        id,
        in_bin: false,
    };
    let seen = Mutex::new(Listing::default());
    let places: Vec<Place> = ids.into_iter().map(place).collect();
    walk_through(places, DEEPEST, &|place| {
        let below = read_place(tree, base, &place, &seen)?;
        let so_far = lock(&seen);
        progress(so_far.folders, so_far.items.len());
        Ok(below)
    })?;
    let mut seen = into_inner(seen);
    let order = |item: &Item| (item.path.clone(), item.name.clone(), item.file);
    seen.items.sort_by_cached_key(order);
    Ok(seen)
}

fn read_place(
    tree: &Tree,
    base: &str,
    place: &Place,
    seen: &Mutex<Listing>,
) -> Result<Vec<Place>, Error> {
    let rows = tree.read(&[place.id], Priority::Background);
    let mut seen = lock(seen);
    seen.folders += 1;
    match rows {
        Ok(rows) => Ok(seen.take_in(base, place, rows)),
        // What is said of a folder in the bin isn't documented.
        Err(_) if place.in_bin => {
            seen.closed += 1;
            Ok(Vec::new())
        }
        Err(fault) => Err(Error::from(fault).during(format!("reading /{}", place.path))),
    }
}

impl Listing {
    /// Takes in the rows of a folder; answers the folders in it.
    fn take_in(&mut self, base: &str, place: &Place, rows: Vec<Row>) -> Vec<Place> {
        let living = rows.iter().filter(|row| row.is_file());
        let living: HashSet<String> = living.map(|row| row.filename.clone()).collect();
        let mut below = Vec::new();
        for row in rows {
            let trashed = row.trashed != 0;
            if row.kind == 1 && !row.filename.contains('/') {
                below.push(Place {
                    path: join(&place.path, &row.filename),
                    id: row.file_id,
                    in_bin: place.in_bin || trashed,
                });
            }
            if trashed {
                let taken = living.contains(&row.filename);
                let item = Item::new(base, &place.path, row);
                self.items.push(Item { taken, ..item });
            }
        }
        below
    }
}
