//! One access token for every process of this program on the machine: one renewal at a time, kept
//! on disk with its expiry, at most one new token a minute.
//!
//! 123pan keeps three tokens a client id alive; each new one pushes the oldest out. Programs that
//! all fetch tokens for themselves push each other out in a loop (API reference 1.6), hence the
//! shared file. How a token is asked for is `call`'s.

use super::Timing;
use super::judge::Why;
use crate::disk::{StateFile, private};
use crate::restic::hex;
use log::{error, info};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds before its end at which a token is renewed, if its life is long enough.
const MARGIN: u64 = 24 * 3600;
/// Seconds for which a token is trusted that, by our clock, was never valid: the clock is wrong.
const WRONG_CLOCK: u64 = 3600;
/// Two tokens pushed out within this time mean that too many programs use the client id.
const CROWD: Duration = Duration::from_secs(600);
/// Longest wait for another process's renewal: it makes one call.
const LOCK: Duration = Duration::from_secs(30);
/// Time for which a refused request for a token isn't repeated.
const AGAIN: Duration = Duration::from_secs(5);

/// A token as it is kept on disk. Times are seconds since 1970.
#[derive(Clone, Deserialize, Serialize)]
pub struct Token {
    /// The token itself.
    pub token: Arc<str>,
    /// When it ends, by 123pan's clock.
    pub expires: u64,
    /// When it was fetched, by our clock.
    pub issued: u64,
}

impl Token {
    /// A token that was just fetched.
    pub fn new(token: &str, expires: u64) -> Self {
        Self {
            token: token.into(),
            expires,
            issued: now(),
        }
    }

    fn usable(&self, now: u64) -> bool {
        match self.expires.checked_sub(self.issued) {
            // A clock that was set back doesn't end a token.
            Some(life) => now < self.expires - MARGIN.min(life / 10),
            None => now < self.issued + WRONG_CLOCK,
        }
    }
}

/// Why there is no token.
#[derive(Clone, Debug)]
pub struct NoToken(pub Why, pub String);

/// Keeps the token.
pub struct Keeper {
    file: Option<StateFile>,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// Whether it is on disk.
    kept: bool,
    /// When this process last fetched one.
    fetched: Option<Instant>,
    failed: Option<(Instant, NoToken)>,
    pushed_out: Option<Instant>,
}

impl Keeper {
    /// A keeper for the account that `client_id` at `api_url` stands for. Without a folder the
    /// token is forgotten when the process ends.
    pub fn new(folder: Option<&Path>, api_url: &str, client_id: &str, timing: &Timing) -> Self {
        let whose = Sha256::digest(format!("{api_url} {client_id}"));
        let name = format!("token-{}.json", hex(&whose[..8]));
        let file = folder.map(|folder| StateFile::new(folder.join(name)));
        Self {
            file,
            pause: timing.token_pause,
            state: Mutex::default(),
        }
    }

