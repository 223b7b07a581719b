//! Which packs are to be removed, in what order, and when: plain bookkeeping. Nothing here waits,
//! calls a store or reads a clock.

use super::Timing;
use crate::restic::{Id, Repo};
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

/// Most notes at a time: a prune of 160 GB in packs of 16 MiB. With their queue they take about
/// 300 bytes each, 3 MB; whoever has more to remove waits until some have gone.
const MOST: usize = 10_000;
/// A pause after a failure is doubled so many times at most: from 1 to 32 s.
const DOUBLED: u32 = 5;

/// Where a noted removal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits to be sent.
    Waiting,
    /// A POST of the same name looks whether it can be taken back.
    Claimed,
    /// It is being sent.
    Going,
}

/// A removal that was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// Its number in order of arrival, which no other note has.
    number: u64,
    /// Where it stands.
    pub(super) phase: Phase,
    /// When it failed first, and how often.
    failed: Option<(Instant, u32)>,
}

/// A pack in a queue. What has been taken back meanwhile is left in there.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The repository.
    pub(super) repo: Repo,
    /// The pack.
    pub(super) id: Id,
    number: u64,
    since: Instant,
}

/// All removals that were acknowledged and haven't happened.
#[derive(Debug)]
pub(super) struct Notes {
    batch: usize,
    timing: Timing,
    repos: HashMap<Repo, HashMap<Id, Note>>,
    count: usize,
    number: u64,
    /// What waits for others to fill a call.
    usual: VecDeque<Entry>,
    /// What is sent at once.
    urgent: VecDeque<Entry>,
    /// What is sent later: spared, or after a pause.
    later: Vec<(Instant, Entry)>,
    /// When the last one was noted.
    last: Option<Instant>,
    /// When the process began to end.
    stopped: Option<Instant>,
    /// Whether nobody sends any more.
    pub(super) ended: bool,
    /// Removals that have failed for good.
    pub(super) failed: u64,
}

/// What there is to do.
#[derive(Debug)]
pub(super) enum Next {
    /// Have these removed.
    Send(Vec<Entry>),
    /// Nothing before this moment, if there is one.
    Wait(Option<Instant>),
    /// Nothing any more.
    End,
}

