//! Heads that are clean, and those that aren't.

use super::*;

fn look(text: &str) -> Look {
    Scan::default().look(text.as_bytes())
}

fn refused(text: &str) -> u16 {
    match look(text) {
        Look::Refused(refused) => refused.status,
        other => unreachable!("{text:?}: {other:?}"),
    }
}

fn head(text: &str) -> Head {
    match look(text) {
        Look::Whole(head, length) if length == text.len() => *head,
        other => unreachable!("{text:?}: {other:?}"),
    }
}

#[test]
fn clean_requests() {
    let one = head("GET /a?b HTTP/1.1\r\nHost: x\r\nRange:  bytes=1-2 \r\n\r\n");
    assert_eq!((one.method.as_str(), one.target.as_str()), ("GET", "/a?b"));
    assert_eq!(
        (one.old, one.keeps, one.length),
        (false, true, Length::None)
    );
    assert_eq!(
        (one.value("range"), one.host.as_deref()),
        (Some("bytes=1-2"), Some("x"))
    );
    let old = head("\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    assert!(old.old && !old.keeps && old.host.is_none());
    assert!(head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keeps);
    assert!(!head("GET / HTTP/1.1\r\nHost:\r\nConnection: a, Close\r\n\r\n").keeps);
    let absolute = head("GET http://y:1/p HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        (absolute.host.as_deref(), absolute.target.as_str()),
        (Some("y:1"), "/p")
    );
    assert_eq!(head("GET HTTP://y HTTP/1.1\r\nHost: x\r\n\r\n").target, "/");
    let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n";
    assert!(head(post).expects);
    assert!(!head(&post.replace('5', "0")).expects);
}

#[test]
fn a_head_may_come_in_pieces() {
    let text = b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
    let mut scan = Scan::default();
    for end in 0..text.len() - 4 {
        assert!(matches!(scan.look(&text[..end]), Look::More), "{end}");
    }
    assert!(matches!(scan.look(text), Look::Whole(_, length) if length == text.len() - 4));
}

#[test]
fn what_is_not_clean() {
    let with = |lines: &str| format!("GET / HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n");
    let table = [
        (400, "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (400, with("Host: y")),
        (400, with("Content-Length: 5\r\nTransfer-Encoding: chunked")),
        (400, with("X: y\r\n folded")),
        (400, with("X: y\u{0}")),
        (400, with("X: y\rz")),
        (400, with("X : y")),
        (400, with("X: y\n")),
        (400, with("nonsense")),
        (400, "GET /é HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
        (400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
        (400, "GET / HTTP/1.1 \r\n".to_owned()),
        (400, "GET a HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
        (
            400,
            "GET http://a@b/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        ),
        (
            400,
            "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        ),
        (400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned()),
        (400, "GET /\r\n".to_owned()),
        (400, "GET /\n".to_owned()),
        (400, "\u{16}\u{3}\u{1}".to_owned()),
        (400, "\u{0}".to_owned()),
        (
            400,
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        ),
        (417, with("Expect: wonders")),
        (431, with(&"a: b\r\n".repeat(100))),
        (431, with(&format!("a: {}", "b".repeat(LONGEST)))),
        (431, "GET /".to_owned() + &"x".repeat(LONGEST)),
        (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        (505, "GET / HTTP/1.2\r\n".to_owned()),
    ];
    for (status, text) in table {
        // Nobody reads more than that.
        let most = text.len().min(LONGEST);
        assert_eq!(refused(&text[..most]), status, "{text:?}");
    }
}
