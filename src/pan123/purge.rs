//! What happens in the background, in one thread of its own: purging from the bin what was put
//! there and whose time has come, and finding out the account's tier. Nobody waits for any of it,
//! and all of its calls go last.

use super::api::Tier;
use super::judge::{Why, pause};
use super::tree::BATCH;
use super::{Bin, Cloud, Config};
use log::{info, warn};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Least time between two writes of the purge list, to spare flash memory.
const STORE: Duration = Duration::from_secs(30);
/// Looks at the bin for which what is due must stay the same before a call is spent on less than
/// a full batch: after the end of a prune, and after the last lock of several commands in a row.
const STILL: (u32, u32) = (3, 30);
/// Bytes of stack; it makes HTTPS calls.
const STACK: usize = 256 << 10;

/// The thread in the background.
pub struct Purger {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

struct Work {
    cloud: Arc<Cloud>,
    share: f64,
    /// When the tier is asked for; None when it needn't be.
    tier_at: Option<Instant>,
    /// When the bin is looked at; None when there is nothing to purge with.
    purge_at: Option<Instant>,
    failures: u32,
    /// The first file that is due and how many there are, since how many looks, and how many
    /// looks are waited.
    due: (Option<u64>, usize),
    looks: u32,
    still: u32,
}

impl Purger {
    /// Starts the thread; None if the machine has none left.
    pub fn start(cloud: &Arc<Cloud>, config: &Config) -> Option<Self> {
        let (stop, stopped) = channel();
        let now = Instant::now();
        let mut work = Work {
            cloud: Arc::clone(cloud),
            share: config.rate_share,
            tier_at: config.tier.is_none().then_some(now),
            purge_at: (config.bin != Bin::Keep).then_some(now),
            failures: 0,
            due: (None, 0),
            looks: 0,
            still: match config.bin {
                Bin::Purge => STILL.0,
                _ => STILL.1,
            },
        };
        let run = move || {
            let mut stored = Instant::now();
            let tick = work.cloud.door.timing.purge;
            while stopped.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
                work.tick();
                if stored.elapsed() >= STORE {
                    work.cloud.bin.store();
                    stored = Instant::now();
                }
            }
            work.cloud.bin.store();
        };
        let thread = Builder::new()
            .name("background".to_owned())
            .stack_size(STACK)
            .spawn(run);
        let thread = thread.inspect_err(|e| warn!("nothing will be purged: no thread for it: {e}"));
        Some(Self {
            stop,
            thread: thread.ok()?,
        })
    }

    /// Ends the thread, after its call.
    pub fn stop(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

impl Work {
    fn tick(&mut self) {
        let now = Instant::now();
        if self.tier_at.is_some_and(|at| at <= now) {
            self.find_tier();
        }
        if self.purge_at.is_some_and(|at| at <= now) {
            self.purge();
        }
    }

    fn find_tier(&mut self) {
        let door = &self.cloud.door;
        let Ok(user) = door.user() else {
            self.tier_at = Some(Instant::now() + door.timing.tier);
            return;
        };
        self.tier_at = None;
        let tier = if user.vip { Tier::Vip } else { Tier::Free };
        let share = self.share;
        door.pacer
            .set(|endpoint| super::pace::share(endpoint.per_second(tier), share));
        let total = user.space_permanent.saturating_add(user.space_temp);
        let free = total.saturating_sub(user.space_used) >> 30;
        info!(
            "123pan answers; the account is {tier:?}, with {free} GiB of {} free",
            total >> 30
        );
    }

    /// Whether what is due is worth its calls.
    fn is_ripe(&mut self, due: &[u64]) -> bool {
        let now = (due.first().copied(), due.len());
        self.looks = match self.due == now {
            true => self.looks + 1,
            false => 0,
        };
        self.due = now;
        due.len() >= BATCH || (!due.is_empty() && self.looks >= self.still)
    }

    /// Purges what is due, unless somebody has brought it back (safety rule 19).
    fn purge(&mut self) {
        let cloud = Arc::clone(&self.cloud);
        loop {
            let due: Vec<u64> = cloud.bin.due().iter().map(|entry| entry.file).collect();
            if due.is_empty() {
                self.failures = 0;
            }
            if !self.is_ripe(&due) {
                return;
            }
            let purged = cloud
                .door
                .infos(&due, super::pace::Priority::Background)
                .and_then(|rows| {
                    let in_bin = rows
                        .iter()
                        .filter(|row| row.trashed != 0)
                        .map(|row| row.file_id);
                    let in_bin: Vec<u64> = in_bin.filter(|file| due.contains(file)).collect();
                    if in_bin.is_empty() {
                        Ok(())
                    } else {
                        cloud.door.purge(&in_bin)
                    }
                });
            match purged {
                Ok(()) => cloud.bin.done(&due.into_iter().collect::<HashSet<u64>>()),
                Err(fault) if fault.why == Why::NoEndpoint => {
                    warn!(
                        "123pan has no call to empty the bin any more ({fault}): empty it by hand"
                    );
                    self.purge_at = None;
                    return;
                }
                Err(_) => {
                    self.failures += 1;
                    let timing = &cloud.door.timing;
                    self.purge_at = Some(Instant::now() + pause(timing.tier, self.failures));
                    return;
                }
            }
        }
    }
}
