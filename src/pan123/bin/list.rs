//! The list of what lies in the bin, as values and as lines of its log. What a damaged line holds may
//! be any number, so nothing here may overflow.
//!
//! ```text
//! going    since retention kind files repository    about to go into the bin
//! trashed  since retention kind files repository    they lie there
//! purged   files                                    they are destroyed
//! left     files                                    they don't lie there, or not any more
//! past     from to count repository                 packs or snapshots that were purged
//! ```

use super::removal::{DAY, NEVER, Retention};
use crate::cloud::timing::SANE;
use crate::disk::log::{sealed, unsealed};
use crate::pan123::config::Bin;
use crate::restic::Kind;
use crate::warning;
use log::warn;
use serde::Deserialize;
use std::collections::HashMap;
use std::io;
use std::path::Path;

/// Most purges that are remembered for `bin restore`; beyond it the oldest are forgotten.
const MOST_PAST: usize = 1000;
/// Seconds within which removals belong together: a prune removes its files in one go.
pub const TOGETHER: u64 = 600;

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// This process is putting it into the bin.
    Going,
    /// An earlier process was about to, and may not have done it.
    Uncommitted,
    /// It lies there.
    Trashed,
}

/// A file that goes into the bin, or lies there. Times are seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// Its repository, by its place in the list of repositories.
    pub repo: u32,
    /// What it is.
    pub kind: Kind,
    /// How far it has come.
    pub stage: Stage,
    /// When it was put there; 0 if that isn't known.
    pub since: u64,
    /// How long it stays there.
    pub retention: Retention,
    /// Before when this process doesn't try to purge it again, which 123pan has refused; 0 if it
    /// hasn't.
    pub postponed: u64,
}

/// Packs or snapshots that were purged: when they had been put into the bin.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct PurgeRecord {
    /// Their repository.
    pub repo: u32,
    /// When the first of them was.
    pub from: u64,
    /// When the last of them was.
    pub to: u64,
    /// How many they are.
    pub count: u64,
}

/// The list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// The folders of repositories.
    pub repos: Vec<String>,
    /// What lies in the bin, or is about to, by its number.
    pub waiting: HashMap<u64, Waiting>,
    /// What has been purged.
    pub past: Vec<PurgeRecord>,
}

impl List {
    /// The list that a log holds. A line that broke off or is damaged is left out.
    pub fn parse(text: &[u8]) -> Self {
        let mut list = Self::default();
        for line in unsealed(text) {
            let _ = list.take(line);
        }
        list
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let numbers = |words: &str| words.split(' ').map(number).collect::<Option<Vec<u64>>>();
        let words: Vec<&str> = line.split('\t').collect();
        match words[..] {
            [
                word @ ("going" | "trashed"),
                since,
                retention,
                kind,
                files,
                repo,
            ] => {
                let entry = Waiting {
                    repo: self.place(repo),
                    kind: Kind::from_name(kind)?,
                    stage: match word {
                        "going" => Stage::Uncommitted,
                        _ => Stage::Trashed,
                    },
                    since: number(since)?,
                    retention: Retention::from_name(retention)?,
                    postponed: 0,
                };
                let files = numbers(files)?.into_iter();
                self.waiting.extend(files.map(|file| (file, entry)));
            }
            [word @ ("purged" | "left"), files] => drop(self.remove(word, &numbers(files)?)),
            ["past", from, to, count, repo] => {
                let (from, to, count) = (number(from)?, number(to)?, number(count)?);
                let repo = self.place(repo);
                let record = PurgeRecord {
                    repo,
                    from,
                    to,
                    count,
                };
                // It is there twice while an earlier list is taken over.
                if !self.past.contains(&record) {
                    self.past.push(record);
                }
            }
            _ => {}
        }
        Some(())
    }

    /// All that a log holds with this list.
    pub fn text(&self) -> String {
        let past = self.past.iter().map(|past| {
            let (from, to, count) = (past.from, past.to, past.count);
            let repo = self.repo(past.repo);
            sealed(&format!("past\t{from}\t{to}\t{count}\t{repo}"))
        });
        past.collect::<String>() + &self.lines(self.waiting.keys())
    }

