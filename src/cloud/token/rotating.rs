//! Tokens of an OAuth app (API reference 3.2): a renewal sends the refresh token, which is good for
//! one use, and gets another one with the new access token; the old ones end at once. So:
//!
//! 1. Before a renewal the file is written, with the note that one is under way: a file that can't
//!    be written would lose the grant, and a note that stays tells that an answer was lost.
//! 2. The new refresh token is on disk before the new access token is used.
//! 3. A refused refresh token isn't sent again; a new login replaces the file, which is read again
//!    before each renewal.
//! 4. Only the process that holds the file renews. Others use the access token as long as it lives.
//!
//! What a refusal looks like is documented nowhere; `judge` has the texts that it goes by.

use super::kept::{Grant, Kept};
use super::{Config, Need, NoToken, Timing, Token, check_pause, now};
use crate::pan123::api::OauthTokens;
use crate::pan123::call::{Door, Fault};
use crate::pan123::judge::Why;
use log::{error, info};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait of a renewal for uploads under way, which the end of their token might break.
/// Meanwhile everybody waits; clients have more patience than that.
const QUIET: Duration = Duration::from_secs(60);
/// Seconds that a token lives whose life isn't told: 123pan's sample.
const LIFE: u64 = 7200;

/// An app, and the grant that a user has given it.
pub(super) struct Flow {
    grant: Arc<Grant>,
    client: (String, String),
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
    unwritten: Option<(String, Kept)>,
}

impl Flow {
    /// The flow of the configured app.
    pub(super) fn new(grant: Arc<Grant>, config: &Config) -> Self {
        Self {
            grant,
            client: (config.client_id.clone(), config.client_secret.clone()),
            timing: config.timing.clone(),
            memory: Mutex::default(),
        }
    }
}

impl super::Flow for Flow {
    fn stored(&self) -> Option<Token> {
        self.grant.read().ok().map(|kept| kept.token())
    }

    fn keep(&self) -> bool {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let unwritten = memory.unwritten.take();
        let kept = unwritten.map(|(sent, new)| self.write(&mut memory, sent, new));
        kept.is_some()
    }

    fn renew(&self, door: &Door, need: &Need<'_>) -> Result<Token, NoToken> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
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
            return Err(NoToken(Why::Grant, self.grant.refusal(&kept)));
        }
        match need.failing {
            // The old one is good until then, and with it what is being sent.
            None => need.streams.wait(QUIET),
            Some(_) => {
                let times = [Some(kept.issued), None];
                check_pause(&self.timing, memory.renewed, times, need.now)?;
            }
        }
        // An answer from anybody there spares a file on flash being written in vain.
        door.knock()?;
        self.exchange(door, &mut memory, kept)
    }
}

impl Flow {
    /// Sends the refresh token, and keeps what comes for it.
    fn exchange(&self, door: &Door, memory: &mut Memory, kept: Kept) -> Result<Token, NoToken> {
        let mut under_way = kept.clone();
        if under_way.renewing == 0 {
            under_way.renewing = now();
        }
        self.grant.write(&under_way)?;
        let (id, secret) = &self.client;
        let asked = now();
        match door.refreshed(id, secret, &kept.refresh_token) {
            Ok(tokens) => self.write(memory, kept.refresh_token, received(tokens, asked)),
            Err(fault) if fault.why == Why::Grant => {
                memory.refused.clone_from(&kept.refresh_token);
                let refused = Kept {
                    refused: now(),
                    ..kept
                };
                // If it can't be written, the next start finds out by itself.
                let _ = self.grant.write(&refused);
                let refusal = self.grant.refusal(&refused);
                error!("{refusal}");
                Err(NoToken(Why::Grant, refusal))
            }
            Err(fault) => {
                if is_undone(&fault) {
                    self.grant.write(&kept)?;
                }
                Err(fault.into())
            }
        }
    }

    /// Writes new tokens down; only then they are used.
    fn write(&self, memory: &mut Memory, sent: String, new: Kept) -> Result<Token, NoToken> {
        memory.renewed = Some(Instant::now());
        let stands = self.grant.read();
        if stands.is_ok_and(|stands| stands.refresh_token != sent) {
            let text = format!("{} has got a new login meanwhile", self.grant.place());
            return Err(NoToken(Why::Token, text));
        }
        if let Err(error) = self.grant.write(&new) {
            error!("{}; nothing is sent until it can be", error.1);
            memory.unwritten = Some((sent, new));
            return Err(error);
        }
        info!("renewed the OAuth grant");
        Ok(new.token())
    }

    /// The token for a process that may not renew it.
    fn borrow(&self, token: Token, need: &Need<'_>) -> Result<Token, NoToken> {
        if need.is_met_for_now(&token) {
            return Ok(token);
        }
        let place = self.grant.place();
        let text =
            format!("the access token in {place} is over, and another process holds the file");
        Err(NoToken(Why::Held, text))
    }
}

/// What is kept of new tokens that were asked for at this time.
pub(super) fn received(tokens: OauthTokens, asked: u64) -> Kept {
    let life = match tokens.expires_in {
        0 => LIFE,
        life => life,
    };
    Kept {
        refresh_token: tokens.refresh_token,
        access_token: tokens.access_token,
        // Whatever number came.
        expires: asked.saturating_add(life),
        issued: asked,
        ..Kept::default()
    }
}

/// Whether a failed renewal has certainly used nothing up.
fn is_undone(fault: &Fault) -> bool {
    matches!(fault.why, Why::Unreachable | Why::Throttled | Why::Blocked)
}
