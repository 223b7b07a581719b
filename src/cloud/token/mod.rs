//! One access token for everybody: one renewal at a time, none while the old one is good. Where a
//! new one comes from is its flow's: [`client`] asks with the client id and secret, [`grant`] with
//! a refresh token that is good for one use. Nobody else knows which of them is in use.

mod client;
mod grant;
mod kept;
mod login;

#[cfg(fuzzing)]
pub use client::Stored;
pub use kept::Grant;
#[cfg(fuzzing)]
pub use kept::Kept;
pub use login::{authorization, encoded, log_in};

use super::call::{Door, Fault};
use super::judge::{self, Why};
use super::{Config, Timing};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds before its end at which a token is renewed, if its life is long enough.
const MARGIN: u64 = 24 * 3600;
/// Seconds for which a token is trusted that, by our clock, was never valid: the clock is wrong.
const WRONG_CLOCK: u64 = 3600;

/// An access token. Times are seconds since 1970.
#[derive(Clone)]
pub struct Token {
    /// The token itself.
    text: Arc<str>,
    /// When it ends, by 123pan's clock.
    pub expires: u64,
    /// When it was fetched, by our clock.
    pub issued: u64,
}

impl Token {
    /// Whether it needn't be renewed yet.
    pub fn usable(&self, now: u64) -> bool {
        match self.expires.checked_sub(self.issued) {
            // A clock that was set back doesn't end a token.
            Some(life) => now < self.expires - MARGIN.min(life / 10),
            None => now < self.issued.saturating_add(WRONG_CLOCK),
        }
    }
}

/// Why there is no token.
#[derive(Clone, Debug)]
pub struct NoToken(pub Why, pub String);

impl NoToken {
    /// Why, for whoever needed it: without a token nothing was sent, so that nothing is in doubt.
    pub fn why(&self) -> Why {
        match self.0 {
            Why::Lost | Why::Server | Why::Unknown => Why::Unreachable,
            why => why,
        }
    }
}

impl From<Fault> for NoToken {
    fn from(fault: Fault) -> Self {
        Self(fault.why, fault.to_string())
    }
}

/// A way to tokens.
trait Flow: Send + Sync {
    /// The token that is on disk, whatever it is worth.
    fn stored(&self) -> Option<Token>;

    /// Writes to disk what couldn't be written when it came; tells whether there was anything.
    fn keep(&self) -> bool;

    /// A token that meets the need: one that another process has got, or else a new one.
    fn renew(&self, door: &Door, need: &Need<'_>) -> Result<Token, NoToken>;
}

/// What token is wanted.
struct Need<'a> {
    now: u64,
    /// The token that was just refused, and why.
    failing: Option<(&'a str, Why)>,
    streams: &'a Streams,
}

impl Need<'_> {
    fn is_met(&self, token: &Token) -> bool {
        token.usable(self.now) && self.is_other(token)
    }

    /// The same for a token that should be renewed but lives.
    fn is_met_for_now(&self, token: &Token) -> bool {
        self.now < token.expires && self.is_other(token)
    }

    /// Whether it isn't the refused one; one from a damaged file can't even be sent.
    fn is_other(&self, token: &Token) -> bool {
        let is_other = self.failing.is_none_or(|(bad, _)| *token.text != *bad);
        is_other && is_sendable(&token.text)
    }
}

/// Keeps the token.
pub struct Keeper {
    flow: Box<dyn Flow>,
    state: Mutex<State>,
    streams: Streams,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    failed: Option<Failed>,
}

/// A renewal that failed.
struct Failed {
    at: Instant,
    pause: Duration,
    times: u32,
    error: NoToken,
}

impl Keeper {
    /// A keeper for the configured account.
    pub fn new(config: &Config) -> Self {
        let flow: Box<dyn Flow> = match &config.grant {
            Some(grant) => Box::new(grant::Flow::new(Arc::clone(grant), config)),
            None => Box::new(client::Flow::new(config)),
        };
        Self {
            flow,
            state: Mutex::default(),
            streams: Streams::default(),
        }
    }

