//! Tokens of an OAuth app whose refresh tokens rotate: a renewal sends the refresh token, which is good for
//! one use, and gets another one with the new access token; the old ones end at once. So:
//!
//! 1. Before a renewal the file is written, with the note that one is under way: a file that can't
//!    be written would lose the grant, and a note that stays tells that an answer was lost.
//! 2. The new refresh token is on disk before the new access token is used.
//! 3. A refused refresh token isn't sent again; a new login replaces the file, which is read again
//!    before each renewal.
//! 4. Only the process that holds the file renews. Others use the access token as long as it lives.
//!
//! What a refusal looks like, the cloud's own table of meanings says.

use super::grant_file::{Grant, GrantFile, save, try_out};
use super::{Need, Timing, Token, check_pause, is_sendable, no_token};
use crate::cloud::Priority;
use crate::cloud::call::Call;
use crate::cloud::client::Client;
use crate::cloud::outcome::{Fault, Reason};
use crate::sync::lock;
use crate::warning::Kind;
use log::{error, info};
use serde::{Deserialize, Deserializer};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest wait of a renewal for uploads under way, which the end of their token might break.
/// Meanwhile everybody waits; clients have more patience than that.
const QUIET: Duration = Duration::from_secs(60);
/// Seconds that a token lives whose life isn't told.
const LIFE: u64 = 7200;

/// Brings new tokens for a refresh token.
pub type Refresh = dyn Fn(&Client, &str) -> Result<Tokens, Fault> + Send + Sync;

/// What an OAuth grant is renewed to, by the names that OAuth gives it.
#[derive(Deserialize)]
pub struct Tokens {
    #[serde(rename = "access_token")]
    access: String,
    /// Good for one use.
    #[serde(rename = "refresh_token")]
    refresh: String,
    /// Seconds that the access token lives; 0 if it isn't told.
    #[serde(rename = "expires_in", default, deserialize_with = "seconds")]
    life: u64,
}

impl Tokens {
    /// Those that a call brings.
    pub fn ask(client: &Client, call: Call<'_, '_>) -> Result<Self, Fault> {
        let tokens: Self = client.call(call.priority(Priority::Small))?;
        // An empty refresh token in place of the old one would be the end of the grant.
        match is_sendable(&tokens.access) && is_sendable(&tokens.refresh) {
            true => Ok(tokens),
            false => Err(no_token(client)),
        }
    }
}

/// A number as one or as a text; whatever else it is, the tokens are there.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    let text = || value.as_str()?.trim().parse().ok();
    Ok(value.as_u64().or_else(text).unwrap_or(0))
}

/// An app, and the grant that a user has given it.
pub struct Rotating {
    refresh: Box<Refresh>,
    grant: Arc<Grant>,
    timing: Timing,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// When this process last got new tokens.
    renewed: Option<Instant>,
    /// The refresh token that was refused last.
    refused: String,
    /// The refresh token that was sent, and what came for it but couldn't be written.
    unwritten: Option<(String, GrantFile)>,
}

impl Rotating {
    /// The flow of an app to which a user has given this grant.
    pub fn new(refresh: Box<Refresh>, grant: Arc<Grant>, timing: &Timing) -> Self {
        Self {
            refresh,
            grant,
            timing: timing.clone(),
            memory: Mutex::default(),
        }
    }
}

impl super::Flow for Rotating {
    fn stored(&self) -> Option<Token> {
        self.grant.read().ok().map(|kept| kept.token())
    }

    fn keep(&self) -> bool {
        let mut memory = lock(&self.memory);
        let unwritten = memory.unwritten.take();
        let kept = unwritten.map(|(sent, new)| self.write(&mut memory, sent, new));
        kept.is_some()
    }

