//! The library's recycle bin, which is the service's own: what lies there it tells by itself, and
//! after some days, which are set in the console, it is gone. Foreign files lie there too; only
//! what was in the folder of the repositories is looked at.

use super::api::meaning::is_absent;
use super::api::{Api, BIN_PAGE, Binned, Filter, Scope};
use super::config::Config;
use super::list::{Lists, Memory};
use crate::civil;
use crate::cloud::paths::{last, owner, parent};
use crate::cloud::{Fault, Freed, Item, Listing, Priority, Reason, Restored, Trash, What};
use crate::restic::{File, Id, Repo};
use crate::store::{Cause, Error, absent_is};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Seconds of a day.
const DAY: u64 = 24 * 3600;
/// Pages of the bin after which it is believed that its list has no end.
const PAGES: usize = 100_000;

/// A library's bin.
pub struct RecycleBin {
    api: Arc<Api>,
    lists: Lists,
    root: String,
}

impl RecycleBin {
    /// The bin of the configured library. Nothing is sent yet.
    pub fn open(config: &Config) -> Self {
        let api = Arc::new(Api::new(config, Scope::Space));
        Self {
            lists: Lists::new(&api, &Memory::new(&api, Duration::ZERO)),
            api,
            root: config.shared.repo_path.path().to_owned(),
        }
    }

    /// Something in the bin, if it was in the folder of the repositories.
    fn item(&self, binned: &Binned) -> Option<Item> {
        let path = binned.path.join("/");
        let below = match &*self.root {
            "" => &*path,
            root => path.strip_prefix(root)?.strip_prefix('/')?,
        };
        let (repo, what) = match binned.kind.as_str() {
            "dir" => (parent(below), What::Folder),
            _ => place(below),
        };
        Some(Item {
            repo: repo.to_owned(),
            what,
            name: last(&path).to_owned(),
            size: binned.size.unwrap_or(0),
            since: binned.since.as_deref().and_then(civil::seconds),
            due: binned.days.map(|days| self.now() + days * DAY),
            taken: false,
            path: format!("/{}", parent(&path)),
            file: binned.number,
        })
    }

    /// Finds out which names exist again, by a list of each folder.
    fn take(&self, items: &mut [Item]) -> Result<(), Error> {
        let mut folders: HashMap<String, HashSet<String>> = HashMap::new();
        for item in items {
            let folder = item.path.trim_start_matches('/').to_owned();
            if !folders.contains_key(&folder) {
                let names = self.names(&folder)?;
                folders.insert(folder.clone(), names);
            }
            item.taken = folders
                .get(&folder)
                .is_some_and(|names| names.contains(&item.name));
        }
        Ok(())
    }

    /// The names in a folder; none if it has gone.
    fn names(&self, folder: &str) -> Result<HashSet<String>, Error> {
        let mut names = HashSet::new();
        let read = self
            .lists
            .read(folder, Filter::All, Priority::Background, &mut |entry| {
                names.insert(entry.name);
                Ok(())
            });
        absent_is(read.map(|()| names), HashSet::new())
    }
}

/// Whose file lies at a path below the folder of repositories, and which.
fn place(below: &str) -> (&str, What) {
    let name = last(below);
    if name == "config" {
        return (parent(below), What::File(File::Config));
    }
    let (repo, kind) = owner(parent(below));
    match (kind, Id::from_hex(name)) {
        (Some(kind), Some(id)) if Repo::new(repo).is_some() => {
            (repo, What::File(File::Hashed(kind, id)))
        }
        _ => (repo, What::Other),
    }
}

/// What is wrong with the bin; most often it is off.
fn failed(fault: Fault) -> Error {
    match fault.reason {
        Reason::NoEndpoint => Error::new(
            Cause::Absent,
            format!(
                "the library's recycle bin is switched off, so that deleted files are gone; it is \
                 switched on in Tencent's console ({fault})"
            ),
        ),
        _ => fault.into(),
    }
}

impl Trash for RecycleBin {
    fn now(&self) -> u64 {
        self.api.client.time.or_ours()
    }

    fn walk(&self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Listing, Error> {
        let (mut items, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let (binned, next) = self.api.bin(after.as_deref()).map_err(failed)?;
            pages += 1;
            items.extend(binned.iter().filter_map(|binned| self.item(binned)));
            progress(pages, items.len());
            match next {
                None => break,
                next if next == after || pages > PAGES => {
                    return Err(Error::new(Cause::Cloud, "the list of the bin has no end"));
                }
                next => after = next,
            }
        }
        self.take(&mut items)?;
        Ok(Listing {
            items,
            closed: 0,
            folders: pages,
        })
    }

    fn purge(&self, items: &[&Item], progress: &dyn Fn(Freed)) -> (Freed, Result<(), Error>) {
        let mut freed = Freed::default();
        for some in items.chunks(BIN_PAGE) {
            let numbers: Vec<u64> = some.iter().map(|item| item.file).collect();
            if let Err(fault) = self.api.purge(&numbers) {
                return (freed, Err(failed(fault)));
            }
            freed.files += some.len() as u64;
            freed.bytes += some.iter().map(|item| item.size).sum::<u64>();
            progress(freed);
        }
        (freed, Ok(()))
    }

    /// What the service itself has purged, nobody tells.
    fn purged_with(&self, _wanted: &[&Item], _all: &Listing) -> Result<u64, Error> {
        Ok(0)
    }

    fn restore(&self, items: &[&Item], progress: &dyn Fn(usize)) -> (Restored, Result<(), Error>) {
        let mut restored = Restored::default();
        for (n, item) in items.iter().enumerate() {
            match self.api.restore(item.file) {
                Ok(()) => restored.back.push(item.name.clone()),
                Err(fault) if fault.reason == Reason::Taken => {
                    restored.left.push(item.name.clone())
                }
                Err(fault) if is_absent(fault.reason) => restored.gone.push(item.name.clone()),
                Err(fault) => return (restored, Err(failed(fault))),
            }
            progress(n + 1);
        }
        (restored, Ok(()))
    }

    fn about_folders(&self) -> &'static str {
        "folders are brought back in Tencent's console"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restic::Kind;

    #[test]
    fn files_are_known_by_their_paths() {
        let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let file = |kind| What::File(File::Hashed(kind, Id::from_hex(id).expect("an id")));
        for (path, repo, what) in [
            (format!("a/b/data/01/{id}"), "a/b", file(Kind::Data)),
            (format!("a/keys/{id}"), "a", file(Kind::Keys)),
            (format!("index/{id}"), "", file(Kind::Index)),
            (format!("data/01/{id}"), "", file(Kind::Data)),
            ("a/config".to_owned(), "a", What::File(File::Config)),
            ("a/keys/other".to_owned(), "a", What::Other),
            ("a/notes".to_owned(), "a", What::Other),
        ] {
            assert_eq!(place(&path), (repo, what), "{path}");
        }
    }
}
