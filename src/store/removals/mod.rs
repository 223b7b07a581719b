//! Packs removed behind the answer: a layer over any store that acknowledges a pack's DELETE as
//! soon as it is noted, hides the pack at once, and has the cloud remove it a moment later,
//! together with many others (safety rule 25).
//!
//! ```text
//! DELETE of a pack ─► notes ─► answer
//!                       │ a second after the last one, or when a call is full
//!                     sender ─► the store below
//! ```
//!
//! Clients remove a pack only when no index names it any more, so a removal that gets lost leaves
//! rubbish, never a hole. A removal that comes too late could make one: a pack that somebody
//! indexes or sends again must stay. Therefore a lock's DELETE waits until what was removed in its
//! repository is gone, and a POST of the same name takes its note back before it is answered. And
//! nothing of the notes survives the process: a client's lock doesn't outlive it for certain
//! (`restic unlock` removes a dead process's at once, and rustic has none), so a restarted server
//! can't know who uses a pack again, through which other server. Everything but packs goes straight
//! to the store below.
//!
//! What is noted and when it is due is `notes`', what was just stored `young`'s; the thread that
//! calls the store is `sender`'s. What the layer does with its notes is here.

mod layer;
mod notes;
mod sender;
#[cfg(test)]
mod tests;
mod young;

use super::{Cause, Error, Store};
use crate::body::Body;
use crate::restic::{File, Id, Kind, Repo};
use crate::sync;
use crate::warning::Kind as Warning;
use log::warn;
use notes::{Notes, Phase};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use young::Young;

/// The stack of the thread that sends, in bytes: TLS handshakes happen on it.
const STACK: usize = 512 << 10;

/// Longest wait for removals that may make room for a file that would be refused otherwise.
const ROOM: Duration = Duration::from_secs(20);

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Notes are sent when no other one has come for so long.
    pub quiet: Duration,
    /// Notes are sent after so long although others keep coming.
    pub oldest: Duration,
    /// For so long a pack counts as one that was just stored.
    pub young: Duration,
    /// So long waits the removal of such a pack: its client most likely repeats a POST whose
    /// answer it didn't see, and sends the same pack again after growing pauses.
    pub spared: Duration,
    /// First pause after a failure; each further one is twice as long.
    pub pause: Duration,
    /// A removal that has failed for so long fails for good. Shorter than `patience`, so that a
    /// lock's DELETE is answered in the end.
    pub give_up: Duration,
    /// Longest wait for a removal. Clients break off when nothing moves for five minutes.
    pub patience: Duration,
    /// For so long removals are sent when the process ends, and for as long again the last call is
    /// waited for; service managers wait for 90 s.
    pub end: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(1),
            oldest: Duration::from_secs(5),
            young: Duration::from_secs(5 * 60),
            spared: Duration::from_secs(2 * 60),
            pause: Duration::from_secs(1),
            give_up: Duration::from_secs(2 * 60),
            patience: Duration::from_secs(3 * 60),
            end: Duration::from_secs(20),
        }
    }
}

/// A store that removes packs behind the answer.
pub struct Removals {
    shared: Arc<Shared>,
    /// None if there is no such thread; then everything is removed before it is answered.
    sender: Option<JoinHandle<()>>,
}

/// What requests and the thread that sends share.
struct Shared {
    store: Box<dyn Store>,
    timing: Timing,
    notes: Mutex<Notes>,
    young: Mutex<Young>,
    /// Whenever the notes have changed.
    changed: Condvar,
}

impl Removals {
    /// The layer over a store.
    pub fn start(store: Box<dyn Store>, timing: Timing) -> Self {
        let notes = Notes::new(store.limits().batch, timing);
        let shared = Arc::new(Shared {
            store,
            timing,
            notes: Mutex::new(notes),
            young: Mutex::new(Young::new(timing.young)),
            changed: Condvar::new(),
        });
        let sends = Arc::clone(&shared);
        let thread = thread::Builder::new().name("removals".to_owned());
        let sender = thread.stack_size(STACK).spawn(move || sends.work());
        let sender = sender.inspect_err(|error| {
            warn!(target: &Warning::Resources.about("removals"), "packs are removed one by one: {error}")
        });
        Self {
            shared,
            sender: sender.ok(),
        }
    }
}

