//! How much room there is: the space's, asked for now and then in the background, and what lies in
//! a folder, asked for when somebody has a limit there. What this server has stored since is
//! counted in.

use super::api::meaning::is_absent;
use super::api::{Api, Usage};
use crate::cloud::{Fault, now};
use crate::store::{Account, Error};
use crate::sync::lock;
use log::warn;
use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Bytes of stack of the thread; it makes HTTPS calls.
const STACK: usize = 256 << 10;

/// What is known about the room.
pub struct Space {
    api: Arc<Api>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// None until the service has told it, and where there is no quota.
    free: Option<u64>,
    /// Whether somebody has wanted to know since it was asked: an idle server asks nothing.
    wanted: bool,
    /// Bytes that were stored since the start.
    stored: u64,
    folders: HashMap<String, Folder>,
}

/// What lies below a folder. There are as many of these as there are limits.
struct Folder {
    size: u64,
    asked: Instant,
}

impl Space {
    /// Nothing is known.
    pub fn new(api: &Arc<Api>) -> Self {
        Self {
            api: Arc::clone(api),
            state: Mutex::default(),
        }
    }

    /// Bytes that are free.
    pub fn free(&self) -> Option<u64> {
        let mut state = lock(&self.state);
        state.wanted = true;
        state.free
    }

    /// Counts what was stored in a folder.
    pub fn stored(&self, path: &str, bytes: u64) {
        let mut state = lock(&self.state);
        state.stored = state.stored.saturating_add(bytes);
        state.free = state.free.map(|free| free.saturating_sub(bytes));
        let above = state
            .folders
            .iter_mut()
            .filter(|(folder, _)| covers(folder, path));
        above.for_each(|(_, folder)| folder.size = folder.size.saturating_add(bytes));
    }

    /// Asks for the space's room.
    pub fn look(&self) -> Result<Usage, Fault> {
        let before = lock(&self.state).stored;
        let asked = self.api.usage();
        self.api.client.seen.looked(asked.as_ref().map(account));
        if let Ok(usage) = &asked {
            let mut state = lock(&self.state);
            // Whether the answer has what was stored meanwhile is unknown.
            let meanwhile = state.stored - before;
            state.free = free(usage).map(|free| free.saturating_sub(meanwhile));
            state.wanted = false;
        }
        asked
    }

    /// Asks for the room once more; what lies in folders is asked for when it is wanted.
    pub fn refresh(&self) {
        lock(&self.state).folders.clear();
        // The trouble, if there is one, is told where the call is made.
        let _ = self.look();
    }

    /// Bytes of everything below a folder.
    pub fn used(&self, path: &str) -> Result<Option<u64>, Error> {
        let before = {
            let state = lock(&self.state);
            let known = state.folders.get(path);
            let young = |known: &&Folder| known.asked.elapsed() < self.api.timing().space;
            if let Some(known) = known.filter(young) {
                return Ok(Some(known.size));
            }
            state.stored
        };
        let asked = match self.api.stats(path) {
            Err(fault) if is_absent(fault.reason) => Ok(0),
            asked => asked,
        };
        let size = asked.map_err(|fault| {
            Error::from(fault).during(format!("asking how much lies in /{path}"))
        })?;
        let mut state = lock(&self.state);
        let size = size.saturating_add(state.stored - before);
        let asked = Instant::now();
        state
            .folders
            .insert(path.to_owned(), Folder { size, asked });
        Ok(Some(size))
    }

    fn is_wanted(&self) -> bool {
        lock(&self.state).wanted
    }
}

/// Whether a path is a folder's or lies below it.
fn covers(folder: &str, path: &str) -> bool {
    let rest = path.strip_prefix(folder);
    folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Bytes that are free, if there is a quota.
pub fn free(usage: &Usage) -> Option<u64> {
    let left = || {
        usage
            .capacity
            .map(|all| all.saturating_sub(usage.size.unwrap_or(0)))
    };
    usage.available.or_else(left)
}

/// A space as every cloud has an account.
fn account(usage: &Usage) -> Account {
    let used = usage.size.unwrap_or(0);
    Account {
        tier: match free(usage) {
            Some(_) => "quota",
            None => "no quota",
        },
        used,
        total: free(usage).map_or(0, |free| used.saturating_add(free)),
        paid_until: None,
        as_of: now(),
    }
}

/// The thread that asks for the room.
pub struct Watch {
    /// Sending wakes it, hanging up ends it.
    bell: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Starts the thread; None if the machine has none left.
    pub fn start(space: &Arc<Space>) -> Option<Self> {
        let (bell, rung) = sync_channel(1);
        let (space, pause) = (Arc::clone(space), space.api.timing().space);
        let mut due = Instant::now();
        let work = move || {
            loop {
                let left = due.saturating_duration_since(Instant::now());
                let is_due = match rung.recv_timeout(left.max(Duration::from_millis(1))) {
                    Ok(()) => true,
                    Err(RecvTimeoutError::Timeout) => space.is_wanted(),
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                if is_due {
                    // The trouble, if there is one, is told where the call is made.
                    let _ = space.look();
                }
                due = Instant::now() + pause;
            }
        };
        let thread = Builder::new()
            .name("space".to_owned())
            .stack_size(STACK)
            .spawn(work);
        let thread = thread.inspect_err(|e| warn!("nobody asks for the free space: {e}"));
        Some(Self {
            bell,
            thread: thread.ok()?,
        })
    }

    /// Has the space looked at as soon as the thread is free.
    pub fn wake(&self) {
        // One ring is as good as many.
        let _ = self.bell.try_send(());
    }

    /// Ends the thread, after its call.
    pub fn stop(self) {
        drop(self.bell);
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_known_where_there_is_a_quota() {
        let usage = |capacity, available, size| Usage {
            capacity,
            available,
            size,
        };
        for (found, expected) in [
            (usage(Some(100), Some(30), Some(60)), Some(30)),
            (usage(Some(100), None, Some(60)), Some(40)),
            (usage(None, None, Some(60)), None),
        ] {
            assert_eq!(free(&found), expected, "{found:?}");
            assert_eq!(account(&found).used, 60);
        }
        assert_eq!(account(&usage(None, None, Some(60))).total, 0);
    }

    #[test]
    fn folders_cover_what_lies_below() {
        for (folder, path, expected) in [
            ("", "a/b", true),
            ("a", "a/b", true),
            ("a", "a", true),
            ("a", "ab", false),
        ] {
            assert_eq!(covers(folder, path), expected, "{folder} {path}");
        }
    }
}
