//! One access token for everybody: one renewal at a time, none while the old one is good. Where a
//! new one comes from is its flow's: [`secret`] asks with the client id and secret, [`rotating`] with
//! a refresh token that is good for one use. Nobody else knows which of them is in use. What call
//! brings a token is the cloud's.

pub mod grant_file;
mod refusals;
pub mod rotating;
pub mod secret;

pub use grant_file::{Grant, GrantFile};
use refusals::Refusals;
pub use rotating::{Rotating, Tokens as GrantedTokens, log_in};
pub use secret::Secret;

use super::client::{Client, Stream, Streams, Tokens};
use super::outcome::{Fault, Reason};
use super::retry::pause;
use super::timing::Timing;
use crate::sync::{lock, try_lock};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Seconds before its end at which a token is renewed, if its life is long enough.
const MARGIN: u64 = 24 * 3600;
/// Seconds for which a token is trusted that, by the clock of who fetched it, was never valid: that
/// clock was wrong.
const WRONG_CLOCK: u64 = 3600;

/// An access token. Times are seconds since 1970.
#[derive(Clone)]
pub struct Token {
    /// The token itself.
    text: Arc<str>,
    /// When it ends, by the cloud's clock.
    pub expires: u64,
    /// When it was fetched, by the cloud's clock if it was known.
    pub issued: u64,
}

impl Token {
    /// Whether it needn't be renewed yet.
    pub fn usable(&self, now: u64) -> bool {
        match self.expires.checked_sub(self.issued) {
            // A clock that was set back doesn't end a token.
            Some(life) => now < self.expires - MARGIN.min(life / 10),
            None => {
                let soon = self.issued..self.issued.saturating_add(WRONG_CLOCK);
                now < self.expires || soon.contains(&now)
            }
        }
    }
}

/// A way to tokens.
pub trait Flow: Send + Sync {
    /// The token that is on disk, whatever it is worth.
    fn stored(&self) -> Option<Token>;

    /// Writes to disk what couldn't be written when it came; tells whether there was anything.
    fn keep(&self) -> bool;

    /// A token that meets the need: one that another process has got, or else a new one.
    fn renew(&self, client: &Client, need: &Need<'_>) -> Result<Token, Fault>;
}

/// What token is wanted.
pub struct Need<'a> {
    now: u64,
    /// The token that was just refused, and why.
    failing: Option<(&'a str, Reason)>,
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

/// Keeps the token of an account.
pub struct TokenCache {
    flow: Box<dyn Flow>,
    state: Mutex<State>,
    /// Apart from the state, which is held across renewals.
    refusals: Mutex<Refusals>,
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
    error: Fault,
}

impl TokenCache {
    /// A cache of what this flow brings.
    pub fn new(flow: impl Flow + 'static) -> Self {
        Self {
            flow: Box::new(flow),
            state: Mutex::default(),
            refusals: Mutex::default(),
        }
    }

    fn get(&self, client: &Client, failing: Option<(&str, Reason)>) -> Result<Arc<str>, Fault> {
        // Held across the renewal, so that there is one at a time; everyone needs its outcome.
        let mut state = lock(&self.state);
        if state.token.is_none() {
            state.token = self.flow.stored();
        }
        let now = Self::time(client, state.token.as_ref());
        let need = Need { now, failing };
        if let Some(token) = state.token.as_ref().filter(|token| need.is_met(token)) {
            return Ok(Arc::clone(&token.text));
        }
        let failed = state.failed.as_ref();
        let error = match failed.filter(|failed| failed.at.elapsed() < failed.pause) {
            Some(failed) => failed.error.clone(),
            None => match self.renew(client, &need) {
                Ok(token) => {
                    let text = Arc::clone(&token.text);
                    let (token, failed) = (Some(token), None);
                    *state = State { token, failed };
                    return Ok(text);
                }
                Err(error) => state.fail(error, client.timing.token_again),
            },
        };
        // Renewals begin before the end, so that there is time to repeat them.
        let lives = |token: &&Token| need.is_met_for_now(token);
        match state.token.as_ref().filter(lives) {
            Some(token) => {
                client.trouble(&unsent(error));
                Ok(Arc::clone(&token.text))
            }
            None => Err(error),
        }
    }

    /// What time it is at the cloud, which is asked before a token goes that is over by our clock
    /// alone.
    fn time(client: &Client, token: Option<&Token>) -> u64 {
        let time = client.time.or_ours();
        if client.time.now().is_some() || token.is_none_or(|token| token.usable(time)) {
            return time;
        }
        client.probe().ok().flatten().unwrap_or(time)
    }

    /// A token that meets the need. Where the cloud refuses one after the other, new ones are asked
    /// for ever more rarely; what another process has got will do.
    fn renew(&self, client: &Client, need: &Need<'_>) -> Result<Token, Fault> {
        let Some((failing, _)) = need.failing else {
            return self.flow.renew(client, need);
        };
        let (pause, cloud) = (client.timing.token_pause, client.cloud());
        if let Some(fault) = lock(&self.refusals).waits(failing, pause, cloud) {
            let stored = self.flow.stored().filter(|token| need.is_met(token));
            return stored.ok_or(fault);
        }
        let renewed = self.flow.renew(client, need);
        renewed.map_err(|fault| lock(&self.refusals).explain(failing, fault))
    }
}

impl Tokens for TokenCache {
    fn token(&self, client: &Client, failing: Option<(&str, Reason)>) -> Result<Arc<str>, Fault> {
        self.get(client, failing).map_err(unsent)
    }

    fn refused(&self, token: &str, why: &str) {
        lock(&self.refusals).refused(token, why);
    }

    fn accepted(&self, token: &str) {
        lock(&self.refusals).accepted(token);
    }

    fn stream<'s>(&self, token: &mut Option<Arc<str>>, streams: &'s Streams) -> Stream<'s> {
        let state = lock(&self.state);
        if let Some(newest) = &state.token {
            *token = Some(Arc::clone(&newest.text));
        }
        streams.begin()
    }

