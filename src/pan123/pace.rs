//! How long a call must wait so that its endpoint's rate is kept, and who goes first when several
//! wait. [`Rate`] is pure, time comes in as an argument; [`Pacer`] puts threads to sleep by it.
//!
//! Calls are spaced evenly instead of being let through in bursts, because the shape of 123pan's
//! limiter is unknown (API reference 2.3) and even spacing is right for every shape.

use super::api::Endpoint;
use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Time in which a rate halved by a 429 comes back to its full value.
const RECOVERY: Duration = Duration::from_secs(60);
/// Least share of its rate that 429s leave to an endpoint.
const LEAST: f64 = 1.0 / 32.0;
/// Pause of an endpoint after a 429: the longest window that a limit per second can have.
const PAUSE: Duration = Duration::from_secs(1);

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

/// One endpoint's rate. Times are durations since any fixed moment.
#[derive(Clone, Debug)]
pub struct Rate {
    per_second: f64,
    share: f64,
    share_since: Duration,
    next: Duration,
}

impl Rate {
    /// A rate of so many calls a second.
    pub fn new(per_second: f64) -> Self {
        Self {
            per_second,
            share: 1.0,
            share_since: Duration::ZERO,
            next: Duration::ZERO,
        }
    }

    /// Takes the next call's place: zero if it may go now, else how long until it may ask again.
    pub fn take(&mut self, now: Duration) -> Duration {
        if now < self.next {
            return self.next - now;
        }
        self.next = now + Duration::from_secs_f64(1.0 / (self.per_second * self.share(now)));
        Duration::ZERO
    }

    /// Learns that a call was refused with 429.
    pub fn refused(&mut self, now: Duration) {
        // Calls that were sent before the last 429 was known say nothing new.
        let known = self.share < 1.0 && now.saturating_sub(self.share_since) < PAUSE / 2;
        if !known {
            self.share = (self.share(now) / 2.0).max(LEAST);
            self.share_since = now;
        }
        self.next = self.next.max(now + PAUSE);
    }

    /// Changes the full rate, keeping what was learned.
    pub fn set(&mut self, per_second: f64) {
        self.per_second = per_second;
    }

    fn share(&self, now: Duration) -> f64 {
        let passed = now.saturating_sub(self.share_since).as_secs_f64();
        (self.share + passed / RECOVERY.as_secs_f64()).min(1.0)
    }
}

/// Keeps every endpoint's rate.
pub struct Pacer {
    start: Instant,
    queues: Vec<(Mutex<Queue>, Condvar)>,
}

struct Queue {
    rate: Rate,
    count: u64,
    waiting: BTreeSet<(Priority, u64)>,
}

impl Pacer {
    /// A pacer with these rates, in calls a second.
    pub fn new(rate: impl Fn(Endpoint) -> f64) -> Self {
        let queue = |endpoint: &Endpoint| Queue {
            rate: Rate::new(rate(*endpoint)),
            count: 0,
            waiting: BTreeSet::new(),
        };
        let queues = Endpoint::ALL
            .iter()
            .map(|e| (Mutex::new(queue(e)), Condvar::new()));
        Self {
            start: Instant::now(),
            queues: queues.collect(),
        }
    }

    /// Sets other full rates.
    pub fn set(&self, rate: impl Fn(Endpoint) -> f64) {
        for endpoint in Endpoint::ALL {
            self.queue(*endpoint).0.rate.set(rate(*endpoint));
        }
    }

