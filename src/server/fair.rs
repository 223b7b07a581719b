//! A bounded queue in which parties take turns, however much one of them sends: what comes out next is
//! of the party that has the fewest under way, and none has all of the threads or all of the queue. Whose client stands still gives its thread back when
//! others wait.

use crate::front::Party;
use crate::sync::{lock, wait};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// The queue; clones share it.
#[derive(Debug)]
pub(super) struct Fair<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    /// Most that wait.
    most: usize,
    /// Most of one party that are under way.
    each: usize,
    line: Mutex<Line<T>>,
    ready: Condvar,
}

#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<(Party, T)>,
    running: HashMap<Party, usize>,
    /// How far behind the clients are whose bodies are waited for.
    behind: HashMap<u64, Duration>,
    /// The number of the last that came out.
    last: u64,
    closed: bool,
}

/// What a wait ended with.
#[derive(Debug)]
pub(super) enum Next<T> {
    /// The next one, which is under way until the other is dropped.
    Thing(T, Arc<Running<T>>),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    Closed,
}

/// That something is under way.
#[derive(Debug)]
pub(super) struct Running<T> {
    queue: Fair<T>,
    party: Party,
    number: u64,
}

impl<T> Clone for Fair<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Fair<T> {
    /// A queue for so many, of which so many of one party may be under way.
    pub(super) fn new(most: usize, each: usize) -> Self {
        let line = Line {
            waiting: VecDeque::new(),
            running: HashMap::new(),
            behind: HashMap::new(),
            last: 0,
            closed: false,
        };
        Self(Arc::new(Shared {
            most,
            each,
            line: Mutex::new(line),
            ready: Condvar::new(),
        }))
    }

    /// Queues something of a party, or gives it back if there is no room for it.
    pub(super) fn push(&self, from: Party, thing: T) -> Result<(), T> {
        let mut line = lock(&self.0.line);
        let his = line.waiting.iter().filter(|(party, _)| *party == from);
        let full =
            his.count() >= (self.0.most * 3).div_ceil(4) || line.waiting.len() >= self.0.most;
        if full || line.closed {
            return Err(thing);
        }
        line.waiting.push_back((from, thing));
        self.0.ready.notify_one();
        Ok(())
    }

    /// Waits for something, for so long at most.
    pub(super) fn next(&self, most: Option<Duration>) -> Next<T> {
        let until = most.map(|most| Instant::now() + most);
        let mut line = lock(&self.0.line);
        loop {
            if let Some((party, thing)) = line.next(self.0.each) {
                line.last += 1;
                let running = Running {
                    queue: self.clone(),
                    party,
                    number: line.last,
                };
                return Next::Thing(thing, Arc::new(running));
            }
            if line.closed && line.waiting.is_empty() {
                return Next::Closed;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            line = match left {
                Some(left) if left.is_zero() => return Next::Nothing,
                Some(left) => wait(&self.0.ready, line, left),
                None => wait(&self.0.ready, line, Duration::MAX),
            };
        }
    }

    /// Lets nothing more in.
    pub(super) fn close(&self) {
        lock(&self.0.line).closed = true;
        self.0.ready.notify_all();
    }

    /// Whether nothing waits and nothing is under way.
    pub(super) fn idle(&self) -> bool {
        let line = lock(&self.0.line);
        line.waiting.is_empty() && line.running.is_empty()
    }
}

impl<T> Line<T> {
    fn running(&self, of: Party) -> usize {
        self.running.get(&of).copied().unwrap_or(0)
    }

    /// The first one of the party with the fewest under way.
    fn next(&mut self, each: usize) -> Option<(Party, T)> {
        let waiting = self.waiting.iter().map(|(from, _)| self.running(*from));
        let free = waiting.enumerate().filter(|(_, running)| *running < each);
        let (first, _) = free.min_by_key(|(_, running)| *running)?;
        let next = self.waiting.remove(first)?;
        *self.running.entry(next.0).or_default() += 1;
        Some(next)
    }
}

impl<T> Running<T> {
    /// Tells whether a party that has fewer under way waits for the thread of a client that is so far
    /// behind, and none is further.
    pub(super) fn wanted(self: &Arc<Self>) -> impl Fn(Duration) -> bool + use<T> {
        let running = Arc::downgrade(self);
        move |behind| {
            running
                .upgrade()
                .is_some_and(|running| running.is_wanted(behind))
        }
    }

    fn is_wanted(&self, behind: Duration) -> bool {
        let mut line = lock(&self.queue.0.line);
        line.behind.insert(self.number, behind);
        let own = line.running(self.party);
        let waits = line
            .waiting
            .iter()
            .any(|(from, _)| line.running(*from) < own);
        waits && line.behind.values().all(|other| *other <= behind)
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        let mut line = lock(&self.queue.0.line);
        line.behind.remove(&self.number);
        if let Some(count) = line.running.get_mut(&self.party) {
            *count -= 1;
            if *count == 0 {
                line.running.remove(&self.party);
            }
        }
        self.queue.0.ready.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn party(last: u8) -> Party {
        IpAddr::from([127, 0, 0, last]).into()
    }

    fn next(queue: &Fair<u8>) -> (Option<u8>, Option<Arc<Running<u8>>>) {
        match queue.next(Some(Duration::ZERO)) {
            Next::Thing(thing, running) => (Some(thing), Some(running)),
            _ => (None, None),
        }
    }

    #[test]
    fn parties_take_turns() {
        let (crowd, other) = (party(2), party(1));
        let queue = Fair::new(4, 2);
        for (from, thing) in [(crowd, 1), (crowd, 2), (crowd, 3), (other, 4)] {
            assert_eq!(queue.push(from, thing), Ok(()));
        }
        assert_eq!(queue.push(other, 5), Err(5), "full");
        let (first, running) = next(&queue);
        let (second, _) = next(&queue);
        assert_eq!((first, second), (Some(1), Some(4)));
        let (third, _running) = next(&queue);
        assert_eq!(
            (third, next(&queue).0),
            (Some(2), None),
            "it has enough under way"
        );
        assert!(!queue.idle());
        drop(running);
        assert_eq!(next(&queue).0, Some(3));
        drop(_running);
        assert!(queue.idle());
    }

    #[test]
    fn nobody_takes_the_whole_queue() {
        let queue = Fair::new(4, 1);
        let crowd = (0..4).filter(|n| queue.push(party(2), *n).is_ok());
        assert_eq!(crowd.count(), 3);
        assert_eq!(queue.push(party(1), 9), Ok(()));
        queue.close();
        assert_eq!(queue.push(party(1), 9), Err(9));
        for _ in 0..4 {
            assert!(next(&queue).0.is_some(), "what is in comes out");
        }
        assert!(matches!(queue.next(None), Next::Closed));
    }
}