    /// A token that isn't `failing`.
    pub fn token(&self, door: &Door, failing: Option<(&str, Why)>) -> Result<Arc<str>, NoToken> {
        // Held across the renewal, so that there is one at a time; everyone needs its outcome.
        let mut state = self.state();
        if state.token.is_none() {
            state.token = self.flow.stored();
        }
        let (now, streams) = (now(), &self.streams);
        let need = Need {
            now,
            failing,
            streams,
        };
        if let Some(token) = state.token.as_ref().filter(|token| need.is_met(token)) {
            return Ok(Arc::clone(&token.text));
        }
        let failed = state.failed.as_ref();
        let error = match failed.filter(|failed| failed.at.elapsed() < failed.pause) {
            Some(failed) => failed.error.clone(),
            None => match self.flow.renew(door, &need) {
                Ok(token) => {
                    let text = Arc::clone(&token.text);
                    let (token, failed) = (Some(token), None);
                    *state = State { token, failed };
                    return Ok(text);
                }
                Err(error) => state.fail(error, door.timing.token_again),
            },
        };
        // Renewals begin before the end, so that there is time to repeat them.
        match state
            .token
            .as_ref()
            .filter(|token| need.is_met_for_now(token))
        {
            Some(token) => {
                door.troubles.tell(error.why(), &error.1);
                Ok(Arc::clone(&token.text))
            }
            None => Err(error),
        }
    }

    /// Brings a token up to date for an upload that can't be sent again, and has renewals wait
    /// for it as long as the answer lives.
    pub fn stream(&self, token: &mut Option<Arc<str>>) -> Stream<'_> {
        let state = self.state();
        if let Some(newest) = &state.token {
            *token = Some(Arc::clone(&newest.text));
        }
        *self.streams.count() += 1;
        Stream(&self.streams)
    }

    /// Writes to disk what couldn't be when it came; tells whether there was anything.
    pub fn keep(&self) -> bool {
        // Whoever renews now has newer ones soon.
        self.state.try_lock().is_ok_and(|_state| self.flow.keep())
    }

    /// When the token ends; None also while it is being renewed.
    pub fn expires(&self) -> Option<u64> {
        let state = self.state.try_lock().ok()?;
        state.token.as_ref().map(|token| token.expires)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Remembers a failed renewal, and tells why it failed.
    fn fail(&mut self, error: NoToken, again: Duration) -> NoToken {
        let times = self.failed.as_ref().map_or(0, |failed| failed.times) + 1;
        // What needs no call to 123pan, or doesn't reach it, may be tried as often as it likes.
        let cheap = [
            Why::Unreachable,
            Why::Grant,
            Why::TokenFile,
            Why::Held,
            Why::Token,
        ];
        let times = if cheap.contains(&error.0) { 1 } else { times };
        self.failed = Some(Failed {
            at: Instant::now(),
            pause: judge::pause(again, times),
            times,
            error: error.clone(),
        });
        error
    }
}

/// Uploads under way that can't be sent again. Where a renewal ends the old token, it would end
/// them too.
#[derive(Default)]
struct Streams {
    count: Mutex<usize>,
    none: Condvar,
}

impl Streams {
    /// Waits until there are none, at most so long.
    fn wait(&self, most: Duration) {
        let left = self
            .none
            .wait_timeout_while(self.count(), most, |count| *count > 0);
        drop(left);
    }

    fn count(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An upload under way.
pub struct Stream<'a>(&'a Streams);

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        *self.0.count() -= 1;
        self.0.none.notify_all();
    }
}

/// Fails if a token was got less than a pause ago: by our own memory, or at one of these times, by
/// whatever process.
fn check_pause(
    timing: &Timing,
    own: Option<Instant>,
    times: [Option<u64>; 2],
    now: u64,
) -> Result<(), NoToken> {
    let pause = timing.token_pause;
    let mut ages = times.iter().flatten().filter_map(|at| now.checked_sub(*at));
    let young = ages.any(|age| Duration::from_secs(age) < pause);
    match young || own.is_some_and(|at| at.elapsed() < pause) {
        false => Ok(()),
        true => {
            let text = "the last access token was asked for less than a minute ago; the next one \
                        is asked for a minute after it";
            Err(NoToken(Why::Token, text.to_owned()))
        }
    }
}

/// Whether a token can stand in a header.
pub fn is_sendable(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|c| c.is_ascii_graphic())
}

/// Seconds since 1970 by our clock.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_before_its_expiry_unless_the_clock_is_wrong() {
        let day = 24 * 3600;
        let token = |issued, expires| Token {
            text: "t".into(),
            issued,
            expires,
        };
        for (token, now, usable) in [
            (token(0, 90 * day), 88 * day, true),
            (token(0, 90 * day), 89 * day, false),
            (token(1000, 1100), 1089, true),
            (token(1000, 1100), 1090, false),
            (token(1000, 1100), 10, true),
            (token(2000, 1000), 2000 + 3599, true),
            (token(2000, 1000), 2000 + 3600, false),
            (token(u64::MAX, 1000), 2000, true),
        ] {
            assert_eq!(token.usable(now), usable, "{} {}", token.issued, now);
        }
    }
}
