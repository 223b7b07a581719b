//! Reading an answer, whatever it may be.

use super::super::api::Endpoint;
use super::super::judge::Outcome;
use super::Reading;
use crate::lines::shown;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::Read;
use ureq::http::Response;

/// Characters of an unreadable answer that are shown.
const SHOWN: usize = 120;

/// Bytes of the longest word of an answer about tokens that is shown: secrets are longer.
const LONGEST_WORD: usize = 20;

/// Largest answer in bytes that is read: a page of 100 rows has about 40 KiB.
const LARGEST_ANSWER: u64 = 4 << 20;

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

/// Reads an answer.
pub(super) fn understand(
    endpoint: Endpoint,
    response: Response<ureq::Body>,
    read: &mut Reading<'_>,
) -> (Outcome, String) {
    let status = response.status().as_u16();
    let mut text = Vec::new();
    let mut body = response.into_body().into_reader().take(LARGEST_ANSWER);
    if let Err(error) = body.read_to_end(&mut text) {
        return (
            Outcome::Lost(format!("the answer was cut off: {error}")),
            String::new(),
        );
    }
    parse(endpoint, status, &text, read)
}

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
    (Outcome::Answer { code, message }, trace)
}

/// An outcome as a sentence for the log.
pub fn describe(endpoint: Endpoint, outcome: &Outcome, trace: &str) -> String {
    let path = endpoint.path();
    match outcome {
        // What came instead of a token may hold one.
        Outcome::Garbage { status, .. } if endpoint.gives_tokens() => {
            format!("{path} answered HTTP {status} without 123pan's envelope")
        }
        Outcome::Answer { code, message } => {
            let message = match endpoint.gives_tokens() {
                true => &hushed(message),
                false => message,
            };
            format!(
                "{path} answered {code} \"{}\" (trace \"{}\")",
                shown(message),
                shown(trace)
            )
        }
        Outcome::Garbage { status, start } => {
            format!(
                "{path} answered HTTP {status} without 123pan's envelope: \"{}\"",
                shown(start)
            )
        }
        Outcome::NotSent(error) => format!("{path} can't be reached ({error})"),
        Outcome::Lost(error) => format!("{path} gave no usable answer ({error})"),
    }
}

/// A foreign text without its long words, which may be the secrets that were sent.
fn hushed(text: &str) -> String {
    let between = |c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c);
    let words = text.split_inclusive(between);
    let hush = |word| match word {
        word if str::len(word) > LONGEST_WORD => "*** ",
        word => word,
    };
    words.map(hush).collect()
}

/// The start of a foreign text.
pub(super) fn clip(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
