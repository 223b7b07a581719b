//! What an answer is, and what an outcome of a call means: the tables of codes, each with what is
//! to be done. Errors are judged by their code; the same status means many things here.

use super::Endpoint;
use crate::cloud::client::clip;
use crate::cloud::dialect::{Answer, Reading};
use crate::cloud::{Outcome, Reason};
use serde::Deserialize;

/// What the library's host says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(rename = "requestId", default)]
    request: Option<String>,
}

/// Codes and what they mean, as documented (section 3 of the API reference). A 404 has two
/// meanings: only three of its codes say that something is absent (safety rule 10).
const CODES: &[(&str, Reason)] = &[
    ("FileNotFound", Reason::NoFile),
    ("PathNotFound", Reason::NoFile),
    ("NoQuota", Reason::NoFile),
    ("RecycledItemNotFound", Reason::NoFile),
    ("DirectoryNotFound", Reason::NoParent),
    ("FileRemovedByQuota", Reason::Corrupt),
    ("CosObjectNonexistent", Reason::Corrupt),
    ("BadCrc64", Reason::Corrupt),
    ("IncompleteBody", Reason::Corrupt),
    ("SameNameDirectoryOrFileExists", Reason::Taken),
    ("UploadComplete", Reason::Taken),
    ("RootDirectoryNotAllowed", Reason::Taken),
    ("UploadIncomplete", Reason::Verifying),
    ("MultipartUploadIncomplete", Reason::Verifying),
    ("ConfirmKeyNotFound", Reason::Stale),
    ("UploadNotFound", Reason::Stale),
    ("MarkerNotFound", Reason::Stale),
    ("TaskNotFound", Reason::Stale),
    ("InvalidAccessToken", Reason::Token),
    ("EmptyAccessToken", Reason::Token),
    ("WrongLibraryIdOrSecret", Reason::NoToken),
    ("LibraryNotFound", Reason::NoToken),
    ("RateLimitExceeded", Reason::Throttled),
    ("ServerOverloaded", Reason::Throttled),
    ("PathConflict", Reason::Server),
    ("LibraryInitializing", Reason::Server),
    ("InternalServerError", Reason::Lost),
    ("RequestTimeout", Reason::Lost),
    ("ReadRequestTimeout", Reason::Lost),
    ("ClientDisconnected", Reason::Lost),
    ("ProcessTimeout", Reason::Lost),
    ("QuotaLimitReached", Reason::Full),
    ("LibraryQuotaLimitReached", Reason::Full),
    ("SpaceQuotaLimitReached", Reason::Full),
    ("NoEnoughRemainingTrafficQuota", Reason::Traffic),
    ("IllegalFileName", Reason::BadName),
    ("FileNameLengthExceed", Reason::BadName),
    ("DirectoryNameLengthExceed", Reason::BadName),
    ("RecycleBinNotEnabled", Reason::NoEndpoint),
    ("RouteNotFound", Reason::NoEndpoint),
    ("OverwriteFileNotAllowed", Reason::Settings),
    ("ExtnameNotAllowed", Reason::Settings),
    ("DirectoryNotAllowed", Reason::Settings),
    ("DirectoryLevelExceed", Reason::Settings),
    ("UploadToRootDirectoryNotAllowed", Reason::Settings),
    ("SensitiveContentRecognized", Reason::Settings),
    ("SpaceIdInvalid", Reason::Settings),
    ("SpaceNotFound", Reason::Settings),
    ("NotMultiSpaceLibrary", Reason::Settings),
    ("NoPermission", Reason::Settings),
    ("AccessTokenNotMatchLibrary", Reason::Settings),
    ("AccessTokenNotMatchSpace", Reason::Settings),
    ("AccessTokenVersionNotMatch", Reason::Settings),
    ("ReadForbidden", Reason::Settings),
    ("WriteForbidden", Reason::Settings),
    ("SpaceBanned", Reason::Settings),
    ("LibraryServiceExpired", Reason::Settings),
    ("LibraryServiceTimeExpired", Reason::Settings),
    ("UploadNotBelongYou", Reason::Settings),
];

