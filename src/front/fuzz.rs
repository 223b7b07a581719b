//! What the fuzz targets reach of this module. Built for them alone.

use super::body::{Framing, decode};
pub use super::head::Head;
use super::head::{LONGEST, Look, Scan};
use crate::body::Length;

/// What a client's bytes are, if they come in pieces of these lengths, one after the other: a head
/// with its length in bytes, or the status of a refusal; None if more must come.
pub fn head(bytes: &[u8], pieces: &[u8]) -> Option<Result<(Head, usize), u16>> {
    let (mut scan, mut end) = (Scan::default(), 0);
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    for piece in pieces.iter().chain(&[u8::MAX; LONGEST / 255 + 1]) {
        end = (end + usize::from(*piece)).min(bytes.len());
        match scan.look(&bytes[..end]) {
            Look::More => {}
            Look::Whole(head, length) => return Some(Ok((*head, length))),
            Look::Refused(refused) => return Some(Err(refused.status)),
        }
    }
    None
}

/// The body in these bytes, how many of them it takes, and whether it is whole (`Some(true)`) or
/// broken (`Some(false)`).
pub fn body(bytes: &[u8], length: Length) -> (Vec<u8>, usize, Option<bool>) {
    let (framing, body, at) = decode(bytes, length);
    let whole = match framing {
        Framing::Ended => Some(true),
        Framing::Broken => Some(false),
        _ => None,
    };
    (body, at, whole)
}
