//! The server through real connections, over a store in memory: what clients see, and what
//! survives clients that misbehave.

mod hostile;
mod protocol;
mod threads;

use crate::rigged::{Rigged, anywhere};
use crate::wire::Wire;
use restic_123pan::body::Budget;
use restic_123pan::restic::hex;
use restic_123pan::server::{self, Config, Error, Stop};
use restic_123pan::service::Service;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A server under test; it stops with the test.
struct Running {
    store: Rigged,
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Running {
    fn start() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            front: anywhere(),
            drain_timeout: Duration::from_secs(1),
            stop_timeout: Duration::from_secs(10),
            ..Config::default()
        };
        change(&mut config);
        let bound = server::bind(&config).unwrap();
        let (address, stop) = (bound.address().unwrap(), bound.stopper());
        let store = Rigged::default();
        let service = Service::new(Box::new(store.clone()), Budget::new(32 << 20, None));
        let thread = Some(thread::spawn(move || bound.run(service)));
        Self {
            store,
            address,
            stop,
            thread,
        }
    }

    fn open(&self) -> Wire {
        Wire::open(self.address)
    }

    /// A connection that comes from an address of its own.
    fn open_from(&self, address: [u8; 4]) -> Wire {
        let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None).unwrap();
        bind(&socket, &SocketAddr::from((address, 0))).unwrap();
        connect(&socket, &self.address).unwrap();
        Wire::over(socket.into())
    }

    fn end(mut self) -> Result<(), Error> {
        self.stop.stop();
        self.thread.take().unwrap().join().unwrap()
    }

    /// Whether it still answers.
    fn lives(&self) -> bool {
        self.open().ask("GET", "/none/config", "", b"").status == 404
    }

    fn has(&self, path: &str) -> bool {
        self.open().ask("HEAD", path, "", b"").status == 200
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.store.open();
        self.stop.stop();
    }
}

fn id(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn chunked(pieces: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    for piece in pieces {
        text.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        text.extend_from_slice(piece);
        text.extend_from_slice(b"\r\n");
    }
    text
}

fn post(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}
