//! The frame of `verify`: which repositories are meant, what was seen of them, what is wrong with
//! one as a whole, and what its owner can do. How folders are read, and what is wrong in one, is the
//! cloud's own.

use super::finding::{Contents, Event, Finding, Flaw, Report, Subject};
use super::layout;
use super::paths::{Root, covers, join};
use crate::restic::{Kind, Repo};
use crate::sync::lock;
use std::sync::Mutex;

/// What to do about a flaw about one of these, or about anything.
pub type Remedy = (Flaw, &'static [Subject], &'static str);

/// What holds where a cloud has nothing of its own to say.
const ADVICE: &[Remedy] = &[
    (Flaw::NoRepository, &[], "look at the name"),
    (
        Flaw::NoKey,
        &[],
        "nobody can open the repository without one: bring one back with `restic-123pan bin \
         restore` and the first digits of its id, which `bin list` shows",
    ),
    (Flaw::NoIndex, &[], "run `restic repair index`"),
    (
        Flaw::NoPacks,
        &[],
        "run `restic-123pan bin restore`, then `restic repair index` and `restic check`",
    ),
    (
        Flaw::ZeroLength,
        &[Subject::File(Kind::Locks)],
        "run `restic unlock --remove-all` while no client works",
    ),
    (
        Flaw::OldLock,
        &[],
        "run `restic unlock` if the client that made it has ended",
    ),
    (
        Flaw::WrongName,
        &[],
        "clients don't see it: move it out of the repository, or give it its right name if it is a \
         file of restic's",
    ),
    (
        Flaw::WrongFolder,
        &[],
        "clients don't see it: move it into the folder of its first digits below data",
    ),
];

/// A look through repositories.
pub struct Survey<'a> {
    /// The folder that holds the repositories.
    pub root: Root,
    repos: &'a [Repo],
    tell: &'a (dyn Fn(Event<'_>) + Sync),
    advice: &'static [Remedy],
    seen: Mutex<Progress>,
}

/// What has been seen.
#[derive(Default)]
struct Progress {
    report: Report,
    /// Folders that are known besides those that were read.
    open: u64,
}

impl<'a> Survey<'a> {
    /// A look through these repositories below a folder, or all there if none is named. `advice` is
    /// what the cloud's owner can do; the first line that fits counts, one that says about what before
    /// others.
    pub fn new(
        root: &Repo,
        repos: &'a [Repo],
        tell: &'a (dyn Fn(Event<'_>) + Sync),
        advice: &'static [Remedy],
    ) -> Self {
        Self {
            root: Root::new(root),
            repos,
            tell,
            advice,
            seen: Mutex::default(),
        }
    }

    /// Whether the folder at a path below the root is a repository that is meant; `looks_so` says
    /// whether it looks like one.
    pub fn is_meant(&self, path: &str, looks_so: bool) -> bool {
        match self.repos {
            [] => looks_so,
            repos => repos.iter().any(|repo| repo.path() == path),
        }
    }

    /// Whether it may be a repository that is meant, or hold some.
    pub fn leads_on(&self, path: &str) -> bool {
        let inside = |repo: &Repo| covers(path, repo.path());
        Repo::new(path).is_some() && (self.repos.is_empty() || self.repos.iter().any(inside))
    }

    /// Tells of a flaw; `path` is where, from the account's root on.
    pub fn found(&self, flaw: Flaw, repo: &str, path: &str, number: Option<u64>, about: Subject) {
        let fits = |(known, subjects, _): &&Remedy| {
            *known == flaw && (subjects.is_empty() || subjects.contains(&about))
        };
        let all = || self.advice.iter().chain(ADVICE).filter(fits);
        let named = all().find(|(_, subjects, _)| !subjects.is_empty());
        let advice = named.or_else(|| all().next());
        (self.tell)(Event::Found(&Finding {
            flaw,
            repo: repo.to_owned(),
            path: format!("/{path}"),
            number,
            advice: advice.map_or("", |(.., text)| text),
        }));
    }

    /// Notes what a repository holds.
    pub fn count(&self, repo: &str, change: impl FnOnce(&mut Contents)) {
        let repositories = &mut lock(&self.seen).report.repositories;
        change(repositories.entry(repo.to_owned()).or_default());
    }

    /// A folder was read, in which so many are to be read.
    pub fn read(&self, below: usize) {
        let mut seen = lock(&self.seen);
        seen.report.folders += 1;
        seen.open = seen.open.saturating_sub(1) + below as u64;
        let all = seen.report.repositories.values();
        let files = all.map(|contents| contents.files.iter().sum::<u64>()).sum();
        let (read, open) = (seen.report.folders, seen.open);
        drop(seen);
        (self.tell)(Event::Read(read, read + open, files));
    }

    /// Tells what is wrong with repositories as a whole; what was seen, by so many calls.
    pub fn end(&self, calls: u64) -> Report {
        let report = std::mem::take(&mut lock(&self.seen).report);
        for repo in self.repos.iter().map(Repo::path) {
            if !report.repositories.contains_key(repo) {
                let path = self.root.at(repo);
                self.found(Flaw::NoRepository, repo, &path, None, Subject::Other);
            }
        }
        for (repo, contents) in &report.repositories {
            self.whole(repo, contents);
        }
        Report { calls, ..report }
    }

    fn whole(&self, repo: &str, contents: &Contents) {
        let (path, lacks) = (self.root.at(repo), |kind| contents.count(kind) == 0);
        let snapshots = !lacks(Kind::Snapshots);
        for (flaw, is_so) in [
            (Flaw::NoKey, contents.config && lacks(Kind::Keys)),
            (Flaw::NoIndex, snapshots && lacks(Kind::Index)),
            (Flaw::NoPacks, snapshots && lacks(Kind::Data)),
        ] {
            if is_so {
                self.found(flaw, repo, &path, None, Subject::Other);
            }
        }
        let data = join(&path, Kind::Data.name());
        for shard in layout::missing(&contents.shards) {
            let (path, about) = (join(&data, &shard), Subject::Folder(Kind::Data));
            self.found(Flaw::MissingFolder, repo, &path, None, about);
        }
    }
}
