//! Calls that a cloud counts by the day, by their kinds: how many are left, kept in a file so that a
//! restart forgets none, and a reserve of each kind that packs don't touch. So a day's calls end
//! before a pack, never in the middle of an index.
//!
//! Counts are taken from the file in leases of many, so that flash memory isn't written at each
//! call; what a process that was killed had left of its lease counts as used. Several processes
//! share a file.

use super::outcome::{Fault, Reason};
use super::pace::Priority;
use super::timing::Clock;
use crate::disk;
use crate::sync::lock;
use log::warn;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Mutex;

/// Leases of a day: each takes this part of what is allowed.
const LEASES: u64 = 100;
/// Seconds of a day.
const DAY: u64 = 24 * 3600;

/// A kind of call that is counted.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// What it is called in sentences.
    pub name: &'static str,
    /// Calls a day.
    pub a_day: u64,
    /// As many of them are kept for others than packs.
    pub reserve: u64,
}

/// What is left of a day's calls.
pub struct Budgets {
    allowances: Vec<Allowance>,
    /// Seconds by which the day's turn is before that of UTC.
    ahead: u64,
    file: Option<PathBuf>,
    clock: Clock,
    state: Mutex<State>,
}

/// What stands in the file: the day, and what was leased of each kind.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Leased {
    day: u64,
    calls: Vec<u64>,
}

#[derive(Default)]
struct State {
    leased: Leased,
    /// What is left of this process's leases.
    left: Vec<u64>,
}

impl Budgets {
    /// Budgets of these kinds, whose day turns so many seconds before that of UTC.
    pub fn new(
        allowances: Vec<Allowance>,
        ahead: u64,
        file: Option<PathBuf>,
        clock: Clock,
    ) -> Self {
        Self {
            allowances,
            ahead,
            file,
            clock,
            state: Mutex::default(),
        }
    }

    /// Takes a call of the kind at this place, if there is one for whoever wants it.
    pub fn take(&self, kind: usize, priority: Priority) -> Result<(), Fault> {
        let allowance = self.allowances[kind];
        let mut state = lock(&self.state);
        self.turn(&mut state);
        let reserve = match priority >= Priority::Packs {
            true => allowance.reserve,
            false => 0,
        };
        let used = |state: &State| state.leased.calls[kind] - state.left[kind];
        if used(&state) + reserve >= allowance.a_day {
            self.fetch(&mut state);
        }
        if used(&state) + reserve >= allowance.a_day {
            return Err(exhausted(&allowance, used(&state), reserve));
        }
        if state.left[kind] == 0 {
            self.lease(&mut state, kind);
        }
        state.left[kind] = state.left[kind].saturating_sub(1);
        Ok(())
    }

    /// How many calls of each kind are used today, and how many there are.
    pub fn state(&self) -> Vec<(&'static str, u64, u64)> {
        let mut state = lock(&self.state);
        self.turn(&mut state);
        self.fetch(&mut state);
        let each = self.allowances.iter().enumerate();
        let used = |n: usize| state.leased.calls[n] - state.left[n];
        each.map(|(n, kind)| (kind.name, used(n), kind.a_day))
            .collect()
    }

    /// The cloud says itself that a kind is used up: nothing more of it is asked for today.
    pub fn used_up(&self, kind: usize) {
        let mut state = lock(&self.state);
        self.turn(&mut state);
        state.left[kind] = 0;
        state.leased.calls[kind] = self.allowances[kind].a_day;
        self.write(&state.leased);
    }

    fn today(&self) -> u64 {
        (self.clock.now() + self.ahead) / DAY
    }

    /// Begins a new day.
    fn turn(&self, state: &mut State) {
        let today = self.today();
        if state.leased.day == today && !state.left.is_empty() {
            return;
        }
        let none = vec![0; self.allowances.len()];
        state.left.clone_from(&none);
        state.leased = Leased {
            day: today,
            calls: none,
        };
        self.fetch(state);
    }

    /// Learns what other processes have leased.
    fn fetch(&self, state: &mut State) {
        let text = self.file.as_ref().and_then(|path| disk::read(path).ok());
        let stands = text.and_then(|text| serde_json::from_slice::<Leased>(&text).ok());
        let same = |stands: &Leased| {
            stands.day == state.leased.day && stands.calls.len() == state.leased.calls.len()
        };
        let Some(stands) = stands.filter(same) else {
            return;
        };
        for (own, theirs) in state.leased.calls.iter_mut().zip(stands.calls) {
            *own = (*own).max(theirs);
        }
    }

