//! The notes on disk, so that a server that was killed carries out what it has acknowledged. Lines
//! are only appended, and nobody waits for the disk, with one exception: that a note is taken back
//! must survive a power cut, because its pack stays. When nothing is noted any more, the file
//! goes; when most of its lines are done with, it is written anew.

use crate::disk::{self, StateFile};
use crate::restic::{Id, Repo};
use crate::store::Identity;
use crate::sync;
use log::info;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// Seconds after which a note isn't carried out by another process: the lock of the client that
/// removed the pack holds for 30 minutes, and while it does, nobody can have begun to use the pack.
const HOLDS: u64 = 20 * 60;
/// A clock that shows less than this, in seconds since 1970, was never set: 2020.
const SANE: u64 = 1_577_836_800;
/// Lines besides two for each note, beyond which the file is written anew.
const SPARE: usize = 1000;
/// What follows if the file can't be written.
const FOLLOWS: &str = "packs whose removal was acknowledged stay if the server is killed";

/// A removal that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The repository.
    pub(super) repo: Repo,
    /// The pack.
    pub(super) id: Id,
    /// What the pack was then.
    pub(super) identity: Identity,
    /// When, in seconds since 1970.
    pub(super) since: u64,
}

/// The file; without one everything is forgotten.
#[derive(Default)]
pub(super) struct Log(Option<Open>);

/// The file of this process.
struct Open {
    file: StateFile,
    inside: Mutex<Inside>,
    /// Held as long as the process lives: what another process has noted isn't ours to carry out.
    _lock: File,
}

#[derive(Default)]
struct Inside {
    /// What is noted.
    open: HashMap<(Repo, Id), Line>,
    /// How many lines the file has.
    lines: usize,
}

/// A line as it stands there.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Text {
    Remove {
        repo: String,
        id: String,
        size: u64,
        tag: String,
        since: u64,
    },
    Done {
        repo: String,
        id: String,
    },
}

impl Log {
    /// Opens the log at a path, with what an earlier process has left in it that may still be
    /// carried out.
    pub(super) fn open(path: Option<PathBuf>, now: u64) -> (Self, Vec<Line>) {
        let Some(path) = path else {
            return Self::default().and_nothing();
        };
        let Some(lock) = lock(&path) else {
            info!(
                "{} can't be had, or another process has it: packs whose removal this one \
                 acknowledges stay if it is killed",
                path.display()
            );
            return Self::default().and_nothing();
        };
        let open = parse(&disk::read(&path).unwrap_or_default());
        let (young, old): (Vec<Line>, Vec<Line>) =
            open.into_values().partition(|line| line.holds(now));
        if !old.is_empty() {
            info!(
                "{} pack(s) whose removal was noted too long ago stay until somebody prunes",
                old.len()
            );
        }
        let named = young.iter().cloned().map(|line| (line.name(), line));
        let inside = Inside {
            open: named.collect(),
            lines: 0,
        };
        let log = Open {
            file: StateFile::new(path),
            inside: Mutex::new(inside),
            _lock: lock,
        };
        log.renew(&mut log.inside());
        (Self(Some(log)), young)
    }

    fn and_nothing(self) -> (Self, Vec<Line>) {
        (self, Vec::new())
    }

    /// Notes a removal.
    pub(super) fn note(&self, line: &Line) {
        let Some(log) = &self.0 else { return };
        let mut inside = log.inside();
        inside.open.insert(line.name(), line.clone());
        inside.lines += 1;
        log.file.append(line.text().as_bytes(), FOLLOWS);
    }

    /// Notes that these have been seen to.
    pub(super) fn done<'a>(&self, names: impl Iterator<Item = (&'a Repo, Id)>) {
        let Some(log) = &self.0 else { return };
        let (mut inside, mut text) = (log.inside(), String::new());
        for (repo, id) in names {
            if inside.open.remove(&(repo.clone(), id)).is_some() {
                text += &done(repo, id);
                inside.lines += 1;
            }
        }
        if inside.open.is_empty() || inside.lines > 2 * inside.open.len() + SPARE {
            log.renew(&mut inside);
        } else if !text.is_empty() {
            log.file.append(text.as_bytes(), FOLLOWS);
        }
    }

    /// Whether a removal stands there that another process would carry out.
    pub(super) fn has(&self, repo: &Repo, id: Id) -> bool {
        let name = (repo.clone(), id);
        self.0
            .as_ref()
            .is_some_and(|log| log.inside().open.contains_key(&name))
    }

    /// Notes that a removal isn't wanted any more; false if that may not survive a power cut.
    pub(super) fn forget(&self, repo: &Repo, id: Id) -> bool {
        let Some(log) = &self.0 else { return true };
        let mut inside = log.inside();
        let forgotten = disk::append_synced(&log.file.path, done(repo, id).as_bytes()).is_ok();
        if forgotten {
            inside.open.remove(&(repo.clone(), id));
            inside.lines += 1;
        }
        forgotten
    }
}

