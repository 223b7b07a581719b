//! What has been seen of each repository: its last snapshot, and its traffic hour by hour. The
//! number of repositories is bounded; what doesn't fit is summed up.

use serde::{Deserialize, Serialize};

/// Repositories that are told apart; a home network has a handful.
const MOST: usize = 32;
/// Hours of traffic that are remembered.
pub const HOURS: usize = 24;
/// Seconds of an hour.
const HOUR: u64 = 3600;
/// Pauses between snapshots that are remembered: with one a working day, more than a week.
const PAUSES: usize = 8;
/// Least pauses of which a habit is made.
const HABIT: usize = 3;
/// Snapshots within this time belong to one backup, such as those of several folders.
const TOGETHER: u64 = HOUR;

/// What has been seen of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repository {
    /// Its path, with a slash before it.
    pub name: String,
    /// When its last snapshot was stored through this server, in seconds since 1970. This, the
    /// last use and the hours outlive a restart.
    pub last_snapshot: Option<u64>,
    /// How many seconds may pass after that before the next one is missed; None if nobody knows.
    pub snapshot_every: Option<u64>,
    /// Whether it is missed now.
    pub stale: bool,
    /// When it was last used.
    pub last_used: u64,
    /// Bytes that clients have sent.
    pub received: u64,
    /// Bytes that clients have been sent.
    pub sent: u64,
    /// Bytes in both directions in each of the last hours, the present one last.
    pub hours: [u64; HOURS],
}

/// What a request did in a repository.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deed {
    /// Bytes that the client has sent.
    pub(super) received: u64,
    /// Bytes that the client has been sent.
    pub(super) sent: u64,
    /// Whether it stored a snapshot.
    pub(super) snapshot: bool,
    /// Whether it succeeded; others make no new entry, or anybody could fill the table with
    /// names that don't exist.
    pub(super) good: bool,
}

/// The table of repositories.
#[derive(Debug, Default)]
pub(super) struct Repositories {
    known: Vec<Entry>,
    others: Option<Entry>,
}

/// A repository in a file. Earlier versions wrote it as an array without its last field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    name: String,
    last_snapshot: Option<u64>,
    last_used: u64,
    /// The hour, counted from 1970, that the last of `hours` stands for.
    hour: u64,
    hours: [u64; HOURS],
    /// The last pauses between snapshots in seconds, the youngest last.
    #[serde(default)]
    pauses: Vec<u64>,
}

impl Row {
    /// Whether a snapshot was seen in it.
    pub(super) fn has_snapshot(&self) -> bool {
        self.last_snapshot.is_some()
    }

    /// The same, if it is of the repository of another row.
    pub(super) fn has_snapshot_of(&self, other: &Self) -> bool {
        self.name == other.name && self.has_snapshot()
    }
}

#[derive(Debug, Default)]
struct Entry {
    /// What outlives a restart.
    row: Row,
    /// Bytes that clients have sent, and have been sent.
    received: u64,
    sent: u64,
}

impl Repositories {
    /// Notes what a request did.
    pub(super) fn note(&mut self, name: &str, deed: Deed, now: u64) {
        let at = self.known.iter().position(|entry| entry.row.name == name);
        let entry = match at {
            Some(at) => &mut self.known[at],
            None if !deed.good => return,
            None if self.known.len() < MOST => {
                self.known.push(Entry::new(name, now));
                let last = self.known.len() - 1;
                &mut self.known[last]
            }
            None => self.others.get_or_insert_with(|| Entry::new("", now)),
        };
        entry.note(deed, now);
    }

    /// All of them, the last used first; those beyond the table are one without a name.
    pub(super) fn all(&self, now: u64, max_age: Option<u64>) -> Vec<Repository> {
        let all = self.known.iter().chain(&self.others);
        let mut all: Vec<Repository> = all.map(|entry| entry.at(now, max_age)).collect();
        all.sort_by_key(|seen| (seen.name.is_empty(), std::cmp::Reverse(seen.last_used)));
        all
    }

