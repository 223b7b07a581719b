//! Removing files: packs many a call, all others one by one. Ok is answered for what is gone, by
//! the service's own word about that very file; 202 is no such word, nor is 207.

use super::api::meaning::{is_absent, item};
use super::api::{Api, BATCH, Deleted, Item};
use crate::cloud::paths::{join, priority_of};
use crate::cloud::walk::walk;
use crate::cloud::{Fault, Priority};
use crate::restic::{File, Kind};
use crate::store::{Cause, Error};
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Removes files.
pub struct Removals {
    api: Arc<Api>,
    /// Whether files but locks go into the library's bin, where it is on.
    keeps: bool,
}

/// What became of each of some paths.
type Results = HashMap<String, Result<(), Error>>;

impl Removals {
    /// A way to remove files, which goes by the bin or not.
    pub fn new(api: &Arc<Api>, keeps: bool) -> Self {
        let api = Arc::clone(api);
        Self { api, keeps }
    }

    /// Removes files, each with its folder, and tells of each in the same order.
    pub fn remove(&self, files: &[(String, File)]) -> Vec<Result<(), Error>> {
        let path = |(folder, file): &(String, File)| join(folder, &file.name());
        let is_pack = |file: &File| file.kind() == Some(Kind::Data);
        let (packs, others): (Vec<_>, Vec<_>) = files.iter().partition(|(_, file)| is_pack(file));
        let packs: Vec<String> = packs.into_iter().map(path).collect();
        let mut results = self.singly(others.iter().map(|f| (path(f), f.1)).collect());
        for batch in packs.chunks(BATCH) {
            results.extend(self.many(batch));
        }
        let untold = || Err(Error::new(Cause::Busy, "nobody tells what became of it"));
        let told = |file| results.get(&path(file)).cloned().unwrap_or_else(untold);
        files.iter().map(told).collect()
    }

    /// One call for each, some side by side.
    fn singly(&self, files: Vec<(String, File)>) -> Results {
        let results = Mutex::new(Results::new());
        // Only a thread that can't be started ends it; what isn't told has failed.
        let _ = walk(files, 0, &|(path, file): (String, File)| {
            let removed = self.one(&path, &file);
            lock(&results).insert(path, removed);
            Ok(Vec::new())
        });
        crate::sync::into_inner(results)
    }

    fn one(&self, path: &str, file: &File) -> Result<(), Error> {
        let priority = priority_of(file.kind());
        let for_good = !self.keeps || file.kind() == Some(Kind::Locks);
        match self.api.delete(path, for_good, priority) {
            Err(fault) if is_absent(fault.reason) => Ok(()),
            Err(fault) => Err(Error::from(fault).during(format!("removing /{path}"))),
            Ok(Deleted {
                task: Some(task), ..
            }) => {
                let paths = [path.to_owned()];
                let mut results = self.wait(&task, &paths, for_good, priority);
                results.remove(path).unwrap_or(Ok(()))
            }
            // It went into the bin though it wasn't to (safety rule 9).
            Ok(Deleted {
                binned: Some(number),
                ..
            }) if for_good => self.api.purge(&[number]).map_err(Error::from),
            Ok(_) => Ok(()),
        }
    }

    /// Removes packs in one call.
    fn many(&self, paths: &[String]) -> Results {
        let (for_good, priority) = (!self.keeps, Priority::Packs);
        let all = |error: Error| {
            paths
                .iter()
                .map(|p| (p.clone(), Err(error.clone())))
                .collect()
        };
        match self.api.delete_all(paths, for_good, priority) {
            Err(fault) => all(Error::from(fault).during("removing packs")),
            Ok(Deleted {
                task: Some(task), ..
            }) => self.wait(&task, paths, for_good, priority),
            Ok(Deleted {
                result: Some(items),
                ..
            }) => self.read(&items, for_good),
            Ok(_) => all(Error::new(
                Cause::Cloud,
                "a deletion of many tells no results",
            )),
        }
    }

    /// Every item of an answer (safety rule 8).
    fn read(&self, items: &[Item], for_good: bool) -> Results {
        let stray = |item: &&Item| for_good && item.binned.is_some();
        let strays: Vec<u64> = items
            .iter()
            .filter(stray)
            .filter_map(|item| item.binned)
            .collect();
        let mut purged = Ok(());
        for some in strays.chunks(super::api::BIN_PAGE) {
            purged = purged.and(self.api.purge(some).map_err(Error::from));
        }
        let result = |item: &Item| {
            let path = item.path.join("/");
            let removed = match &purged {
                Err(error) if stray(&item) => Err(error.clone()),
                _ => judge(item, &path),
            };
            (path, removed)
        };
        items.iter().map(result).collect()
    }

    /// Waits for the end of a deletion that takes long (safety rule 7). If that doesn't come, or
    /// nobody knows the task any more, each path is asked for.
    fn wait(&self, task: &str, paths: &[String], for_good: bool, priority: Priority) -> Results {
        match self.api.outcome(task, priority) {
            Ok(items) if !items.is_empty() => return self.read(&items, for_good),
            Ok(_) | Err(_) => {}
        }
        let look = |path: &String| (path.clone(), self.is_gone(path, priority));
        paths.iter().map(look).collect()
    }

    /// Ok if there is no such file.
    fn is_gone(&self, path: &str, priority: Priority) -> Result<(), Error> {
        match self.api.there(path, priority)? {
            None => Ok(()),
            Some(_) => {
                let text = format!("/{path} isn't removed yet");
                Err(Error::new(Cause::Busy, text))
            }
        }
    }
}

/// What an item says of its file.
fn judge(entry: &Item, path: &str) -> Result<(), Error> {
    let (status, code) = (
        u16::try_from(entry.status).unwrap_or(0),
        entry.code.as_deref(),
    );
    match item(status, code) {
        None => Ok(()),
        Some(reason) if is_absent(reason) => Ok(()),
        Some(reason) => {
            let code = code.unwrap_or("no code");
            let text = format!("removing /{path}: Tencent SMH says {status} {code}");
            Err(Fault::new(reason, text).into())
        }
    }
}
