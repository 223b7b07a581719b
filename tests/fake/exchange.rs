//! Requests of one connection, read piece by piece, and their answers as bytes. What to answer, and
//! what becomes of the connection, is left to others.

use super::http::pause;
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The largest head of a request.
const HEAD_MAX: usize = 64 << 10;
/// What is read from a socket at once.
const BUFFER: usize = 64 << 10;
/// How much of an unread body is read away, so that the client can read the answer.
const DRAIN_MAX: u64 = 2 << 30;

/// A connection with what was read ahead.
pub struct Conn<'a> {
    stream: &'a TcpStream,
    buffer: Vec<u8>,
    at: usize,
}

impl<'s> Conn<'s> {
    /// Nothing is read yet.
    pub fn new(stream: &'s TcpStream) -> Conn<'s> {
        Conn {
            stream,
            buffer: Vec::new(),
            at: 0,
        }
    }

    /// Reads more into the buffer; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let len = self.buffer.len();
        self.buffer.resize(len + 8192, 0);
        let n = (&mut &*self.stream).read(&mut self.buffer[len..]);
        self.buffer.truncate(len + *n.as_ref().unwrap_or(&0));
        n.map(|n| n > 0)
    }

    /// The next request's head; `None` when there is no further one, or none that makes sense.
    pub fn head(&mut self, peer: IpAddr) -> io::Result<Option<Head>> {
        loop {
            if let Some((head, len)) = parse(&self.buffer[self.at..], peer)? {
                self.at += len;
                return Ok(Some(head));
            }
            if self.buffer.len() - self.at > HEAD_MAX || !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Bytes from the buffer first, then from the socket.
    fn read_some(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ahead = &self.buffer[self.at..];
        if ahead.is_empty() {
            return (&mut &*self.stream).read(into);
        }
        let n = ahead.len().min(into.len());
        into[..n].copy_from_slice(&ahead[..n]);
        self.at += n;
        Ok(n)
    }

    /// One line without its end.
    fn line(&mut self) -> io::Result<String> {
        loop {
            let ahead = &self.buffer[self.at..];
            if let Some(end) = ahead.iter().position(|b| *b == b'\n') {
                let line = String::from_utf8_lossy(&ahead[..end]).trim().to_owned();
                self.at += end + 1;
                return Ok(line);
            }
            if ahead.len() > HEAD_MAX || !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Parses a head; `None` if it isn't complete.
fn parse(bytes: &[u8], peer: IpAddr) -> io::Result<Option<(Head, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let len = match request.parse(bytes).map_err(|_| bad())? {
        httparse::Status::Complete(len) => len,
        httparse::Status::Partial => return Ok(None),
    };
    let target = request.path.unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let text = |h: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(h.value).trim().to_owned();
        (h.name.to_ascii_lowercase(), value)
    };
    let head = Head {
        method: request.method.unwrap_or("").to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: request.headers.iter().map(text).collect(),
        peer,
    };
    Ok(Some((head, len)))
}

/// A request without its body. Names of headers are in lower case.
#[derive(Clone, Debug)]
pub struct Head {
    pub method: String,
    pub path: String,
    pub query: String,
    headers: Vec<(String, String)>,
    pub peer: IpAddr,
}

impl Head {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Does a header have this value, whatever the letter case?
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.header(name)
            .is_some_and(|v| v.eq_ignore_ascii_case(value))
    }

    /// Is the body sent in chunks, without a length?
    pub fn chunked(&self) -> bool {
        self.has("transfer-encoding", "chunked")
    }
}

/// What is left of a body.
enum Left {
    Bytes(u64),
    /// Bytes left of the present chunk.
    Chunk(u64),
    FirstChunk,
    Nothing,
}

/// A request with its body (`Read`) and the way to answer it.
pub struct Exchange<'a, 'c> {
    pub head: Head,
    /// What its answer tells as the time.
    pub date: Option<String>,
    conn: &'a mut Conn<'c>,
    left: Left,
    expects: bool,
    stopping: &'a AtomicBool,
}

impl<'a, 'c> Exchange<'a, 'c> {
    /// A request whose body is still to be read.
    pub fn new(conn: &'a mut Conn<'c>, head: Head, stopping: &'a AtomicBool) -> Exchange<'a, 'c> {
        let length = head.header("content-length").and_then(|v| v.parse().ok());
        let left = match length {
            _ if head.chunked() => Left::FirstChunk,
            Some(0) | None => Left::Nothing,
            Some(length) => Left::Bytes(length),
        };
        let expects = head.has("expect", "100-continue");
        Exchange {
            head,
            date: None,
            conn,
            left,
            expects,
            stopping,
        }
    }

    /// Sends a whole answer.
    pub fn answer(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        let head = self.head_of(status, headers, Some(body.len() as u64));
        let mut all = head.into_bytes();
        if self.head.method != "HEAD" {
            all.extend_from_slice(body);
        }
        self.send(&all)
    }

    /// Sends the head of an answer whose body follows by `send`.
    pub fn begin(&mut self, status: u16, headers: &[(&str, &str)], length: u64) -> io::Result<()> {
        let head = self.head_of(status, headers, Some(length));
        self.send(head.as_bytes())
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&mut &*self.conn.stream).write_all(bytes)
    }

    fn head_of(&self, status: u16, headers: &[(&str, &str)], length: Option<u64>) -> String {
        use std::fmt::Write;
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(date) = &self.date {
            let _ = write!(head, "Date: {date}\r\n");
        }
        // What has no body tells no length of one.
        if let Some(length) = length.filter(|_| ![204, 304].contains(&status)) {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        head.push_str("\r\n");
        head
    }

    /// Reads the rest of the body away.
    pub fn drain(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        let mut read = 0;
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(()),
                n => read += n as u64,
            }
            if read > DRAIN_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }

    /// The whole body, up to a bound.
    pub fn body(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.take(most).read_to_end(&mut all)?;
        Ok(all)
    }

    /// Sleeps, but not longer than the server lives.
    pub fn pause(&self, how_long: Duration) {
        pause(how_long, self.stopping);
    }

    /// Is the server going down?
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// The size of the next chunk, past the end of the one before.
    fn chunk(&mut self, first: bool) -> io::Result<u64> {
        if !first {
            self.conn.line()?;
        }
        let line = self.conn.line()?;
        let size = line.split(';').next().unwrap_or("").trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        if size == 0 {
            while !self.conn.line()?.is_empty() {}
        }
        Ok(size)
    }
}

impl Read for Exchange<'_, '_> {
    /// The body's bytes. An end before the announced one is an error, never a short body.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.expects && !matches!(self.left, Left::Nothing) {
            self.expects = false;
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        if let Left::FirstChunk | Left::Chunk(0) = self.left {
            let size = self.chunk(matches!(self.left, Left::FirstChunk))?;
            self.left = if size == 0 {
                Left::Nothing
            } else {
                Left::Chunk(size)
            };
        }
        let left = match &mut self.left {
            Left::Bytes(left) | Left::Chunk(left) => left,
            Left::FirstChunk | Left::Nothing => return Ok(0),
        };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(into.len());
        let n = self.conn.read_some(&mut into[..most])?;
        if n == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *left -= n as u64;
        if let Left::Bytes(0) = self.left {
            self.left = Left::Nothing;
        }
        Ok(n)
    }
}

/// The words that go with a status.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        411 => "Length Required",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
