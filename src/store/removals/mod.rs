//! Packs removed behind the answer: a layer over any store that acknowledges a pack's DELETE as
//! soon as it is noted, hides the pack at once, and has the cloud remove it a moment later,
//! together with many others (safety rule 25).
//!
//! ```text
//! DELETE of a pack ─► notes, log ─► answer
//!                       │ a second after the last one, or when a call is full
//!                     sender ─► the store below
//! ```
//!
//! Clients remove a pack only when no index names it any more, so a removal that gets lost leaves
//! rubbish, never a hole. A removal that comes too late could make one: a pack that somebody
//! indexes or sends again must stay. Therefore a lock's DELETE waits until what was removed in its
//! repository is gone, a POST of the same name takes its note back before it is answered, and a
//! restarted server carries out only what is young and still the same file. Everything but packs
//! goes straight to the store below.
//!
//! What is noted and when it is due is `notes`', what was just stored `young`'s, what survives a
//! kill `log`'s; the thread that calls the store is `sender`'s. What the layer does with its notes
//! is here.

mod layer;
mod log;
mod notes;
mod sender;
#[cfg(test)]
mod tests;
mod young;

use super::{Cause, Error, Identity, Store};
use crate::body::Body;
use crate::civil::now;
use crate::restic::{File, Id, Kind, Repo};
use crate::sync;
use crate::warning::Kind as Warning;
use ::log::warn;
use log::{Line, Log};
use notes::{Notes, Phase};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use young::Young;

/// The stack of the thread that sends, in bytes: TLS handshakes happen on it.
const STACK: usize = 512 << 10;

/// Longest wait for removals that may make room for a file that would be refused otherwise.
const ROOM: Duration = Duration::from_secs(20);

/// How the layer works.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where notes survive a kill; None keeps them in memory.
    pub log: Option<PathBuf>,
    /// How long things take.
    pub timing: Timing,
}

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
    log: Log,
    notes: Mutex<Notes>,
    young: Mutex<Young>,
    /// Whenever the notes have changed.
    changed: Condvar,
}

impl Removals {
    /// The layer over a store, with what an earlier process has noted.
    pub fn start(store: Box<dyn Store>, config: Config) -> Self {
        let (log, recalled) = Log::open(config.log, now());
        let mut notes = Notes::new(store.limits().batch, config.timing);
        notes.recall(recalled, Instant::now());
        let shared = Arc::new(Shared {
            store,
            timing: config.timing,
            log,
            notes: Mutex::new(notes),
            young: Mutex::new(Young::new(config.timing.young)),
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
            // The process ends without it: what it leaves undone is in the log.
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

    /// The notes, once it is known which of an earlier process still hold in a repository.
    fn proven(&self, repo: &Repo) -> Result<MutexGuard<'_, Notes>, Error> {
        let what = "looking for packs whose removal an earlier process has acknowledged";
        self.wait_while(what, |notes| {
            notes
                .of(repo)
                .any(|(_, note)| note.phase == Phase::Recalled)
        })
    }

    /// An error for a pack that is removed as far as clients know.
    fn visible(&self, repo: &Repo, file: &File) -> Result<(), Error> {
        let File::Hashed(Kind::Data, id) = file else {
            return Ok(());
        };
        match self.proven(repo)?.has(repo, *id) {
            true => Err(Error::new(Cause::Absent, format!("{file} was removed"))),
            false => Ok(()),
        }
    }

    /// What is to be removed, if it is there and isn't noted yet; one that is noted, is noted
    /// again.
    fn still_there(&self, repo: &Repo, id: Id) -> Result<Option<Identity>, Error> {
        let notes = self.proven(repo)?;
        if let Some(note) = notes.find(repo, id) {
            return Ok(Some(note.identity.clone()));
        }
        drop(notes);
        self.store.identity(repo, &File::Hashed(Kind::Data, id))
    }

    /// Notes a removal, on disk too unless the pack was just stored: its client may send it again,
    /// perhaps to another server, and nothing else may remove it then.
    fn note(&self, repo: &Repo, id: Id, identity: Identity) -> Result<(), Error> {
        let notes = self.wait_while("removing packs", |notes| notes.is_full())?;
        if notes.has(repo, id) {
            return Ok(());
        }
        drop(notes);
        let spared = sync::lock(&self.young).has(repo, id, Instant::now());
        let line = Line {
            repo: repo.clone(),
            id,
            identity,
            since: now(),
        };
        if !spared {
            self.log.note(&line);
        }
        sync::lock(&self.notes).add(&line, spared, Instant::now());
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
            return self.disown(repo, id).map(|()| false);
        };
        let file = File::Hashed(Kind::Data, id);
        if claim.size == body.len() && self.store.holds(repo, &file, body)? && claim.forget() {
            return Ok(true);
        }
        drop(claim);
        sync::lock(&self.notes).hurry(|entry| entry.id == id && entry.repo == *repo);
        self.changed.notify_all();
        let what = "removing the pack that was there before";
        drop(self.wait_while(what, |notes| notes.has(repo, id))?);
        self.disown(repo, id).map(|()| false)
    }

    /// Sees to it that nothing on disk has a pack removed that nobody here will remove: its removal
    /// may have failed for good, and what is there then is what is sent now.
    fn disown(&self, repo: &Repo, id: Id) -> Result<(), Error> {
        match self.log.has(repo, id) && !self.log.forget(repo, id) {
            true => {
                let text = "the disk can't take it down that a pack isn't to be removed any more";
                Err(Error::new(Cause::Busy, text))
            }
            false => Ok(()),
        }
    }

    /// Keeps a noted pack from being removed for as long as the claim lives, if that isn't under
    /// way.
    fn claim<'a>(&'a self, repo: &'a Repo, id: Id) -> Result<Option<Claim<'a>>, Error> {
        drop(self.proven(repo)?);
        let what = "removing the pack that was there before";
        let busy = [Phase::Going, Phase::Claimed];
        let is_busy = |notes: &mut Notes| {
            let note = notes.find(repo, id);
            note.is_some_and(|note| busy.contains(&note.phase))
        };
        let mut notes = self.wait_while(what, is_busy)?;
        let claimed = notes.claim(repo, id);
        Ok(claimed.map(|size| Claim {
            shared: self,
            repo,
            id,
            size,
        }))
    }
}

/// A noted pack that isn't removed meanwhile.
struct Claim<'a> {
    shared: &'a Shared,
    repo: &'a Repo,
    id: Id,
    /// Its size in bytes.
    size: u64,
}

impl Claim<'_> {
    /// Forgets the note for good; false if the disk doesn't, because a restarted server would then
    /// remove what is acknowledged now.
    fn forget(&self) -> bool {
        let notes = sync::lock(&self.shared.notes);
        let is_logged = (notes.find(self.repo, self.id)).is_some_and(|note| note.logged);
        drop(notes);
        let forgotten = !is_logged || self.shared.log.forget(self.repo, self.id);
        if forgotten {
            sync::lock(&self.shared.notes).remove(self.repo, self.id);
        }
        forgotten
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        sync::lock(&self.shared.notes).release(self.repo, self.id, now);
        self.shared.changed.notify_all();
    }
}
