//! The calls for access tokens, of both flows. They hold secrets in their bodies and queries, and
//! get them in their answers.

use super::Endpoint;
use super::answers::{Granted, OauthTokens};
use crate::civil::seconds;
use crate::pan123::call::{Call, Door, Fault};
use crate::pan123::judge::Why;
use crate::pan123::pace::Priority;
use crate::pan123::token::{encoded, is_sendable};
use serde_json::json;

impl Door {
    /// A new access token for a client id and secret, and when it ends.
    pub fn client_token(&self, id: &str, secret: &str) -> Result<(String, u64), Fault> {
        let body = json!({ "clientID": id, "clientSecret": secret });
        let data: Granted =
            self.ask(Call::json(Endpoint::AccessToken, &body).first(Priority::Small))?;
        match seconds(&data.expires) {
            Some(expires) if is_sendable(&data.token) => Ok((data.token, expires)),
            Some(_) => Err(no_token()),
            None => Err(Fault::new(
                Why::NoToken,
                format!(
                    "a token's expiry is no time, but {} bytes",
                    data.expires.len()
                ),
            )),
        }
    }

    /// New tokens for a refresh token, which is used up by it.
    pub fn refreshed(&self, id: &str, secret: &str, refresh: &str) -> Result<OauthTokens, Fault> {
        let refresh = ("refresh_token", refresh);
        self.oauth(id, secret, &[("grant_type", "refresh_token"), refresh])
    }

    /// The first tokens, for a code from the page on which the user agreed.
    pub fn granted(
        &self,
        id: &str,
        secret: &str,
        code: &str,
        redirect: &str,
    ) -> Result<OauthTokens, Fault> {
        let (code, redirect) = (("code", code), ("redirect_uri", redirect));
        self.oauth(
            id,
            secret,
            &[("grant_type", "authorization_code"), code, redirect],
        )
    }

    fn oauth(&self, id: &str, secret: &str, more: &[(&str, &str)]) -> Result<OauthTokens, Fault> {
        let mut query = format!("?client_id={}", encoded(id));
        // Documented as needed; another client found that it isn't.
        let secret = Some(("client_secret", secret)).filter(|(_, secret)| !secret.is_empty());
        for (name, value) in secret.iter().chain(more) {
            query += &format!("&{name}={}", encoded(value));
        }
        let call = Call::get(Endpoint::OauthToken, &query).first(Priority::Small);
        let tokens: OauthTokens = self.ask(call)?;
        // An empty refresh token in place of the old one would be the end of the grant.
        let all = [&tokens.access_token, &tokens.refresh_token];
        match all.iter().all(|token| is_sendable(token)) {
            true => Ok(tokens),
            false => Err(no_token()),
        }
    }
}

/// What was given, if anything, is lost.
fn no_token() -> Fault {
    Fault::new(Why::Lost, "123pan gave a token that is none")
}
