//! The walk of `verify` at clouds where a folder is a path: what is missing, empty, wrongly named or in
//! a wrong place, packs that lie in two places. Nothing is downloaded, and nothing is changed. How a
//! folder is read is the cloud's own.

use super::finding::{Flaw, Subject};
use super::layout::{self, Layout};
use super::paths::join;
use super::survey::Survey;
use super::timing::now;
use super::walk::walk;
use crate::restic::{Id, Kind, MAX_DEPTH};
use crate::store::{Cause, Error};
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::Mutex;

/// Folders within each other that are looked into: those of a repository's path, `data` and one
/// in it.
const DEEPEST: usize = MAX_DEPTH + 2;
/// Age in seconds from which a lock is told of: clients renew theirs every five minutes.
const OLD: u64 = 24 * 3600;

/// Packs whose places are remembered, to find those that lie in two. Each takes about 150 bytes.
const MOST: usize = 500_000;

/// Something in a folder.
#[derive(Clone, Debug, Default)]
pub struct Thing {
    /// By what clients know it.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Whether it is a file with bytes of its own.
    pub is_file: bool,
    /// Bytes, as far as it is known.
    pub size: Option<u64>,
    /// Its content's checksum, if there is one.
    pub sum: Option<u64>,
    /// When it was made, in seconds since 1970, if that is told.
    pub made: Option<u64>,
    /// Whether the cloud has removed its bytes.
    pub removed: bool,
}

/// Reads the folder at a path from the account's root on.
pub type ReadFolder<'a> = dyn Fn(&str) -> Result<Vec<Thing>, Error> + Sync + 'a;

/// Looks repositories through. `filled` says that folders come with their first file, so that one
/// which isn't there is as good as empty.
pub fn inspect(survey: &Survey<'_>, filled: bool, read: &ReadFolder<'_>) -> Result<(), Error> {
    let walker = Walker {
        survey,
        filled,
        read,
        packs: Mutex::default(),
    };
    let base = Place {
        path: String::new(),
        role: Role::Any,
    };
    walk(vec![base], DEEPEST, &|place| walker.read(&place))
}

struct Walker<'a> {
    survey: &'a Survey<'a>,
    filled: bool,
    read: &'a ReadFolder<'a>,
    /// Where packs lie, by repository.
    packs: Mutex<HashMap<(String, Id), Copy>>,
}

/// One of the places in which a pack lies.
struct Copy {
    folder: String,
    size: Option<u64>,
    sum: Option<u64>,
}

/// A folder to be read.
#[derive(Clone, Debug)]
struct Place {
    /// Its path below the folder of repositories.
    path: String,
    role: Role,
}

/// What a folder is for.
#[derive(Clone, Debug)]
enum Role {
    /// To be a repository or to hold some.
    Any,
    /// To hold a repository's folders of packs.
    Data(String),
    /// To hold a repository's files; those of packs have a name of their own.
    Files(String, Kind),
}

