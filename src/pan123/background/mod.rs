//! What happens in the background, in one thread of its own: purging from the bin what was put
//! there and whose time has come, or the oldest of it when the account gets full; finding out the
//! account's tier and space; looking for snapshots once more. Nobody waits for any of it, and all
//! of its calls go last.

mod batching;
mod reserve;

use super::api::{Api, BATCH, Row, User, rates};
use super::bin::Trash;
use super::bin::list::Stage;
use super::bin::look::{destroy, examine};
use super::confirm::Confirm;
use super::space::Space;
use super::urgent::Urgent;
use super::{Bin, Config, Tier};
use crate::cloud::daemon::Daemon;
use crate::cloud::{Fault, Priority, Reason, pause};
use crate::restic::Id;
use crate::warning::Kind;
use batching::PurgeBatching;
use log::{info, warn};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

/// Single files that 123pan must refuse to purge, one after the other, until it is believed that
/// it refuses all.
const REFUSALS: u32 = 5;

/// The thread in the background.
pub struct Background {
    daemon: Daemon,
    urgent: Arc<Urgent>,
}

/// What it works with.
pub struct Parts {
    /// The way to 123pan.
    pub api: Arc<Api>,
    /// The way into the bin, with what is to be purged from there.
    pub trash: Arc<Trash>,
    /// What is to be looked for once more.
    pub confirm: Arc<Confirm>,
    /// The account's space.
    pub space: Arc<Space>,
}

struct Work {
    parts: Parts,
    rung: Receiver<()>,
    urgent: Arc<Urgent>,
    share: f64,
    /// When the tier is asked for; None when it needn't be.
    tier_at: Option<Instant>,
    /// When the bin is looked at; None when there is nothing to purge with.
    purge_at: Option<Instant>,
    /// When the free space is looked at; None when it doesn't matter.
    space_at: Option<Instant>,
    /// Bytes that are to be free.
    reserve: u64,
    /// When the cloud is asked for its time if nothing else does that.
    time_at: Instant,
    /// When what an earlier process had under way is looked at.
    recall_at: Instant,
    /// When what couldn't be written to the state directory is tried again.
    complete_at: Instant,
    failures: u32,
    batching: PurgeBatching,
    /// Most files in a call: fewer while 123pan refuses one of them.
    most: usize,
    refusals: u32,
    vain: u32,
    said_low: bool,
}

impl Background {
    /// Starts the thread.
    pub fn start(parts: Parts, config: &Config) -> Self {
        let urgent = Arc::new(Urgent::default());
        let now = Instant::now();
        let missing = parts.api.facts.purge_missing;
        let purges = config.shared.bin != Bin::Keep && !missing;
        if missing && config.shared.bin != Bin::Keep {
            let target = Kind::NoPurge.about("");
            warn!(
                target: &target,
                "123pan doesn't let programs empty the bin, as the probe has found: deleted files \
                 stay there until you empty it by hand, or another probe finds otherwise"
            );
        }
        let (bin, reserve, share) = (
            config.shared.bin,
            config.shared.reserve,
            config.shared.rate_share,
        );
        let (shared, tier_at) = (Arc::clone(&urgent), config.tier.is_none().then_some(now));
        let work = move |rung| Work {
            parts,
            rung,
            urgent: shared,
            share,
            tier_at,
            purge_at: purges.then_some(now),
            space_at: (purges && reserve > 0).then_some(now),
            reserve,
            time_at: now,
            recall_at: now,
            complete_at: now,
            failures: 0,
            batching: PurgeBatching::new(bin),
            most: BATCH,
            refusals: 0,
            vain: 0,
            said_low: false,
        };
        let follows = "nothing will be purged";
        Self {
            daemon: Daemon::start("background", follows, |rung| work(rung).run()),
            urgent,
        }
    }

    /// Has the account looked at as soon as the thread is free.
    pub fn wake(&self) {
        self.daemon.wake();
    }

    /// Has everything purged that may be, because somebody needs its room, and waits for it, at
    /// most so long.
    pub fn purge_now(&self, most: Duration) {
        self.urgent.wait(most, || self.wake());
    }
}

