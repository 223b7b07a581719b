//! How much room there is: the account's free space, asked for now and then in the background, and
//! what lies in a folder, asked for when somebody has a limit there. What this server has stored
//! since is counted in; what was removed since shows when 123pan is asked again, which it is before
//! anything is refused.

use super::api::{Api, User};
use super::tree::Tree;
use super::tree::paths::Path;
use crate::cloud::{Fault, Priority};
use crate::store::Error;
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Free bytes below which is looked more often, because somebody may be making room.
const TIGHT: u64 = 8 << 30;
/// How much more often.
const OFTENER: u32 = 10;

/// What is known about the room.
pub struct Space {
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// None until 123pan has told it.
    free: Option<u64>,
    used: u64,
    /// When 123pan is asked again; None for at once.
    due: Option<Instant>,
    /// When it was asked last.
    asked: Option<Instant>,
    /// Whether this server has removed or purged anything since.
    freed: bool,
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
    /// Nothing is known, and what will be is good for so long.
    pub fn new(pause: Duration) -> Self {
        let state = Mutex::default();
        Self { pause, state }
    }

    /// Bytes that are free.
    pub fn free(&self) -> Option<u64> {
        let mut state = self.state();
        state.wanted = true;
        state.free
    }

    /// Counts what was stored in a folder.
    pub fn stored(&self, path: &Path, bytes: u64) {
        let mut state = self.state();
        state.stored = state.stored.saturating_add(bytes);
        state.used = state.used.saturating_add(bytes);
        state.free = state.free.map(|free| free.saturating_sub(bytes));
        let above = state
            .folders
            .iter_mut()
            .filter(|(folder, _)| covers(folder, path));
        above.for_each(|(_, folder)| folder.size = folder.size.saturating_add(bytes));
    }

    /// Notes that something was removed from folders, whose sizes must be asked for anew.
    pub fn removed(&self, paths: &[String]) {
        let mut state = self.state();
        state.freed = true;
        let is_above = |folder: &String| paths.iter().any(|path| covers(folder, path));
        state.folders.retain(|folder, _| !is_above(folder));
    }

    /// Notes that something was purged from the bin.
    pub fn purged(&self) {
        self.state().freed = true;
    }

    fn is_due(&self, now: Instant) -> bool {
        let state = self.state();
        state.wanted && state.due.is_none_or(|due| due <= now)
    }

    /// Takes in what 123pan says; `before` is what had been stored when it was asked.
    fn learn(&self, user: &User, before: u64, now: Instant) {
        let total = user.space_permanent.saturating_add(user.space_temp);
        let mut state = self.state();
        state.wanted = false;
        // Whether its answer has what was stored meanwhile is unknown.
        let meanwhile = state.stored - before;
        state.used = user.space_used.saturating_add(meanwhile);
        // An account without any space is one of which nothing is told.
        let used = state.used;
        state.free = (total > 0).then(|| total.saturating_sub(used));
        let tight = state.free.is_some_and(|free| free < TIGHT);
        state.due = Some(
            now + if tight {
                self.pause / OFTENER
            } else {
                self.pause
            },
        );
    }

    fn failed(&self, again: Instant) {
        self.state().due = Some(again);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Whether a path is a folder's or lies below it.
fn covers(folder: &Path, path: &Path) -> bool {
    let rest = path.strip_prefix(folder);
    folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Space {
    /// Asks for the account.
    pub fn account(&self, api: &Api) -> Result<User, Fault> {
        let before = {
            let mut state = self.state();
            (state.asked, state.freed) = (Some(Instant::now()), false);
            state.stored
        };
        let asked = api.user();
        let now = Instant::now();
        match &asked {
            Ok(user) => self.learn(user, before, now),
            Err(_) => self.failed(now + api.timing().tier),
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
        let mut state = self.state();
        state
            .folders
            .retain(|_, folder| folder.asked.elapsed() < most);
        let is_fresh = state.asked.is_some_and(|asked| asked.elapsed() < most);
        let is_known = is_fresh && !state.freed;
        drop(state);
        if !is_known {
            // The trouble, if there is one, is told where the call is made.
            let _ = self.account(api);
        }
    }

    /// Whether so many bytes are free, as far as is known.
    pub fn has(&self, wanted: u64) -> bool {
        self.state().free.is_none_or(|free| free >= wanted)
    }

    /// Bytes of everything below a folder.
    pub fn used(&self, api: &Api, tree: &Tree, path: &Path) -> Result<Option<u64>, Error> {
        if path.is_empty() {
            // The account's root has no details.
            let state = self.state();
            return Ok(state.free.map(|_| state.used));
        }
        let before = {
            let state = self.state();
            let known = state.folders.get(path);
            if let Some(known) = known.filter(|known| known.asked.elapsed() < self.pause) {
                return Ok(Some(known.size));
            }
            state.stored
        };
        let priority = Priority::Index;
        let mut size: u64 = 0;
        for id in tree.find(path, priority)?.unwrap_or_default() {
            let found = api.size(id, priority).map_err(|fault| {
                Error::from(fault).during(format!("asking how much lies in /{path}"))
            })?;
            size = size.saturating_add(found);
        }
        let mut state = self.state();
        size = size.saturating_add(state.stored - before);
        let asked = Instant::now();
        state
            .folders
            .insert(path.to_owned(), Folder { size, asked });
        Ok(Some(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_since_counts() {
        let space = Space::new(Duration::from_secs(60));
        let start = Instant::now();
        assert!(space.free().is_none() && space.is_due(start));
        let user = User {
            space_used: 100,
            space_permanent: 50 << 30,
            space_temp: 50,
            ..User::default()
        };
        space.stored("a/b", 7);
        space.learn(&user, 3, start);
        assert_eq!(space.free(), Some((50 << 30) - 54));
        space.stored("a/b", 4);
        assert_eq!(space.free(), Some((50 << 30) - 58));
        assert!(!space.is_due(start + Duration::from_secs(59)));
        space.stored("a/b", 50 << 30);
        assert_eq!(space.free(), Some(0));
        space.learn(&User::default(), 0, start);
        assert_eq!(space.free(), None, "of such an account nothing is known");
    }

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
        space.free();
        assert!(space.is_due(start + Duration::from_secs(6)));
    }

    #[test]
    fn folders_cover_what_is_below_them() {
        let table = [
            ("", "a", true),
            ("a", "a", true),
            ("a", "a/b", true),
            ("a", "ab", false),
        ];
        for (folder, path, expected) in table {
            assert_eq!(covers(folder, path), expected, "{folder} {path}");
        }
    }
}
