//! Heads as text: what an answer's head looks like, and how a request is written into the log. All of
//! it is pure.

use crate::civil;
use crate::front::reason;
use crate::lines::shown;
use crate::service::Reply;

/// How the end of an answer's body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By its length; so many bytes are still to come.
    Length(u64),
    /// By its last chunk.
    Chunked,
    /// By the end of the connection: for HTTP/1.0, which knows no chunks.
    Close,
}

/// What the head of an answer depends on besides the reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Whether the client speaks HTTP/1.0.
    pub(super) old: bool,
    /// Whether the connection ends with this answer.
    pub(super) closes: bool,
    /// Seconds since 1970.
    pub(super) now: u64,
}

/// The bytes of an answer's head and how its body is framed.
pub(super) fn answer(reply: &Reply, manner: Manner) -> (Vec<u8>, Ending) {
    let ending = match reply.length {
        Some(0) => Ending::Length(explanation(reply).len() as u64),
        Some(length) => Ending::Length(length),
        None if manner.old => Ending::Close,
        None => Ending::Chunked,
    };
    let closes = manner.closes || ending == Ending::Close;
    let mut text = format!(
        "HTTP/1.1 {} {}\r\nServer: restic-123pan\r\nDate: {}\r\n",
        reply.status,
        reply
            .reason
            .as_deref()
            .unwrap_or_else(|| reason(reply.status)),
        civil::http(manner.now)
    );
    for (name, value) in &reply.headers {
        push(&mut text, name, value);
    }
    if reply.length == Some(0) && reply.reason.is_some() {
        push(&mut text, "Content-Type", "text/plain; charset=utf-8");
    }
    match ending {
        Ending::Length(length) => push(&mut text, "Content-Length", &length.to_string()),
        Ending::Chunked => push(&mut text, "Transfer-Encoding", "chunked"),
        Ending::Close => {}
    }
    if closes {
        push(&mut text, "Connection", "close");
    } else if manner.old {
        push(&mut text, "Connection", "keep-alive");
    }
    text.push_str("\r\n");
    (text.into_bytes(), ending)
}

fn push(text: &mut String, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        text.push_str(part);
    }
}

/// The body of an answer that has none of its own: its reason, for who doesn't see the status line.
pub(super) fn explanation(reply: &Reply) -> String {
    let reason = reply.reason.as_ref();
    reason.map_or(String::new(), |reason| format!("{reason}\n"))
}

/// A request's path as the log shows it: without its query, on one line, and not endless.
pub(super) fn logged(target: &str) -> String {
    shown(target.split('?').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LONGEST;

    #[test]
    fn reasons_are_plain_and_said_twice() {
        let reply = Reply::empty(403).because("a\r\nX: y \u{4f60} may");
        let manner = Manner {
            old: false,
            closes: false,
            now: 0,
        };
        let (bytes, ending) = answer(&reply, manner);
        let text = String::from_utf8(bytes).unwrap_or_default();
        assert!(
            text.starts_with("HTTP/1.1 403 a??X: y ? may\r\nServer"),
            "{text}"
        );
        assert!(text.contains("Content-Length: 14\r\n"), "{text}");
        assert_eq!(ending, Ending::Length(14));
        assert_eq!(explanation(&reply), "a??X: y ? may\n");
        let long = Reply::empty(503).because(&"x".repeat(500));
        assert_eq!(long.reason.map(|reason| reason.len()), Some(120));
    }

    #[test]
    fn every_status_of_the_service_has_its_phrase() {
        for status in [
            200, 206, 302, 400, 401, 403, 404, 405, 411, 413, 416, 500, 502, 503, 507,
        ] {
            assert_ne!(reason(status), "Unknown", "{status}");
        }
    }

    #[test]
    fn the_log_shows_no_query_and_no_control_characters() {
        assert_eq!(logged("/a/?create=true&secret=x"), "/a/");
        assert_eq!(logged("/a\u{1b}[31m\nb"), "/a\\u{1b}[31m\\nb");
        assert_eq!(logged(&"x".repeat(LONGEST + 1)).len(), LONGEST + 3);
    }
}
