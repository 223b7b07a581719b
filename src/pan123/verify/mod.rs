//! Looks a repository through by lists alone, as [`inspect`](crate::cloud::inspect) does; whether
//! content is what its name says, `restic check --read-data` tells. What can be done about what is
//! found is `advice`'s.
//!
//! It takes a list of each folder, of a page for each hundred rows, those in the bin among them.

mod advice;

use super::Config;
use super::api::{Api, PASSED, Row};
use super::bin::pending::PendingPurges;
use super::tree::Tree;
use super::tree::paths::join;
use crate::cloud::Priority;
use crate::cloud::finding::{Event, Report};
use crate::cloud::inspect::{Inspection, Thing};
use crate::cloud::survey::Survey;
use crate::restic::Repo;
use crate::store::{Cause, Error};
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Looks repositories through, or all of them if none is named.
pub fn verify(
    config: &Config,
    repos: &[Repo],
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Report, Error> {
    let api = Arc::new(Api::new(config));
    let tree = Tree::new(Arc::clone(&api));
    let survey = Survey::new(&config.shared.repo_path, repos, tell, advice::ADVICE);
    let path = survey.root.at("");
    let Some(ids) = tree.find(&path, Priority::Background)? else {
        let text = format!("/{path} doesn't exist in the account");
        return Err(Error::new(Cause::Absent, text));
    };
    let numbers = Mutex::new(HashMap::from([(path, ids)]));
    let inspection = Inspection {
        survey,
        filled: false,
        deleted: PendingPurges::peek(config).waiting.into_keys().collect(),
        client: &api.client,
        read: &|path| read(&tree, path, &numbers),
    };
    inspection.run()
}

/// The numbers of folders that may be read next, by their paths.
type Numbers = Mutex<HashMap<String, Vec<u64>>>;

/// Reads a folder, and learns the numbers of those in it.
fn read(tree: &Tree, path: &str, numbers: &Numbers) -> Result<Vec<Thing>, Error> {
    let ids = lock(numbers).remove(path).unwrap_or_default();
    let rows = tree.read(&ids, Priority::Background);
    let rows = rows.map_err(|fault| Error::from(fault).during(format!("reading /{path}")))?;
    for row in rows.iter().filter(|row| row.is_folder()) {
        let below = join(path, &row.filename);
        lock(numbers).entry(below).or_default().push(row.file_id);
    }
    Ok(rows.into_iter().map(thing).collect())
}

fn thing(row: Row) -> Thing {
    let is_folder = row.kind == 1;
    Thing {
        is_folder,
        is_file: !is_folder,
        number: Some(row.file_id),
        size: Some(row.size),
        made: Some(row.made).filter(|made| *made > 0),
        rejected: row.status > PASSED,
        trashed: row.trashed != 0,
        name: row.filename,
        ..Thing::default()
    }
}
