//! What is known of folders: which ones this server has made, so that each is made once however
//! many uploads want it, and which ones held something when they were last listed.

use super::api::Api;
use crate::cloud::{Fault, Priority, Reason};
use crate::sync::{SingleFlight, lock};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Most folders of which something is known. Each takes about 100 bytes.
const MOST: usize = 20_000;

/// The folders of a space.
pub struct Folders {
    api: Arc<Api>,
    state: Mutex<State>,
    making: SingleFlight<String>,
}

#[derive(Default)]
struct State {
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
            making: SingleFlight::default(),
        }
    }

    /// Makes a folder that somebody has missed since then, unless that was done meanwhile.
    pub fn make(&self, path: &str, missed: Instant, priority: Priority) -> Result<(), Fault> {
        let longest = self.api.timing().rate_wait;
        let making = self.making.begin(path.to_owned(), longest);
        let made = lock(&self.state).made.get(path).copied();
        if made.is_some_and(|at| at >= missed) {
            return Ok(());
        }
        if making.is_none() {
            let text = format!("making /{path} takes too long");
            return Err(Fault::new(Reason::Throttled, text));
        }
        self.api.mkdir(path, priority)?;
        let made = &mut lock(&self.state).made;
        if made.len() >= MOST {
            made.clear();
        }
        made.insert(path.to_owned(), Instant::now());
        Ok(())
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
