//! Tokens by client id and secret, kept on disk with their expiry, at most a new one a minute.
//!
//! 123pan keeps three tokens a client id alive; each new one pushes the oldest out. Programs that
//! all fetch tokens for themselves push each other out in a loop (API reference 1.6), hence the
//! shared file. It is a convenience: whatever is wrong with it, there will be a token.

use super::{Config, Need, NoToken, Timing, Token, check_pause, now};
use crate::disk::{self, StateFile};
use crate::pan123::call::Door;
use crate::pan123::judge::Why;
use crate::restic::hex;
use log::{error, info};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Two tokens pushed out within this time mean that too many programs use the client id.
const CROWD: Duration = Duration::from_secs(600);
/// Longest wait for another process's renewal: it makes one call.
const LOCK: Duration = Duration::from_secs(30);

/// A client id with its secret, and the file of its token.
pub(super) struct Flow {
    client: (String, String),
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

impl Flow {
    /// The flow of the configured client. Without a folder for the state the token is forgotten
    /// when the process ends.
    pub(super) fn new(config: &Config) -> Self {
        let (url, id) = (&config.api_url, &config.client_id);
        let whose = Sha256::digest(format!("{url} {id}"));
        let name = format!("token-{}.json", hex(&whose[..8]));
        let folder = config.state_dir.as_ref();
        Self {
            client: (id.clone(), config.client_secret.clone()),
            file: folder.map(|folder| StateFile::new(folder.join(name))),
            timing: config.timing.clone(),
            memory: Mutex::default(),
        }
    }
}

impl super::Flow for Flow {
    fn stored(&self) -> Option<Token> {
        self.read()
    }

    fn renew(&self, door: &Door, need: &Need<'_>) -> Result<Token, NoToken> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, Why::PushedOut)) = need.failing {
            memory.crowded();
        }
        let lock = self.lock();
        let stored = self.read();
        let issued = stored.as_ref().map(|token| token.issued);
        if let Some(token) = stored.filter(|token| need.is_met(token)) {
            memory.unkept = None;
            return Ok(token);
        }
        let times = [issued, lock.as_ref().and_then(asked)];
        check_pause(&self.timing, memory.fetched, times, need.now)?;
        let (id, secret) = &self.client;
        // Whoever is killed now has asked for one all the same.
        mark(lock.as_ref(), true);
        match door.client_token(id, secret) {
            Ok((text, expires)) => {
                info!("got a new access token");
                memory.fetched = Some(Instant::now());
                let token = Token {
                    text: text.into(),
                    expires,
                    issued: now(),
                };
                let kept = self.write(&token);
                mark(lock.as_ref(), !kept);
                memory.unkept = (!kept).then(|| token.clone());
                Ok(token)
            }
            Err(fault) => {
                // What may have been given all the same counts as given.
                let lost = fault.why == Why::Lost;
                mark(lock.as_ref(), lost);
                if lost {
                    memory.fetched = Some(Instant::now());
                }
                Err(fault.into())
            }
        }
    }

    fn keep(&self) -> bool {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(token), Some(_)) = (memory.unkept.take(), &self.file) else {
            return false;
        };
        let lock = self.lock();
        // Another process may have got there with a newer one.
        let newest = |stored: Token| stored.issued < token.issued;
        let kept = !self.read().is_none_or(newest) || self.write(&token);
        mark(lock.as_ref(), !kept);
        memory.unkept = (!kept).then_some(token);
        true
    }
}

impl Flow {
    /// The lock that makes processes take turns; without it they work all the same.
    fn lock(&self) -> Option<File> {
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
