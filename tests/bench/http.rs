//! Just enough of an HTTP client for what is measured, and for the emulator's control paths.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Calls by endpoint.
pub(crate) type Bill = BTreeMap<String, u64>;

/// A connection that is kept.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects to this machine.
    pub(crate) fn open(port: u16) -> Self {
        Self::to(&format!("127.0.0.1:{port}"))
    }

    fn to(address: &str) -> Self {
        Self(BufReader::new(TcpStream::connect(address).unwrap()))
    }

    /// Sends a request, and reads the head of its answer: status, and length if it is told.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, Option<usize>) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
             Accept: application/vnd.x.restic.rest.v2\r\n\r\n",
            body.len()
        );
        self.0.get_mut().write_all(head.as_bytes()).unwrap();
        self.0.get_mut().write_all(body).unwrap();
        let (mut status, mut length) = (0, None);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let line = line.trim().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            } else if line.is_empty() {
                return (status, length);
            }
        }
    }

    /// The body of the answer: so many bytes, or what comes in chunks.
    pub(crate) fn body(&mut self, length: Option<usize>) -> Vec<u8> {
        let mut body = Vec::new();
        if let Some(length) = length {
            body.resize(length, 0);
            self.0.read_exact(&mut body).unwrap();
            return body;
        }
        while let Some(chunk) = self.chunk() {
            body.extend(chunk);
        }
        body
    }

    /// The next chunk; None after the last one.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.0.read_exact(&mut chunk).unwrap();
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }
}

/// Asks an emulator something, or tells it.
pub(crate) fn control(url: &str, path: &str, body: Option<&Value>) -> Value {
    let mut connection = Connection::to(url.strip_prefix("http://").unwrap());
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.map(Value::to_string).unwrap_or_default();
    let (status, length) = connection.ask(method, &format!("/__fake/{path}"), body.as_bytes());
    assert_eq!(status, 200, "{path}");
    serde_json::from_slice(&connection.body(length)).unwrap()
}

/// What an emulator has counted, and how many calls it has refused for their rate.
pub(crate) fn calls(url: &str) -> (Bill, u64) {
    let all = control(url, "calls", None);
    let mut limited = 0;
    let mut bill = Bill::new();
    for (endpoint, count) in all["endpoints"].as_object().unwrap() {
        limited += count["limited"].as_u64().unwrap();
        bill.insert(endpoint.clone(), count["calls"].as_u64().unwrap());
    }
    bill.remove("cdn");
    (bill, limited)
}

/// The calls between two counts.
pub(crate) fn between(before: &Bill, after: &Bill) -> Bill {
    let made = |(endpoint, count): (&String, &u64)| {
        let made = count - before.get(endpoint).unwrap_or(&0);
        (made > 0).then(|| (endpoint.clone(), made))
    };
    after.iter().filter_map(made).collect()
}

/// A bill on one line.
pub(crate) fn told(bill: &Bill) -> String {
    let parts = bill
        .iter()
        .map(|(endpoint, calls)| format!("{endpoint} {calls}"));
    parts.collect::<Vec<_>>().join(", ")
}
