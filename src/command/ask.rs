//! Asking the running server: a GET over plain TCP, and what is printed of its answer.

use crate::args::Question;
use crate::watch;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

/// Longest for the connection, and again for each piece of the answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Largest answer in bytes that is read.
const LARGEST: u64 = 1 << 20;

/// Asks the server at `address`, and says what it says.
// What went wrong belongs on the terminal, not into a log.
#[allow(clippy::print_stderr)]
pub fn ask(question: Question, address: &str) -> ExitCode {
    let path = match question {
        Question::Status => "/-/status",
        Question::Health => "/-/healthz",
    };
    let said = fetch(address, path).and_then(|text| match question {
        Question::Health => Ok(()),
        Question::Status => {
            let status = serde_json::from_str(&text).map_err(io::Error::other)?;
            io::stdout().write_all(watch::text(&status).as_bytes())
        }
    });
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("restic-123pan: the server at {address} doesn't say how it is: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The body of a page.
fn fetch(address: &str, path: &str) -> io::Result<String> {
    let none = || io::Error::other("no such address");
    let to = address.to_socket_addrs()?.next().ok_or_else(none)?;
    let mut socket = TcpStream::connect_timeout(&to, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    // HTTP/1.0, so that the end of the answer is the end of the connection.
    write!(socket, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut text = String::new();
    socket.take(LARGEST).read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let first = head.lines().next().unwrap_or("no answer");
    match first.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(io::Error::other(first.to_owned())),
    }
}
