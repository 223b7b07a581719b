//! What has been seen of a cloud while working with it: counts of calls, its last good answer, the
//! account. From this the status page, the metrics and the readiness check are told.

use super::call::{Spec, Way};
use super::outcome::{Fault, Reason};
use super::pace::Pacer;
use super::timing::{Timing, now};
use crate::store::{Account, Calls, Cause, Error, Health};
use crate::sync::{lock, wait_while};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// What has been seen.
pub struct Seen {
    /// The calls that are counted.
    table: &'static [Spec],
    inside: Mutex<Inside>,
    /// A look at the account has ended.
    looked: Condvar,
    proof: Duration,
    glance: Duration,
}

struct Inside {
    counts: Vec<Count>,
    /// The last good answer, by both clocks.
    answered: Option<(Instant, u64)>,
    account: Option<Account>,
    /// When the account was last looked at, and what was wrong then.
    look: Option<(Instant, Option<String>)>,
}

/// What became of one kind of call.
#[derive(Clone, Copy, Default)]
struct Count {
    made: u64,
    throttled: u64,
    failed: u64,
    waited: Duration,
}

impl Count {
    /// The count as it is shown, with how many wait and how many a second may go.
    fn calls(&self, spec: &Spec, (waiting, per_second): (usize, f64)) -> Calls {
        Calls {
            name: spec.name,
            made: self.made,
            throttled: self.throttled,
            failed: self.failed,
            waited_ms: u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX),
            waiting,
            per_second,
        }
    }
}

impl Seen {
    /// Nothing yet.
    pub fn new(timing: &Timing, table: &'static [Spec]) -> Self {
        let counts = vec![Count::default(); table.len()];
        Self {
            table,
            inside: Mutex::new(Inside {
                counts,
                answered: None,
                account: None,
                look: None,
            }),
            looked: Condvar::new(),
            proof: timing.proof,
            glance: timing.glance,
        }
    }

    /// Notes how long a call has waited for its rate.
    pub fn waited(&self, spec: &Spec, time: Duration) {
        lock(&self.inside).counts[spec.number].waited += time;
    }

    /// Notes what became of a call.
    pub fn called(&self, spec: &Spec, reason: Option<Reason>) {
        let mut inside = lock(&self.inside);
        let count = &mut inside.counts[spec.number];
        count.made += 1;
        match reason {
            None => inside.answered = Some((Instant::now(), now())),
            Some(Reason::Throttled) => count.throttled += 1,
            // Asking again is how one waits for these.
            Some(Reason::Verifying) => {}
            Some(_) => count.failed += 1,
        }
    }

    /// Notes what came of a look at the account.
    pub fn looked(&self, account: Result<Account, &Fault>) {
        let mut inside = lock(&self.inside);
        let problem = account.as_ref().err().map(ToString::to_string);
        inside.look = Some((Instant::now(), problem));
        if let Ok(account) = account {
            inside.account = Some(account);
        }
        drop(inside);
        self.looked.notify_all();
    }

    /// Calls that were made, without those for tokens.
    pub fn made(&self) -> u64 {
        let inside = lock(&self.inside);
        let calls = self.table.iter().zip(&inside.counts);
        let others = calls.filter(|(spec, _)| !spec.is(Way::GivesTokens));
        others.map(|(_, count)| count.made).sum()
    }

    /// What has been seen, as far as it belongs to a cloud's health.
    pub fn health(&self, pacer: &Pacer) -> Health {
        let inside = lock(&self.inside);
        let calls = self.table.iter().zip(&inside.counts);
        let calls = calls.map(|(spec, count)| count.calls(spec, pacer.state(spec.queue)));
        Health {
            calls: calls.collect(),
            answered: inside.answered.map(|(_, at)| at),
            account: inside.account.clone(),
            ..Health::default()
        }
    }

    /// Whether the account may be looked at again.
    pub fn is_old(&self) -> bool {
        let look = &lock(&self.inside).look;
        look.as_ref()
            .is_none_or(|(at, _)| at.elapsed() >= self.glance)
    }

    /// Ok if `cloud` answered a while ago or does now; `ask` has it asked by somebody else.
    pub fn proof(&self, cloud: &str, ask: impl Fn()) -> Result<(), Error> {
        let fresh = |inside: &Inside| {
            let answered = inside.answered.as_ref();
            answered.is_some_and(|(at, _)| at.elapsed() < self.proof)
        };
        let start = Instant::now();
        let is_recent = |at: Instant| at >= start || start - at < self.glance;
        let recent = |inside: &Inside| inside.look.as_ref().is_some_and(|(at, _)| is_recent(*at));
        let waits = |inside: &mut Inside| !fresh(inside) && !recent(inside);
        let mut inside = lock(&self.inside);
        if waits(&mut inside) {
            ask();
            inside = wait_while(&self.looked, inside, self.glance, waits).0;
        }
        if fresh(&inside) {
            return Ok(());
        }
        let look = inside.look.as_ref().filter(|(at, _)| is_recent(*at));
        let problem = look.and_then(|(_, problem)| problem.clone());
        let slow = || format!("{cloud} gave no answer within {} s", self.glance.as_secs());
        Err(Error::new(Cause::Busy, problem.unwrap_or_else(slow)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_the_cloud_is_asked_once() {
        let glance = Duration::from_millis(30);
        let timing = Timing {
            glance,
            ..Timing::default()
        };
        static TABLE: [Spec; 1] = [Spec {
            number: 0,
            queue: 0,
            name: "list",
            method: "GET",
            ways: &[],
            rates: &[],
        }];
        let seen = Seen::new(&timing, &TABLE);
        let asked = std::cell::Cell::new(0);
        let ask = || asked.set(asked.get() + 1);
        let slow = seen.proof("the cloud", ask).unwrap_err();
        assert!(slow.to_string().contains("no answer within"), "{slow}");
        seen.looked(Err(&Fault::new(Reason::Blocked, "blocked")));
        assert_eq!(
            seen.proof("the cloud", ask).unwrap_err().to_string(),
            "blocked"
        );
        assert_eq!(asked.get(), 1, "the last look is young enough");
        seen.called(&TABLE[0], None);
        assert!(seen.proof("the cloud", ask).is_ok());
    }
}
