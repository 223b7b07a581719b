//! Parts of files: what a `Range` header asks for, and what an answer says of it.

/// What a `Range` header asks for, before the file's size is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// From the first position up to and including the second.
    Between(u64, u64),
    /// From this position to the end.
    From(u64),
    /// The last so many bytes.
    Last(u64),
    /// Not a single range of bytes; it can't be satisfied whatever the size.
    Bad,
}

impl Range {
    /// Reads a `Range` header (RFC 9110, 14.2). Other units than bytes are ignored, as the RFC
    /// wants; several ranges at once, which no client of restic's protocol sends, are refused.
    pub fn parse(header: &str) -> Option<Self> {
        let (unit, set) = header.trim().split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        Some(Self::single(set.trim()).unwrap_or(Self::Bad))
    }

    fn single(set: &str) -> Option<Self> {
        let (first, last) = set.split_once('-')?;
        match (first, last) {
            ("", last) => Some(Self::Last(number(last)?)),
            (first, "") => Some(Self::From(number(first)?)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::Between(first, last))
            }
        }
    }

    /// The part of a file of `size` bytes that is meant; None is 416.
    pub fn of(self, size: u64) -> Option<Part> {
        let part = |start: u64, end: u64| {
            (start < end).then(|| Part {
                start,
                len: end - start,
            })
        };
        match self {
            Self::Between(first, last) => part(first, size.min(last.saturating_add(1))),
            Self::From(first) => part(first, size),
            Self::Last(count) => part(size.saturating_sub(count), size),
            Self::Bad => None,
        }
    }
}

fn number(text: &str) -> Option<u64> {
    // `parse` alone would take a sign.
    text.bytes()
        .all(|c| c.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// A run of bytes within a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Position of the first byte.
    pub start: u64,
    /// Number of bytes.
    pub len: u64,
}

impl Part {
    /// All of a file.
    pub fn whole(size: u64) -> Self {
        Self {
            start: 0,
            len: size,
        }
    }

    /// What is asked for of a file: all of it, or a range; None if it has none of that.
    pub fn of(range: Option<Range>, size: u64) -> Option<Self> {
        range.map_or(Some(Self::whole(size)), |range| range.of(size))
    }

    /// The `Content-Range` of an answer with this part of a file of `size` bytes.
    pub fn content_range(&self, size: u64) -> String {
        let last = self.start + self.len.saturating_sub(1);
        format!("bytes {}-{last}/{size}", self.start)
    }
}
