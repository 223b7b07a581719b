//! The calls for access tokens, of both flows. They hold secrets in their bodies and queries, and
//! get them in their answers.

use super::Endpoint;
use super::answers::{Granted, OauthTokens};
use crate::civil::seconds;
use crate::pan123::call::{Call, Door, Fault};
use crate::pan123::judge::Why;
use crate::pan123::pace::Priority;
use crate::pan123::token::encoded;
use serde_json::json;

impl Door {
    /// A new access token for a client id and secret, and when it ends.
    pub fn client_token(&self, id: &str, secret: &str) -> Result<(String, u64), Fault> {
        let body = json!({ "clientID": id, "clientSecret": secret });
        let data: Granted =
            self.ask(Call::json(Endpoint::AccessToken, &body).first(Priority::Small))?;
        match seconds(&data.expires) {
            Some(expires) => Ok((data.token, expires)),
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
        self.ask(Call::get(Endpoint::OauthToken, &query).first(Priority::Small))
    }
}
