//! The notes on disk, so that a server that was killed carries out what it has acknowledged. Nobody
//! waits for the disk, with one exception: that a note is taken back must survive a power cut,
//! because its pack stays.

use crate::civil::SANE;
use crate::disk;
use crate::disk::log::{sealed, unsealed};
use crate::restic::{Id, Repo};
use crate::store::Identity;
use crate::sync;
use log::info;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Seconds after which a note isn't carried out by another process: the lock of the client that
/// removed the pack holds for 30 minutes, and while it does, nobody can have begun to use the pack.
const HOLDS: u64 = 20 * 60;
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
    log: disk::log::Log,
    /// What is noted.
    open: Mutex<Noted>,
    /// Held as long as the process lives: what another process has noted isn't ours to carry out.
    _lock: File,
}

/// What is noted, by name.
type Noted = HashMap<(Repo, Id), Line>;

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
        let log = disk::log::Log::synced(path, FOLLOWS);
        let open = parse(&log.read().unwrap_or_default());
        let (young, old): (Vec<Line>, Vec<Line>) =
            open.into_values().partition(|line| line.holds(now));
        if !old.is_empty() {
            info!(
                "{} pack(s) whose removal was noted too long ago stay until somebody prunes",
                old.len()
            );
        }
        // So that none of them holds again when a clock is set back.
        let old: String = old.iter().map(|line| done(&line.repo, line.id)).collect();
        let named = young.iter().cloned().map(|line| (line.name(), line));
        let log = Open {
            log,
            open: Mutex::new(named.collect()),
            _lock: lock,
        };
        log.write(&old, &sync::lock(&log.open));
        (Self(Some(log)), young)
    }

    fn and_nothing(self) -> (Self, Vec<Line>) {
        (self, Vec::new())
    }

    /// Notes a removal.
    pub(super) fn note(&self, line: &Line) {
        let Some(log) = &self.0 else { return };
        let mut open = sync::lock(&log.open);
        open.insert(line.name(), line.clone());
        log.write(&line.text(), &open);
    }

    /// Notes that these have been seen to.
    pub(super) fn done<'a>(&self, names: impl Iterator<Item = (&'a Repo, Id)>) {
        let Some(log) = &self.0 else { return };
        let mut open = sync::lock(&log.open);
        let mut is_noted = |name: &(&Repo, Id)| open.remove(&(name.0.clone(), name.1)).is_some();
        let noted: Vec<(&Repo, Id)> = names.filter(&mut is_noted).collect();
        let text: String = noted.iter().map(|(repo, id)| done(repo, *id)).collect();
        log.write(&text, &open);
    }

    /// Whether a removal stands there that another process would carry out.
    pub(super) fn has(&self, repo: &Repo, id: Id) -> bool {
        let name = (repo.clone(), id);
        self.0
            .as_ref()
            .is_some_and(|log| sync::lock(&log.open).contains_key(&name))
    }

    /// Notes that a removal isn't wanted any more; false if that may not survive a power cut.
    pub(super) fn forget(&self, repo: &Repo, id: Id) -> bool {
        let Some(log) = &self.0 else { return true };
        let mut open = sync::lock(&log.open);
        let forgotten = log.log.append_synced(&done(repo, id));
        if forgotten {
            open.remove(&(repo.clone(), id));
        }
        forgotten
    }
}

impl Open {
    /// Adds lines, after which this is noted.
    fn write(&self, lines: &str, open: &Noted) {
        let all = || open.values().map(Line::text).collect();
        self.log.append(lines, !open.is_empty(), all);
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
        let (since, id, repo) = (self.since, self.id, self.repo.path());
        let Identity { size, tag } = &self.identity;
        sealed(&format!("remove\t{since}\t{id}\t{size}\t{repo}\t{tag}"))
    }

    /// The removal that a line notes.
    fn parse(words: &str) -> Option<Self> {
        let mut words = words.strip_prefix("remove\t")?.splitn(5, '\t');
        let mut word = || words.next();
        let (since, id) = (word()?.parse().ok()?, Id::from_hex(word()?)?);
        let (size, repo) = (word()?.parse().ok()?, Repo::new(word()?)?);
        let tag = word()?.to_owned();
        Some(Self {
            repo,
            id,
            identity: Identity { size, tag },
            since,
        })
    }
}

fn done(repo: &Repo, id: Id) -> String {
    sealed(&format!("done\t{id}\t{}", repo.path()))
}

/// What is noted at the end of a log. A line that broke off or is damaged is left out.
fn parse(text: &[u8]) -> Noted {
    let mut open = Noted::new();
    for words in unsealed(text) {
        let done = words
            .strip_prefix("done\t")
            .and_then(|words| words.split_once('\t'));
        if let Some((id, repo)) = done {
            let name = Repo::new(repo).zip(Id::from_hex(id));
            name.and_then(|name| open.remove(&name));
        } else if let Some(line) = Line::parse(words) {
            open.insert(line.name(), line);
        }
    }
    open
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
