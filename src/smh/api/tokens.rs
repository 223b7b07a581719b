//! The call for access tokens. Its query holds the library's secret.

use super::Endpoint;
use super::answers::Granted;
use crate::cloud::call::Call;
use crate::cloud::client::Client;
use crate::cloud::token::{Secret, TokenCache, encoded, is_sendable};
use crate::cloud::{Fault, Priority, Reason, Timing, now};
use crate::smh::Config;
use std::time::Duration;

/// Seconds for which a token is good after it was last used: the service's own default.
const PERIOD: u64 = 86_400;
/// Least time between two new tokens. There may be any number of them, but no loop of them.
const PAUSE: Duration = Duration::from_secs(5);

/// The right to all of a library.
const ADMIN: &str = "grant=admin";

/// For whom a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// For the one space, which is all that a server needs.
    Space,
    /// For the library: only so may its settings be read.
    Library,
}

/// Any number of tokens live side by side, so that nobody pushes another's out.
const CROWDED: &str = "the library takes its own tokens back";

/// The token of the configured library, kept in memory.
pub fn cache(config: &Config, scope: Scope) -> TokenCache {
    let whose = format!(
        "library_id={}&library_secret={}&period={PERIOD}",
        encoded(&config.library),
        encoded(config.secret.reveal())
    );
    let space = config.space.clone();
    let issue = move |client: &Client| match scope {
        Scope::Space => for_space(client, &whose, &space),
        Scope::Library => ask(client, &whose, ADMIN),
    };
    let timing = Timing {
        token_pause: config.shared.timing.token_pause.min(PAUSE),
        ..config.shared.timing.clone()
    };
    TokenCache::new(Secret::new(Box::new(issue), CROWDED, None, &timing))
}

/// A token for one space and when it ends; for the whole library where the space is its only one
/// and can't be named, of which nothing is documented.
fn for_space(client: &Client, whose: &str, space: &str) -> Result<(String, u64), Fault> {
    let rights = format!("space_id={}&grant=space_admin", encoded(space));
    match ask(client, whose, &rights) {
        Err(fault) if space == "-" && is_about_space(fault.reason) => ask(client, whose, ADMIN),
        asked => asked,
    }
}

fn is_about_space(reason: Reason) -> bool {
    matches!(reason, Reason::Settings | Reason::Unknown)
}

fn ask(client: &Client, whose: &str, rights: &str) -> Result<(String, u64), Fault> {
    let query = format!("{whose}&{rights}");
    let call = Call::new(Endpoint::Token.spec(), "/api/v1/token").query(&query);
    let granted: Granted = client.call(call.priority(Priority::Small))?;
    match is_sendable(&granted.token) {
        true => Ok((granted.token, now().saturating_add(granted.life))),
        false => Err(Fault::new(
            Reason::Lost,
            "Tencent SMH gave an invalid token",
        )),
    }
}
