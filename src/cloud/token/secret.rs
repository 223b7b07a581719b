//! Tokens by client id and secret, kept on disk with their expiry, at most a new one a minute.
//!
//! Where a cloud keeps only some tokens of a client alive, each new one pushes the oldest out, and
//! programs that all fetch tokens for themselves push each other out in a loop; hence the shared
//! file. It is a convenience: whatever is wrong with it, there will be a token.

use super::{Need, Timing, Token, WRONG_CLOCK, check_pause};
use crate::cloud::client::Client;
use crate::cloud::outcome::{Fault, Reason};
use crate::disk::{self, StateFile};
use crate::sync::lock;
use log::{error, info};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Two tokens pushed out within this time mean that too many programs use the client id.
const CROWD: Duration = Duration::from_secs(600);
/// Longest wait for another process's renewal: it makes one call.
const LOCK: Duration = Duration::from_secs(30);

/// Brings a token, and tells when it ends.
pub type Issue = dyn Fn(&Client) -> Result<(String, u64), Fault> + Send + Sync;

/// Tokens by a secret, and the file of the last one.
pub struct Secret {
    issue: Box<Issue>,
    /// What is said when programs with one client id push each other's tokens out.
    crowded: &'static str,
    file: Option<StateFile>,
    timing: Timing,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// When this process last fetched a token.
    fetched: Option<Instant>,
    /// The last one, if it isn't on disk.
    unkept: Option<Token>,
    pushed_out: Option<Instant>,
}

/// A token as it is kept on disk.
#[derive(Deserialize, Serialize)]
pub struct Stored {
    token: String,
    expires: u64,
    issued: u64,
}

impl Stored {
    /// The token.
    pub fn token(&self) -> Token {
        Token {
            text: self.token.as_str().into(),
            expires: self.expires,
            issued: self.issued,
        }
    }
}

impl Secret {
    /// The flow of tokens that this brings. Without a file the token is forgotten when the process
    /// ends. `crowded` is said when programs push each other's tokens out.
    pub fn new(
        issue: Box<Issue>,
        crowded: &'static str,
        file: Option<PathBuf>,
        timing: &Timing,
    ) -> Self {
        Self {
            issue,
            crowded,
            file: file.map(StateFile::new),
            timing: timing.clone(),
            memory: Mutex::default(),
        }
    }
}

impl super::Flow for Secret {
    fn stored(&self) -> Option<Token> {
        self.read()
    }

    fn renew(&self, client: &Client, need: &Need<'_>) -> Result<Token, Fault> {
        let mut memory = lock(&self.memory);
        if let Some((_, Reason::PushedOut)) = need.failing {
            memory.crowded(self.crowded);
        }
        let turn = self.turn();
        let stored = self.read();
        let issued = stored.as_ref().map(|token| token.issued);
        if let Some(token) = stored.filter(|token| need.is_met(token)) {
            memory.unkept = None;
            return Ok(token);
        }
        let asked = turn.as_ref().and_then(asked);
        let times = [issued, asked.map(|age| need.now.saturating_sub(age))];
        check_pause(&self.timing, memory.fetched, times, need.now)?;
        // Whoever is killed now has asked for one all the same.
        mark(turn.as_ref(), true);
        match (self.issue)(client) {
            Ok((text, expires)) => {
                info!("got a new access token");
                memory.fetched = Some(Instant::now());
                let token = Token {
                    text: text.into(),
                    expires,
                    issued: client.time.or_ours(),
                };
                let kept = self.write(&token);
                mark(turn.as_ref(), !kept);
                memory.unkept = (!kept).then(|| token.clone());
                Ok(token)
            }
            Err(fault) => {
                // What may have been given all the same counts as given.
                let lost = fault.reason == Reason::Lost;
                mark(turn.as_ref(), lost);
                if lost {
                    memory.fetched = Some(Instant::now());
                }
                Err(fault)
            }
        }
    }

    fn keep(&self) -> bool {
        let mut memory = lock(&self.memory);
        let (Some(token), Some(_)) = (memory.unkept.take(), &self.file) else {
            return false;
        };
        let turn = self.turn();
        // Another process may have got there with a newer one.
        // One that is from the future was noted by a wrong clock.
        let newest = |stored: Token| {
            let is_newer = token.issued..=token.issued.saturating_add(WRONG_CLOCK);
            !is_newer.contains(&stored.issued)
        };
        let kept = !self.read().is_none_or(newest) || self.write(&token);
        mark(turn.as_ref(), !kept);
        memory.unkept = (!kept).then_some(token);
        true
    }
}

impl Secret {
    /// The lock that makes processes take turns; without it they work all the same.
    fn turn(&self) -> Option<File> {
        let path = self.file.as_ref()?.path.with_extension("lock");
        let file = disk::lock_file(&path).ok()?;
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
        let text = disk::read(&self.file.as_ref()?.path).ok()?;
        let stored: Stored = serde_json::from_slice(&text).ok()?;
        Some(stored.token())
    }

    fn write(&self, token: &Token) -> bool {
        let stored = Stored {
            token: token.text.to_string(),
            expires: token.expires,
            issued: token.issued,
        };
        let text = serde_json::to_vec(&stored).unwrap_or_default();
        let follows = "until then each start asks for a new access token";
        self.file
            .as_ref()
            .is_some_and(|file| file.write(&text, follows))
    }
}

impl Memory {
    fn crowded(&mut self, what: &str) {
        if self.pushed_out.is_some_and(|last| last.elapsed() < CROWD) {
            error!("{what}");
        }
        self.pushed_out = Some(Instant::now());
    }
}

/// Notes in the lock file whether a token was asked for that isn't on disk: the file then has a
/// byte, and its time tells when. So a crash in the middle counts too, however often it comes.
fn mark(lock: Option<&File>, asked: bool) {
    let _ = lock.map(|file| file.set_len(u64::from(asked)));
}

/// How many seconds ago a token was asked for that isn't on disk; None if that was in the future,
/// by a clock that was wrong then or is now.
fn asked(lock: &File) -> Option<u64> {
    let about = lock.metadata().ok().filter(|about| about.len() > 0)?;
    let age = about.modified().ok()?.elapsed().ok()?;
    Some(age.as_secs())
}
