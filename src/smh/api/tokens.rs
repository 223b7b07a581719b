//! The call for access tokens. Its query holds the library's secret.

use super::Endpoint;
use super::answers::Granted;
use crate::cloud::call::Call;
use crate::cloud::client::Client;
use crate::cloud::token::{Issuer, Secret, TokenCache, encoded, is_sendable};
use crate::cloud::{Fault, Priority, Reason, Timing, now};
use crate::smh::Config;
use std::time::Duration;

/// Seconds for which a token is good after it was last used: the service's own default.
const PERIOD: u64 = 86_400;
/// Least time between two new tokens. There may be any number of them, but no loop of them.
const PAUSE: Duration = Duration::from_secs(5);

/// For whom a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// For the one space, which is all that a server needs.
    Space,
    /// For the library: only so may its settings be read.
    Library,
}

/// Any number of tokens live side by side, so that nobody pushes another's out.
const ISSUER: Issuer = Issuer {
    issue: token,
    crowded: "the library takes its own tokens back",
};

/// The token of the configured library, kept in memory.
pub fn cache(config: &Config, scope: Scope) -> TokenCache {
    let space = match scope {
        Scope::Space => &config.space,
        Scope::Library => "",
    };
    let whose = format!("{} {space}", config.library);
    let timing = Timing {
        token_pause: config.timing.token_pause.min(PAUSE),
        ..config.timing.clone()
    };
    TokenCache::new(Secret::new(
        ISSUER,
        (whose, config.secret.clone()),
        None,
        &timing,
    ))
}

/// A new access token for a library and a space in it, and when it ends.
fn token(client: &Client, whose: &str, secret: &str) -> Result<(String, u64), Fault> {
    let (library, space) = whose.split_once(' ').unwrap_or((whose, ""));
    let ask = |rights: &str| {
        let query = format!(
            "library_id={}&library_secret={}&period={PERIOD}&{rights}",
            encoded(library),
            encoded(secret)
        );
        let call = Call::new(Endpoint::Token.spec(), "/api/v1/token").query(&query);
        let granted: Granted = client.call(call.priority(Priority::Small))?;
        match is_sendable(&granted.token) {
            true => Ok((granted.token, now().saturating_add(granted.life))),
            false => Err(Fault::new(
                Reason::Lost,
                "Tencent SMH gave an invalid token",
            )),
        }
    };
    let admin = "grant=admin";
    let narrow = format!("space_id={}&grant=space_admin", encoded(space));
    match space {
        "" => ask(admin),
        // Whether the only space of a library can be named here isn't documented.
        "-" => match ask(&narrow) {
            Err(fault) if matches!(fault.reason, Reason::Settings | Reason::Unknown) => ask(admin),
            asked => asked,
        },
        _ => ask(&narrow),
    }
}
