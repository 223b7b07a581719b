//! The framing of bodies: how many bytes are still to come, or which chunk comes next. Whole or
//! broken is known exactly. All of it is pure.

use crate::body::Length;

/// Most digits of a chunk's size: what 64 bits can hold.
const DIGITS: usize = 16;
/// Most bytes that follow a size in its line: extensions, which nobody sends, and the line's end.
const EXTENSION: usize = 256;
/// Most bytes of trailers, which nobody reads.
const TRAILERS: usize = 4 << 10;

/// Where in a body we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes of it come next.
    Data { left: u64, last: bool },
    /// A line between chunks comes next, of which this has come.
    Between(Line, Vec<u8>),
    /// It has ended as it should.
    Ended,
    /// It can't be read any more.
    Broken,
}

/// A line between chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// How long the next chunk is.
    Size,
    /// Nothing but the line end after a chunk's bytes.
    DataEnd,
    /// A trailer, before which so many bytes of them came; the body ends with an empty one.
    Trailer(usize),
}

impl Framing {
    /// That of the body that a head announces.
    pub(super) fn of(length: Length) -> Self {
        match length {
            Length::None | Length::Known(0) => Self::Ended,
            Length::Known(left) => Self::Data { left, last: true },
            Length::Chunked => Line::Size.begin(),
        }
    }

    /// Takes note of bytes of the body itself, no more than were left.
    pub(super) fn passed(&mut self, bytes: usize) {
        if let Self::Data { left, last } = *self {
            *self = match (left.saturating_sub(bytes as u64), last) {
                (0, true) => Self::Ended,
                (0, false) => Line::DataEnd.begin(),
                (left, last) => Self::Data { left, last },
            };
        }
    }

    /// Takes the next byte between chunks.
    pub(super) fn step(&mut self, byte: u8) {
        let Self::Between(line, text) = self else {
            return;
        };
        text.push(byte);
        *self = match text.strip_suffix(b"\r\n") {
            _ if !line.fits(text) => Self::Broken,
            Some(whole) => line.next(whole).unwrap_or(Self::Broken),
            None => return,
        };
    }

    /// Whether some of the body isn't read, and can be.
    pub(super) fn unread(&self) -> bool {
        matches!(self, Self::Data { .. } | Self::Between(..))
    }
}

impl Line {
    fn begin(self) -> Framing {
        Framing::Between(self, Vec::new())
    }

    /// Whether it may begin like this, of which all but the last byte has been looked at before.
    fn fits(self, text: &[u8]) -> bool {
        let short = match self {
            Self::Size => {
                let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit());
                let digits = digits.count();
                digits <= DIGITS && text.len() - digits <= EXTENSION
            }
            Self::DataEnd => text.len() <= 2,
            Self::Trailer(before) => before + text.len() <= TRAILERS,
        };
        short
            && match text {
                [.., b'\r', last] => *last == b'\n',
                [.., last] => matches!(last, b'\r' | b'\t' | b' '..=b'~' | 0x80..),
                [] => true,
            }
    }

    /// What comes after it.
    fn next(self, text: &[u8]) -> Option<Framing> {
        match self {
            Self::Size => {
                let digits = text.split(|byte| *byte == b';').next()?;
                // The library alone would take a sign.
                let plain = digits.iter().all(u8::is_ascii_hexdigit);
                let size = str::from_utf8(digits).ok().filter(|_| plain)?;
                Some(match u64::from_str_radix(size, 16).ok()? {
                    0 => Self::Trailer(0).begin(),
                    left => Framing::Data { left, last: false },
                })
            }
            Self::DataEnd => text.is_empty().then(|| Self::Size.begin()),
            Self::Trailer(_) if text.is_empty() => Some(Framing::Ended),
            Self::Trailer(before) => Some(Self::Trailer(before + text.len() + 2).begin()),
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
