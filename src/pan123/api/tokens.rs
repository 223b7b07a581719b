//! The calls for access tokens, of both flows. They hold secrets in their bodies and queries, and
//! get them in their answers.

use super::answers::{Granted, OauthTokens};
use super::{Endpoint, call};
use crate::civil::seconds;
use crate::cloud::client::Client;
use crate::cloud::token::{
    GrantedTokens, Issuer, Rotating, Secret, TokenCache, encoded, is_sendable,
};
use crate::cloud::{Fault, Priority, Reason};
use crate::pan123::config::Config;
use crate::restic::hex;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// 123pan keeps three tokens of a client id alive (API reference 1.6).
const ISSUER: Issuer = Issuer {
    issue: client_token,
    crowded: "more than three programs use this client id, and their tokens push each other out: \
              give each machine a client id of its own, or stop one of them",
};

/// The token of the configured account.
pub fn cache(config: &Config) -> TokenCache {
    let client = (config.client_id.clone(), config.client_secret.clone());
    match &config.grant {
        Some(grant) => {
            let grant = Arc::clone(grant);
            TokenCache::new(Rotating::new(refreshed, grant, client, &config.timing))
        }
        None => {
            let whose = Sha256::digest(format!("{} {}", config.api_url, config.client_id));
            let name = format!("token-{}.json", hex(&whose[..8]));
            let file = config.state_dir.as_ref().map(|folder| folder.join(name));
            TokenCache::new(Secret::new(ISSUER, client, file, &config.timing))
        }
    }
}

/// A new access token for a client id and secret, and when it ends.
fn client_token(client: &Client, id: &str, secret: &str) -> Result<(String, u64), Fault> {
    let body = json!({ "clientID": id, "clientSecret": secret });
    let data: Granted = client.call(
        call(Endpoint::AccessToken)
            .json(&body)
            .priority(Priority::Small),
    )?;
    match seconds(&data.expires) {
        Some(expires) if is_sendable(&data.token) => Ok((data.token, expires)),
        Some(_) => Err(no_token()),
        None => Err(Fault::new(
            Reason::NoToken,
            format!(
                "a token's expiry isn't a time, but {} bytes",
                data.expires.len()
            ),
        )),
    }
}

/// New tokens for a refresh token, which is used up by it.
fn refreshed(
    client: &Client,
    id: &str,
    secret: &str,
    refresh: &str,
) -> Result<GrantedTokens, Fault> {
    let refresh = ("refresh_token", refresh);
    oauth(
        client,
        id,
        secret,
        &[("grant_type", "refresh_token"), refresh],
    )
}

/// The first tokens, for a code from the page on which the user agreed.
pub fn granted(
    client: &Client,
    id: &str,
    secret: &str,
    code: &str,
    redirect: &str,
) -> Result<GrantedTokens, Fault> {
    let (code, redirect) = (("code", code), ("redirect_uri", redirect));
    oauth(
        client,
        id,
        secret,
        &[("grant_type", "authorization_code"), code, redirect],
    )
}

fn oauth(
    client: &Client,
    id: &str,
    secret: &str,
    more: &[(&str, &str)],
) -> Result<GrantedTokens, Fault> {
    let mut query = format!("client_id={}", encoded(id));
    // Documented as needed; another client found that it isn't.
    let secret = Some(("client_secret", secret)).filter(|(_, secret)| !secret.is_empty());
    for (name, value) in secret.iter().chain(more) {
        query += &format!("&{name}={}", encoded(value));
    }
    let call = call(Endpoint::OauthToken).query(&query);
    let tokens: OauthTokens = client.call(call.priority(Priority::Small))?;
    // An empty refresh token in place of the old one would be the end of the grant.
    let all = [&tokens.access_token, &tokens.refresh_token];
    match all.iter().all(|token| is_sendable(token)) {
        true => Ok(GrantedTokens {
            access: tokens.access_token,
            refresh: tokens.refresh_token,
            life: tokens.expires_in,
        }),
        false => Err(no_token()),
    }
}

/// What was given, if anything, is lost.
fn no_token() -> Fault {
    Fault::new(Reason::Lost, "123pan gave an invalid token")
}
