//! Reading an answer, whatever it may be.

use super::super::api::Endpoint;
use super::super::judge::Outcome;
use super::Reading;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::Read;
use ureq::http::Response;

/// Characters of an unreadable answer that are shown.
const SHOWN: usize = 120;

/// Largest answer in bytes that is read: a page of 100 rows has about 40 KiB.
const LARGEST_ANSWER: u64 = 4 << 20;

/// 123pan's envelope around every answer (API reference 1.3).
#[derive(Deserialize)]
struct Envelope<'a> {
    code: i64,
    #[serde(default)]
    message: Option<String>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(rename = "x-traceID", default)]
    trace: Option<String>,
}

/// Reads an answer.
pub(super) fn understand(
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
    parse(status, &text, read)
}

/// Reads an answer's body; answers the trace as well.
pub fn parse(status: u16, text: &[u8], read: &mut Reading<'_>) -> (Outcome, String) {
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(text) else {
        let start = clip(&String::from_utf8_lossy(text));
        return (Outcome::Garbage { status, start }, String::new());
    };
    let trace = envelope.trace.unwrap_or_default();
    let code = envelope.code;
    let message = envelope.message.unwrap_or_default();
    if code == 0 {
        let data = envelope.data.map_or("null", RawValue::get);
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
        Outcome::Garbage { status, .. } if endpoint == Endpoint::AccessToken => {
            format!("{path} answered HTTP {status} without 123pan's envelope")
        }
        Outcome::Answer { code, message } => {
            format!(
                "{path} answered {code} {:?} (trace {:?})",
                clip(message),
                clip(trace)
            )
        }
        Outcome::Garbage { status, start } => {
            format!("{path} answered HTTP {status} without 123pan's envelope: {start:?}")
        }
        Outcome::NotSent(error) => format!("{path} can't be reached ({error})"),
        Outcome::Lost(error) => format!("{path} gave no usable answer ({error})"),
    }
}

/// The start of a foreign text.
pub(super) fn clip(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
