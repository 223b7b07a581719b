//! A client's bytes as the front meets them, in pieces of the lengths that stand before them: what is
//! taken for a head is clean, however it came, and whoever reads it strictly reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_123pan::body::Length;
use restic_123pan::front::fuzz::{Head, head};

/// So many lengths of pieces come first.
const PIECES: usize = 8;

fuzz_target!(|input: &[u8]| {
    let (pieces, bytes) = input.split_at(PIECES.min(input.len()));
    let whole = head(bytes, &[]);
    let found = head(bytes, pieces);
    match (&whole, &found) {
        // How it comes decides only which of two faults is seen first.
        (Some(Err(one)), Some(Err(other))) => assert!(is_refusal(*one) && is_refusal(*other)),
        _ => assert_eq!(whole, found),
    }
    if let Some(Ok((head, length))) = found {
        is_clean(&head, &bytes[..length]);
    }
});

fn is_refusal(status: u16) -> bool {
    [400, 417, 431, 505].contains(&status)
}

fn is_clean(head: &Head, bytes: &[u8]) {
    assert!(bytes.ends_with(b"\r\n\r\n"));
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches("\r\n");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']));
    let (first, lines) = text.split_once("\r\n").unwrap();
    let words: Vec<&str> = first.split(' ').collect();
    let [method, target, version] = words[..] else {
        panic!("{first:?}");
    };
    assert!(head.method == method && method.len() <= 16);
    assert!(target.ends_with(&head.target) || head.target == "/");
    assert!(head.target.starts_with('/') || head.target == "*");
    assert_eq!(version, if head.old { "HTTP/1.0" } else { "HTTP/1.1" });
    let named = |name: &str| {
        let name = format!("{name}:");
        let same = |line: &&str| {
            line.get(..name.len())
                .is_some_and(|l| l.eq_ignore_ascii_case(&name))
        };
        lines.split("\r\n").filter(same).count()
    };
    let lengths = (named("content-length"), named("transfer-encoding"));
    let expected = match head.length {
        Length::None => (0, 0),
        Length::Known(_) => (1, 0),
        Length::Chunked => (0, 1),
    };
    assert_eq!(lengths, expected);
    assert!(named("host") == 1 || (head.old && named("host") == 0));
}
