//! What somebody waits for that the background does anyway, only later: whoever waits hangs a line
//! out, which the round that takes it up hangs up at its end.

use crate::sync::lock;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// Those who wait.
#[derive(Default)]
pub struct Urgent(Mutex<Vec<Sender<()>>>);

impl Urgent {
    /// Wakes the background, and waits for the end of a round that begins from now on, at most so
    /// long.
    pub fn wait(&self, most: Duration, wake: impl FnOnce()) {
        let (line, ended) = channel();
        lock(&self.0).push(line);
        wake();
        // Nothing is ever said: the line's end is the round's.
        let _ = ended.recv_timeout(most);
    }

    /// At the start of a round: those who wait for its end, which is when this is dropped.
    pub fn take(&self) -> Vec<Sender<()>> {
        std::mem::take(&mut *lock(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn who_waits_sees_a_round_that_began_later() {
        let (urgent, long) = (Urgent::default(), Duration::from_secs(60));
        let under_way = urgent.take();
        assert!(under_way.is_empty());
        std::thread::scope(|scope| {
            let (bell, rung) = channel();
            let urgent = &urgent;
            scope.spawn(move || {
                assert!(rung.recv().is_ok());
                drop(under_way);
                assert_eq!(urgent.take().len(), 1);
            });
            let start = Instant::now();
            urgent.wait(long, || assert!(bell.send(()).is_ok()));
            assert!(start.elapsed() < long);
        });
        urgent.wait(Duration::from_millis(1), || {});
        assert_eq!(urgent.take().len(), 1, "it gave up");
    }
}
