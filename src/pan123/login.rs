//! The first tokens of an OAuth grant: the page on which a user agrees, and the exchange of the
//! code that he brings back from there (API reference 3.2).

use super::Config;
use super::api::{Api, tokens};
use crate::cloud::token::encoded;
use crate::cloud::token::grant_file::{save, try_out};
use crate::cloud::token::rotating::received;
use std::path::Path;

/// What the app may do: the only value that is documented.
const SCOPE: &str = "user:base,file:all:read,file:all:write";

/// The address of the page on which the user agrees. It is documented at `www.123pan.com`; since
/// the middle of 2026 others were sent to `yun.123pan.com`.
pub fn authorization(client_id: &str, redirect: &str, state: &str) -> String {
    let (id, redirect) = (encoded(client_id), encoded(redirect));
    format!(
        "https://www.123pan.com/auth?client_id={id}&redirect_uri={redirect}&scope={SCOPE}&state={state}"
    )
}

/// Exchanges a code for tokens, and puts them into the file.
pub fn log_in(config: &Config, file: &Path, code: &str, redirect: &str) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", file.display());
    // Before the code is used up.
    try_out(file).map_err(failed)?;
    let api = Api::new(config);
    let (id, secret) = (&config.client_id, &config.client_secret);
    let tokens = tokens::granted(&api.client, id, secret, code, redirect);
    let tokens = tokens.map_err(|fault| fault.to_string())?;
    let now = api.client.time.or_ours();
    save(file, &received(tokens, now)).map_err(failed)
}
