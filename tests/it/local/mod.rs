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

use restic_123pan::body::{Body, Budget};
use restic_123pan::local::Local;
use restic_123pan::restic::{File, Id, Kind, Repo};
use restic_123pan::store::{self, Cause, Store};
use sha2::{Digest, Sha256};
use std::io::Read;

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
