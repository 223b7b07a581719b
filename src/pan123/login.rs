//! The first tokens of an OAuth grant: the page on which a user agrees, and the exchange of the
//! code that he brings back from there (API reference 3.2).

use super::grant::received;
use super::kept::{save, try_out};
use super::{Config, now};
use crate::pan123::call::Door;
use crate::pan123::pacer;
use std::fmt::Write;
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
    let door = Door::new(config, pacer(config));
    let asked = now();
    let tokens = door.granted(&config.client_id, &config.client_secret, code, redirect);
    let tokens = tokens.map_err(|fault| fault.to_string())?;
    save(file, &received(tokens, asked)).map_err(failed)
}

/// A text as a query has it.
pub fn encoded(text: &str) -> String {
    let mut query = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                query.push(char::from(byte));
            }
            _ => drop(write!(query, "%{byte:02X}")),
        }
    }
    query
}
