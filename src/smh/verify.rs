//! Looks a repository through by lists alone, as [`inspect`](crate::cloud::inspect) does, for whatever a space's lists tell;
//! whether content is what its name says, `restic check --read-data` tells.

mod advice;

use super::api::{Api, Entry, Filter, Scope};
use super::config::Config;
use super::list::{Lists, Memory};
use crate::civil;
use crate::cloud::Priority;
use crate::cloud::finding::{Event, Report};
use crate::cloud::inspect::{Inspection, Thing};
use crate::cloud::survey::Survey;
use crate::restic::Repo;
use crate::store::Error;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Looks repositories through, or all of them if none is named.
pub fn verify(
    config: &Config,
    repos: &[Repo],
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Report, Error> {
    let api = Arc::new(Api::new(config, Scope::Space));
    let lists = Lists::new(&api, &Memory::new(&api, Duration::ZERO));
    let inspection = Inspection {
        survey: Survey::new(&config.shared.repo_path, repos, tell, advice::ADVICE),
        filled: false,
        deleted: HashSet::new(),
        client: &api.client,
        read: &|path| {
            let mut things = Vec::new();
            lists.read(path, Filter::All, Priority::Background, &mut |entry| {
                things.push(thing(entry));
                Ok(())
            })?;
            Ok(things)
        },
    };
    inspection.run()
}

fn thing(entry: Entry) -> Thing {
    Thing {
        is_folder: entry.is_folder(),
        is_file: entry.is_file(),
        size: entry.size,
        sum: entry.crc64,
        made: entry.made.as_deref().and_then(civil::seconds),
        removed: entry.removed,
        name: entry.name,
        ..Thing::default()
    }
}