    /// Takes some more of a kind from the file, alone.
    fn lease(&self, state: &mut State, kind: usize) {
        let beside = self.file.as_ref().map(|path| path.with_extension("lock"));
        let held = beside.and_then(|path| disk::lock_file(&path).ok());
        let _held = held.filter(|file| file.lock().is_ok());
        self.fetch(state);
        let allowance = self.allowances[kind];
        let more = (allowance.a_day / LEASES).max(1);
        state.leased.calls[kind] += more;
        state.left[kind] += more;
        self.write(&state.leased);
    }

    fn write(&self, leased: &Leased) {
        let (Some(path), Ok(text)) = (&self.file, serde_json::to_vec(leased)) else {
            return;
        };
        if let Err(error) = disk::replace(path, &text) {
            warn!("{}: {error}; a restart forgets calls", path.display());
        }
    }
}

impl Drop for Budgets {
    /// What wasn't used of the leases is given back.
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if state.left.iter().all(|left| *left == 0) || state.leased.day != self.today() {
            return;
        }
        self.fetch(&mut state);
        let State { leased, left } = &mut *state;
        for (calls, left) in leased.calls.iter_mut().zip(left) {
            *calls -= std::mem::take(left);
        }
        self.write(leased);
    }
}

fn exhausted(allowance: &Allowance, used: u64, reserve: u64) -> Fault {
    let Allowance { name, a_day, .. } = allowance;
    let text = match reserve {
        0 => format!("{used} of {a_day} {name} of this day are used"),
        _ => format!(
            "{used} of {a_day} {name} of this day are used, and the rest is kept for locks, index \
             files and snapshots"
        ),
    };
    Fault::new(Reason::Budget, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    const KINDS: [Allowance; 1] = [Allowance {
        name: "uploads",
        a_day: 500,
        reserve: 100,
    }];

    fn budgets(file: Option<PathBuf>, now: &Arc<AtomicU64>) -> Budgets {
        let now = Arc::clone(now);
        let clock = Clock::new(move || now.load(Ordering::SeqCst));
        Budgets::new(KINDS.to_vec(), 8 * 3600, file, clock)
    }

    /// How many calls can be had.
    fn all(budgets: &Budgets, priority: Priority) -> usize {
        let takes = std::iter::from_fn(|| budgets.take(0, priority).ok());
        takes.take(1000).count()
    }

    #[test]
    fn packs_leave_the_reserve_and_a_new_day_begins_anew() {
        let now = Arc::new(AtomicU64::new(20_000 * DAY));
        let budgets = budgets(None, &now);
        assert_eq!(all(&budgets, Priority::Packs), 400);
        let fault = budgets.take(0, Priority::Packs).unwrap_err();
        assert_eq!(fault.reason, Reason::Budget);
        assert!(fault.to_string().contains("kept for locks"), "{fault}");
        assert_eq!(all(&budgets, Priority::Index), 100);
        assert!(budgets.take(0, Priority::Small).is_err());
        now.fetch_add(16 * 3600 - 1, Ordering::SeqCst);
        assert!(
            budgets.take(0, Priority::Small).is_err(),
            "before midnight in China"
        );
        now.fetch_add(1, Ordering::SeqCst);
        assert_eq!(all(&budgets, Priority::Packs), 400);
    }

    #[test]
    fn what_was_used_is_known_after_a_restart_and_to_others() {
        let folder = std::env::temp_dir().join(format!("budget-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("calls.json");
        let now = Arc::new(AtomicU64::new(20_000 * DAY));
        let first = budgets(Some(file.clone()), &now);
        (0..7).for_each(|_| first.take(0, Priority::Small).unwrap());
        let second = budgets(Some(file.clone()), &now);
        assert_eq!(second.state()[0].1, 10, "two leases of five");
        second.take(0, Priority::Small).unwrap();
        drop(second);
        drop(first);
        let third = budgets(Some(file.clone()), &now);
        assert_eq!(third.state()[0].1, 8);
        assert_eq!(all(&third, Priority::Small), 492);
        third.used_up(0);
        let fourth = budgets(Some(file), &now);
        assert!(fourth.take(0, Priority::Small).is_err());
        drop((third, fourth));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
