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
use crate::cloud::finding::{Contents, Event, Finding, Flaw, Report, Subject};
use crate::cloud::paths::Root;
use crate::cloud::time::Time;
use crate::cloud::walk::walk;
use crate::restic::{Id, Kind, MAX_DEPTH, Repo};
use crate::store::{Cause, Error};
use crate::sync::lock;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// Folders within each other that are looked into: those of a repository's path, `data` and one
/// of packs.
const DEEPEST: usize = MAX_DEPTH + 2;

fn finding(flaw: Flaw, repo: &str, path: &Path, number: Option<u64>, about: Subject) -> Finding {
    Finding {
        flaw,
        repo: repo.to_owned(),
        path: format!("/{path}"),
        number,
        advice: advice::advice(flaw, about),
    }
}

/// Looks repositories through, or all of them if none is named.
pub fn verify(
    config: &Config,
    repos: &[Repo],
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Report, Error> {
    let api = Arc::new(Api::new(config));
    let walker = Walker {
        tree: Tree::new(Arc::clone(&api)),
        base: &config.repo_path,
        root: Root::new(&config.repo_path),
        repos,
        deleted: PendingPurges::put(config),
        time: Arc::clone(&api.client.time),
        tell,
        progress: Mutex::default(),
    };
    let report = walker.go()?;
    let calls = api.client.seen.made();
    Ok(Report { calls, ..report })
}

struct Walker<'a> {
    tree: Tree,
    base: &'a Path,
    root: Root,
    repos: &'a [Repo],
    /// What the server of this state directory has put into the bin itself.
    deleted: HashSet<u64>,
    time: Arc<Time>,
    tell: &'a (dyn Fn(Event<'_>) + Sync),
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    report: Report,
    /// Folders that are known, read or not.
    known: u64,
    /// The packs of repositories in which both layouts exist.
    packs: HashMap<(String, Id), Pack>,
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

impl Progress {
    /// Takes in a pack of a repository in which both layouts exist: if it is there already it
    /// counts once, and the older one is found.
    fn double(
        &mut self,
        repo: &str,
        id: Id,
        pack: Pack,
        contents: &mut Contents,
    ) -> Option<Finding> {
        let (number, size) = (pack.number, pack.size);
        let older = match self.packs.insert((repo.to_owned(), id), pack)? {
            old if old.number < number => old,
            newer => self.packs.insert((repo.to_owned(), id), newer)?,
        };
        contents.files[Kind::Data as usize] -= 1;
        contents.bytes -= size;
        let (path, about) = (&older.path, Subject::File(Kind::Data));
        let number = Some(older.number);
        Some(finding(Flaw::DoubledFile, repo, path, number, about))
    }
}

impl Walker<'_> {
    fn go(self) -> Result<Report, Error> {
        let Some(ids) = self.tree.find(self.base, Priority::Background)? else {
            let text = format!("/{} doesn't exist in the account", self.base);
            return Err(Error::new(Cause::Absent, text));
        };
        let base = Place {
            path: self.base.to_owned(),
            ids,
            role: Role::Any,
            is_mixed: false,
        };
        self.progress().known = 1;
        walk(vec![base], DEEPEST, &|place| self.read(&place))?;
        let report = std::mem::take(&mut self.progress().report);
        for repo in self.repos.iter().map(Repo::path) {
            if !report.repositories.contains_key(repo) {
                let path = self.root.at(repo);
                self.found(&finding(
                    Flaw::NoRepository,
                    repo,
                    &path,
                    None,
                    Subject::Other,
                ));
            }
        }
        for (repo, contents) in &report.repositories {
            let path = self.root.at(repo);
            let findings = look::flaws(contents, repo, &path);
            findings.iter().for_each(|found| self.found(found));
        }
        Ok(report)
    }

    /// Reads a folder; answers those in it that are to be read.
    fn read(&self, place: &Place) -> Result<Vec<Place>, Error> {
        let rows = self.tree.read(&place.ids, Priority::Background);
        let fault = |fault| Error::from(fault).during(format!("reading /{}", place.path));
        let looked = self.look(place, rows.map_err(fault)?);
        looked.findings.iter().for_each(|found| self.found(found));
        let mut progress = self.progress();
        progress.report.folders += 1;
        progress.known += looked.below.len() as u64;
        let mut doubles = Vec::new();
        if let Some((repo, mut contents)) = looked.contents {
            for (id, pack) in looked.packs {
                doubles.extend(progress.double(&repo, id, pack, &mut contents));
            }
            progress
                .report
                .repositories
                .entry(repo)
                .or_default()
                .add(&contents);
        }
        let all = progress.report.repositories.values();
        let files = all.map(|contents| contents.files.iter().sum::<u64>()).sum();
        let (read, known) = (progress.report.folders, progress.known);
        drop(progress);
        doubles.iter().for_each(|found| self.found(found));
        (self.tell)(Event::Read(read, known, files));
        Ok(looked.below)
    }

    fn found(&self, finding: &Finding) {
        (self.tell)(Event::Found(finding));
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }

    /// What a folder's path is below the folder of repositories.
    fn below<'p>(&self, path: &'p Path) -> &'p str {
        path.strip_prefix(self.base)
            .unwrap_or(path)
            .trim_matches('/')
    }

    /// Whether a folder is a repository that is meant; `looks_so` says whether it looks like one.
    fn is_meant(&self, path: &Path, looks_so: bool) -> bool {
        let below = self.below(path);
        match self.repos {
            [] => looks_so,
            repos => repos.iter().any(|repo| repo.path() == below),
        }
    }

    /// Whether a folder may be a repository that is meant, or hold some.
    fn leads_on(&self, path: &Path) -> bool {
        let below = self.below(path);
        let inside = |repo: &Repo| {
            let rest = repo.path().strip_prefix(below);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Repo::new(below).is_some() && (self.repos.is_empty() || self.repos.iter().any(inside))
    }
}
