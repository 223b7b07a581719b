//! What has been seen of 123pan while working with it: counts of calls, its last good answer, the
//! account. From this the status page, the metrics and the readiness check are told.

use super::api::{Endpoint, User};
use super::call::Fault;
use super::judge::Why;
use super::token::now;
use super::{Cloud, Timing};
use crate::civil;
use crate::store::{Account, Calls, Cause, Error, Health};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What has been seen.
pub struct Seen {
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

/// What became of the calls to one endpoint.
#[derive(Clone, Copy, Default)]
struct Count {
    made: u64,
    throttled: u64,
    failed: u64,
    waited: Duration,
}

impl Seen {
    /// Nothing yet.
    pub fn new(timing: &Timing) -> Self {
        let counts = vec![Count::default(); Endpoint::ALL.len()];
        Self {
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
    pub fn waited(&self, endpoint: Endpoint, time: Duration) {
        self.inside().counts[endpoint as usize].waited += time;
    }

    /// Notes what became of a call.
    pub fn called(&self, endpoint: Endpoint, why: Option<Why>) {
        let mut inside = self.inside();
        let count = &mut inside.counts[endpoint as usize];
        count.made += 1;
        match why {
            None => inside.answered = Some((Instant::now(), now())),
            Some(Why::Throttled) => count.throttled += 1,
            // Asking again is how one waits for these.
            Some(Why::Verifying) => {}
            Some(_) => count.failed += 1,
        }
    }

    /// Notes what came of a look at the account.
    pub fn looked(&self, user: &Result<User, Fault>) {
        let mut inside = self.inside();
        let problem = user.as_ref().err().map(Fault::to_string);
        inside.look = Some((Instant::now(), problem));
        if let Ok(user) = user {
            inside.account = Some(account(user));
        }
        drop(inside);
        self.looked.notify_all();
    }

    /// Calls that were made, without those for tokens.
    pub fn made(&self) -> u64 {
        let inside = self.inside();
        let calls = Endpoint::ALL.iter().zip(&inside.counts);
        let others = calls.filter(|(endpoint, _)| **endpoint != Endpoint::AccessToken);
        others.map(|(_, count)| count.made).sum()
    }

    /// Whether the account may be looked at again.
    pub fn is_old(&self) -> bool {
        let look = &self.inside().look;
        look.as_ref()
            .is_none_or(|(at, _)| at.elapsed() >= self.glance)
    }

    /// Ok if 123pan answered a while ago or does now; `ask` has it asked by somebody else.
    pub fn proof(&self, ask: impl Fn()) -> Result<(), Error> {
        let fresh = |inside: &Inside| {
            let answered = inside.answered.as_ref();
            answered.is_some_and(|(at, _)| at.elapsed() < self.proof)
        };
        let start = Instant::now();
        let recent = |inside: &Inside| {
            let look = inside.look.as_ref();
            look.is_some_and(|(at, _)| *at >= start || start - *at < self.glance)
        };
        let mut inside = self.inside();
        if !fresh(&inside) && !recent(&inside) {
            ask();
            let waits = |inside: &mut Inside| !fresh(inside) && !recent(inside);
            let waited = self.looked.wait_timeout_while(inside, self.glance, waits);
            inside = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let problem = match &inside.look {
            _ if fresh(&inside) => return Ok(()),
            Some((at, problem)) if *at >= start || start - *at < self.glance => problem.clone(),
            _ => None,
        };
        let slow = || format!("123pan gave no answer within {} s", self.glance.as_secs());
        Err(Error::new(Cause::Busy, problem.unwrap_or_else(slow)))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An account as every cloud has one.
pub fn account(user: &User) -> Account {
    Account {
        tier: if user.vip { "VIP" } else { "free" },
        used: user.space_used,
        total: user.space(),
        paid_until: user
            .developer
            .as_ref()
            .and_then(|benefit| civil::chinese(&benefit.end_time)),
        as_of: now(),
    }
}

impl Cloud {
    /// How 123pan does, from memory.
    pub fn health(&self) -> Health {
        let door = &self.door;
        let (troubles, damaged) = (door.troubles.all(), door.troubles.damages());
        let (uploads, uploads_most) = self.uploads.state();
        let (bin, token_expires) = (self.waste.len(), door.token_expires());
        let inside = door.seen.inside();
        let calls = Endpoint::ALL
            .iter()
            .zip(&inside.counts)
            .map(|(endpoint, count)| {
                let (waiting, per_second) = door.pacer.state(*endpoint);
                Calls {
                    name: endpoint.path(),
                    made: count.made,
                    throttled: count.throttled,
                    failed: count.failed,
                    waited_ms: u64::try_from(count.waited.as_millis()).unwrap_or(u64::MAX),
                    waiting,
                    per_second,
                }
            });
        let calls = calls.collect();
        let unusable = door.troubles.unusable();
        let answered = inside.answered.map(|(_, at)| at);
        let asked = answered.is_some() || unusable;
        Health {
            cloud: "123pan",
            reachable: asked.then_some(!unusable),
            answered,
            account: inside.account.clone(),
            token_expires,
            calls,
            uploads,
            uploads_most,
            bin,
            damaged,
            troubles,
            ..Health::default()
        }
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
        let seen = Seen::new(&timing);
        let asked = std::cell::Cell::new(0);
        let ask = || asked.set(asked.get() + 1);
        let slow = seen.proof(ask).unwrap_err();
        assert!(slow.to_string().contains("no answer within"), "{slow}");
        seen.looked(&Err(Fault::new(Why::Blocked, "blocked")));
        assert_eq!(seen.proof(ask).unwrap_err().to_string(), "blocked");
        assert_eq!(asked.get(), 1, "the last look is young enough");
        seen.called(Endpoint::List, None);
        assert!(seen.proof(ask).is_ok());
    }
}
