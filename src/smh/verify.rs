//! Looks a repository through by lists alone: folders and files that are missing, empty, wrongly
//! named or in a wrong place, packs that lie in two places, bytes that a quota has removed. Nothing
//! is downloaded, and nothing is changed; whether content is what its name says, `restic check
//! --read-data` tells.

mod advice;

use super::api::{Api, Entry, Filter, Scope};
use super::config::Config;
use super::list::{Lists, Memory};
use crate::civil;
use crate::cloud::finding::{Event, Flaw, Report, Subject};
use crate::cloud::layout::{self, Layout};
use crate::cloud::paths::{Root, join};
use crate::cloud::survey::Survey;
use crate::cloud::walk::walk;
use crate::cloud::{Priority, now};
use crate::restic::{Id, Kind, MAX_DEPTH, Repo};
use crate::store::{Cause, Error};
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Folders within each other that are looked into: those of a repository's path, `data` and one
/// in it.
const DEEPEST: usize = MAX_DEPTH + 2;
/// Age in seconds from which a lock is told of: clients renew theirs every five minutes.
const OLD: u64 = 24 * 3600;

/// Packs whose places are remembered, to find those that lie in two. Each takes about 150 bytes.
const MOST: usize = 500_000;

/// Looks repositories through, or all of them if none is named.
pub fn verify(
    config: &Config,
    repos: &[Repo],
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Report, Error> {
    let api = Arc::new(Api::new(config, Scope::Space));
    let walker = Walker {
        lists: Lists::new(&api, &Memory::new(&api, Duration::ZERO)),
        survey: Survey {
            root: Root::new(&config.repo_path),
            repos,
            tell,
            advice: advice::ADVICE,
            seen: Mutex::default(),
        },
        packs: Mutex::default(),
    };
    let base = Place {
        path: String::new(),
        role: Role::Any,
    };
    walk(vec![base], DEEPEST, &|place| walker.read(&place))?;
    Ok(walker.survey.end(api.client.seen.made()))
}

struct Walker<'a> {
    lists: Lists,
    survey: Survey<'a>,
    /// Where packs lie, by repository.
    packs: Mutex<HashMap<(String, Id), Copy>>,
}

/// One of the places in which a pack lies.
struct Copy {
    folder: String,
    size: Option<u64>,
    crc64: Option<u64>,
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
        let mut entries = Vec::new();
        let path = self.survey.root.at(&place.path);
        let read = self
            .lists
            .read(&path, Filter::All, Priority::Background, &mut |entry| {
                entries.push(entry);
                Ok(())
            });
        match read {
            // It has gone since it was listed.
            Err(error) if error.cause == Cause::Absent && !place.path.is_empty() => {}
            read => read?,
        }
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
    fn any(&self, place: &Place, entries: &[Entry]) -> Vec<Place> {
        let of_kind = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name() == name);
        let folders = entries.iter().filter(|entry| entry.is_folder());
        let config = entries
            .iter()
            .find(|entry| entry.name == "config" && entry.is_file());
        let looks_so = config.is_some() || folders.clone().any(|f| of_kind(&f.name).is_some());
        let others = folders
            .clone()
            .filter(|folder| of_kind(&folder.name).is_none());
        let below = others.map(|folder| Place {
            path: join(&place.path, &folder.name),
            role: Role::Any,
        });
        let mut below: Vec<Place> = below
            .filter(|place| self.survey.leads_on(&place.path))
            .collect();
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
            .filter(|e| !e.is_folder() && e.name != "config")
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
    fn data(&self, place: &Place, repo: &str, entries: &[Entry]) -> Vec<Place> {
        let mut below = Vec::new();
        for entry in entries {
            let path = join(&place.path, &entry.name);
            if entry.is_folder() && Layout::of(&entry.name).is_some() {
                self.survey.count(repo, |contents| {
                    contents.shards.entry(entry.name.clone()).or_default();
                });
                let role = Role::Files(repo.to_owned(), Kind::Data);
                below.push(Place { path, role });
                continue;
            }
            let is_pack = entry.is_file() && Id::from_hex(&entry.name).is_some();
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
    fn file(&self, place: &Place, repo: &str, kind: Kind, entry: &Entry) {
        let (path, about) = (join(&place.path, &entry.name), Subject::File(kind));
        let Some(id) = Id::from_hex(&entry.name).filter(|_| entry.is_file()) else {
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
        let made = entry.made.as_deref().and_then(civil::seconds);
        if kind == Kind::Locks && made.is_some_and(|made| made + OLD < now()) {
            self.found(Flaw::OldLock, repo, &path, about);
        }
    }

    /// What a file's size tells.
    fn bytes(&self, repo: &str, path: &str, about: Subject, entry: &Entry) {
        self.survey
            .count(repo, |contents| contents.bytes += entry.size.unwrap_or(0));
        if entry.removed {
            self.found(Flaw::BytesGone, repo, path, about);
        } else if entry.size.unwrap_or(0) == 0 {
            self.found(Flaw::ZeroLength, repo, path, about);
        }
    }

    /// A pack that lies in another folder as well; its copies should be the same.
    fn pack(&self, place: &Place, repo: &str, id: Id, entry: &Entry) {
        let here = Copy {
            folder: place.path.clone(),
            size: entry.size,
            crc64: entry.crc64,
        };
        let packs = &mut lock(&self.packs);
        let key = (repo.to_owned(), id);
        let before = match packs.len() < MOST || packs.contains_key(&key) {
            true => packs.insert(key, here),
            false => None,
        };
        if let Some(before) = before {
            let same = (before.size, before.crc64) == (entry.size, entry.crc64);
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
