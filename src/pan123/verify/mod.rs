//! Looks a repository through by lists alone: folders that are missing or doubled, files that are
//! empty, doubled, rejected by the content audit or wrongly named, packs in the bin. Nothing is
//! downloaded, and nothing is changed; whether content is what its name says, `restic check
//! --read-data` tells. What is wrong with a folder's rows is `look`'s, what can be done about it
//! `flaw`'s.
//!
//! It takes a list of each folder, of a page for each hundred rows, those in the bin among them.

mod flaw;
mod look;

pub use flaw::Flaw;
pub use look::Holding;

use super::call::Door;
use super::known::{Path, join};
use super::pace::Priority;
use super::tree::Tree;
use super::walk::walk;
use super::waste::Waste;
use super::{Config, pacer};
use crate::restic::{Kind, MAX_DEPTH, Repo};
use crate::store::{Cause, Error};
use flaw::Thing;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Folders within each other that are looked into: those of a repository's path, `data` and one
/// of its 256.
const DEEPEST: usize = MAX_DEPTH + 2;

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What is wrong.
    pub flaw: Flaw,
    /// The repository's path below the folder of repositories, without slashes at the ends.
    pub repo: String,
    /// Where, from the account's root on.
    pub path: String,
    /// Its number at 123pan; None if it isn't there.
    pub number: Option<u64>,
    /// What to do, in a sentence.
    pub advice: &'static str,
}

impl Finding {
    fn new(flaw: Flaw, repo: &str, path: &Path, number: Option<u64>, what: Thing) -> Self {
        Self {
            flaw,
            repo: repo.to_owned(),
            path: format!("/{path}"),
            number,
            advice: flaw.advice(what),
        }
    }
}

/// What is told on the way.
#[derive(Debug)]
pub enum Told<'a> {
    /// Something was found. Findings come in the order in which folders are read.
    Found(&'a Finding),
    /// So many folders have been read, of so many that are known, with so many files.
    Read(u64, u64, u64),
}

/// What the walk has seen.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The repositories, by their paths below the folder of repositories.
    pub repositories: BTreeMap<String, Holding>,
    /// Folders that were read.
    pub folders: u64,
    /// Calls that it took, without that for the token.
    pub calls: u64,
}

/// Looks repositories through, or all of them if none is named.
pub fn verify(
    config: &Config,
    repos: &[Repo],
    tell: &(dyn Fn(Told<'_>) + Sync),
) -> Result<Report, Error> {
    let door = Arc::new(Door::new(config, pacer(config)));
    let walker = Walker {
        tree: Tree::new(Arc::clone(&door)),
        base: &config.repo_path,
        repos,
        deleted: Waste::put(config),
        now: config.clock.now(),
        tell,
        seen: Mutex::default(),
    };
    let report = walker.go()?;
    let calls = door.seen.made();
    Ok(Report { calls, ..report })
}

struct Walker<'a> {
    tree: Tree,
    base: &'a Path,
    repos: &'a [Repo],
    /// What the server of this state directory has put into the bin itself.
    deleted: HashSet<u64>,
    now: u64,
    tell: &'a (dyn Fn(Told<'_>) + Sync),
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    report: Report,
    /// Folders that are known, read or not.
    known: u64,
}

/// A folder to be read, with the numbers of its twins.
#[derive(Debug)]
struct Place {
    path: String,
    ids: Vec<u64>,
    role: Role,
}

/// What a folder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// To be a repository or to hold some.
    Any,
    /// To hold the 256 folders of packs.
    Data,
    /// To hold files.
    Files(Kind),
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
        };
        self.seen().known = 1;
        walk(vec![base], DEEPEST, &|place| self.read(&place))?;
        let report = std::mem::take(&mut self.seen().report);
        for repo in self.repos.iter().map(Repo::path) {
            if !report.repositories.contains_key(repo) {
                let path = self.path(repo);
                self.found(&Finding::new(
                    Flaw::NoRepository,
                    repo,
                    &path,
                    None,
                    Thing::Other,
                ));
            }
        }
        for (repo, holding) in &report.repositories {
            let path = self.path(repo);
            let findings = holding.judge(repo, &path);
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
        let mut seen = self.seen();
        seen.report.folders += 1;
        seen.known += looked.below.len() as u64;
        if let Some((repo, holding)) = looked.holding {
            seen.report
                .repositories
                .entry(repo)
                .or_default()
                .add(&holding);
        }
        let holdings = seen.report.repositories.values();
        let files = holdings
            .map(|holding| holding.files.iter().sum::<u64>())
            .sum();
        let (read, known) = (seen.report.folders, seen.known);
        drop(seen);
        (self.tell)(Told::Read(read, known, files));
        Ok(looked.below)
    }

    fn found(&self, finding: &Finding) {
        (self.tell)(Told::Found(finding));
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of a repository.
    fn path(&self, repo: &str) -> String {
        match repo {
            "" => self.base.to_owned(),
            repo => join(self.base, repo),
        }
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
