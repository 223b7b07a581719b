//! How much room there is: the space's, asked for now and then in the background, and what lies in
//! a folder, asked for when somebody has a limit there. What this server has stored since is
//! counted in.

use super::api::meaning::is_absent;
use super::api::{Api, Usage};
use crate::cloud::capacity::Capacity;
use crate::cloud::daemon::Daemon;
use crate::cloud::now;
use crate::store::{Account, Error};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// What is known about the space.
pub struct Space {
    api: Arc<Api>,
    /// What it has room for.
    pub room: Capacity,
}

impl Space {
    /// Nothing is known.
    pub fn new(api: &Arc<Api>) -> Self {
        Self {
            api: Arc::clone(api),
            room: Capacity::default(),
        }
    }

    /// Asks for the space's room. The trouble, if there is one, is told where the call is made.
    fn look(&self) {
        let before = self.room.before();
        let asked = self.api.usage();
        self.api.client.seen.looked(asked.as_ref().map(account));
        if let Ok(usage) = &asked {
            self.room
                .learn(usage.size.unwrap_or(0), free(usage), before);
        }
    }

    /// Asks for the room once more; what lies in folders is asked for when it is wanted.
    pub fn refresh(&self) {
        self.room.forget(|_, _| false);
        self.look();
    }

    /// Bytes of everything below a folder.
    pub fn used(&self, path: &str) -> Result<u64, Error> {
        self.room.below(path, self.api.timing().space, || {
            let asked = match self.api.stats(path) {
                Err(fault) if is_absent(fault.reason) => Ok(0),
                asked => asked,
            };
            asked.map_err(|fault| {
                Error::from(fault).during(format!("asking how much lies in /{path}"))
            })
        })
    }

    /// Asks for the room now and then in the background, and when it is woken.
    pub fn watch(self: &Arc<Self>) -> Daemon {
        let (space, pause) = (Arc::clone(self), self.api.timing().space);
        Daemon::start("space", "nobody asks for the free space", move |rung| {
            let mut due = Instant::now();
            loop {
                let left = due.saturating_duration_since(Instant::now());
                let is_due = match rung.recv_timeout(left.max(Duration::from_millis(1))) {
                    Ok(()) => true,
                    Err(RecvTimeoutError::Timeout) => space.room.is_wanted(),
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                if is_due {
                    space.look();
                }
                due = Instant::now() + pause;
            }
        })
    }
}

/// Bytes that are free, if there is a quota.
pub fn free(usage: &Usage) -> Option<u64> {
    let used = usage.size.unwrap_or(0);
    let left = || usage.capacity.map(|all| all.saturating_sub(used));
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
}