impl Open {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        sync::lock(&self.inside)
    }

    /// Writes it anew, or removes it.
    fn renew(&self, inside: &mut Inside) {
        let text: String = inside.open.values().map(Line::text).collect();
        let written = match inside.open.is_empty() {
            true => self.file.remove(),
            false => self.file.write(text.as_bytes(), FOLLOWS),
        };
        if written {
            inside.lines = inside.open.len();
        }
    }
}

impl Line {
    fn name(&self) -> (Repo, Id) {
        (self.repo.clone(), self.id)
    }

    /// Whether another process may carry it out. What stands in the future, or comes from a clock
    /// that began in 1970, tells nothing.
    fn holds(&self, now: u64) -> bool {
        self.since >= SANE && now.checked_sub(self.since).is_some_and(|age| age < HOLDS)
    }

    fn text(&self) -> String {
        written(&Text::Remove {
            repo: self.repo.path().to_owned(),
            id: self.id.to_string(),
            size: self.identity.size,
            tag: self.identity.tag.clone(),
            since: self.since,
        })
    }
}

fn done(repo: &Repo, id: Id) -> String {
    written(&Text::Done {
        repo: repo.path().to_owned(),
        id: id.to_string(),
    })
}

/// A line, begun by an end of line, because the one before may have broken off.
fn written(text: &Text) -> String {
    serde_json::to_string(text).map_or(String::new(), |line| format!("\n{line}\n"))
}

/// What is noted at the end of a log. A line that broke off or is damaged is left out.
fn parse(text: &[u8]) -> HashMap<(Repo, Id), Line> {
    let mut open = HashMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        if let Some((name, line)) = read(line) {
            match line {
                Some(line) => open.insert(name, line),
                None => open.remove(&name),
            };
        }
    }
    open
}

/// The name that a line is about, and its note, unless it is done with.
fn read(line: &[u8]) -> Option<((Repo, Id), Option<Line>)> {
    let (repo, id, noted) = match serde_json::from_slice(line).ok()? {
        Text::Done { repo, id } => (repo, id, None),
        Text::Remove {
            repo,
            id,
            size,
            tag,
            since,
        } => (repo, id, Some((Identity { size, tag }, since))),
    };
    let (repo, id) = (Repo::new(&repo)?, Id::from_hex(&id)?);
    let line = noted.map(|(identity, since)| Line {
        repo: repo.clone(),
        id,
        identity,
        since,
    });
    Some(((repo, id), line))
}

/// The log's lock, unless another process has it.
fn lock(path: &Path) -> Option<File> {
    let file = disk::lock_file(&path.with_extension("lock")).ok()?;
    file.try_lock().is_ok().then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u8, since: u64) -> Line {
        let identity = Identity {
            size: n.into(),
            tag: format!("tag {n}"),
        };
        Line {
            repo: Repo::new("a/b").unwrap(),
            id: Id([n; 32]),
            identity,
            since,
        }
    }

    /// What was noted and isn't done with is there again, whatever else stands in the file.
    #[test]
    fn a_log_is_read_as_it_was_written() {
        let now = SANE + 1_000_000;
        let (one, two, three) = (line(1, now), line(2, now), line(3, now - HOLDS));
        let all = one.text() + &two.text() + &done(&two.repo, two.id) + &three.text();
        let broken = all + &two.text()[..40] + "\nnonsense\n\n{}\n";
        let open = parse(broken.as_bytes());
        assert_eq!(open.len(), 2);
        assert_eq!(open[&one.name()], one);
        assert!(one.holds(now) && one.holds(now + HOLDS - 1));
        assert!(!open[&three.name()].holds(now), "too old");
        assert!(!line(1, now + 1).holds(now), "in the future");
        assert!(!line(1, 100).holds(150), "from 1970");
    }
}