    fn renew(&self, client: &Client, need: &Need<'_>) -> Result<Token, Fault> {
        let mut memory = lock(&self.memory);
        if let Some((sent, new)) = memory.unwritten.take() {
            return self.write(&mut memory, sent, new);
        }
        let kept = self.grant.read()?;
        let token = kept.token();
        if need.is_met(&token) {
            return Ok(token);
        }
        if !self.grant.is_ours() {
            return self.borrow(token, need);
        }
        if kept.refused > 0 || kept.refresh_token == memory.refused {
            return Err(Fault::new(Reason::Grant, self.grant.refusal(&kept)));
        }
        match need.failing {
            // The old one is good until then, and with it what is being sent.
            None => client.streams.wait(QUIET),
            Some(_) => {
                let times = [Some(kept.issued), None];
                check_pause(&self.timing, memory.renewed, times, need.now)?;
            }
        }
        // An answer from anybody there spares a file on flash being written in vain.
        let theirs = client.probe()?;
        let now = theirs.unwrap_or_else(|| client.time.or_ours());
        self.exchange(client, &mut memory, kept, now)
    }
}

impl Rotating {
    /// Sends the refresh token, and keeps what comes for it.
    fn exchange(
        &self,
        client: &Client,
        memory: &mut Memory,
        kept: GrantFile,
        now: u64,
    ) -> Result<Token, Fault> {
        let mut under_way = kept.clone();
        if under_way.renewing == 0 {
            under_way.renewing = now;
        }
        self.grant.write(&under_way)?;
        match (self.refresh)(client, &kept.refresh_token) {
            Ok(tokens) => self.write(memory, kept.refresh_token, received(tokens, now)),
            Err(fault) if fault.reason == Reason::Grant => {
                memory.refused.clone_from(&kept.refresh_token);
                let refused = GrantFile {
                    refused: now,
                    ..kept
                };
                // If it can't be written, the next start finds out by itself.
                let _ = self.grant.write(&refused);
                let refusal = self.grant.refusal(&refused);
                error!(target: &Kind::Grant.about(""), "{refusal}");
                Err(Fault::new(Reason::Grant, refusal))
            }
            Err(fault) => {
                if is_undone(&fault) {
                    self.grant.write(&kept)?;
                }
                Err(fault)
            }
        }
    }

    /// Writes new tokens down; only then they are used.
    fn write(&self, memory: &mut Memory, sent: String, new: GrantFile) -> Result<Token, Fault> {
        memory.renewed = Some(Instant::now());
        let stands = self.grant.read();
        if stands.is_ok_and(|stands| stands.refresh_token != sent) {
            let text = format!("{} has got a new login meanwhile", self.grant.place());
            return Err(Fault::new(Reason::Token, text));
        }
        if let Err(error) = self.grant.write(&new) {
            error!(target: &Kind::Grant.about(""), "{error}; nothing is sent until it can be");
            memory.unwritten = Some((sent, new));
            return Err(error);
        }
        info!(target: &Kind::Grant.over(""), "renewed the OAuth grant");
        Ok(new.token())
    }

    /// The token for a process that may not renew it.
    fn borrow(&self, token: Token, need: &Need<'_>) -> Result<Token, Fault> {
        if need.is_met_for_now(&token) {
            return Ok(token);
        }
        let place = self.grant.place();
        let text =
            format!("the access token in {place} is over, and another process holds the file");
        Err(Fault::new(Reason::Held, text))
    }
}

/// Puts the first tokens of a grant into its file; `ask` brings them for what the user's browser
/// brought back.
pub fn log_in(
    file: &Path,
    client: &Client,
    ask: impl FnOnce(&Client) -> Result<Tokens, Fault>,
) -> Result<(), String> {
    let place = file.display();
    let failed = |error| format!("{place}: {error}");
    // Before the code is used up.
    try_out(file).map_err(failed)?;
    let tokens = ask(client).map_err(|fault| fault.to_string())?;
    save(file, &received(tokens, client.time.or_ours())).map_err(failed)
}

/// What is kept of new tokens that were asked for at this time.
fn received(tokens: Tokens, asked: u64) -> GrantFile {
    let life = match tokens.life {
        0 => LIFE,
        life => life,
    };
    GrantFile {
        refresh_token: tokens.refresh,
        access_token: tokens.access,
        // Whatever number came.
        expires: asked.saturating_add(life),
        issued: asked,
        ..GrantFile::default()
    }
}

/// Whether a failed renewal has certainly used nothing up.
fn is_undone(fault: &Fault) -> bool {
    matches!(
        fault.reason,
        Reason::Unreachable | Reason::Throttled | Reason::Blocked
    )
}