/// Codes of a storage host's refusals after which the same upload, begun anew, fares no better
/// than by chance; all others say that it must be begun anew.
const STORAGE: &[(&str, Reason)] = &[
    ("InternalError", Reason::Lost),
    ("ServiceUnavailable", Reason::Lost),
    ("SlowDown", Reason::Lost),
    ("RequestTimeout", Reason::Lost),
    ("EntityTooLarge", Reason::BadName),
];

/// Reads an answer, and hands the data of a good one to `read`; answers the request's id as well.
pub fn understand(
    endpoint: Endpoint,
    answer: &Answer<'_>,
    read: &mut Reading<'_>,
) -> (Outcome, String) {
    let trace = (answer.header)("X-Request-Id").unwrap_or_default();
    if endpoint == Endpoint::Put {
        return (stored(answer, read), trace);
    }
    let good = (200..300).contains(&answer.status);
    // Some errors come as successes with a code in them.
    let refusal = match good && !mentions(answer.text, "\"code\"") {
        true => None,
        false => serde_json::from_slice::<Refusal>(answer.text).ok(),
    };
    let Some((code, refusal)) = refusal.and_then(|r| Some((r.code.clone()?, r))) else {
        return match good {
            true => (data(answer.text, read), trace),
            false => (garbage(answer), trace),
        };
    };
    let outcome = Outcome::Refused {
        status: answer.status,
        code,
        message: refusal.message.unwrap_or_default(),
    };
    (outcome, refusal.request.unwrap_or(trace))
}

fn mentions(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|part| part == word.as_bytes())
}

fn garbage(answer: &Answer<'_>) -> Outcome {
    Outcome::Garbage {
        status: answer.status,
        start: clip(&String::from_utf8_lossy(answer.text)),
    }
}

/// The data of a good answer; there may be none.
fn data(text: &[u8], read: &mut Reading<'_>) -> Outcome {
    let text = std::str::from_utf8(text).unwrap_or("?");
    let text = if text.is_empty() { "null" } else { text };
    match read(text) {
        Ok(()) => Outcome::Done,
        Err(error) => {
            // Where and how, but not what: it may be a secret.
            let (class, place) = (error.classify(), error.column());
            Outcome::Lost(format!(
                "the answer isn't as documented ({class:?} error at {place})"
            ))
        }
    }
}

/// What a storage host says to bytes: it speaks XML, or sends them elsewhere.
fn stored(answer: &Answer<'_>, read: &mut Reading<'_>) -> Outcome {
    let status = answer.status;
    match status {
        200..300 => data(b"null", read),
        307 | 308 => {
            let place = (answer.header)("Location").unwrap_or_default();
            data(serde_json::json!(place).to_string().as_bytes(), read)
        }
        _ => {
            let text = String::from_utf8_lossy(answer.text);
            let part = |name: &str| {
                let (_, rest) = text.split_once(&format!("<{name}>"))?;
                rest.split_once("</").map(|(part, _)| clip(part))
            };
            match part("Code") {
                None => garbage(answer),
                Some(code) => Outcome::Refused {
                    status,
                    code,
                    message: part("Message").unwrap_or_default(),
                },
            }
        }
    }
}

/// Why a call failed; None if it didn't.
pub fn reason(endpoint: Endpoint, outcome: &Outcome) -> Option<Reason> {
    let reason = match outcome {
        Outcome::Done => return None,
        Outcome::NotSent(_) => Reason::Unreachable,
        Outcome::Lost(_) => Reason::Lost,
        Outcome::Refused { status, code, .. } => by_code(endpoint, *status, code),
        Outcome::Garbage { status, .. } => by_status(*status),
    };
    Some(match (endpoint, reason) {
        // A new token mends no request for a token.
        (Endpoint::Token, Reason::Token) => Reason::NoToken,
        // The file itself isn't asked for.
        (Endpoint::Start, Reason::NoFile) => Reason::NoParent,
        (_, reason) => reason,
    })
}

fn by_code(endpoint: Endpoint, status: u16, code: &str) -> Reason {
    let find = |table: &[(&str, Reason)]| {
        let line = table.iter().find(|(known, _)| *known == code);
        line.map(|(_, reason)| *reason)
    };
    if endpoint == Endpoint::Put {
        let server = || {
            if status >= 500 {
                Reason::Lost
            } else {
                Reason::Stale
            }
        };
        return find(STORAGE).unwrap_or_else(server);
    }
    find(CODES).unwrap_or(match status {
        429 => Reason::Throttled,
        500..=599 => Reason::Lost,
        _ => Reason::Unknown,
    })
}

