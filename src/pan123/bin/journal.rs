//! What is about to go into the bin, noted on disk before it goes, so that a killed server's
//! removals are purged by the next one. A power cut costs what the list of `pending` hadn't got
//! yet, which then stays in the bin. When that list is written, the lines go.

use super::list::{Retention, Trashed};
use crate::disk::log::{Log, sealed, unsealed};
use crate::restic::Kind;
use crate::sync::lock;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

/// The journal of one list; without a path it forgets everything.
#[derive(Debug, Default)]
pub struct Journal {
    log: Log,
    /// Removals that are noted and not on the list yet.
    under_way: Mutex<usize>,
}

impl Journal {
    /// The journal beside a list's file.
    pub fn beside(list: &Path) -> Self {
        Self {
            log: Log::new(Some(list.with_extension("journal")), ""),
            under_way: Mutex::new(0),
        }
    }

    /// What an earlier process has noted, with the times, but for what its list has got.
    pub fn read(&self, listed: &HashSet<u64>) -> Vec<(u64, Trashed)> {
        let text = self.log.read();
        let uncommitted = parse(&text).map(|(since, mut trashed)| {
            trashed.files.retain(|file| !listed.contains(file));
            (since, trashed)
        });
        uncommitted
            .filter(|(_, trashed)| !trashed.files.is_empty())
            .collect()
    }

    /// Notes what goes into the bin now. The lines stay at least until the answer is dropped.
    pub fn note(&self, trashed: &[Trashed], since: u64) -> JournalEntry<'_> {
        let mut under_way = lock(&self.under_way);
        *under_way += 1;
        let noted = trashed.iter().filter(|trashed| !trashed.files.is_empty());
        let lines: String = noted.map(|trashed| line(trashed, since)).collect();
        if !lines.is_empty() {
            // A disk that can't take it is the list's to complain about.
            self.log.add(&lines);
        }
        JournalEntry(self)
    }

    /// Has `store` write the list, and forgets the lines if that worked and nothing else is under
    /// way; nothing is noted meanwhile.
    pub fn fold(&self, store: impl FnOnce() -> bool) -> bool {
        let under_way = lock(&self.under_way);
        let stored = store();
        if stored && *under_way == 0 {
            self.log.clear();
        }
        stored
    }
}

/// A note whose removal is under way.
#[derive(Debug)]
pub struct JournalEntry<'a>(&'a Journal);

impl Drop for JournalEntry<'_> {
    fn drop(&mut self) {
        *lock(&self.0.under_way) -= 1;
    }
}

/// The line of files of one kind that go into the bin.
pub fn line(trashed: &Trashed, since: u64) -> String {
    let Trashed {
        repo, kind, files, ..
    } = trashed;
    let retention = match trashed.retention {
        Retention::Immediate => "immediate",
        _ => "configured",
    };
    let files: Vec<String> = files.iter().map(u64::to_string).collect();
    let (kind, files) = (kind.name(), files.join(" "));
    sealed(&format!("{since}\t{kind}\t{retention}\t{files}\t{repo}"))
}

/// The lines of a journal; one that broke off or is damaged is left out.
pub fn parse(text: &[u8]) -> impl Iterator<Item = (u64, Trashed)> {
    unsealed(text).filter_map(trashed)
}

fn trashed(words: &str) -> Option<(u64, Trashed)> {
    let mut words = words.splitn(5, '\t');
    let since = words.next()?.parse().ok()?;
    let (kind, retention) = (words.next()?, words.next()?);
    let files = words.next()?.split(' ').map(str::parse);
    let trashed = Trashed {
        kind: Kind::ALL.into_iter().find(|known| known.name() == kind)?,
        retention: match retention {
            "immediate" => Retention::Immediate,
            _ => Retention::Configured,
        },
        files: files.collect::<Result<_, _>>().ok()?,
        repo: words.next()?.to_owned(),
    };
    Some((since, trashed))
}
