//! What became of a call, as a sentence for the log. It names the call as the table does, never by
//! its address, and nothing of what may be a secret.

use crate::cloud::call::{Spec, Way};
use crate::cloud::outcome::Outcome;
use crate::lines::shown;

/// Characters of an unreadable answer that are shown.
const SHOWN: usize = 120;
/// Bytes of the longest word of an answer about tokens that is shown: secrets are longer.
const LONGEST_WORD: usize = 20;

/// An outcome as a sentence; `trace` is what the cloud calls the request.
pub fn describe(cloud: &str, spec: &Spec, outcome: &Outcome, trace: &str) -> String {
    let (name, secret) = (spec.name, spec.is(Way::GivesTokens));
    match outcome {
        Outcome::Done => format!("{name} was done"),
        // What came instead of a token may hold one.
        Outcome::Garbage { status, .. } if secret => {
            format!("{name} answered HTTP {status} without {cloud}'s envelope")
        }
        Outcome::Refused { code, message, .. } => {
            let message = match secret {
                true => &hushed(message),
                false => message,
            };
            let (code, message, trace) = (shown(code), shown(message), shown(trace));
            format!("{name} answered {code} \"{message}\" (trace \"{trace}\")")
        }
        Outcome::Garbage { status, start } => {
            let start = shown(start);
            format!("{name} answered HTTP {status} without {cloud}'s envelope: \"{start}\"")
        }
        Outcome::NotSent(error) => format!("{name} can't be reached ({error})"),
        Outcome::Lost(error) => format!("{name} gave no usable answer ({error})"),
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
pub fn clip(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