    /// A token that isn't `failing`, from memory, from the file, or from `fetch`.
    pub fn token(
        &self,
        failing: Option<(&str, Why)>,
        fetch: impl FnOnce() -> Result<Token, NoToken>,
    ) -> Result<Arc<str>, NoToken> {
        // Held across the renewal, so that there is one at a time; everyone needs its outcome.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let time = now();
        let good = |token: &Token| {
            token.usable(time) && failing.is_none_or(|(bad, _)| *token.token != *bad)
        };
        if let Some(token) = state.token.as_ref().filter(|token| good(token)) {
            return Ok(token.token.clone());
        }
        let failed = state.failed.as_ref();
        if let Some((_, error)) = failed.filter(|(since, _)| since.elapsed() < AGAIN) {
            return Err(error.clone());
        }
        if let Some((_, Why::PushedOut)) = failing {
            state.crowded();
        }
        let lock = self.lock();
        let stored = self.read();
        if let Some(token) = stored.clone().filter(|token| good(token)) {
            let text = token.token.clone();
            (state.token, state.kept) = (Some(token), true);
            return Ok(text);
        }
        self.check_pause(&state, stored.as_ref(), lock.as_ref(), time)?;
        // Whoever is killed now has asked for one all the same.
        mark(lock.as_ref(), true);
        match fetch() {
            Ok(token) => {
                info!("got a new access token");
                let kept = self.write(&token);
                mark(lock.as_ref(), !kept);
                let text = token.token.clone();
                *state = State {
                    token: Some(token),
                    kept,
                    fetched: Some(Instant::now()),
                    failed: None,
                    ..*state
                };
                Ok(text)
            }
            Err(error) => {
                // What may have been given all the same counts as given.
                let lost = error.0 == Why::Lost;
                mark(lock.as_ref(), lost);
                if lost {
                    state.fetched = Some(Instant::now());
                }
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Writes the token to disk if that has failed; tells whether it had.
    pub fn keep(&self) -> bool {
        let Ok(mut state) = self.state.try_lock() else {
            return false;
        };
        let unkept = state.token.clone().filter(|_| !state.kept);
        let (Some(token), Some(_)) = (unkept, &self.file) else {
            return false;
        };
        let lock = self.lock();
        // Another process may have got there with a newer one.
        let newest = |stored: Token| stored.issued < token.issued;
        state.kept = !self.read().is_none_or(newest) || self.write(&token);
        mark(lock.as_ref(), !state.kept);
        true
    }

    /// When the token ends; None also while it is being renewed.
    pub fn expires(&self) -> Option<u64> {
        let state = self.state.try_lock().ok()?;
        state.token.as_ref().map(|token| token.expires)
    }

    /// At most one new token a minute, whichever process fetched the last one.
    fn check_pause(
        &self,
        state: &State,
        stored: Option<&Token>,
        lock: Option<&File>,
        time: u64,
    ) -> Result<(), NoToken> {
        let own = state.fetched.is_some_and(|at| at.elapsed() < self.pause);
        let times = [stored.map(|token| token.issued), lock.and_then(asked)];
        let ages = times.into_iter().flatten();
        let mut ages = ages.filter_map(|at| time.checked_sub(at));
        match own || ages.any(|age| Duration::from_secs(age) < self.pause) {
            false => Ok(()),
            true => {
                let text = "the last access token was asked for less than a minute ago; the next \
                            one is asked for a minute after it";
                Err(NoToken(Why::Token, text.to_owned()))
            }
        }
    }

    /// The lock that makes processes take turns; without it they work all the same.
    fn lock(&self) -> Option<File> {
        let path = self.file.as_ref()?.path.with_extension("lock");
        let file = private(OpenOptions::new().create(true).truncate(false))
            .open(path)
            .ok()?;
        let start = Instant::now();
        // Another process may be renewing; one that hangs must not hold us up for ever.
        while file.try_lock().is_err() {
            if start.elapsed() > LOCK {
                return None;
            }
            std::thread::sleep(LOCK / 500);
        }
        Some(file)
    }

    fn read(&self) -> Option<Token> {
        let text = fs::read(&self.file.as_ref()?.path).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn write(&self, token: &Token) -> bool {
        let text = serde_json::to_vec(token).unwrap_or_default();
        let follows = "until then each start asks for a new access token";
        self.file
            .as_ref()
            .is_some_and(|file| file.write(&text, follows))
    }
}

impl State {
    fn crowded(&mut self) {
        if self.pushed_out.is_some_and(|last| last.elapsed() < CROWD) {
            error!(
                "more than three programs use this client id, and their tokens push each other \
                 out: give each machine a client id of its own, or stop one of them"
            );
        }
        self.pushed_out = Some(Instant::now());
    }
}

/// Notes in the lock file whether a token was asked for that isn't on disk: the file then has a
/// byte, and its time tells when. So a crash in the middle counts too, however often it comes.
fn mark(lock: Option<&File>, asked: bool) {
    let _ = lock.map(|file| file.set_len(u64::from(asked)));
}

/// When a token was asked for that isn't on disk.
fn asked(lock: &File) -> Option<u64> {
    let about = lock.metadata().ok().filter(|about| about.len() > 0)?;
    let since = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs())
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
            token: "t".into(),
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
        ] {
            assert_eq!(token.usable(now), usable, "{} {}", token.issued, now);
        }
    }
}
