//! Asking the running server: a GET where it listens, and what is printed of its answer.

use super::ended;
use super::pinned::secure;
use crate::access;
use crate::args::{Ask, Asker, Exit};
use crate::front::Listen;
use crate::speech::{padded, said};
use crate::watch;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

/// Longest for the connection, and again for each piece of the answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Largest answer in bytes that is read.
const LARGEST: u64 = 1 << 20;

/// Asks the running server, and says what it says.
pub fn ask(asked: &Ask) -> Result<ExitCode, Exit> {
    let answer = answer(asked).map_err(|error| why(&asked.address, &error));
    answer.map(ended).map_err(Exit::failed)
}

/// Why there is no answer.
fn why(address: &Listen, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::NotFound => {
            format!("no server listens on {address}; start it, or name another place with --listen")
        }
        _ => format!("the server at {address} doesn't say how it is: {error}"),
    }
}

/// Prints the answer; tells whether it is a good one.
fn answer(asked: &Ask) -> io::Result<bool> {
    let Some(asker) = &asked.status else {
        return fetch(asked, "/-/healthz", "").map(|_| true);
    };
    let Asker { user, password, .. } = asker;
    let header = match user {
        None => String::new(),
        Some(user) => {
            let typed = || access::ask(&[&said(&format!("Password of {user}: "))]);
            let given = password.as_ref();
            let password = given.map_or_else(typed, |known| Ok(known.reveal().to_owned()))?;
            let value = access::authorization(user, &password);
            format!("Authorization: {value}\r\n")
        }
    };
    let text = fetch(asked, "/-/status", &header)?;
    let status = serde_json::from_str(&text).map_err(io::Error::other)?;
    let shown = match asker.json {
        true => text + "\n",
        false => watch::text(&status),
    };
    io::stdout().write_all(shown.as_bytes())?;
    let older = |age| watch::older(&status, age);
    let old = asker.max_age.map_or(Vec::new(), older);
    for name in old.iter().filter(|_| !asker.json) {
        let text = said(&format!("the last snapshot of {name}"));
        writeln!(io::stdout(), "{} {text}", padded(&said("too old"), 9))?;
    }
    Ok(old.is_empty())
}

/// The body of a page, asked for with these lines in the head.
fn fetch(asked: &Ask, path: &str, lines: &str) -> io::Result<String> {
    match &asked.address {
        Listen::Unix(path_of_socket) => {
            let socket = UnixStream::connect(path_of_socket)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.set_write_timeout(Some(PATIENCE))?;
            exchange(socket, "localhost", path, lines)
        }
        Listen::Tcp(..) => {
            let none = || io::Error::other("no such address");
            let mut all = asked.address.to_string().to_socket_addrs()?;
            let to = all.next().ok_or_else(none)?;
            let socket = TcpStream::connect_timeout(&to, PATIENCE)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.set_write_timeout(Some(PATIENCE))?;
            match &asked.certificate {
                None => exchange(socket, &to.to_string(), path, lines),
                Some(file) => exchange(secure(socket, file)?, &to.to_string(), path, lines),
            }
        }
    }
}

fn exchange(
    mut socket: impl Read + Write,
    host: &str,
    path: &str,
    lines: &str,
) -> io::Result<String> {
    // HTTP/1.0, so that the end of the answer is the end of the connection.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n{lines}\r\n");
    socket.write_all(request.as_bytes())?;
    let mut text = String::new();
    socket.take(LARGEST).read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let first = head.lines().next().unwrap_or("no answer");
    match first.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        Some("401") if lines.is_empty() => Err(io::Error::other(
            "it asks for a password; name a user with --user",
        )),
        Some("401") => Err(io::Error::other("wrong name or password")),
        _ => Err(io::Error::other(first.to_owned())),
    }
}
