//! A file's bytes on their way to a client: the range that it asked for, and the ways in which that
//! goes wrong. Whether the client may have them is left to others.

use super::content::Content;
use super::exchange::Exchange;
use super::faults::How;
use super::http::Then;
use std::io::{self, Read};
use std::time::Duration;

/// What is sent at once.
const BUFFER: usize = 64 << 10;

/// What to send.
pub struct Transfer {
    pub status: u16,
    content: Content,
    from: u64,
    length: u64,
    total: u64,
    /// Break off after so many bytes.
    pub cut: Option<u64>,
    /// How long the connection stays when it was broken off.
    stall: Duration,
}

impl Transfer {
    /// What a Range header asks for of a file; `None`: a range that it doesn't have.
    pub fn new(content: Content, total: u64, asked: Option<&str>) -> Option<Transfer> {
        let (status, from, length) = match asked.and_then(|text| range(text, total)) {
            None => (200, 0, total),
            Some(None) => return None,
            Some(Some((from, length))) => (206, from, length),
        };
        Some(Transfer {
            status,
            content,
            from,
            length,
            total,
            cut: None,
            stall: Duration::ZERO,
        })
    }

    /// Does something else than was asked for.
    pub fn alter(&mut self, how: &How) {
        match how {
            How::Cut => self.cut = Some(self.length / 2),
            How::Stall(how_long) => (self.cut, self.stall) = (Some(self.length / 2), *how_long),
            How::OtherRange if self.from + self.length < self.total => self.from += 1,
            How::OtherSize => self.total += 1,
            How::Whole => (self.status, self.from, self.length) = (200, 0, self.total),
            How::Short => self.length = self.length.saturating_sub(1),
            How::OtherBytes => self.content = Content::MadeUp(self.total),
            _ => {}
        }
    }

    /// Sends the bytes, as long as `each` agrees, which is told how many go next.
    pub fn send(
        &self,
        exchange: &mut Exchange<'_, '_>,
        more: &[(&str, &str)],
        mut each: impl FnMut(u64) -> bool,
    ) -> io::Result<Then> {
        let last = (self.from + self.length).saturating_sub(1);
        let content_range = format!("bytes {}-{last}/{}", self.from, self.total);
        let mut headers = vec![
            ("Content-Type", "application/octet-stream"),
            ("Accept-Ranges", "bytes"),
        ];
        headers.extend(more);
        if self.status == 206 {
            headers.push(("Content-Range", &content_range));
        }
        exchange.begin(self.status, &headers, self.length)?;
        if exchange.head.method == "HEAD" {
            return Ok(Then::Keep);
        }
        let most = self.cut.unwrap_or(self.length).min(self.length);
        let mut reader = self.content.reader(self.from)?.take(most);
        let mut buffer = vec![0; BUFFER];
        let mut sent = 0;
        loop {
            let n = reader.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            if !each(n as u64) || exchange.stopping() {
                return Ok(Then::Close);
            }
            exchange.send(&buffer[..n])?;
            sent += n as u64;
        }
        if sent == self.length {
            return Ok(Then::Keep);
        }
        exchange.pause(self.stall);
        Ok(Then::Close)
    }
}

/// The range that a header asks for, as start and length. Outer `None`: no range that makes sense;
/// inner `None`: one that the file doesn't have.
fn range(text: &str, total: u64) -> Option<Option<(u64, u64)>> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    if from.is_empty() {
        let length = to.parse::<u64>().ok()?.min(total);
        return Some((length > 0).then_some((total - length, length)));
    }
    let from: u64 = from.parse().ok()?;
    let to: u64 = match to {
        "" => u64::MAX,
        to => to.parse().ok()?,
    };
    if from >= total || to < from {
        return Some(None);
    }
    Some(Some((from, to.min(total - 1) - from + 1)))
}
