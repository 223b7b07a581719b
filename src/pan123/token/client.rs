//! Tokens by client id and secret, kept on disk with their expiry, at most a new one a minute.
//!
//! 123pan keeps three tokens a client id alive; each new one pushes the oldest out. Programs that
//! all fetch tokens for themselves push each other out in a loop (API reference 1.6), hence the
//! shared file. It is a convenience: whatever is wrong with it, there will be a token.

use super::{Config, Need, NoToken, Timing, Token, check_pause, now, private, replace};
use crate::pan123::call::Door;
use crate::pan123::judge::Why;
use crate::restic::hex;
use log::{error, info, warn};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Two tokens pushed out within this time mean that too many programs use the client id.
const CROWD: Duration = Duration::from_secs(600);
/// Longest wait for another process's renewal: it makes one call.
const LOCK: Duration = Duration::from_secs(30);

/// A client id with its secret, and the file of its token.
pub(super) struct Flow {
    client: (String, String),
    file: Option<PathBuf>,
    timing: Timing,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// When this process last fetched a token.
    fetched: Option<Instant>,
    pushed_out: Option<Instant>,
}

/// A token as it is kept on disk.
#[derive(Deserialize, Serialize)]
struct Stored {
    token: String,
    expires: u64,
    issued: u64,
}

impl Flow {
    /// The flow of the configured client. Without a folder for the state the token is forgotten
    /// when the process ends.
    pub(super) fn new(config: &Config) -> Self {
        let (url, id) = (&config.api_url, &config.client_id);
        let whose = Sha256::digest(format!("{url} {id}"));
        let name = format!("token-{}.json", hex(&whose[..8]));
        Self {
            client: (id.clone(), config.client_secret.clone()),
            file: config.state_dir.as_ref().map(|folder| folder.join(name)),
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
        let _lock = self.lock();
        let stored = self.read();
        let issued = stored.as_ref().map(|token| token.issued);
        if let Some(token) = stored.filter(|token| need.is_met(token)) {
            return Ok(token);
        }
        check_pause(&self.timing, memory.fetched, issued, need.now)?;
        let (id, secret) = &self.client;
        let (text, expires) = door.client_token(id, secret)?;
        info!("got a new access token");
        memory.fetched = Some(Instant::now());
        let token = Token {
            text: text.into(),
            expires,
            issued: now(),
        };
        self.write(&token);
        Ok(token)
    }
}

impl Flow {
    /// The lock that makes processes take turns; without it they work all the same.
    fn lock(&self) -> Option<File> {
        let path = self.file.as_ref()?.with_extension("lock");
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
        let text = fs::read(self.file.as_ref()?).ok()?;
        let stored: Stored = serde_json::from_slice(&text).ok()?;
        Some(Token {
            text: stored.token.into(),
            expires: stored.expires,
            issued: stored.issued,
        })
    }

    fn write(&self, token: &Token) {
        let Some(path) = &self.file else { return };
        let stored = Stored {
            token: token.text.to_string(),
            expires: token.expires,
            issued: token.issued,
        };
        let text = serde_json::to_vec(&stored).unwrap_or_default();
        if let Err(error) = replace(path, &text) {
            let path = path.display();
            warn!("the access token can't be kept in {path}: {error}");
        }
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
