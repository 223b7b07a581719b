//! The list of what lies in the bin, as values and as it is on disk. What a damaged file holds may be
//! any number, so nothing here may overflow.

use crate::cloud::timing::SANE;
use crate::restic::Kind;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Most purges that are remembered for `bin restore`; beyond it the oldest are forgotten.
const MOST_PAST: usize = 1000;
/// Seconds within which removals belong together: a prune removes its files in one go.
pub const TOGETHER: u64 = 600;
/// Seconds in a day.
pub const DAY: u64 = 24 * 3600;
/// When a file is purged that is kept.
pub const NEVER: u64 = u64::MAX;

/// How long something stays in the bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// As configured.
    Configured,
    /// It goes at once, however long others stay.
    Immediate,
    /// It is left there, whatever is configured: without its config a repository is lost.
    Forever,
}

/// Files that have just gone into the bin.
#[derive(Clone, Debug)]
pub struct Trashed {
    /// Their repository's folder in the account.
    pub repo: String,
    /// What they are.
    pub kind: Kind,
    /// Their numbers.
    pub files: Vec<u64>,
    /// How long they stay there.
    pub retention: Retention,
}

/// A file in the bin. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its number.
    pub file: u64,
    /// When it is to be purged; 0 for at once, [`NEVER`] for never.
    pub due: u64,
    /// When it was put there.
    pub since: u64,
    /// Its repository, by its place in the list of repositories.
    pub repo: u32,
    /// What it is.
    pub kind: Kind,
}

/// Packs or snapshots that were purged: when they had been put into the bin.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
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
#[derive(Clone, Debug, Default)]
pub struct List {
    /// The folders of repositories.
    pub repos: Vec<String>,
    /// What lies in the bin, oldest first.
    pub waiting: VecDeque<Waiting>,
    /// What has been purged.
    pub past: Vec<PurgeRecord>,
    /// Whether it differs from what is on disk.
    pub changed: bool,
}

/// The list as it is on disk, short because there may be many files.
#[derive(Default, Deserialize, Serialize)]
struct Stored {
    repos: Vec<String>,
    /// Number, due, since, repository, first letter of the kind.
    files: Vec<(u64, u64, u64, u32, char)>,
    past: Vec<PurgeRecord>,
}

impl List {
    /// The number of a repository.
    pub fn number(&mut self, repo: &str) -> u32 {
        let place = self.repos.iter().position(|known| known == repo);
        let place = place.unwrap_or_else(|| {
            self.repos.push(repo.to_owned());
            self.repos.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// What was put into the bin under a wrong clock stays its full time from now on.
    pub fn mend(&mut self, time: u64) {
        let is_wrong = |entry: &&mut Waiting| {
            let counted = entry.due != 0 && entry.due != NEVER;
            counted && (entry.since < SANE || entry.since > time + DAY)
        };
        let mut changed = false;
        for entry in self.waiting.iter_mut().filter(is_wrong) {
            entry.due = time.saturating_add(entry.due.saturating_sub(entry.since));
            entry.since = time;
            changed = true;
        }
        self.changed |= changed;
    }

    /// Remembers a purge, together with those near it in time.
    pub fn remember(&mut self, new: PurgeRecord) {
        let near = |old: &&mut PurgeRecord| {
            let (from, to) = (old.from.min(new.from), old.to.max(new.to));
            let span = old.to.saturating_sub(old.from);
            old.repo == new.repo && to - from <= span.saturating_add(TOGETHER)
        };
        if let Some(old) = self.past.iter_mut().rev().find(near) {
            (old.from, old.to) = (old.from.min(new.from), old.to.max(new.to));
            old.count = old.count.saturating_add(new.count);
            return;
        }
        self.past.push(new);
        let most = self.past.len().saturating_sub(MOST_PAST);
        self.past.drain(..most);
    }

    /// The list that a file holds.
    pub fn parse(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text).map(Self::from)
    }

    /// What a file holds with this list.
    pub fn text(&self) -> Vec<u8> {
        serde_json::to_vec(&self.stored()).unwrap_or_default()
    }

    fn stored(&self) -> Stored {
        let letter = |kind: Kind| kind.name().chars().next().unwrap_or(' ');
        let row = |e: &Waiting| (e.file, e.due, e.since, e.repo, letter(e.kind));
        Stored {
            repos: self.repos.clone(),
            files: self.waiting.iter().map(row).collect(),
            past: self.past.clone(),
        }
    }

    fn from(stored: Stored) -> Self {
        let waiting = stored.files.into_iter().filter_map(|row| {
            let (file, due, since, repo, letter) = row;
            let mut kinds = Kind::ALL.into_iter();
            Some(Waiting {
                file,
                due,
                since,
                repo,
                kind: kinds.find(|kind| kind.name().starts_with(letter))?,
            })
        });
        Self {
            waiting: waiting.collect(),
            repos: stored.repos,
            past: stored.past,
            changed: false,
        }
    }
}

impl PurgeRecord {
    /// What to remember of a file that has been purged; nothing if it could be done without.
    pub fn of(entry: &Waiting) -> Option<Self> {
        matches!(entry.kind, Kind::Data | Kind::Snapshots).then_some(Self {
            repo: entry.repo,
            from: entry.since,
            to: entry.since,
            count: 1,
        })
    }
}
