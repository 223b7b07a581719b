//! `multipart/form-data`, parsed as its bytes arrive: nothing is held but one buffer. What the
//! parts mean is left to the sink.

use std::io::{self, BufRead, Read};

/// What is read at once. Larger than any boundary.
const BUFFER: usize = 64 << 10;
/// The largest head of a part.
const HEAD_MAX: usize = 8 << 10;

/// Takes the parts, in order: `part`, then `bytes` any number of times, then the next `part`.
pub trait Sink {
    /// A part begins.
    fn part(&mut self, name: &str) -> io::Result<()>;
    /// The part that has just begun is a file of this name.
    fn file_name(&mut self, _name: &str) -> io::Result<()> {
        Ok(())
    }
    /// Bytes of the present part.
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// The boundary in a content type.
pub fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let found = rest.split(';').find_map(|p| {
        let (key, value) = p.trim().split_once('=')?;
        key.eq_ignore_ascii_case("boundary").then_some(value)
    });
    Some(found?.trim_matches('"').to_owned())
}

/// Parses a body up to its closing boundary. Any earlier end is an error.
pub fn parse(boundary: &str, source: &mut dyn Read, sink: &mut dyn Sink) -> io::Result<()> {
    let mut window = Window {
        source,
        bytes: b"\r\n".to_vec(),
    };
    let mark = format!("\r\n--{boundary}").into_bytes();
    // The first boundary may stand at the very start; the line end above makes it like the others.
    window.pass(&mark, &mut |_| Ok(()))?;
    loop {
        let end = window.line()?;
        if end.starts_with(b"--") {
            return Ok(());
        }
        let (name, file) = window.part_head()?;
        sink.part(&name)?;
        if let Some(file) = file {
            sink.file_name(&file)?;
        }
        window.pass(&mark, &mut |bytes| sink.bytes(bytes))?;
    }
}

/// The part of the body that is in memory.
struct Window<'a> {
    source: &'a mut dyn Read,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// Reads more.
    fn more(&mut self) -> io::Result<()> {
        let len = self.bytes.len();
        self.bytes.resize(len + BUFFER, 0);
        let n = self.source.read(&mut self.bytes[len..]);
        self.bytes.truncate(len + *n.as_ref().unwrap_or(&0));
        match n? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Hands on everything before the mark, and steps over it.
    fn pass(&mut self, mark: &[u8], to: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        loop {
            if let Some(at) = find(&self.bytes, mark) {
                if at > 0 {
                    to(&self.bytes[..at])?;
                }
                self.bytes.drain(..at + mark.len());
                return Ok(());
            }
            // The mark may have begun in the last bytes: keep these.
            let sure = self.bytes.len().saturating_sub(mark.len() - 1);
            if sure > 0 {
                to(&self.bytes[..sure])?;
                self.bytes.drain(..sure);
            }
            self.more()?;
        }
    }

    /// The rest of the present line, or the two dashes that end it all.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if self.bytes.starts_with(b"--") {
                return Ok(b"--".to_vec());
            }
            if let Some(at) = find(&self.bytes, b"\r\n") {
                let line = self.bytes[..at].to_vec();
                self.bytes.drain(..at + 2);
                return Ok(line);
            }
            if self.bytes.len() > HEAD_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.more()?;
        }
    }

    /// The head of a part; answers the part's name, and its file's.
    fn part_head(&mut self) -> io::Result<(String, Option<String>)> {
        let (mut name, mut file) = (None, None);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                let name: Option<String> = name;
                let name = name.ok_or(io::ErrorKind::InvalidData)?;
                return Ok((name, file));
            }
            let line = String::from_utf8_lossy(&line);
            let Some((key, value)) = line.split_once(':') else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            if key.trim().eq_ignore_ascii_case("content-disposition") {
                name = parameter(value, "name");
                file = parameter(value, "filename");
            }
        }
    }
}

/// A parameter of a header's value.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|p| {
        let (key, value) = p.trim().split_once('=')?;
        let same = key.trim().eq_ignore_ascii_case(name);
        same.then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Where `mark`, which begins with a carriage return, stands first. The standard library's search
/// for one byte is fast even in test builds, a loop of our own isn't.
fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    loop {
        // After this, `rest` is what follows the next carriage return, or empty.
        let before = rest.len();
        let skipped = rest.skip_until(b'\r').ok()?;
        if skipped == 0 {
            return None;
        }
        let at = bytes.len() - before + skipped - 1;
        if bytes[at..].starts_with(mark) {
            return Some(at);
        }
    }
}
