//! A store in memory: the plainest code that keeps the contract, and so the meaning of the
//! contract. Tests hold every other store against it.

use super::{Cause, Entry, Error, Found, Loaded, Store};
use crate::body::Body;
use crate::restic::{File, Kind, Part, Range, Repo};
use crate::sync::lock;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex};

/// Repositories in memory; they go with the process.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    /// Folders that exist, including those that have become empty.
    folders: BTreeSet<(Repo, Kind)>,
    files: BTreeMap<(Repo, File), Arc<[u8]>>,
}

impl Memory {
    fn bytes(&self, repo: &Repo, file: &File) -> Result<Arc<[u8]>, Error> {
        let found = lock(&self.0).files.get(&(repo.clone(), *file)).cloned();
        found.ok_or_else(|| Error::new(Cause::Absent, format!("{repo} has no {file}")))
    }
}

/// All bytes of a body.
fn whole(body: &mut Body<'_>) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    body.rewind()?;
    let read = body.read_to_end(&mut bytes);
    read.map_err(|error| body.unread(&error)).map(|_| bytes)
}

impl Store for Memory {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        let folders = Kind::ALL.map(|kind| (repo.clone(), kind));
        lock(&self.0).folders.extend(folders);
        Ok(())
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        let content = lock(&self.0);
        if !content.folders.contains(&(repo.clone(), kind)) {
            let text = format!("{repo} has no {}", kind.name());
            return Err(Error::new(Cause::Absent, text));
        }
        let of_kind = |((place, file), bytes): (&(Repo, File), &Arc<[u8]>)| match file {
            File::Hashed(its, id) if *its == kind && place == repo => Some(Entry {
                id: *id,
                size: bytes.len() as u64,
            }),
            _ => None,
        };
        let entries: Vec<Entry> = content.files.iter().filter_map(of_kind).collect();
        drop(content);
        entries.into_iter().try_for_each(found)
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        Ok(self.bytes(repo, file)?.len() as u64)
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        let bytes = self.bytes(repo, file)?;
        let size = bytes.len() as u64;
        let part = Part::of(range, size).ok_or_else(|| {
            Error::new(Cause::Range(size), format!("{file} has only {size} bytes"))
        })?;
        let mut reader = Cursor::new(bytes);
        reader.set_position(part.start);
        Ok(Loaded {
            size,
            part,
            reader: Box::new(reader.take(part.len)),
        })
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let bytes = whole(body)?;
        let mut content = lock(&self.0);
        let key = (repo.clone(), *file);
        if let Some(there) = content.files.get(&key) {
            return match **there == *bytes {
                true => Ok(()),
                false => Err(Error::new(Cause::Exists, format!("{file} exists"))),
            };
        }
        if let Some(kind) = file.kind() {
            content.folders.insert((repo.clone(), kind));
        }
        content.files.insert(key, bytes.into());
        Ok(())
    }

    fn holds(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        let there = self.bytes(repo, file).unwrap_or_default();
        Ok(there.len() as u64 == body.len() && *there == *whole(body)?)
    }

    fn is_there(&self, repo: &Repo, file: &File) -> Result<bool, Error> {
        Ok(lock(&self.0).files.contains_key(&(repo.clone(), *file)))
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let mut content = lock(&self.0);
        let gone = files.iter().map(|name| {
            content.files.remove(name);
            Ok(())
        });
        gone.collect()
    }
}
