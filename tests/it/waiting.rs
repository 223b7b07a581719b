//! Waits for what happens elsewhere, within one bound, so that no test sleeps and hopes.

use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(3);

/// Waits until something is found; an Err says how things are meanwhile.
pub(crate) fn awaited<T>(mut find: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match find() {
            Ok(found) => return found,
            Err(now) => assert!(Instant::now() < end, "waited in vain: {now}"),
        }
        thread::sleep(PAUSE);
    }
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    awaited(|| is_so().then_some(()).ok_or_else(|| what.to_owned()));
}