    /// The lines of some of the files on it.
    pub fn lines<'a>(&self, files: impl IntoIterator<Item = &'a u64>) -> String {
        let entry = |file| Some((self.waiting.get(file)?, file));
        let mut all: Vec<(&Waiting, &u64)> = files.into_iter().filter_map(entry).collect();
        all.sort_unstable();
        let alike = all.chunk_by(|(one, _), (other, _)| one == other);
        alike.map(|alike| self.line(alike)).collect()
    }

    /// The line of files of which the same is known.
    fn line(&self, alike: &[(&Waiting, &u64)]) -> String {
        let entry = alike[0].0;
        let word = match entry.stage {
            Stage::Going | Stage::Uncommitted => "going",
            Stage::Trashed => "trashed",
        };
        let (since, retention, kind) = (entry.since, entry.retention.name(), entry.kind.name());
        let (files, repo) = (
            joined(alike.iter().map(|(_, file)| *file)),
            self.repo(entry.repo),
        );
        sealed(&format!(
            "{word}\t{since}\t{retention}\t{kind}\t{files}\t{repo}"
        ))
    }

    /// The place of a repository.
    pub fn place(&mut self, repo: &str) -> u32 {
        let place = self.repos.iter().position(|known| known == repo);
        let place = place.unwrap_or_else(|| {
            self.repos.push(repo.to_owned());
            self.repos.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    fn repo(&self, place: u32) -> &str {
        self.repos.get(place as usize).map_or("", String::as_str)
    }

    /// The files of which something is so, the oldest first, at most so many.
    pub fn oldest(&self, most: usize, is_so: impl Fn(&Waiting) -> bool) -> Vec<u64> {
        let some = self.waiting.iter().filter(|(_, entry)| is_so(entry));
        let mut some: Vec<(u64, u64)> = some.map(|(file, entry)| (entry.since, *file)).collect();
        if some.len() > most {
            some.select_nth_unstable(most);
            some.truncate(most);
        }
        some.sort_unstable();
        some.into_iter().map(|(_, file)| file).collect()
    }

    /// What was put into the bin under a wrong clock stays its full time from now on; answers the
    /// lines that say so.
    pub fn mend(&mut self, bin: Bin, time: u64) -> String {
        let is_wrong = |entry: &Waiting| entry.since < SANE || entry.since > time + DAY;
        let all = self.waiting.iter();
        let wrong = all.filter(|(_, entry)| entry.is_counted(bin) && is_wrong(entry));
        let wrong: Vec<u64> = wrong.map(|(file, _)| *file).collect();
        self.set(&wrong, |entry| entry.since = time)
    }

    /// Sets something of files that are on it; answers the lines that say so.
    pub fn set(&mut self, files: &[u64], set: impl Fn(&mut Waiting)) -> String {
        for file in files {
            self.waiting.entry(*file).and_modify(&set);
        }
        self.lines(files)
    }

    /// Takes off files that are `purged`, which is remembered, or have `left`; answers the line that
    /// says so.
    pub fn remove<'a>(&mut self, word: &str, files: impl IntoIterator<Item = &'a u64>) -> String {
        let mut removed = Vec::new();
        for file in files {
            if let Some(entry) = self.waiting.remove(file) {
                removed.push(file);
                if word == "purged" {
                    self.remember(&entry);
                }
            }
        }
        match removed[..] {
            [] => String::new(),
            _ => sealed(&format!("{word}\t{}", joined(removed))),
        }
    }

    /// Remembers that something was purged, together with what was near it in time, unless it can be
    /// done without.
    fn remember(&mut self, purged: &Waiting) {
        if !matches!(purged.kind, Kind::Data | Kind::Snapshots) {
            return;
        }
        let (repo, at) = (purged.repo, purged.since);
        let near = |past: &PurgeRecord| {
            let span = past.to.saturating_sub(past.from);
            let wider = past.to.max(at) - past.from.min(at);
            past.repo == repo && wider <= span.saturating_add(TOGETHER)
        };
        let new = PurgeRecord {
            repo,
            from: at,
            to: at,
            count: 0,
        };
        let place = self.past.iter().rposition(near);
        let place = place.unwrap_or_else(|| {
            self.past.push(new);
            self.past.len() - 1
        });
        let past = &mut self.past[place];
        (past.from, past.to) = (past.from.min(at), past.to.max(at));
        past.count = past.count.saturating_add(1);
        let most = self.past.len().saturating_sub(MOST_PAST);
        self.past.drain(..most);
    }
}

impl Waiting {
    /// When it is to be purged by a server so configured; 0 for at once, [`NEVER`] for never.
    pub fn due(&self, bin: Bin) -> u64 {
        self.retention.due(bin, self.since)
    }

    /// Whether its days are counted by a server so configured.
    pub fn is_counted(&self, bin: Bin) -> bool {
        !matches!(self.due(bin), 0 | NEVER)
    }
}

fn number(word: &str) -> Option<u64> {
    word.parse().ok()
}

fn joined<'a>(files: impl IntoIterator<Item = &'a u64>) -> String {
    let files: Vec<String> = files.into_iter().map(u64::to_string).collect();
    files.join(" ")
}

/// Says that a list can't be read.
pub fn unread(path: &Path, error: &io::Error) {
    let path = path.display();
    warn!(
        target: &warning::Kind::StateUnread.about(&path),
        "the list of what is to be purged can't be read from {path}: {error}; what stood in it \
         stays in the bin, where `restic-123pan bin list` shows it"
    );
}
