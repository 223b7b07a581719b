//! The framing of bodies: how many bytes are still to come, or which chunk comes next. Whole or
//! broken is known exactly. All of it is pure.

use crate::body::Length;

/// Most digits of a chunk's size: what 64 bits can hold.
const DIGITS: usize = 16;
/// Longest extension of a chunk in bytes. Nobody sends any.
const EXTENSION: usize = 256;
/// Most bytes of trailers, which nobody reads.
const TRAILERS: usize = 4 << 10;

/// Where in a body we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes of it come next.
    Data { left: u64, last: bool },
    /// Something about its chunks comes next.
    Between(Chunks),
    /// It has ended as it should.
    Ended,
    /// It can't be read any more.
    Broken,
}

/// Where between chunks we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    Size {
        digits: usize,
        size: u64,
    },
    Extension {
        length: usize,
        size: u64,
    },
    /// The line feed after a size.
    SizeEnd {
        size: u64,
    },
    /// The line end after a chunk's bytes.
    DataEnd {
        half: bool,
    },
    /// The trailers: bytes of all of them, and of the line.
    Trailer {
        all: usize,
        line: usize,
    },
    TrailerEnd {
        all: usize,
        line: usize,
    },
}

const SIZE: Framing = Framing::Between(Chunks::Size { digits: 0, size: 0 });

impl Framing {
    /// That of the body that a head announces.
    pub(super) fn of(length: Length) -> Self {
        match length {
            Length::None | Length::Known(0) => Self::Ended,
            Length::Known(left) => Self::Data { left, last: true },
            Length::Chunked => SIZE,
        }
    }

    /// Takes note of bytes of the body itself, no more than were left.
    pub(super) fn passed(&mut self, bytes: usize) {
        if let Self::Data { left, last } = *self {
            *self = match (left.saturating_sub(bytes as u64), last) {
                (0, true) => Self::Ended,
                (0, false) => Self::Between(Chunks::DataEnd { half: false }),
                (left, last) => Self::Data { left, last },
            };
        }
    }

    /// Takes the next byte between chunks.
    pub(super) fn step(&mut self, byte: u8) {
        if let Self::Between(chunks) = *self {
            *self = chunks.step(byte).unwrap_or(Self::Broken);
        }
    }

    /// Whether some of the body isn't read, and can be.
    pub(super) fn unread(&self) -> bool {
        matches!(self, Self::Data { .. } | Self::Between(_))
    }
}

impl Chunks {
    fn step(self, byte: u8) -> Option<Framing> {
        use Framing::Between;
        let shown = byte == b'\t' || (b' '..=b'~').contains(&byte) || byte >= 0x80;
        match (self, byte) {
            (Self::Size { digits, size }, b'\r') if digits > 0 => {
                Some(Between(Self::SizeEnd { size }))
            }
            (Self::Size { digits, size }, b';') if digits > 0 => {
                Some(Between(Self::Extension { length: 0, size }))
            }
            (Self::Size { digits, size }, byte) if digits < DIGITS => {
                let digit = u64::from(char::from(byte).to_digit(16)?);
                let (digits, size) = (digits + 1, size << 4 | digit);
                Some(Between(Self::Size { digits, size }))
            }
            (Self::Extension { size, .. }, b'\r') => Some(Between(Self::SizeEnd { size })),
            (Self::Extension { length, size }, _) if shown && length < EXTENSION => {
                let length = length + 1;
                Some(Between(Self::Extension { length, size }))
            }
            (Self::SizeEnd { size: 0 }, b'\n') => Some(Between(Self::Trailer { all: 0, line: 0 })),
            (Self::SizeEnd { size: left }, b'\n') => Some(Framing::Data { left, last: false }),
            (Self::DataEnd { half: false }, b'\r') => Some(Between(Self::DataEnd { half: true })),
            (Self::DataEnd { half: true }, b'\n') => Some(SIZE),
            (Self::Trailer { all, line }, b'\r') => Some(Between(Self::TrailerEnd { all, line })),
            (Self::Trailer { all, line }, _) if shown && all < TRAILERS => {
                let (all, line) = (all + 1, line + 1);
                Some(Between(Self::Trailer { all, line }))
            }
            (Self::TrailerEnd { line: 0, .. }, b'\n') => Some(Framing::Ended),
            (Self::TrailerEnd { all, .. }, b'\n') => {
                // A line counts as two bytes more, so that empty ones count.
                Some(Between(Self::Trailer {
                    all: all + 2,
                    line: 0,
                }))
            }
            _ => None,
        }
    }
}

/// The body in these bytes, how many of them it takes, and how it ends.
#[cfg(any(test, fuzzing))]
pub(super) fn decode(bytes: &[u8], length: Length) -> (Framing, Vec<u8>, usize) {
    let (mut framing, mut body, mut at) = (Framing::of(length), Vec::new(), 0);
    while at < bytes.len() && framing.unread() {
        let Framing::Data { left, .. } = framing else {
            framing.step(bytes[at]);
            at += 1;
            continue;
        };
        let n = usize::try_from(left).map_or(bytes.len() - at, |left| left.min(bytes.len() - at));
        body.extend_from_slice(&bytes[at..at + n]);
        framing.passed(n);
        at += n;
    }
    (framing, body, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks() {
        for (text, body) in [
            ("0\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            (
                "0005;a=b;c\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
                "hello0123456789",
            ),
        ] {
            let all = format!("{text}GET");
            let (framing, found, length) = decode(all.as_bytes(), Length::Chunked);
            assert_eq!(
                (framing, found.as_slice(), length),
                (Framing::Ended, body.as_bytes(), text.len())
            );
            for end in 0..text.len() {
                assert!(
                    decode(&text.as_bytes()[..end], Length::Chunked).0.unread(),
                    "{text:?} {end}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_chunk() {
        let endless = [
            "0".repeat(17),
            format!("5;{}", "x".repeat(300)),
            format!("0\r\n{}", "x".repeat(5000)),
            format!("0\r\n{}", "x\r\n".repeat(2000)),
        ];
        let table = [
            "\r\n",
            ";\r\n",
            "-1\r\n",
            "+1\r\n",
            "g\r\n",
            "5 \r\n",
            "5\n",
            "5\r\r",
            "5;\u{0}\r\n",
            "5;\n",
            "5\r\nhelloworld",
            "5\r\nhello\n",
            "0\r\nx\n",
            "0\r\n\rx",
            "0x5\r\n",
        ];
        for text in endless.iter().map(String::as_str).chain(table) {
            assert_eq!(
                decode(text.as_bytes(), Length::Chunked).0,
                Framing::Broken,
                "{text:?}"
            );
        }
        let (framing, _, read) = decode(endless[1].as_bytes(), Length::Chunked);
        assert!(framing == Framing::Broken && read < 2 + EXTENSION + 2);
    }

    #[test]
    fn lengths() {
        let mut framing = Framing::of(Length::Known(5));
        framing.passed(3);
        assert_eq!(
            framing,
            Framing::Data {
                left: 2,
                last: true
            }
        );
        framing.passed(2);
        assert_eq!(framing, Framing::Ended);
        assert!(!Framing::of(Length::None).unread() && !Framing::of(Length::Known(0)).unread());
    }
}
