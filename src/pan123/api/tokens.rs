//! The calls for access tokens, of both flows. They hold secrets in their bodies and queries, and
//! get them in their answers.

use super::answers::Granted;
use super::{Endpoint, call};
use crate::civil::seconds;
use crate::cloud::client::Client;
use crate::cloud::token::{
    GrantedTokens, Rotating, Secret, TokenCache, encoded, is_sendable, no_token,
};
use crate::cloud::{Fault, Priority, Reason};
use crate::disk;
use crate::pan123::config::Config;
use crate::settings::Secret as Hidden;
use serde_json::json;
use std::sync::Arc;

/// What is to be said when more programs share a client id than 123pan allows: it keeps three tokens
/// of one alive (API reference 1.6).
const CROWDED: &str = "more than three programs use this client id, and their tokens push each \
                       other out: give each machine a client id of its own, or stop one of them";

/// The token of the configured account.
pub fn cache(config: &Config) -> TokenCache {
    let (id, secret) = (config.client_id.clone(), config.client_secret.clone());
    match &config.grant {
        Some(grant) => {
            let refresh = move |client: &Client, old: &str| {
                let got = [("grant_type", "refresh_token"), ("refresh_token", old)];
                granted(client, (&id, &secret), &got)
            };
            let (refresh, grant) = (Box::new(refresh), Arc::clone(grant));
            TokenCache::new(Rotating::new(refresh, grant, &config.shared.timing))
        }
        None => {
            let about = format!("{} {}", config.api_url, id.reveal());
            let file = disk::state_file(config.shared.state_dir.as_ref(), "token", &about, "json");
            let issue = Box::new(move |client: &Client| client_token(client, &id, &secret));
            TokenCache::new(Secret::new(issue, CROWDED, file, &config.shared.timing))
        }
    }
}

/// A new access token for a client id and secret, and when it ends.
fn client_token(client: &Client, id: &Hidden, secret: &Hidden) -> Result<(String, u64), Fault> {
    let body = json!({ "clientID": id.reveal(), "clientSecret": secret.reveal() });
    let data: Granted = client.call(
        call(Endpoint::AccessToken)
            .json(&body)
            .priority(Priority::Small),
    )?;
    match seconds(&data.expires) {
        Some(expires) if is_sendable(&data.token) => Ok((data.token, expires)),
        Some(_) => Err(no_token(client)),
        None => Err(Fault::new(
            Reason::NoToken,
            format!(
                "a token's expiry isn't a time, but {} bytes",
                data.expires.len()
            ),
        )),
    }
}

/// Tokens of an OAuth grant, for what was got before.
pub fn granted(
    client: &Client,
    (id, secret): (&Hidden, &Hidden),
    got: &[(&str, &str)],
) -> Result<GrantedTokens, Fault> {
    let mut query = format!("client_id={}", encoded(id.reveal()));
    // Documented as needed; another client found that it isn't.
    let secret = Some(("client_secret", secret.reveal())).filter(|(_, secret)| !secret.is_empty());
    for (name, value) in secret.iter().chain(got) {
        query += &format!("&{name}={}", encoded(value));
    }
    GrantedTokens::ask(client, call(Endpoint::OauthToken).query(&query))
}