impl Work {
    fn run(mut self) {
        let tick = self.parts.api.timing().purge;
        loop {
            match self.rung.recv_timeout(tick) {
                Ok(()) => self.look(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let waiting = self.urgent.take();
            if !waiting.is_empty() {
                self.space_at = self.space_at.map(|_| Instant::now());
            }
            let due = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
            if due(Some(self.recall_at)) {
                self.recall();
            }
            if due(Some(self.complete_at)) {
                self.complete();
            }
            if due(self.tier_at) {
                self.find_tier();
            }
            if due(self.purge_at) && self.may_purge() {
                self.purge(!waiting.is_empty());
            }
            if self.purge_at.is_some() && due(self.space_at) && self.may_purge() {
                self.keep_reserve();
            }
            drop(waiting);
            self.parts.space.look(&self.parts.api);
            self.parts.confirm.confirm_snapshots();
            self.parts.api.timing().looks.count();
        }
    }

    fn stopping(&self) -> bool {
        match self.rung.try_recv() {
            Ok(()) => self.look(),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return true,
        }
        false
    }

    /// Looks at the account, because somebody watches.
    fn look(&self) {
        let client = &self.parts.api.client;
        if client.seen.is_old() {
            // What comes of it is noted by the client.
            let _ = self.account();
        }
    }

    fn account(&self) -> Result<User, Fault> {
        self.parts.space.account(&self.parts.api)
    }

    /// Finds out which removals were carried out that an earlier process had under way: others
    /// may have put the rest into the bin since (safety rule 19).
    fn recall(&mut self) {
        let pending = &self.parts.trash.pending;
        loop {
            let files = pending.uncommitted();
            if files.is_empty() {
                return;
            }
            let Ok(looked) = examine(&self.parts.api, &files, Priority::Background) else {
                self.recall_at = Instant::now() + self.parts.api.timing().tier;
                return;
            };
            let in_bin: Vec<u64> = looked.in_bin.iter().map(|row| row.file_id).collect();
            pending.settle(Stage::Uncommitted, &files, |file| in_bin.contains(file));
        }
    }

    /// Writes the token and the purge list where they couldn't be written when they changed.
    fn complete(&mut self) {
        if self.parts.api.client.keep_token() | self.parts.trash.pending.complete() {
            self.complete_at = Instant::now() + self.parts.api.timing().store;
        }
    }

    fn find_tier(&mut self) {
        let client = &self.parts.api.client;
        let Ok(user) = self.account() else {
            self.tier_at = Some(Instant::now() + client.timing.tier);
            return;
        };
        self.tier_at = None;
        let tier = if user.vip { Tier::Vip } else { Tier::Free };
        client.pacer.set(&rates(tier, self.share));
        let total = user.space();
        info!(
            "123pan answers; the account is {tier:?}, with {} GiB of {} free",
            user.free() >> 30,
            total >> 30
        );
    }

    /// Purges what is due, unless somebody has brought it back (safety rule 19).
    fn purge(&mut self, at_once: bool) {
        if self.time_at <= Instant::now() && self.parts.trash.pending.needs_time() {
            // Any answer tells the time. If this one doesn't, others won't soon.
            let _ = self.account();
            self.time_at = Instant::now() + self.parts.api.timing().space;
        }
        while !self.stopping() {
            let mut due = self.parts.trash.pending.due();
            due.truncate(self.most);
            let is_due = self.batching.is_due(&due, self.most) || at_once;
            if due.is_empty() || !is_due || self.purge_some(&due, u64::MAX).is_none() {
                return;
            }
        }
    }

    /// Purges the first of up to a hundred files, until so many bytes are free, and tells how many
    /// were freed; None if it failed.
    fn purge_some(&mut self, files: &[u64], enough: u64) -> Option<u64> {
        let Ok(mut looked) = examine(&self.parts.api, files, Priority::Background) else {
            self.wait();
            return None;
        };
        // This answer has told the time as well.
        if !self.may_purge() {
            return None;
        }
        // A list that was damaged on disk may name anything.
        for row in looked.in_bin.extract_if(.., |row| !is_restics(row)) {
            looked.alive.push(row.file_id);
        }
        let mut freed = 0;
        let needed = looked.in_bin.iter().take_while(|row| {
            let needed = freed < enough;
            freed += if needed { row.size } else { 0 };
            needed
        });
        let needed: Vec<u64> = needed.map(|row| row.file_id).collect();
        if let Err(fault) = destroy(&self.parts.api, &needed) {
            self.refused(&fault, &needed);
            return None;
        }
        self.parts.space.purged();
        (self.failures, self.refusals) = (0, 0);
        self.most = (self.most * 2).min(BATCH);
        let gone = [needed, looked.missing].concat();
        self.parts.trash.pending.learn(&gone, &looked.alive);
        Some(freed)
    }

    /// Whether nothing speaks against destroying anything: after a clock was wrong, everything may
    /// seem to be due.
    fn may_purge(&self) -> bool {
        self.parts.api.client.time.agrees()
    }

    fn wait(&mut self) {
        self.failures += 1;
        let pause = pause(self.parts.api.timing().tier, self.failures);
        self.purge_at = Some(Instant::now() + pause);
    }

    /// A call to purge has failed: one of its files may spoil it for the others, or 123pan may not
    /// have this call any more.
    fn refused(&mut self, fault: &Fault, files: &[u64]) {
        let soon = Instant::now() + self.parts.api.timing().purge;
        let is_refusal = matches!(
            fault.reason,
            Reason::Unknown | Reason::NoFile | Reason::Server
        );
        self.refusals += u32::from(is_refusal && files.len() == 1);
        if fault.reason == Reason::NoEndpoint || self.refusals >= REFUSALS {
            warn!(
                target: &Kind::NoPurge.about(""),
                "123pan doesn't let programs empty the bin any more ({fault}): deleted files stay \
                 there until you empty it by hand; it is tried again after a restart"
            );
            self.purge_at = None;
        } else if !is_refusal {
            self.wait();
        } else if files.len() > 1 {
            self.most = files.len() / 2;
            self.purge_at = Some(soon);
        } else {
            self.parts.trash.pending.postpone(files);
            self.purge_at = Some(soon);
        }
    }
}

/// Whether something in the bin can be a repository's file: those that go there are named by
/// hashes, but for what the service has added to a name.
fn is_restics(row: &Row) -> bool {
    row.kind == 0 && row.filename.get(..64).and_then(Id::from_hex).is_some()
}
