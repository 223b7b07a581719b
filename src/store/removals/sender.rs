//! The thread that has the store remove what is noted, and what becomes of it then.

use super::Shared;
use super::notes::{Entry, Next};
use crate::restic::{File, Kind, Repo};
use crate::store::{Cause, Error};
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
        while let Next::Send(batch) = self.next() {
            self.send_batch(batch);
        }
        let left = sync::lock(&self.notes).len();
        if left > 0 {
            info!(
                "{left} pack(s) that clients have removed are still there: they go with the next \
                 prune"
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
        self.forget(&gone);
        self.fail(failed);
        self.changed.notify_all();
    }

    /// Forgets what has been seen to.
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
            self.forget(&lost);
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
