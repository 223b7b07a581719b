//! What is known of folders: which ones this server has made, so that each is made once however
//! many uploads want it, and which ones held something when they were last listed.

use super::api::Api;
use crate::cloud::{Fault, Priority, Reason};
use crate::sync::{lock, wait_while};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

/// Most folders of which something is known. Each takes about 100 bytes.
const MOST: usize = 20_000;

/// The folders of a space.
pub struct Folders {
    api: Arc<Api>,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    making: HashSet<String>,
    /// When folders were made.
    made: HashMap<String, Instant>,
    filled: HashSet<String>,
}

impl Folders {
    /// Nothing is known.
    pub fn new(api: &Arc<Api>) -> Self {
        Self {
            api: Arc::clone(api),
            state: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    /// Makes a folder that somebody has missed since then, unless that was done meanwhile.
    pub fn make(&self, path: &str, missed: Instant, priority: Priority) -> Result<(), Fault> {
        let longest = self.api.timing().rate_wait;
        let busy = |state: &mut State| state.making.contains(path);
        let (mut state, late) = wait_while(&self.ended, lock(&self.state), longest, busy);
        if state.made.get(path).is_some_and(|at| *at >= missed) {
            return Ok(());
        }
        if late {
            let text = format!("making /{path} takes too long");
            return Err(Fault::new(Reason::Throttled, text));
        }
        state.making.insert(path.to_owned());
        drop(state);
        let made = self.api.mkdir(path, priority);
        let mut state = lock(&self.state);
        state.making.remove(path);
        if made.is_ok() {
            if state.made.len() >= MOST {
                state.made.clear();
            }
            state.made.insert(path.to_owned(), Instant::now());
        }
        drop(state);
        self.ended.notify_all();
        made
    }

    /// Whether a folder held something when it was last looked at.
    pub fn was_filled(&self, path: &str) -> bool {
        lock(&self.state).filled.contains(path)
    }

    /// Notes whether it does.
    pub fn note(&self, path: &str, is_filled: bool) {
        let filled = &mut lock(&self.state).filled;
        if !is_filled {
            filled.remove(path);
        } else if filled.len() < MOST && !filled.contains(path) {
            filled.insert(path.to_owned());
        }
    }
}
