//! How much room there is: the account's free space, asked for now and then in the background, and
//! what lies in a folder, asked for when somebody has a limit there. What this server has stored
//! since is counted in; what was removed since shows when 123pan is asked again, which it is before
//! anything is refused.

use super::api::{Api, User};
use super::tree::Tree;
use super::tree::paths::Path;
use crate::cloud::capacity::Capacity;
use crate::cloud::paths::covers;
use crate::cloud::{Fault, Priority};
use crate::store::Error;
use crate::sync::lock;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Free bytes below which is looked more often, because somebody may be making room.
const TIGHT: u64 = 8 << 30;
/// How much more often.
const OFTENER: u32 = 10;

/// What is known about the account's space.
pub struct Space {
    pause: Duration,
    /// What it has room for.
    pub room: Capacity,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When 123pan is asked again; None for at once.
    due: Option<Instant>,
    /// When it was asked last.
    asked: Option<Instant>,
    /// Whether this server has removed or purged anything since.
    freed: bool,
}

impl Space {
    /// Nothing is known, and what will be is good for so long.
    pub fn new(pause: Duration) -> Self {
        Self {
            pause,
            room: Capacity::default(),
            state: Mutex::default(),
        }
    }

    /// Notes that something was removed from folders, whose sizes must be asked for anew.
    pub fn removed(&self, paths: &[String]) {
        lock(&self.state).freed = true;
        self.room
            .forget(|folder, _| !paths.iter().any(|path| covers(folder, path)));
    }

    /// Notes that something was purged from the bin.
    pub fn purged(&self) {
        lock(&self.state).freed = true;
    }

    fn is_due(&self, now: Instant) -> bool {
        self.room.is_wanted() && lock(&self.state).due.is_none_or(|due| due <= now)
    }

    /// Takes in what 123pan says; `before` is what had been stored when it was asked.
    fn learn(&self, user: &User, before: u64, now: Instant) {
        // An account without any space is one of which nothing is told.
        let free = (user.space() > 0).then(|| user.free());
        self.room.learn(user.space_used, free, before);
        let pause = match self.room.has(TIGHT) {
            true => self.pause,
            false => self.pause / OFTENER,
        };
        lock(&self.state).due = Some(now + pause);
    }

    /// Asks for the account.
    pub fn account(&self, api: &Api) -> Result<User, Fault> {
        let before = self.room.before();
        let mut state = lock(&self.state);
        (state.asked, state.freed) = (Some(Instant::now()), false);
        drop(state);
        let asked = api.user();
        let now = Instant::now();
        match &asked {
            Ok(user) => self.learn(user, before, now),
            Err(_) => lock(&self.state).due = Some(now + api.timing().tier),
        }
        asked
    }

    /// Asks for the account if it is time to.
    pub fn look(&self, api: &Api) {
        if self.is_due(Instant::now()) {
            // The trouble, if there is one, is told where the call is made.
            let _ = self.account(api);
        }
    }

    /// Asks for the account once more, unless it has just been asked for and nothing was made free
    /// since; what lies in folders is asked for when it is wanted.
    pub fn refresh(&self, api: &Api) {
        let most = api.timing().glance;
        self.room.forget(|_, age| age < most);
        let state = lock(&self.state);
        let is_fresh = state.asked.is_some_and(|asked| asked.elapsed() < most);
        let is_known = is_fresh && !state.freed;
        drop(state);
        if !is_known {
            // The trouble, if there is one, is told where the call is made.
            let _ = self.account(api);
        }
    }

    /// Bytes of everything below a folder.
    pub fn used(&self, api: &Api, tree: &Tree, path: &Path) -> Result<Option<u64>, Error> {
        if path.is_empty() {
            // The account's root has no details.
            return Ok(self.room.used());
        }
        let ask = || {
            let (mut size, priority): (u64, _) = (0, Priority::Index);
            for id in tree.find(path, priority)?.unwrap_or_default() {
                let found = api.size(id, priority).map_err(|fault| {
                    Error::from(fault).during(format!("asking how much lies in /{path}"))
                })?;
                size = size.saturating_add(found);
            }
            Ok(size)
        };
        self.room.below(path, self.pause, ask).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tight_account_is_looked_at_more_often() {
        let space = Space::new(Duration::from_secs(60));
        let start = Instant::now();
        let user = User {
            space_permanent: 1 << 30,
            ..User::default()
        };
        space.learn(&user, 0, start);
        assert!(
            !space.is_due(start + Duration::from_secs(6)),
            "nobody wants to know"
        );
        space.room.free();
        assert!(space.is_due(start + Duration::from_secs(6)));
    }
}