impl Walker<'_> {
    /// Reads a folder; answers those in it that are to be read.
    fn read(&self, place: &Place) -> Result<Vec<Place>, Error> {
        let entries = match (self.read)(&self.survey.root.at(&place.path)) {
            // It has gone since it was listed.
            Err(error) if error.cause == Cause::Absent && !place.path.is_empty() => Vec::new(),
            entries => entries?,
        };
        let below = match &place.role {
            Role::Any => self.any(place, &entries),
            Role::Data(repo) => self.data(place, repo, &entries),
            Role::Files(repo, kind) => {
                entries
                    .iter()
                    .for_each(|entry| self.file(place, repo, *kind, entry));
                Vec::new()
            }
        };
        self.survey.read(below.len());
        Ok(below)
    }

    /// A folder that is a repository or holds some.
    fn any(&self, place: &Place, entries: &[Thing]) -> Vec<Place> {
        let of_kind = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name() == name);
        let folders = entries.iter().filter(|entry| entry.is_folder);
        let config = entries
            .iter()
            .find(|entry| entry.name == "config" && entry.is_file);
        let looks_so = config.is_some() || folders.clone().any(|f| of_kind(&f.name).is_some());
        let others = folders.clone().filter(|f| of_kind(&f.name).is_none());
        let others = others.map(|folder| join(&place.path, &folder.name));
        let others = others.filter(|path| self.survey.leads_on(path));
        let any = |path| Place {
            path,
            role: Role::Any,
        };
        let mut below: Vec<Place> = others.map(any).collect();
        if !self.survey.is_meant(&place.path, looks_so) {
            return below;
        }
        let repo = &place.path;
        self.survey
            .count(repo, |contents| contents.config = config.is_some());
        match config {
            Some(entry) => self.bytes(repo, &join(repo, "config"), Subject::Config, entry),
            None => self.found(Flaw::NoConfig, repo, &join(repo, "config"), Subject::Config),
        }
        for entry in entries
            .iter()
            .filter(|e| !e.is_folder && e.name != "config")
        {
            self.found(
                Flaw::WrongName,
                repo,
                &join(repo, &entry.name),
                Subject::Other,
            );
        }
        for kind in Kind::ALL {
            let path = join(repo, kind.name());
            match folders.clone().any(|folder| folder.name == kind.name()) {
                false if self.filled => {}
                false => self.found(Flaw::MissingFolder, repo, &path, Subject::Folder(kind)),
                true => below.push(Place {
                    path,
                    role: match kind {
                        Kind::Data => Role::Data(repo.clone()),
                        kind => Role::Files(repo.clone(), kind),
                    },
                }),
            }
        }
        below
    }

    /// A repository's folder of folders of packs.
    fn data(&self, place: &Place, repo: &str, entries: &[Thing]) -> Vec<Place> {
        let mut below = Vec::new();
        for entry in entries {
            let path = join(&place.path, &entry.name);
            if entry.is_folder && Layout::of(&entry.name).is_some() {
                self.survey.count(repo, |contents| {
                    contents.shards.entry(entry.name.clone()).or_default();
                });
                let role = Role::Files(repo.to_owned(), Kind::Data);
                below.push(Place { path, role });
                continue;
            }
            let is_pack = entry.is_file && Id::from_hex(&entry.name).is_some();
            let flaw = if is_pack {
                Flaw::WrongFolder
            } else {
                Flaw::WrongName
            };
            self.found(flaw, repo, &path, Subject::File(Kind::Data));
        }
        below
    }

    /// An entry of a folder of files.
    fn file(&self, place: &Place, repo: &str, kind: Kind, entry: &Thing) {
        let (path, about) = (join(&place.path, &entry.name), Subject::File(kind));
        let Some(id) = Id::from_hex(&entry.name).filter(|_| entry.is_file) else {
            return self.found(Flaw::WrongName, repo, &path, about);
        };
        if kind == Kind::Data {
            self.pack(place, repo, id, entry);
            let shard = place.path.rsplit('/').next().unwrap_or_default();
            if !layout::belongs(shard, &id) {
                return self.found(Flaw::WrongFolder, repo, &path, about);
            }
            self.survey.count(repo, |contents| {
                *contents.shards.entry(shard.to_owned()).or_default() += 1;
            });
        }
        self.survey
            .count(repo, |contents| contents.files[kind as usize] += 1);
        self.bytes(repo, &path, about, entry);
        if kind == Kind::Locks && entry.made.is_some_and(|made| made + OLD < now()) {
            self.found(Flaw::OldLock, repo, &path, about);
        }
    }

    /// What a file's size tells.
    fn bytes(&self, repo: &str, path: &str, about: Subject, entry: &Thing) {
        self.survey
            .count(repo, |contents| contents.bytes += entry.size.unwrap_or(0));
        if entry.removed {
            self.found(Flaw::BytesGone, repo, path, about);
        } else if entry.size.unwrap_or(0) == 0 {
            self.found(Flaw::ZeroLength, repo, path, about);
        }
    }

    /// A pack that lies in another folder as well; its copies should be the same.
    fn pack(&self, place: &Place, repo: &str, id: Id, entry: &Thing) {
        let here = Copy {
            folder: place.path.clone(),
            size: entry.size,
            sum: entry.sum,
        };
        let packs = &mut lock(&self.packs);
        let key = (repo.to_owned(), id);
        let before = match packs.len() < MOST || packs.contains_key(&key) {
            true => packs.insert(key, here),
            false => None,
        };
        if let Some(before) = before {
            let same = (before.size, before.sum) == (entry.size, entry.sum);
            let flaw = if same {
                Flaw::DoubledFile
            } else {
                Flaw::Contradiction
            };
            let path = join(&before.folder, &entry.name);
            self.found(flaw, repo, &path, Subject::File(Kind::Data));
        }
    }

    fn found(&self, flaw: Flaw, repo: &str, path: &str, about: Subject) {
        let path = self.survey.root.at(path);
        self.survey.found(flaw, repo, &path, None, about);
    }
}
