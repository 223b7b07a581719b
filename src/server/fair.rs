//! A bounded queue in which addresses take turns, however much one of them sends: what comes out
//! next is of the address that has the fewest under way.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The queue; clones share it.
#[derive(Debug)]
pub(super) struct Fair<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    most: usize,
    line: Mutex<Line<T>>,
    ready: Condvar,
}

#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<(IpAddr, T)>,
    running: HashMap<IpAddr, usize>,
}

impl<T> Clone for Fair<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Fair<T> {
    /// A queue for so many.
    pub(super) fn new(most: usize) -> Self {
        let line = Line {
            waiting: VecDeque::new(),
            running: HashMap::new(),
        };
        Self(Arc::new(Shared {
            most,
            line: Mutex::new(line),
            ready: Condvar::new(),
        }))
    }

    /// Queues something of an address, or gives it back if the queue is full.
    pub(super) fn push(&self, from: IpAddr, thing: T) -> Result<(), T> {
        let mut line = self.line();
        if line.waiting.len() >= self.0.most {
            return Err(thing);
        }
        line.waiting.push_back((from, thing));
        self.0.ready.notify_one();
        Ok(())
    }

    /// Waits for something and has it done.
    pub(super) fn take(&self, run: impl FnOnce(T)) {
        let mut line = self.line();
        let (from, thing) = loop {
            match line.next() {
                Some(next) => break next,
                None => line = self.wait(line),
            }
        };
        drop(line);
        run(thing);
        self.line().leave(from);
    }

    /// Whether nothing waits and nothing is under way.
    pub(super) fn idle(&self) -> bool {
        let line = self.line();
        line.waiting.is_empty() && line.running.is_empty()
    }

    fn line(&self) -> MutexGuard<'_, Line<T>> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, line: MutexGuard<'a, Line<T>>) -> MutexGuard<'a, Line<T>> {
        let woken = self.0.ready.wait(line);
        woken.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Line<T> {
    /// The first one of the address with the fewest under way.
    fn next(&mut self) -> Option<(IpAddr, T)> {
        let running = |from: &IpAddr| self.running.get(from).copied().unwrap_or(0);
        let waiting = self.waiting.iter().enumerate();
        let (first, _) = waiting.min_by_key(|(_, (from, _))| running(from))?;
        let next = self.waiting.remove(first)?;
        *self.running.entry(next.0).or_default() += 1;
        Some(next)
    }

    fn leave(&mut self, from: IpAddr) {
        if let Some(count) = self.running.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                self.running.remove(&from);
            }
        }
    }
}

/// Places of which one address gets only some; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    each: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One that is taken; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    from: IpAddr,
}

impl Places {
    /// So many for each address.
    pub(super) fn new(each: usize) -> Self {
        let taken = Arc::default();
        Self { each, taken }
    }

    /// Takes one, if the address may have another.
    pub(super) fn take(&self, from: IpAddr) -> Option<Place> {
        let mut taken = self.taken();
        let count = taken.entry(from).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        let places = self.clone();
        Some(Place { places, from })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(count) = taken.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_take_turns() {
        let [crowd, other] = [[127, 0, 0, 2], [127, 0, 0, 1]].map(IpAddr::from);
        let queue = Fair::new(4);
        for thing in [(crowd, 1), (crowd, 2), (crowd, 3), (other, 4)] {
            assert_eq!(queue.push(thing.0, thing.1), Ok(()));
        }
        assert_eq!(queue.push(other, 5), Err(5), "full");
        queue.take(|first| {
            assert_eq!(first, 1);
            queue.take(|second| assert_eq!(second, 4));
            queue.take(|third| assert_eq!(third, 2));
        });
        assert!(!queue.idle());
        queue.take(|last| assert_eq!(last, 3));
        assert!(queue.idle());
    }

    #[test]
    fn nobody_takes_all_places() {
        let [crowd, other] = [[127, 0, 0, 2], [127, 0, 0, 1]].map(IpAddr::from);
        let places = Places::new(2);
        let taken = [places.take(crowd), places.take(crowd), places.take(other)];
        assert!(taken.iter().all(Option::is_some));
        assert!(places.take(crowd).is_none() && places.take(other).is_some());
        drop(taken);
        assert!(places.take(crowd).is_some(), "they are free again");
        assert!(places.taken().is_empty(), "nothing is left behind");
    }
}
