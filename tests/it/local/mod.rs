//! A disk as a cloud: what goes wrong with disks, kills at each write, and the real clients over a
//! server in this process.
#![allow(
    clippy::print_stdout,
    reason = "a table's case says its name, and figures are printed"
)]

mod clients;
mod disks;
mod files;
mod kills;
mod layouts;
mod mount;

use crate::wire::Wire;
use restic_123pan::body::{Body, Budget};
use restic_123pan::front;
use restic_123pan::local::Local;
use restic_123pan::restic::{File, Id, Kind, Repo};
use restic_123pan::server::{self, Config, Error, Stop};
use restic_123pan::service::Service;
use restic_123pan::store::{self, Cause, Store};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A server in this process; it stops with the test.
pub(crate) struct Served {
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Served {
    /// One over a folder.
    fn start(root: &Path) -> Self {
        Self::over(Box::new(Local::open(root).unwrap()))
    }

    /// One over a store.
    pub(crate) fn over(store: Box<dyn Store>) -> Self {
        let config = Config {
            front: front::Config {
                listen: vec!["127.0.0.1:0".parse().unwrap()],
                ..front::Config::default()
            },
            drain_timeout: Duration::from_secs(1),
            stop_timeout: Duration::from_secs(10),
            ..Config::default()
        };
        let bound = server::bind(&config).unwrap();
        let (address, stop) = (bound.address().unwrap(), bound.stopper());
        let service = Service::new(store, Budget::new(32 << 20, None));
        let thread = Some(thread::spawn(move || bound.run(service)));
        Self {
            address,
            stop,
            thread,
        }
    }

    /// A repository's address, as clients want it.
    pub(crate) fn url(&self, repo: &str) -> String {
        format!("rest:http://{}{repo}", self.address)
    }

    /// The status of a request's answer.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> u16 {
        self.wire().ask(method, path, "", body).status
    }

    /// A connection to it.
    pub(crate) fn wire(&self) -> Wire {
        Wire::open(self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.stop();
        let ended = self.thread.take().unwrap().join();
        assert!(thread::panicking() || ended.unwrap().is_ok());
    }
}

fn repo() -> Repo {
    Repo::new("host").unwrap()
}

fn id(bytes: &[u8]) -> Id {
    Id(Sha256::digest(bytes).into())
}

/// The file that has these bytes.
fn file(kind: Kind, bytes: &[u8]) -> File {
    File::Hashed(kind, id(bytes))
}

/// Stores what a client sends, holding nothing of it beyond a MiB.
fn put(local: &Local, file: &File, mut bytes: &[u8]) -> Result<(), store::Error> {
    let (budget, len) = (Budget::new(0, None), bytes.len() as u64);
    let mut body = Body::fixed(&mut bytes, len, file.id(), &budget)?;
    local.save(&repo(), file, &mut body)
}

fn get(local: &Local, file: &File) -> Result<Vec<u8>, Cause> {
    let mut bytes = Vec::new();
    let loaded = local.load(&repo(), file, None).map_err(|e| e.cause)?;
    let mut reader = loaded.reader;
    reader.read_to_end(&mut bytes).map_err(|_| Cause::Client)?;
    Ok(bytes)
}

/// The names of a kind, sorted.
fn list(local: &Local, kind: Kind) -> Result<Vec<Id>, Cause> {
    let mut ids = Vec::new();
    let listed = local.list(&repo(), kind, &mut |entry| {
        ids.push(entry.id);
        Ok(())
    });
    ids.sort();
    listed.map(|()| ids).map_err(|error| error.cause)
}

fn remove(local: &Local, file: &File) -> Result<(), Cause> {
    let removed = local.remove(&[(repo(), *file)]).pop().unwrap();
    removed.map_err(|error| error.cause)
}
