//! Looks a repository through by lists alone: folders that are missing or doubled, files that are
//! empty, doubled, rejected by the content audit or wrongly named, packs in the bin. Nothing is
//! downloaded, and nothing is changed; whether content is what its name says, `restic check
//! --read-data` tells. What is wrong with a folder's rows is `look`'s, what can be done about it
//! `advice`'s.
//!
//! It takes a list of each folder, of a page for each hundred rows, those in the bin among them.

mod advice;
mod look;

use super::Config;
use super::api::Api;
use super::bin::pending::PendingPurges;
use super::tree::Tree;
use super::tree::paths::Path;
use crate::cloud::Priority;
use crate::cloud::finding::{Contents, Event, Flaw, Report, Subject};
use crate::cloud::survey::Survey;
use crate::cloud::time::Time;
use crate::cloud::walk::walk;
use crate::restic::{Id, Kind, MAX_DEPTH, Repo};
use crate::store::{Cause, Error};
use crate::sync::lock;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// Folders within each other that are looked into: those of a repository's path, `data` and one
/// of packs.
const DEEPEST: usize = MAX_DEPTH + 2;

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
    let walker = Walker {
        tree,
        survey,
        deleted: PendingPurges::put(config),
        time: Arc::clone(&api.client.time),
        packs: Mutex::default(),
    };
    let base = Place {
        path,
        ids,
        role: Role::Any,
        is_mixed: false,
    };
    walk(vec![base], DEEPEST, &|place| walker.read(&place))?;
    Ok(walker.survey.end(api.client.seen.made()))
}

struct Walker<'a> {
    tree: Tree,
    survey: Survey<'a>,
    /// What the server of this state directory has put into the bin itself.
    deleted: HashSet<u64>,
    time: Arc<Time>,
    /// The packs of repositories in which both layouts exist.
    packs: Mutex<HashMap<(String, Id), Pack>>,
}

/// A folder to be read, with the numbers of its duplicates.
#[derive(Debug)]
struct Place {
    path: String,
    ids: Vec<u64>,
    role: Role,
    /// Whether its files may lie in another folder as well, because both layouts exist.
    is_mixed: bool,
}

/// A pack that may lie in another folder as well.
#[derive(Debug)]
struct Pack {
    path: String,
    number: u64,
    size: u64,
}

/// What a folder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// To be a repository or to hold some.
    Any,
    /// To hold the folders of packs.
    Data,
    /// To hold files.
    Files(Kind),
}

impl Walker<'_> {
    /// Reads a folder; answers those in it that are to be read.
    fn read(&self, place: &Place) -> Result<Vec<Place>, Error> {
        let rows = self.tree.read(&place.ids, Priority::Background);
        let fault = |fault| Error::from(fault).during(format!("reading /{}", place.path));
        let below = self.look(place, rows.map_err(fault)?);
        self.survey.read(below.len());
        Ok(below)
    }

    /// Takes in a pack of a repository in which both layouts exist: if it is there already it
    /// counts once, and the older one is found.
    fn double(&self, repo: &str, id: Id, pack: Pack, contents: &mut Contents) {
        let (number, size, key) = (pack.number, pack.size, (repo.to_owned(), id));
        let mut packs = lock(&self.packs);
        let Some(old) = packs.insert(key.clone(), pack) else {
            return;
        };
        let older = match old.number < number {
            true => Some(old),
            false => packs.insert(key, old),
        };
        drop(packs);
        contents.files[Kind::Data as usize] -= 1;
        contents.bytes -= size;
        if let Some(Pack { path, number, .. }) = older {
            let about = Subject::File(Kind::Data);
            self.survey
                .found(Flaw::DoubledFile, repo, &path, Some(number), about);
        }
    }

    /// What a folder's path is below the folder of repositories.
    fn below<'p>(&self, path: &'p Path) -> &'p str {
        self.survey.root.below(path)
    }
}
