//! How long a call must wait so that its rate is kept, and who goes first when several wait.
//! [`Rate`] is pure, time comes in as an argument; [`Pacer`] puts threads to sleep by it. Which
//! calls share a rate, and what it is, stands in the cloud's own table.
//!
//! Calls are spaced evenly instead of being let through in bursts, because the shape of a cloud's
//! limiter is seldom told and even spacing is right for every shape. What a limit really is shows
//! in a 429: as many calls as were let through in the second before it.

use crate::sync::{lock, wait};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The longest window that a limit per second can have.
const WINDOW: Duration = Duration::from_secs(1);
/// What a refused kind of call waits beyond that, for calls that travel at different speeds.
const MARGIN: Duration = Duration::from_millis(10);
/// Time for which a rate stays as low as a 429 has shown it to be.
const HOLD: Duration = Duration::from_secs(60);
/// Time in which it then comes back to its full value.
const RECOVERY: Duration = Duration::from_secs(60);
/// Least share of a rate that 429s leave.
const LEAST: f64 = 1.0 / 32.0;
/// Least share of a rate that a 429 leaves when it is the first or says the same
/// as the one before, and otherwise: when several servers share an account, each of them is
/// lowered, and most of them too far.
const LEFT: (f64, f64) = (0.5, 0.8);
/// Largest share of it that any leaves.
const LESS: f64 = 0.98;
/// Share used of what was let through before a 429.
const KEPT: f64 = 0.99;
/// Calls that are remembered.
const MOST: usize = 64;
/// One turn in so many is given to whoever has waited longest: otherwise a client that asks for
/// locks without end would keep all others waiting for ever.
const FAIR: u64 = 4;

/// The calls a second that a share of a rate comes to. Servers with small shares don't
/// know of each other, and 2.25 calls a second are 3 in some seconds: if those of two servers fall
/// together, that is one too many for a limit of 5. So such a share is rounded down.
pub fn share(per_second: f64, share: f64) -> f64 {
    let rate = per_second * share;
    match share <= 0.5 && rate >= 1.0 {
        true => rate.floor() * LESS,
        false => rate,
    }
}

/// Who goes first when calls must wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Locks, keys, config: a lock that isn't refreshed in time kills a backup.
    Small,
    /// Index files and snapshots.
    Index,
    /// Packs.
    Packs,
    /// What nobody waits for.
    Background,
}

/// One rate. Times are durations since any fixed moment.
#[derive(Clone, Debug)]
pub struct Rate {
    full: f64,
    /// What the last 429 has left of it, and when that was known.
    learned: Option<(f64, Duration)>,
    /// Calls that were let through in the second before it.
    count: u32,
    next: Duration,
    /// When the last calls went that weren't refused, within twice [`WINDOW`].
    gone: VecDeque<Duration>,
}

impl Rate {
    /// A rate of so many calls a second.
    pub fn new(per_second: f64) -> Self {
        Self {
            full: per_second,
            learned: None,
            count: 0,
            next: Duration::ZERO,
            gone: VecDeque::new(),
        }
    }

    /// Takes the next call's place: zero if it may go now, else how long until it may ask again.
    pub fn take(&mut self, now: Duration) -> Duration {
        if now < self.next {
            return self.next - now;
        }
        self.next = now + Duration::from_secs_f64(1.0 / self.rate(now));
        while self.gone.len() >= MOST || self.gone.front().is_some_and(|at| *at + 2 * WINDOW <= now)
        {
            self.gone.pop_front();
        }
        self.gone.push_back(now);
        Duration::ZERO
    }

    /// Learns that the call which went at `sent` was refused with 429.
    pub fn refused(&mut self, sent: Duration, now: Duration) {
        self.gone.retain(|at| *at != sent);
        let passed = |at: &&Duration| **at < sent && sent < **at + WINDOW;
        let first = self.gone.iter().find(passed);
        // The window has room again when its first call has left it; without one it is other
        // programs that fill it.
        self.next = self
            .next
            .max(first.unwrap_or(&now).saturating_add(WINDOW) + MARGIN);
        // Calls that were sent before the last 429 was known say nothing new.
        if self.learned.is_some_and(|(_, since)| sent < since) {
            return;
        }
        // Calls travel at different speeds: the one before the window may have been in it.
        let before = |at: &&Duration| **at < sent && sent < **at + WINDOW + 5 * MARGIN;
        let count = u32::try_from(self.gone.iter().filter(before).count()).unwrap_or(u32::MAX);
        let rate = self.rate(now);
        let known = self.learned.is_some_and(|(_, since)| now < since + HOLD);
        let least = match known && count != self.count {
            true => LEFT.1,
            false => LEFT.0,
        };
        self.count = count;
        let left = (f64::from(count) * KEPT).clamp(rate * least, rate * LESS);
        self.learned = Some((left.max(self.full * LEAST), now));
    }