/// What isn't the service's own answer says nothing about files, whatever its status.
fn by_status(status: u16) -> Reason {
    match status {
        429 => Reason::Throttled,
        404 | 405 => Reason::NoEndpoint,
        _ => Reason::Lost,
    }
}

/// What an item's own status says, in the answer to a deletion of many.
pub fn item(status: u16, code: Option<&str>) -> Option<Reason> {
    match status {
        200..300 => None,
        _ => Some(by_code(Endpoint::Batch, status, code.unwrap_or_default())),
    }
}

/// Whether a task with this status has ended, however.
pub fn is_over(status: u64) -> bool {
    status != 202
}

/// Whether a failure says that something isn't there.
pub fn is_absent(reason: Reason) -> bool {
    matches!(reason, Reason::NoFile | Reason::NoParent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(endpoint: Endpoint, status: u16, text: &str) -> Option<Reason> {
        let answer = Answer {
            status,
            header: &|_| None,
            text: text.as_bytes(),
        };
        let (outcome, _) = understand(endpoint, &answer, &mut |_| Ok(()));
        reason(endpoint, &outcome)
    }

    #[test]
    fn answers_are_understood() {
        let error = |code: &str| format!(r#"{{"status":404,"code":"{code}","message":"no"}}"#);
        let xml = |code: &str| format!("<?xml?><Error><Code>{code}</Code></Error>");
        let table = [
            (Endpoint::Info, 200, "{}".to_owned(), None),
            (Endpoint::Delete, 204, String::new(), None),
            (
                Endpoint::Info,
                404,
                error("FileNotFound"),
                Some(Reason::NoFile),
            ),
            (
                Endpoint::Info,
                200,
                error("FileNotFound"),
                Some(Reason::NoFile),
            ),
            (
                Endpoint::Info,
                404,
                error("SpaceNotFound"),
                Some(Reason::Settings),
            ),
            (
                Endpoint::Info,
                404,
                error("FileRemovedByQuota"),
                Some(Reason::Corrupt),
            ),
            (
                Endpoint::Info,
                404,
                error("Whatever"),
                Some(Reason::Unknown),
            ),
            (
                Endpoint::Info,
                404,
                "<html>".to_owned(),
                Some(Reason::NoEndpoint),
            ),
            (Endpoint::Info, 403, "<html>".to_owned(), Some(Reason::Lost)),
            (
                Endpoint::Start,
                404,
                error("PathNotFound"),
                Some(Reason::NoParent),
            ),
            (
                Endpoint::Start,
                429,
                "{}".to_owned(),
                Some(Reason::Throttled),
            ),
            (
                Endpoint::Confirm,
                404,
                error("UploadIncomplete"),
                Some(Reason::Verifying),
            ),
            (
                Endpoint::Confirm,
                500,
                error("Whatever"),
                Some(Reason::Lost),
            ),
            (
                Endpoint::Token,
                403,
                error("InvalidAccessToken"),
                Some(Reason::NoToken),
            ),
            (Endpoint::Put, 200, String::new(), None),
            (Endpoint::Put, 403, xml("AccessDenied"), Some(Reason::Stale)),
            (Endpoint::Put, 500, xml("InternalError"), Some(Reason::Lost)),
            (Endpoint::Put, 502, "<html>".to_owned(), Some(Reason::Lost)),
        ];
        for (endpoint, status, text, expected) in table {
            let found = understood(endpoint, status, &text);
            assert_eq!(found, expected, "{endpoint:?} {status} {text}");
        }
    }

    #[test]
    fn items_of_a_deletion_are_judged_by_their_codes() {
        for (status, code, expected) in [
            (204, None, None),
            (404, Some("FileNotFound"), Some(Reason::NoFile)),
            (404, None, Some(Reason::Unknown)),
            (403, Some("NoPermission"), Some(Reason::Settings)),
        ] {
            assert_eq!(item(status, code), expected, "{status} {code:?}");
        }
    }
}