impl Drop for Removals {
    fn drop(&mut self) {
        let (shared, most) = (&self.shared, 2 * self.shared.timing.end);
        let mut notes = sync::lock(&shared.notes);
        notes.stop(Instant::now());
        shared.changed.notify_all();
        let Some(sender) = self.sender.take() else {
            return;
        };
        match sync::wait_while(&shared.changed, notes, most, |notes| !notes.ended) {
            (notes, false) => {
                drop(notes);
                let _ = sender.join();
            }
            // The process ends without it: what it leaves undone is the next prune's.
            (_, true) => warn!(
                target: &Warning::Resources.about("removals"),
                "a removal of packs doesn't come to its end, and isn't waited for any longer"
            ),
        }
    }
}

impl Shared {
    /// Waits until something doesn't hold any more of the notes.
    fn wait_while(
        &self,
        what: &str,
        mut holds: impl FnMut(&mut Notes) -> bool,
    ) -> Result<MutexGuard<'_, Notes>, Error> {
        let (notes, most) = (sync::lock(&self.notes), self.timing.patience);
        match sync::wait_while(&self.changed, notes, most, &mut holds) {
            (notes, false) => Ok(notes),
            (_, true) => Err(Error::new(Cause::Busy, format!("{what} takes too long"))),
        }
    }

    /// An error for a pack that is removed as far as clients know.
    fn visible(&self, repo: &Repo, file: &File) -> Result<(), Error> {
        let File::Hashed(Kind::Data, id) = file else {
            return Ok(());
        };
        match sync::lock(&self.notes).has(repo, *id) {
            true => Err(Error::new(Cause::Absent, format!("{file} was removed"))),
            false => Ok(()),
        }
    }

    /// Notes a removal, if it isn't noted yet.
    fn note(&self, repo: &Repo, id: Id) -> Result<(), Error> {
        let notes = self.wait_while("removing packs", |notes| notes.is_full())?;
        if notes.has(repo, id) {
            return Ok(());
        }
        drop(notes);
        let spared = sync::lock(&self.young).has(repo, id, Instant::now());
        sync::lock(&self.notes).add(repo, id, spared, Instant::now());
        self.changed.notify_all();
        Ok(())
    }

    /// Has everything sent that was removed in a repository, and waits until it is gone or has
    /// failed for good: whoever sees the repository unlocked sees it pruned.
    fn settle(&self, repo: &Repo) -> Result<(), Error> {
        let upto = sync::lock(&self.notes).hurry(|entry| entry.repo == *repo);
        self.changed.notify_all();
        let what = format!("removing the packs of {repo}");
        let done = self.wait_while(&what, |notes| notes.any_upto(upto, Some(repo)));
        done.map(drop)
    }

    /// Has everything sent that was removed anywhere, because somebody needs its room, and waits
    /// for it, but not for long.
    fn make_room(&self) {
        let upto = sync::lock(&self.notes).hurry(|_| true);
        self.changed.notify_all();
        let (notes, waits) = (sync::lock(&self.notes), |notes: &mut Notes| {
            notes.any_upto(upto, None)
        });
        drop(sync::wait_while(&self.changed, notes, ROOM, waits));
    }

    /// Takes the note of a pack back if that is there with the body's bytes. If it isn't, it is
    /// removed first, so that this can't happen after the body is stored.
    fn take_back(&self, repo: &Repo, id: Id, body: &mut Body<'_>) -> Result<bool, Error> {
        let Some(claim) = self.claim(repo, id)? else {
            return Ok(false);
        };
        let file = File::Hashed(Kind::Data, id);
        if self.store.holds(repo, &file, body)? {
            sync::lock(&self.notes).remove(repo, id);
            return Ok(true);
        }
        drop(claim);
        sync::lock(&self.notes).hurry(|entry| entry.id == id && entry.repo == *repo);
        self.changed.notify_all();
        let what = "removing the pack that was there before";
        drop(self.wait_while(what, |notes| notes.has(repo, id))?);
        Ok(false)
    }

    /// Keeps a noted pack from being removed for as long as the claim lives, if that isn't under
    /// way.
    fn claim<'a>(&'a self, repo: &'a Repo, id: Id) -> Result<Option<Claim<'a>>, Error> {
        let what = "removing the pack that was there before";
        let busy = [Phase::Going, Phase::Claimed];
        let is_busy = |notes: &mut Notes| {
            let note = notes.find(repo, id);
            note.is_some_and(|note| busy.contains(&note.phase))
        };
        let mut notes = self.wait_while(what, is_busy)?;
        let shared = self;
        Ok(notes.claim(repo, id).then(|| Claim { shared, repo, id }))
    }
}

/// A noted pack that isn't removed meanwhile.
struct Claim<'a> {
    shared: &'a Shared,
    repo: &'a Repo,
    id: Id,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        sync::lock(&self.shared.notes).release(self.repo, self.id, now);
        self.shared.changed.notify_all();
    }
}
