//! The list as earlier versions kept it: one JSON file, and beside it a journal of what was on its
//! way into the bin. Both are read as lines of the log that takes their place. A kill in between
//! leaves both, which say the same then.

use super::list::{List, PurgeRecord, Stage, Waiting, unread};
use super::removal::{NEVER, Retention};
use crate::disk;
use crate::disk::log::{sealed, unsealed};
use crate::restic::Kind;
use serde::Deserialize;
use std::io;
use std::path::Path;

/// How the names of both end.
const ENDS: [&str; 2] = ["json", "journal"];

#[derive(Deserialize)]
struct Stored {
    repos: Vec<String>,
    /// Number, when it was to be purged, since, repository, first letter of the kind.
    files: Vec<(u64, u64, u64, u32, char)>,
    past: Vec<PurgeRecord>,
}

/// Whether an earlier version has left anything beside a log.
pub fn is_there(log: &Path) -> bool {
    ENDS.iter().any(|end| log.with_extension(end).exists())
}

/// What it has left, as lines that go on where the log ends.
pub fn read(log: &Path) -> String {
    // The journal first: its lines went when the list had got them.
    let journal = disk::read(&log.with_extension("journal")).unwrap_or_default();
    let path = log.with_extension("json");
    let json = match path.exists() {
        true => disk::read(&path).and_then(|json| listed(&json)),
        false => Ok(String::new()),
    };
    let listed = json.inspect_err(|error| unread(&path, error));
    noted(&journal) + &listed.unwrap_or_default()
}

/// Removes it and tells whether it is gone.
pub fn remove(log: &Path) -> bool {
    let mut files = ENDS.iter().map(|end| log.with_extension(end));
    let removed = files.all(|file| disk::remove(&file));
    disk::sync_folder(log);
    removed
}

/// What a JSON file holds.
pub fn listed(json: &[u8]) -> io::Result<String> {
    let Stored { repos, files, past } = serde_json::from_slice(json)?;
    let waiting = files.into_iter().filter_map(|row| {
        let (file, due, since, repo, letter) = row;
        let mut kinds = Kind::ALL.into_iter();
        let kind = kinds.find(|kind| kind.name().starts_with(letter))?;
        let entry = Waiting {
            repo,
            kind,
            stage: Stage::Trashed,
            since,
            // What was configured then doesn't matter any more; of locks nothing is kept.
            retention: match due {
                0 if kind == Kind::Locks => Retention::Immediate,
                NEVER => Retention::Forever,
                _ => Retention::Configured,
            },
            postponed: 0,
        };
        Some((file, entry))
    });
    let mut list = List::default();
    (list.repos, list.waiting, list.past) = (repos, waiting.collect(), past);
    Ok(list.text())
}

/// What a journal holds.
pub fn noted(journal: &[u8]) -> String {
    let line = |line: &str| {
        let words: Vec<&str> = line.split('\t').collect();
        let [since, kind, retention, files, repo] = words[..] else {
            return None;
        };
        Some(sealed(&format!(
            "going\t{since}\t{retention}\t{kind}\t{files}\t{repo}"
        )))
    };
    unsealed(journal).filter_map(line).collect()
}
