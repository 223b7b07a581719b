//! What somebody waits for that the background does anyway, only later: each who waits gets a
//! number, and goes on when the background has begun and ended a round after that.

use crate::sync::{lock, wait_while};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Who waits.
#[derive(Default)]
pub struct Urgent {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of the last who has come.
    wanted: u64,
    /// The number of the last for whom a round has ended.
    done: u64,
}

impl Urgent {
    /// Wakes the background, and waits for the end of its round, at most so long.
    pub fn wait(&self, most: Duration, wake: impl FnOnce()) {
        let mut state = lock(&self.state);
        state.wanted += 1;
        let number = state.wanted;
        drop(state);
        wake();
        let waits = |state: &mut State| state.done < number;
        drop(wait_while(&self.ended, lock(&self.state), most, waits));
    }

    /// At the start of a round: for whom it is made, if somebody waits.
    pub fn wanted(&self) -> Option<u64> {
        let state = lock(&self.state);
        (state.wanted > state.done).then_some(state.wanted)
    }

    /// At its end.
    pub fn done(&self, wanted: Option<u64>) {
        if let Some(number) = wanted {
            lock(&self.state).done = number;
            self.ended.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn who_waits_sees_a_round_that_began_later() {
        let (urgent, (bell, rung)) = (Urgent::default(), channel());
        assert_eq!(urgent.wanted(), None);
        std::thread::scope(|scope| {
            let urgent = &urgent;
            scope.spawn(move || {
                // A round that is under way doesn't count.
                assert!(rung.recv().is_ok());
                urgent.done(None);
                let wanted = urgent.wanted();
                assert_eq!(wanted, Some(1));
                urgent.done(wanted);
            });
            urgent.wait(Duration::from_secs(60), || assert!(bell.send(()).is_ok()));
            assert_eq!(urgent.wanted(), None);
        });
        urgent.wait(Duration::from_millis(1), || {});
        assert_eq!(urgent.wanted(), Some(2), "it gave up");
    }
}