    /// What is to outlive a restart.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.known.iter().map(|entry| entry.row.clone()).collect()
    }

    /// Takes in what has outlived a restart, before anything is noted.
    pub(super) fn restore(&mut self, rows: Vec<Row>, now: u64) {
        let entry = |mut row: Row| {
            row.pauses.truncate(PAUSES);
            // A clock that was ahead mustn't keep the hours from moving on.
            row.hour = row.hour.min(now / HOUR);
            Entry {
                row,
                ..Entry::default()
            }
        };
        self.known = rows.into_iter().take(MOST).map(entry).collect();
    }
}

impl Entry {
    fn new(name: &str, now: u64) -> Self {
        let row = Row {
            name: name.to_owned(),
            hour: now / HOUR,
            ..Row::default()
        };
        Self {
            row,
            ..Self::default()
        }
    }

    fn note(&mut self, deed: Deed, now: u64) {
        self.received += deed.received;
        self.sent += deed.sent;
        let row = &mut self.row;
        row.turn(now);
        row.hours[HOURS - 1] += deed.received + deed.sent;
        row.last_used = now;
        if deed.snapshot && deed.good {
            let pause = row.last_snapshot.map(|last| now.saturating_sub(last));
            row.last_snapshot = Some(now);
            row.pauses.extend(pause.filter(|pause| *pause > TOGETHER));
            let old = row.pauses.len().saturating_sub(PAUSES);
            row.pauses.drain(..old);
        }
    }

    fn at(&self, now: u64, max_age: Option<u64>) -> Repository {
        let mut row = self.row.clone();
        row.turn(now);
        let (every, last) = (row.every(max_age), row.last_snapshot);
        let age = last.map(|last| now.saturating_sub(last));
        Repository {
            name: row.name,
            last_snapshot: last,
            snapshot_every: every,
            stale: every.zip(age).is_some_and(|(every, age)| age > every),
            last_used: row.last_used,
            received: self.received,
            sent: self.sent,
            hours: row.hours,
        }
    }
}

impl Row {
    /// How long a snapshot may be away: the longest of the last pauses and half as much again, so
    /// that neither weekends nor a slow day count. Nothing is known of what never had one, nor of
    /// many repositories together.
    fn every(&self, max_age: Option<u64>) -> Option<u64> {
        let longest = self.pauses.iter().max();
        let longest = longest.filter(|_| self.pauses.len() >= HABIT);
        let usual = longest.map(|pause| pause.saturating_add(pause / 2));
        max_age.or(usual).filter(|_| !self.name.is_empty())
    }