impl Notes {
    pub(super) fn new(batch: usize, timing: Timing) -> Self {
        Self {
            batch,
            timing,
            repos: HashMap::new(),
            count: 0,
            number: 0,
            usual: VecDeque::new(),
            urgent: VecDeque::new(),
            later: Vec::new(),
            last: None,
            stopped: None,
            ended: false,
            failed: 0,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Whether no more may come for now.
    pub(super) fn is_full(&self) -> bool {
        self.count >= MOST
    }

    /// Whether a pack is noted.
    pub(super) fn has(&self, repo: &Repo, id: Id) -> bool {
        self.find(repo, id).is_some()
    }

    /// The note of a pack.
    pub(super) fn find(&self, repo: &Repo, id: Id) -> Option<&Note> {
        self.repos.get(repo)?.get(&id)
    }

    /// The noted packs of a repository.
    pub(super) fn of(&self, repo: &Repo) -> impl Iterator<Item = Id> {
        self.repos
            .get(repo)
            .into_iter()
            .flatten()
            .map(|(id, _)| *id)
    }

    /// Whether any is left that was noted up to this number, of a repository or of all.
    pub(super) fn any_upto(&self, number: u64, repo: Option<&Repo>) -> bool {
        let repos = self.repos.iter();
        let mut chosen = repos.filter(|(of, _)| repo.is_none_or(|repo| repo == *of));
        chosen.any(|(_, notes)| notes.values().any(|note| note.number <= number))
    }

    /// Notes a removal, which waits longer if it is `spared`.
    pub(super) fn add(&mut self, repo: &Repo, id: Id, spared: bool, now: Instant) {
        let Some(entry) = self.insert(repo, id, now) else {
            return;
        };
        match spared {
            true => self.later.push((now + self.timing.spared, entry)),
            false => {
                self.last = Some(now);
                self.usual.push_back(entry);
            }
        }
    }

    /// None if it is noted already.
    fn insert(&mut self, repo: &Repo, id: Id, since: Instant) -> Option<Entry> {
        if self.has(repo, id) {
            return None;
        }
        self.number += 1;
        self.count += 1;
        let number = self.number;
        let note = Note {
            number,
            phase: Phase::Waiting,
            failed: None,
        };
        self.repos.entry(repo.clone()).or_default().insert(id, note);
        let repo = repo.clone();
        Some(Entry {
            repo,
            id,
            number,
            since,
        })
    }

    /// Forgets a note.
    pub(super) fn remove(&mut self, repo: &Repo, id: Id) {
        let Some(notes) = self.repos.get_mut(repo) else {
            return;
        };
        self.count -= usize::from(notes.remove(&id).is_some());
        if notes.is_empty() {
            self.repos.remove(repo);
        }
        if self.count == 0 {
            // Memory for thousands of them isn't needed again soon.
            (self.usual, self.urgent) = (VecDeque::new(), VecDeque::new());
            self.later = Vec::new();
        }
    }

    /// Has what waits of the chosen sent at once, but for what pauses after a failure; the number up
    /// to which everything was noted before.
    pub(super) fn hurry(&mut self, chosen: impl Fn(&Entry) -> bool) -> u64 {
        let pauses = |entry: &Entry| {
            let note = self.repos.get(&entry.repo).and_then(|of| of.get(&entry.id));
            note.is_some_and(|note| note.failed.is_some())
        };
        let spared = self
            .later
            .extract_if(.., |(_, entry)| chosen(entry) && !pauses(entry));
        let spared: Vec<Entry> = spared.map(|(_, entry)| entry).collect();
        let (hurried, usual) = self.usual.drain(..).partition(|entry| chosen(entry));
        let hurried: VecDeque<Entry> = hurried;
        self.usual = usual;
        self.urgent.extend(hurried);
        self.urgent.extend(spared);
        self.number
    }

    /// Has everything sent at once, because the process ends.
    pub(super) fn stop(&mut self, now: Instant) {
        self.stopped.get_or_insert(now);
        self.hurry(|_| true);
    }

    /// Keeps a waiting removal back, if there is one.
    pub(super) fn claim(&mut self, repo: &Repo, id: Id) -> bool {
        let note = self.find_mut(repo, id);
        note.map(|note| note.phase = Phase::Claimed).is_some()
    }

    /// Has a removal go on that was kept back, at once: its pack can't be what is sent anew.
    pub(super) fn release(&mut self, repo: &Repo, id: Id, now: Instant) {
        let Some(note) = self.find_mut(repo, id) else {
            return;
        };
        if note.phase == Phase::Claimed {
            note.phase = Phase::Waiting;
            let number = note.number;
            self.urgent.push_back(Entry {
                repo: repo.clone(),
                id,
                number,
                since: now,
            });
        }
    }

    /// What there is to do now.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let is_late = |at: Instant| now.duration_since(at) >= self.timing.end;
        if self
            .stopped
            .is_some_and(|at| self.count == 0 || is_late(at))
        {
            return Next::End;
        }
        let due = self.later.extract_if(.., |(at, _)| *at <= now);
        self.urgent.extend(due.map(|(_, entry)| entry));
        if self.is_due(now) {
            let batch = self.take();
            if !batch.is_empty() {
                return Next::Send(batch);
            }
        }
        Next::Wait(self.due_at())
    }

    fn is_due(&self, now: Instant) -> bool {
        let is_full = self.usual.len() >= self.batch;
        !self.urgent.is_empty() || is_full || self.usual_at().is_some_and(|at| at <= now)
    }

    /// When the usual ones are sent even if no call gets full.
    fn usual_at(&self) -> Option<Instant> {
        let quiet = self.last? + self.timing.quiet;
        Some(quiet.min(self.usual.front()?.since + self.timing.oldest))
    }

    fn due_at(&self) -> Option<Instant> {
        let later = self.later.iter().map(|(at, _)| *at);
        let end = self.stopped.map(|at| at + self.timing.end);
        later.chain(self.usual_at()).chain(end).min()
    }

    /// As many as fit a call, without those that have been taken back.
    fn take(&mut self) -> Vec<Entry> {
        let mut batch = Vec::new();
        while batch.len() < self.batch {
            let next = self.urgent.pop_front().or_else(|| self.usual.pop_front());
            let Some(entry) = next else { break };
            let note = self.find_mut(&entry.repo, entry.id);
            let waits =
                |note: &&mut Note| note.number == entry.number && note.phase == Phase::Waiting;
            if let Some(note) = note.filter(waits) {
                note.phase = Phase::Going;
                batch.push(entry);
            }
        }
        batch
    }

    /// Takes note of a failure; false if it is the last one.
    pub(super) fn retry(&mut self, entry: Entry, passes: bool, now: Instant) -> bool {
        let (most, pause) = (self.timing.give_up, self.timing.pause);
        let Some(note) = self.find_mut(&entry.repo, entry.id) else {
            return true;
        };
        let (since, times) = note.failed.unwrap_or((now, 0));
        if !passes || now.duration_since(since) >= most {
            self.failed += 1;
            return false;
        }
        note.failed = Some((since, times + 1));
        if note.phase == Phase::Going {
            note.phase = Phase::Waiting;
        }
        let due = now + pause * 2u32.pow(times.min(DOUBLED));
        self.later.push((due, entry));
        true
    }

    fn find_mut(&mut self, repo: &Repo, id: Id) -> Option<&mut Note> {
        self.repos.get_mut(repo)?.get_mut(&id)
    }
}