    /// Changes the full rate, keeping what was learned.
    pub fn set(&mut self, per_second: f64) {
        self.full = per_second;
    }

    fn rate(&self, now: Duration) -> f64 {
        let Some((left, since)) = self.learned else {
            return self.full;
        };
        let passed = now.saturating_sub(since + HOLD).as_secs_f64();
        (left + self.full * passed / RECOVERY.as_secs_f64()).min(self.full)
    }
}

/// What is done now and then while a call waits.
pub struct Meanwhile<'a> {
    /// How often.
    pub every: Duration,
    /// What.
    pub act: &'a mut dyn FnMut(),
}

/// Keeps every rate.
pub struct Pacer {
    start: Instant,
    queues: Vec<(Mutex<Queue>, Condvar)>,
}

struct Queue {
    rate: Rate,
    count: u64,
    /// Calls that were let through.
    gone: u64,
    waiting: BTreeSet<(Priority, u64)>,
}

impl Queue {
    /// Whose turn it is.
    fn next(&self) -> Option<(Priority, u64)> {
        let somebody_waits = |(priority, _): &&_| *priority != Priority::Background;
        let oldest = match self.gone % FAIR {
            0 => self
                .waiting
                .iter()
                .filter(somebody_waits)
                .min_by_key(|(_, count)| *count),
            _ => None,
        };
        oldest.or(self.waiting.first()).copied()
    }
}

impl Pacer {
    /// A pacer with these rates, in calls a second, each at the place of its queue.
    pub fn new(rates: &[f64]) -> Self {
        let queue = |rate: &f64| Queue {
            rate: Rate::new(*rate),
            count: 0,
            gone: 1,
            waiting: BTreeSet::new(),
        };
        let queues = rates.iter().map(|r| (Mutex::new(queue(r)), Condvar::new()));
        Self {
            start: Instant::now(),
            queues: queues.collect(),
        }
    }

    /// Sets other full rates.
    pub fn set(&self, rates: &[f64]) {
        for ((queue, _), rate) in self.queues.iter().zip(rates) {
            lock(queue).rate.set(*rate);
        }
    }

    /// Waits until a call may go, and says when it goes; None if that would take longer than
    /// `most`.
    pub fn wait(
        &self,
        number: usize,
        priority: Priority,
        most: Duration,
        meanwhile: &mut Meanwhile<'_>,
    ) -> Option<Duration> {
        let deadline = Instant::now() + most;
        let mut acted = Instant::now();
        let (mut queue, turn) = self.queue(number);
        queue.count += 1;
        let place = (priority, queue.count);
        queue.waiting.insert(place);
        let gone = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut pause = left;
            if queue.next() == Some(place) {
                let now = self.start.elapsed();
                let wait = queue.rate.take(now);
                if wait.is_zero() {
                    queue.gone += 1;
                    break Some(now);
                }
                pause = pause.min(wait);
            }
            if left.is_zero() {
                break None;
            }
            let rest = meanwhile.every.saturating_sub(acted.elapsed());
            if rest.is_zero() {
                // It may take its time, in which others go.
                queue.waiting.remove(&place);
                turn.notify_all();
                drop(queue);
                (meanwhile.act)();
                queue = self.queue(number).0;
                queue.waiting.insert(place);
                acted = Instant::now();
            } else {
                queue = wait(turn, queue, pause.min(rest));
            }
        };
        queue.waiting.remove(&place);
        turn.notify_all();
        gone
    }

    /// Learns that the call which went at `sent` was refused with 429.
    pub fn refused(&self, number: usize, sent: Duration) {
        let now = self.start.elapsed();
        self.queue(number).0.rate.refused(sent, now);
    }

    /// How many calls wait now, and how many a second may go.
    pub fn state(&self, number: usize) -> (usize, f64) {
        let queue = self.queue(number).0;
        (queue.waiting.len(), queue.rate.rate(self.start.elapsed()))
    }

    fn queue(&self, number: usize) -> (MutexGuard<'_, Queue>, &Condvar) {
        let (queue, turn) = &self.queues[number];
        (lock(queue), turn)
    }
}

#[cfg(test)]
mod tests;