    /// Moves the hours on to the present. A clock that was set back moves nothing.
    fn turn(&mut self, now: u64) {
        let passed = (now / HOUR).saturating_sub(self.hour);
        let passed = usize::try_from(passed).map_or(HOURS, |passed| passed.min(HOURS));
        self.hours.rotate_left(passed % HOURS);
        self.hours[HOURS - passed..].fill(0);
        self.hour = self.hour.max(now / HOUR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(received: u64) -> Deed {
        Deed {
            received,
            good: true,
            ..Deed::default()
        }
    }

    #[test]
    fn traffic_moves_on_with_the_hours() {
        let mut repos = Repositories::default();
        repos.note("/a", deed(1), 100 * HOUR);
        repos.note("/a", deed(2), 101 * HOUR);
        repos.note("/a", deed(4), 102 * HOUR + 5);
        let hours = |now| repos.all(now, None)[0].hours;
        assert_eq!(hours(102 * HOUR)[HOURS - 3..], [1, 2, 4]);
        assert_eq!(hours(104 * HOUR)[HOURS - 5..], [1, 2, 4, 0, 0]);
        assert_eq!(hours(124 * HOUR).iter().sum::<u64>(), 6);
        assert_eq!(hours(126 * HOUR), [0; HOURS]);
        assert_eq!(hours(90 * HOUR).iter().sum::<u64>(), 7, "a clock set back");
    }

    #[test]
    fn what_outlives_a_restart() {
        let mut repos = Repositories::default();
        let stored = Deed {
            snapshot: true,
            ..deed(7)
        };
        repos.note("/a", stored, 100 * HOUR);
        let mut next = Repositories::default();
        next.restore(repos.rows(), 101 * HOUR);
        next.note("/a", deed(1), 101 * HOUR);
        let seen = &next.all(101 * HOUR, None)[0];
        assert_eq!((&seen.hours[HOURS - 2..], seen.received), (&[7, 1][..], 1));
        // The clock was ahead.
        next.restore(repos.rows(), 50 * HOUR);
        assert_eq!(next.all(51 * HOUR, None)[0].hours[HOURS - 2..], [7, 0]);
        let many = vec![repos.rows()[0].clone(); 2 * MOST];
        next.restore(many, 0);
        assert_eq!(next.all(0, None).len(), MOST);
    }

    #[test]
    fn the_table_is_bounded_and_only_success_makes_entries() {
        let mut repos = Repositories::default();
        repos.note("/none", Deed::default(), 0);
        assert!(repos.all(0, None).is_empty());
        for number in 0..MOST + 5 {
            repos.note(&format!("/{number}"), deed(1), 0);
        }
        let all = repos.all(0, None);
        let last = all.last().map(|seen| (seen.name.as_str(), seen.received));
        assert_eq!((all.len(), last), (MOST + 1, Some(("", 5))));
    }

    #[test]
    fn a_snapshot_counts_when_it_was_stored() {
        let mut repos = Repositories::default();
        repos.note("/a", deed(1), 5);
        let stored = Deed {
            snapshot: true,
            ..deed(1)
        };
        let failed = Deed {
            good: false,
            ..stored
        };
        repos.note("/a", failed, 6);
        assert_eq!(repos.all(6, None)[0].last_snapshot, None);
        repos.note("/a", stored, 7);
        assert_eq!(repos.all(8, None)[0].last_snapshot, Some(7));
    }

    #[test]
    fn a_snapshot_is_missed_by_habit_or_by_order() {
        let stored = Deed {
            snapshot: true,
            ..deed(1)
        };
        let mut repos = Repositories::default();
        // Monday to Friday at ten, two folders each, and Monday again.
        for day in [0, 1, 2, 3, 4, 7] {
            repos.note("/a", stored, (24 * day + 10) * HOUR);
            repos.note("/a", stored, (24 * day + 10) * HOUR + 300);
        }
        let last = (24 * 7 + 10) * HOUR + 300;
        let stale = |repos: &Repositories, hours, max| repos.all(last + hours * HOUR, max)[0].stale;
        assert!(!stale(&repos, 72, None), "a weekend");
        assert!(stale(&repos, 110, None));
        assert!(stale(&repos, 37, Some(36 * HOUR)) && !stale(&repos, 35, Some(36 * HOUR)));
        let mut next = Repositories::default();
        next.restore(repos.rows(), last);
        assert!(stale(&next, 110, None), "the habit outlives a restart");
        let mut young = Repositories::default();
        young.note("/a", stored, last);
        assert!(!stale(&young, 9999, None) && stale(&young, 9999, Some(HOUR)));
        let mut empty = Repositories::default();
        empty.note("/a", deed(1), last);
        assert!(!stale(&empty, 9999, Some(HOUR)), "it never had one");
    }

    #[test]
    fn rows_of_earlier_versions_are_read() {
        let zeros = [0; HOURS];
        let text = format!("[[\"/a\",7,8,9,{zeros:?}]]");
        let rows: Vec<Row> = serde_json::from_str(&text).unwrap();
        assert_eq!((rows[0].last_snapshot, rows[0].pauses.len()), (Some(7), 0));
        let again = serde_json::to_string(&rows).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Row>>(&again).unwrap(), rows);
    }
}
