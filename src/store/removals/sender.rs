//! The thread that has the store remove what is noted, and what becomes of it then.

use super::Shared;
use super::notes::{Entry, Next};
use crate::restic::{File, Kind, Repo};
use crate::store::{Cause, Error, Identity};
use crate::sync;
use crate::warning::Kind as Warning;
use log::{debug, info, warn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How long it sleeps when there is nothing to do; whoever brings something wakes it.
const IDLE: Duration = Duration::from_secs(3600);

impl Shared {
    /// The thread's work, and word of its end.
    pub(super) fn work(&self) {
        if guarded(|| self.send()).is_none() {
            let target = Warning::Panic.about("removals");
            warn!(target: &target, "the thread that removes packs has panicked");
        }
        sync::lock(&self.notes).ended = true;
        self.changed.notify_all();
    }

    /// Does what there is to do until the process ends.
    fn send(&self) {
        loop {
            match self.next() {
                Next::Prove(entry, identity) => self.prove(entry, &identity),
                Next::Send(batch) => self.send_batch(batch),
                Next::Wait(_) | Next::End => break,
            }
        }
        let left = sync::lock(&self.notes).len();
        if left > 0 {
            info!(
                "{left} pack(s) that clients have removed are still there: they go when the \
                 server starts again soon, or with the next prune"
            );
        }
    }

    /// Waits until there is something to do.
    fn next(&self) -> Next {
        let mut notes = sync::lock(&self.notes);
        loop {
            let now = Instant::now();
            let until = match notes.next(now) {
                Next::Wait(until) => until,
                next => return next,
            };
            let pause = until.map_or(IDLE, |until| until.saturating_duration_since(now));
            notes = sync::wait(&self.changed, notes, pause);
        }
    }

    /// Looks whether what an earlier process has noted is still the same pack.
    fn prove(&self, entry: Entry, identity: &Identity) {
        let file = File::Hashed(Kind::Data, entry.id);
        let found = guarded(|| self.store.identity(&entry.repo, &file)).unwrap_or_else(fault);
        match found {
            Ok(Some(found)) if found == *identity => sync::lock(&self.notes).prove(entry),
            Ok(_) => {
                debug!("{}/{file} has gone or is another one", entry.repo);
                self.end(&[entry]);
            }
            Err(error) => self.fail(vec![(entry, error)]),
        }
        self.changed.notify_all();
    }

    fn send_batch(&self, batch: Vec<Entry>) {
        let name = |entry: &Entry| (entry.repo.clone(), File::Hashed(Kind::Data, entry.id));
        let files: Vec<(Repo, File)> = batch.iter().map(name).collect();
        debug!("{} pack(s) are being removed", files.len());
        let mut results = guarded(|| self.store.remove(&files))
            .unwrap_or_default()
            .into_iter();
        let (mut gone, mut failed) = (Vec::new(), Vec::new());
        for entry in batch {
            match results.next().unwrap_or_else(fault) {
                Ok(()) => gone.push(entry),
                Err(error) => failed.push((entry, error)),
            }
        }
        self.end(&gone);
        self.fail(failed);
        self.changed.notify_all();
    }

    /// Forgets what has been seen to.
    fn end(&self, entries: &[Entry]) {
        self.forget(entries);
        self.log
            .done(entries.iter().map(|entry| (&entry.repo, entry.id)));
    }

    fn forget(&self, entries: &[Entry]) {
        let mut notes = sync::lock(&self.notes);
        entries
            .iter()
            .for_each(|entry| notes.remove(&entry.repo, entry.id));
    }

    /// Has what has failed tried again, if that can help and it hasn't failed for too long; of the
    /// rest the owner hears, and it is listed again.
    fn fail(&self, failed: Vec<(Entry, Error)>) {
        let (mut lost, mut last) = (Vec::new(), None);
        let mut notes = sync::lock(&self.notes);
        for (entry, error) in failed {
            let passes = matches!(error.cause, Cause::Busy | Cause::Cloud);
            if !notes.retry(entry.clone(), passes, Instant::now()) {
                lost.push(entry);
                last = Some(error);
            }
        }
        drop(notes);
        if let Some(error) = last {
            warn!(
                target: &Warning::Unremoved.about(""),
                "{} pack(s) can't be removed: {error}; they are listed again, and the next prune \
                 removes them",
                lost.len()
            );
            // A disk that doesn't take this is asked again when a POST wants a pack to stay.
            lost.iter().for_each(|entry| {
                self.log.forget(&entry.repo, entry.id);
            });
            self.forget(&lost);
            self.log.done(std::iter::empty());
        }
    }
}

/// Runs something that may panic, so that the thread lives on.
fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// What a panic is answered with.
fn fault<T>() -> Result<T, Error> {
    Err(Error::new(Cause::Cloud, "the server has a fault"))
}
