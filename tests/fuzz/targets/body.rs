//! What follows a head: chunks that are written are read as what they were, and whatever comes, no
//! more is read than belongs to the body, and nothing looks whole that isn't.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_123pan::body::Length;
use restic_123pan::front::fuzz::body;

/// Most bytes between the data of chunks, for one: its end, and another's size with an extension.
const BETWEEN: usize = 2 + 16 + 1 + 256 + 2;
/// Most bytes after the last chunk.
const TRAILERS: usize = (4 << 10) * 2 + 4;

/// So many sizes of chunks come first.
const SIZES: usize = 4;

fuzz_target!(|input: &[u8]| {
    let (sizes, rest) = input.split_at(SIZES.min(input.len()));
    let length = sizes.first().map_or(0, |size| u64::from(*size) * 7);
    let (found, used, whole) = body(rest, Length::Known(length));
    let expected = rest.len().min(usize::try_from(length).unwrap());
    assert_eq!((&found[..], used), (&rest[..expected], expected));
    assert_eq!(whole == Some(true), expected as u64 == length);

    is_bounded(rest);
    let (mut written, mut left) = (Vec::new(), rest);
    let mut pieces: Vec<&[u8]> = Vec::new();
    for size in sizes {
        let (piece, after) = left.split_at(usize::from(*size).min(left.len()));
        pieces.push(piece);
        left = after;
    }
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        written.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        written.extend_from_slice(piece);
        written.extend_from_slice(b"\r\n");
    }
    let (_, _, whole) = body(&written, Length::Chunked);
    assert_eq!(whole, None, "it lacks its end");
    written.extend_from_slice(b"0\r\n\r\n");
    let end = written.len();
    written.extend_from_slice(rest);
    assert_eq!(
        body(&written, Length::Chunked),
        (pieces.concat(), end, Some(true))
    );
});

fn is_bounded(bytes: &[u8]) {
    let (found, used, whole) = body(bytes, Length::Chunked);
    assert!(used <= bytes.len());
    // Each chunk has a byte of data at least.
    assert!(used <= found.len() + (found.len() + 1) * BETWEEN + TRAILERS);
    if whole == Some(true) {
        assert!(bytes[..used].ends_with(b"\r\n"));
        assert_eq!(body(&bytes[..used - 1], Length::Chunked).2, None);
    }
}
