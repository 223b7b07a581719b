//! The endpoint for the tokens of OAuth apps: from a query to grants and back to an answer without
//! an envelope, which no other endpoint has.

use super::args::Args;
use super::gate::Answer;
use super::refusal::Refusal;
use super::state::{Hub, State};
use super::switches::Oauth;
use super::views::ms;
use serde_json::{Value, json};

/// Serves a call.
pub fn serve(hub: &Hub, query: &str) -> Answer {
    let args = Args::query(query);
    let now = hub.clock.now();
    let mut state = hub.lock();
    let oauth = state.switches.oauth;
    match tokens(hub, &mut state, &args, now) {
        Ok(tokens) if oauth.enveloped => Answer::Data(tokens),
        Ok(tokens) => Answer::Flat(200, tokens),
        Err(Refusal::Grant(message)) if oauth.plain_errors => {
            let text = json!({"error": "invalid_grant", "error_description": message});
            Answer::Flat(400, text)
        }
        Err(refusal) => Answer::No(refusal),
    }
}

fn tokens(hub: &Hub, state: &mut State, args: &Args, now: u64) -> Result<Value, Refusal> {
    let oauth = state.switches.oauth;
    check_client(hub, &oauth, args)?;
    let kind = args.text("grant_type")?;
    let (ticket, redirect) = match kind.as_str() {
        "refresh_token" => (args.text("refresh_token")?, None),
        "authorization_code" => (args.text("code")?, Some(args.text("redirect_uri")?)),
        _ => return Err(Refusal::Field("grant_type")),
    };
    let life = ms(state.switches.token_life);
    let ends = (now + life, now + ms(oauth.refresh_life));
    let (revokes, lives) = (oauth.reuse_revokes, oauth.old_token_lives);
    let redirect = redirect.as_deref();
    let grants = &mut state.grants;
    let pair = grants.exchange(&ticket, redirect, now, ends, revokes, lives);
    let said = match oauth.echoes {
        true => format!("refresh_token {ticket} 无效"),
        false => "refresh_token is invalid".to_owned(),
    };
    let pair = pair.map_err(|_| Refusal::Grant(said))?;
    state.judge.calls.tokens += 1;
    let told = match ms(oauth.life_told) {
        0 => life,
        told => told,
    };
    let seconds = match oauth.life_as_text {
        true => json!((told / 1000).to_string()),
        false => json!(told / 1000),
    };
    Ok(json!({
        "token_type": "Bearer", "access_token": pair.access, "refresh_token": pair.refresh,
        "expires_in": seconds, "scope": "user:base,file:all:read,file:all:write",
    }))
}

fn check_client(hub: &Hub, oauth: &Oauth, args: &Args) -> Result<(), Refusal> {
    let (id, secret) = (args.text("client_id")?, args.text("client_secret"));
    let good = match secret {
        Ok(secret) => secret == hub.client.1,
        Err(_) => !oauth.needs_secret,
    };
    match good && id == hub.client.0 {
        true => Ok(()),
        false => Err(Refusal::Credentials),
    }
}

impl State {
    /// A user agrees: a code that is good for ten minutes.
    pub fn authorize(&mut self, redirect: &str, now: u64) -> String {
        self.grants.authorize(redirect, now + 600_000)
    }

    /// A refresh token that a user got elsewhere.
    pub fn grant(&mut self, now: u64) -> String {
        let end = now + ms(self.switches.oauth.refresh_life);
        self.grants.grant(end)
    }
}
