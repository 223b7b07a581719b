//! Reading an answer's envelope.

use super::Endpoint;
use crate::cloud::Outcome;
use crate::cloud::client::clip;
use crate::cloud::dialect::Reading;
use serde::Deserialize;
use serde_json::value::RawValue;

/// 123pan's envelope around every answer (API reference 1.3).
#[derive(Deserialize)]
struct Envelope<'a> {
    code: Option<i64>,
    #[serde(default)]
    message: Option<String>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(rename = "x-traceID", default)]
    trace: Option<String>,
    /// What OAuth servers say instead of a code when they refuse.
    #[serde(default)]
    error: Option<String>,
}

/// The code of a refusal that comes without one: 123pan's general failure.
const REFUSED: i64 = 1;

/// Reads an answer's body; answers the trace as well.
pub fn parse(
    endpoint: Endpoint,
    status: u16,
    text: &[u8],
    read: &mut Reading<'_>,
) -> (Outcome, String) {
    let garbage = || {
        let start = clip(&String::from_utf8_lossy(text));
        Outcome::Garbage { status, start }
    };
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(text) else {
        return (garbage(), String::new());
    };
    let trace = envelope.trace.unwrap_or_default();
    // Tokens for OAuth apps are documented to come without an envelope. Were they in one after
    // all, that would do as well.
    let flat = endpoint == Endpoint::OauthToken && envelope.data.is_none();
    let (code, message) = match (envelope.code, envelope.error) {
        (Some(code), _) => (code, envelope.message),
        (None, Some(error)) if flat => (REFUSED, Some(error)),
        (None, None) if flat => (0, None),
        _ => return (garbage(), trace),
    };
    let message = message.unwrap_or_default();
    if code == 0 {
        let data = match envelope.data {
            None if flat => std::str::from_utf8(text).unwrap_or_default(),
            data => data.map_or("null", RawValue::get),
        };
        if let Err(error) = read(data) {
            // Where and how, but not what: it may be a secret.
            let (class, place) = (error.classify(), error.column());
            let text = format!("the answer isn't as documented ({class:?} error at {place})");
            return (Outcome::Lost(text), trace);
        }
    }
    let outcome = match code {
        0 => Outcome::Done,
        code => Outcome::Refused {
            status,
            code: code.to_string(),
            message,
        },
    };
    (outcome, trace)
}
