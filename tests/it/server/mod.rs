//! The server through real connections, over a store in memory: what clients see, and what
//! survives clients that misbehave.

mod hostile;
mod protocol;
mod threads;

use crate::rigged::Rigged;
use crate::served::Served;
use crate::wire::Wire;
use restic_123pan::restic::hex;
use restic_123pan::server::{Config, Error};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::ops::Deref;

/// A server under test, over a store with faults.
struct Running {
    store: Rigged,
    served: Served,
}

impl Running {
    fn start() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let store = Rigged::default();
        let served = Served::with(store.clone(), 32 << 20, change);
        Self { store, served }
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
        self.served.end()
    }

    /// Whether it still answers.
    fn lives(&self) -> bool {
        self.open().ask("GET", "/none/config", "", b"").status == 404
    }

    fn has(&self, path: &str) -> bool {
        self.open().ask("HEAD", path, "", b"").status == 200
    }
}

impl Deref for Running {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.store.open();
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
