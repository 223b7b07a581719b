//! Everything the ports share, under one lock, which is never held while bytes move.

use super::super::content::Keep;
use super::super::faults::{Faults, Hold};
use super::super::grants::Grants;
use super::super::judge::Judge;
use super::super::time::Clock;
use super::call::Call;
use super::files::Files;
use super::switches::Switches;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Milliseconds that a code lives.
pub const CODE_LIFE: u64 = 5 * 60_000;
/// Milliseconds that an access token lives.
pub const ACCESS_LIFE: u64 = 24 * 3_600_000;
/// Milliseconds that a refresh token lives.
pub const REFRESH_LIFE: u64 = 90 * 24 * 3_600_000;
/// Milliseconds of a day, and what its turn in China is ahead of UTC's.
const DAY: (u64, u64) = (24 * 3_600_000, 8 * 3_600_000);

/// What all ports share.
pub struct Hub {
    state: Mutex<State>,
    pub clock: Clock,
    pub keep: Keep,
    pub app_id: String,
    pub app_key: String,
    /// The base URL of downloads.
    pub cdn: OnceLock<String>,
}

/// What the lock guards.
#[derive(Default)]
pub struct State {
    pub files: Files,
    pub grants: Grants,
    pub faults: Faults<Call>,
    pub hold: Hold,
    pub judge: Judge<Call>,
    pub switches: Switches,
    /// Calls of this day; none stands for all that writes.
    used: HashMap<Option<Call>, u64>,
    day: u64,
    /// Deletions in the background that there were.
    pub tasks: u64,
}

impl Hub {
    pub fn new(keep: Keep, [app_id, app_key]: [String; 2], switches: Switches) -> Hub {
        let state = State {
            switches,
            ..State::default()
        };
        Hub {
            state: Mutex::new(state),
            clock: Clock::new(),
            keep,
            app_id,
            app_key,
            cdn: OnceLock::new(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a call against its budget; false if that is used up.
    pub fn spend(&mut self, call: Call, now: u64) -> bool {
        let Some(budget) = self.switches.budget else {
            return true;
        };
        let today = (now + DAY.1) / DAY.0;
        if self.day != today {
            (self.day, self.used) = (today, HashMap::new());
        }
        let (key, most) = match call.writes() {
            true if budget.shared => (None, budget.writes),
            true => (Some(call), budget.writes),
            false => (Some(call), budget.lists),
        };
        let used = self.used.entry(key).or_default();
        *used += 1;
        *used <= most
    }

    /// How often a call was made today, where there is a budget.
    pub fn used(&self, call: Call) -> u64 {
        self.used.get(&Some(call)).copied().unwrap_or(0)
    }
}
