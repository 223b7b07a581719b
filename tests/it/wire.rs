//! A client that sends what it is told, byte for byte, and reads one answer after the other.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub(crate) struct Wire(BufReader<TcpStream>);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    /// None if it broke off.
    pub(crate) body: Option<Vec<u8>>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(n, _)| n == name);
        named.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone().unwrap()).unwrap()
    }
}

impl Wire {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::try_open(address, PATIENCE).unwrap()
    }

    /// A connection on which nothing takes longer than this; an Err if nobody listens.
    pub(crate) fn try_open(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let wire = Self::over(TcpStream::connect(address)?);
        let socket = wire.0.get_ref();
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        Ok(wire)
    }

    /// A connection that is already open.
    pub(crate) fn over(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(socket))
    }

    /// Sends bytes; whether the server still takes them shows in the answer.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.0.get_mut().write_all(bytes.as_ref());
        self
    }

    /// Says that nothing more will be sent.
    pub(crate) fn end(&mut self) -> &mut Self {
        let _ = self.0.get_mut().shutdown(Shutdown::Write);
        self
    }

    /// A whole request with a body of known length, and its answer.
    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let answer = self.try_ask(method, path, headers, body);
        answer.expect("an answer")
    }

    /// The same; None if the connection ended first.
    pub(crate) fn try_ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Option<Answer> {
        let length = match (method, body.len()) {
            ("POST", n) => format!("Content-Length: {n}\r\n"),
            (_, 0) => String::new(),
            (_, n) => format!("Content-Length: {n}\r\n"),
        };
        self.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{length}\r\n"
        ));
        self.send(body);
        self.try_answer(method == "HEAD")
    }

    pub(crate) fn answer(&mut self, bodiless: bool) -> Answer {
        self.try_answer(bodiless).expect("an answer")
    }

    /// The next answer; None if the connection ended first.
    pub(crate) fn try_answer(&mut self, bodiless: bool) -> Option<Answer> {
        let mut answer = self.head()?;
        if !bodiless && answer.status >= 200 {
            answer.body = self.body(&answer);
        }
        Some(answer)
    }

    /// The head of the next answer, without the body that follows; None if the connection ended
    /// first.
    pub(crate) fn head(&mut self) -> Option<Answer> {
        let first = self.line()?;
        let mut words = first.splitn(3, ' ');
        assert_eq!(words.next(), Some("HTTP/1.1"), "{first:?}");
        let status: u16 = words.next().unwrap().parse().unwrap();
        let reason = words.next().unwrap().to_owned();
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap();
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Some(Answer {
            status,
            reason,
            headers,
            body: Some(Vec::new()),
        })
    }

    /// The next chunk of a body, the last of which is empty; None if it broke off.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line()?, 16).ok()?;
        let mut chunk = vec![0; size];
        self.0.read_exact(&mut chunk).ok()?;
        assert_eq!(self.line()?, "");
        Some(chunk)
    }

    /// Whether the server has ended the connection, and nothing more came.
    pub(crate) fn ended(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }

    fn body(&mut self, answer: &Answer) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        if let Some(length) = answer.header("content-length") {
            body.resize(length.parse().unwrap(), 0);
            self.0.read_exact(&mut body).ok()?;
        } else if answer.header("transfer-encoding") == Some("chunked") {
            while let chunk = self.chunk()?
                && !chunk.is_empty()
            {
                body.extend(chunk);
            }
        } else {
            self.0.read_to_end(&mut body).ok()?;
        }
        Some(body)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        line.strip_suffix("\r\n").map(str::to_owned)
    }
}

/// What follows a head, as it comes.
impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}