    /// Waits until a call may go; false if that would take longer than `most`.
    pub fn wait(&self, endpoint: Endpoint, priority: Priority, most: Duration) -> bool {
        let deadline = Instant::now() + most;
        let (mut queue, turn) = self.queue(endpoint);
        queue.count += 1;
        let place = (priority, queue.count);
        queue.waiting.insert(place);
        let gone = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut pause = left;
            if queue.waiting.first() == Some(&place) {
                let wait = queue.rate.take(self.start.elapsed());
                if wait.is_zero() {
                    break true;
                }
                pause = pause.min(wait);
            }
            if left.is_zero() {
                break false;
            }
            queue = turn
                .wait_timeout(queue, pause)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        };
        queue.waiting.remove(&place);
        turn.notify_all();
        gone
    }

    /// Learns that a call was refused with 429.
    pub fn refused(&self, endpoint: Endpoint) {
        self.queue(endpoint).0.rate.refused(self.start.elapsed());
    }

    /// How many calls wait now, and how many a second may go.
    pub fn state(&self, endpoint: Endpoint) -> (usize, f64) {
        let queue = self.queue(endpoint).0;
        let per_second = queue.rate.per_second * queue.rate.share(self.start.elapsed());
        (queue.waiting.len(), per_second)
    }

    fn queue(&self, endpoint: Endpoint) -> (MutexGuard<'_, Queue>, &Condvar) {
        let (queue, turn) = &self.queues[endpoint as usize];
        (queue.lock().unwrap_or_else(PoisonError::into_inner), turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn calls_are_spaced_evenly() {
        let mut rate = Rate::new(4.0);
        assert_eq!(rate.take(at(1000)), Duration::ZERO);
        assert_eq!(rate.take(at(1000)), at(250));
        assert_eq!(rate.take(at(1200)), at(50));
        assert_eq!(rate.take(at(1250)), Duration::ZERO);
        assert_eq!(
            rate.take(at(5000)),
            Duration::ZERO,
            "unused time is not saved up"
        );
        assert_eq!(rate.take(at(5000)), at(250));
    }

    #[test]
    fn a_refusal_halves_the_rate_and_it_creeps_back() {
        let mut rate = Rate::new(10.0);
        assert!(rate.take(at(0)).is_zero());
        rate.refused(at(0));
        assert_eq!(rate.take(at(10)), at(990), "a refused endpoint pauses");
        assert!(rate.take(at(1000)).is_zero());
        let wait = rate.take(at(1000));
        assert!(
            at(190) < wait && wait < at(200),
            "{wait:?} is not the pace of half the rate"
        );
        assert!(rate.take(at(90_000)).is_zero());
        assert_eq!(
            rate.take(at(90_000)),
            at(100),
            "after the recovery the rate is whole again"
        );
    }

    #[test]
    fn many_refusals_leave_a_little() {
        let mut rate = Rate::new(32.0);
        for second in 0..20 {
            rate.refused(at(1000 * second));
        }
        assert!(rate.take(at(30_000)).is_zero());
        assert!(rate.take(at(30_000)) <= at(1000));
    }

    #[test]
    fn small_files_go_first() {
        let pacer = Pacer::new(|_| 20.0);
        let order = Mutex::new(Vec::new());
        let (pacer, seen) = (&pacer, &order);
        assert!(pacer.wait(Endpoint::List, Priority::Packs, at(0)));
        std::thread::scope(|scope| {
            for priority in [Priority::Background, Priority::Packs, Priority::Small] {
                scope.spawn(move || {
                    assert!(pacer.wait(Endpoint::List, priority, at(5000)));
                    seen.lock().unwrap().push(priority);
                });
                // All of them are waiting before the first may go.
                std::thread::sleep(at(5));
            }
        });
        let order = order.into_inner().unwrap();
        assert_eq!(
            order,
            [Priority::Small, Priority::Packs, Priority::Background]
        );
    }

    #[test]
    fn nobody_waits_longer_than_he_wants() {
        let pacer = Pacer::new(|_| 0.1);
        assert!(pacer.wait(Endpoint::List, Priority::Small, at(0)));
        assert!(!pacer.wait(Endpoint::List, Priority::Small, at(20)));
        assert!(
            pacer.wait(Endpoint::Trash, Priority::Small, at(0)),
            "endpoints don't share"
        );
    }
}
