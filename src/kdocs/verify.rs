//! Looks a repository through by lists alone, as [`inspect`](crate::cloud::inspect) does, and what its owner can do about it
//! on Kdocs' website; whether content is what its name says, `restic check --read-data` tells.

use super::api::{Api, Row};
use super::config::Config;
use super::names::{id_of, is_named};
use super::tree::Tree;
use crate::cloud::Priority;
use crate::cloud::finding::{Event, Flaw, Report};
use crate::cloud::inspect::{Inspection, Thing};
use crate::cloud::survey::{Remedy, Survey};
use crate::restic::{File, Repo};
use crate::store::Error;
use std::collections::HashSet;
use std::sync::Arc;

/// What is this cloud's own.
const ADVICE: &[Remedy] = &[
    (
        Flaw::NoConfig,
        &[],
        "nobody can open the repository without it: look for it in the recycle bin on kdocs.cn",
    ),
    (
        Flaw::NoKey,
        &[],
        "nobody can open the repository without one: look for it in the recycle bin on kdocs.cn",
    ),
    (
        Flaw::NoPacks,
        &[],
        "look for them in the recycle bin on kdocs.cn, then run `restic repair index` and `restic \
         check`",
    ),
    (
        Flaw::MissingFolder,
        &[],
        "look for it in the recycle bin on kdocs.cn; if it isn't there, run `restic repair index` \
         and `restic check` to see what is lost",
    ),
    (
        Flaw::DoubledFile,
        &[],
        "it is there twice, with the same size; clients read one of them, and removing it removes \
         both",
    ),
    (
        Flaw::Contradiction,
        &[],
        "it is there twice, with different sizes: download both, keep the one whose SHA-256 is its \
         name, and run `restic check --read-data`",
    ),
    (
        Flaw::ZeroLength,
        &[],
        "delete it, run `restic repair index` and `restic check`, and back up again",
    ),
];

/// Looks repositories through, or all of them if none is named.
pub fn verify(
    config: &Config,
    repos: &[Repo],
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Report, Error> {
    let api = Arc::new(Api::new(config));
    let tree = Tree::new(&api);
    let inspection = Inspection {
        survey: Survey::new(&config.shared.repo_path, repos, tell, ADVICE),
        filled: true,
        deleted: HashSet::new(),
        client: &api.client,
        read: &|path| {
            let rows = tree.all(path, Priority::Background)?;
            Ok(rows.into_iter().map(thing).collect())
        },
    };
    inspection.run()
}

fn thing(row: Row) -> Thing {
    let is_folder = row.is_folder();
    Thing {
        is_folder,
        is_file: !is_folder,
        size: row.size,
        name: match id_of(&row.name) {
            Some(id) => id.to_string(),
            None if is_named(&row.name, &File::Config) => File::Config.name(),
            None => row.name,
        },
        ..Thing::default()
    }
}