    fn keep(&self) -> bool {
        // Whoever renews now has newer ones soon.
        try_lock(&self.state).is_some_and(|_state| self.flow.keep())
    }

    fn expires(&self) -> Option<u64> {
        let state = try_lock(&self.state)?;
        state.token.as_ref().map(|token| token.expires)
    }
}

/// Why there is no token, for whoever needed it: nothing was sent, so that nothing is in doubt.
fn unsent(fault: Fault) -> Fault {
    match fault.reason {
        Reason::Lost | Reason::Server | Reason::Unknown => {
            Fault::new(Reason::Unreachable, fault.to_string())
        }
        _ => fault,
    }
}

impl State {
    /// Remembers a failed renewal, and tells why it failed.
    fn fail(&mut self, error: Fault, again: Duration) -> Fault {
        let times = self.failed.as_ref().map_or(0, |failed| failed.times) + 1;
        // What needs no call to the cloud, or doesn't reach it, may be tried as often as it likes.
        let cheap = [
            Reason::Unreachable,
            Reason::Intercepted,
            Reason::Refused,
            Reason::Grant,
            Reason::TokenFile,
            Reason::Held,
            Reason::Token,
        ];
        let times = if cheap.contains(&error.reason) {
            1
        } else {
            times
        };
        self.failed = Some(Failed {
            at: Instant::now(),
            pause: pause(again, times),
            times,
            error: error.clone(),
        });
        error
    }
}

/// Fails if a token was got less than a pause ago: by our own memory, or at one of these times, by
/// whatever process.
fn check_pause(
    timing: &Timing,
    own: Option<Instant>,
    times: [Option<u64>; 2],
    now: u64,
) -> Result<(), Fault> {
    let pause = timing.token_pause;
    let mut ages = times.iter().flatten().filter_map(|at| now.checked_sub(*at));
    let young = ages.any(|age| Duration::from_secs(age) < pause);
    match young || own.is_some_and(|at| at.elapsed() < pause) {
        false => Ok(()),
        true => {
            let text = "the last access token was asked for less than a minute ago; the next one \
                        is asked for a minute after it";
            Err(Fault::new(Reason::Token, text))
        }
    }
}

/// What was given, if anything, is lost.
pub fn no_token(client: &Client) -> Fault {
    Fault::new(
        Reason::Lost,
        format!("{} gave an invalid token", client.cloud()),
    )
}

/// Whether a token can stand in a header.
pub fn is_sendable(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|c| c.is_ascii_graphic())
}

/// A text as a query has it.
pub fn encoded(text: &str) -> String {
    let mut query = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                query.push(char::from(byte));
            }
            _ => drop(write!(query, "%{byte:02X}")),
        }
    }
    query
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
            (token(u64::MAX, 1000), 2000, false),
            (token(4_070_908_800, 1000), 999, true),
        ] {
            assert_eq!(token.usable(now), usable, "{} {}", token.issued, now);
        }
    }
}
