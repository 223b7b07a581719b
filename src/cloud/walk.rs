//! Reading many folders side by side, as far as the rate goes: level by level, or as a list that is
//! told as it comes. What is read of them, and what lies below, the caller says.

use crate::store::{Cause, Error};
use crate::sync::lock;
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, Scope};

/// Folders that are read at once.
const READERS: usize = 8;
/// Bytes of stack of a reader; it makes HTTPS calls.
const STACK: usize = 256 << 10;

/// What reads a place, and tells which ones lie below it.
pub type Read<'a, P> = dyn Fn(P) -> Result<Vec<P>, Error> + Sync + 'a;

/// Has all places read, and those below them, down to `deepest` levels. The first error ends it.
pub fn walk<P: Send>(start: Vec<P>, deepest: usize, read: &Read<'_, P>) -> Result<(), Error> {
    let mut places = start;
    for _ in 0..=deepest {
        if places.is_empty() {
            break;
        }
        places = level(places, read)?;
    }
    Ok(())
}

/// Hands on what was read; an Err says that nobody listens any more.
pub type Sender<T> = SyncSender<Result<T, Error>>;

/// Has groups of places read by so many threads, each of which hands on what it reads, `ahead` of
/// whoever hears of it in `found`. A reader that answers false is the end of its thread; an error
/// ends all of it.
pub fn stream<G: Send, T: Send>(
    groups: impl ExactSizeIterator<Item = G> + Send,
    (readers, ahead): (usize, usize),
    read: &(dyn Fn(G, &Sender<T>) -> bool + Sync),
    mut found: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let (readers, next) = (groups.len().min(readers), Mutex::new(groups));
    // Let go of before the group is read, so that others can take the next.
    let take = || lock(&next).next();
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(ahead);
        for _ in 0..readers {
            let (sender, take) = (sender.clone(), &take);
            let work = move || while take().is_some_and(|group| read(group, &sender)) {};
            start(scope, work)?;
        }
        drop(sender);
        // When this ends early the receiver goes, which ends the readers.
        receiver.into_iter().try_for_each(|read| found(read?))
    })
}

fn start<'s>(scope: &'s Scope<'s, '_>, work: impl FnOnce() + Send + 's) -> Result<(), Error> {
    let builder = thread::Builder::new().name("list".to_owned());
    let reader = builder.stack_size(STACK).spawn_scoped(scope, work);
    reader
        .map(drop)
        .map_err(|e| Error::new(Cause::Busy, format!("starting a thread: {e}")))
}

/// Reads the places of a level; answers those of the next.
fn level<P: Send>(places: Vec<P>, read: &Read<'_, P>) -> Result<Vec<P>, Error> {
    let mut below = Vec::new();
    let each = |place, sender: &Sender<Vec<P>>| sender.send(read(place)).is_ok();
    stream(places.into_iter(), (READERS, READERS), &each, |more| {
        below.extend(more);
        Ok(())
    })?;
    Ok(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn places_of_a_level_are_read_side_by_side() {
        let (inside, changed) = (Mutex::new(0), Condvar::new());
        let read = |_: usize| {
            let mut count = lock(&inside);
            *count += 1;
            changed.notify_all();
            let patience = Duration::from_secs(60);
            let waited = changed.wait_timeout_while(count, patience, |count| *count < 2);
            assert!(!waited.unwrap().1.timed_out(), "nobody else is reading");
            Ok(Vec::new())
        };
        assert!(walk(vec![0, 1], 0, &read).is_ok());
    }

    #[test]
    fn everything_down_to_the_deepest_is_read_once() {
        let read_places = AtomicUsize::new(0);
        let read = |depth: usize| {
            read_places.fetch_add(1, Ordering::Relaxed);
            Ok(vec![depth + 1; 3])
        };
        assert!(walk(vec![0], 2, &read).is_ok());
        assert_eq!(read_places.into_inner(), 1 + 3 + 9);
    }

    #[test]
    fn the_first_error_ends_it() {
        let read = |place: usize| match place {
            7 => Err(Error::new(Cause::Busy, "as it should")),
            _ => Ok(vec![7]),
        };
        let error = walk(vec![0], 9, &read).unwrap_err();
        assert_eq!(error.to_string(), "as it should");
    }
}
