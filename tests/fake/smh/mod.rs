//! Tencent SMH in this process: an emulator of one library with one space, with a library host, a
//! storage host and that one's edge on ports of 127.0.0.1. It is strict where the service is
//! documented and has a switch where it isn't; it notes each breach of a documented rule, and of
//! what keeps data safe there (`complaints`). What it doesn't have: users, shares, previews,
//! instant uploads, copies and moves, versions, the flat list, deltas, reasons of deletions.
//!
//! ```text
//! mod ─► gate ─► api, listing, batch, tasks, bin, upload ─► tree, tokens      storage ─► upload, tree
//!        gate, storage ─► call, and what both emulators share: faults, spoil, judge, limits
//! ```

mod answer;
mod api;
mod batch;
mod bin;
mod call;
mod control;
mod gate;
mod hand;
mod lasting;
mod listing;
mod refusal;
mod state;
mod storage;
mod switches;
mod tasks;
mod tokens;
mod tree;
mod upload;

#[cfg(test)]
mod tests;

#[allow(unused_imports, reason = "no including crate uses everything")]
pub use {
    call::Call,
    hand::FileView,
    switches::{End, Marker, NoTask, Oddly, OverLimit, Switches, Unsaid},
    tree::Kind,
};

use super::disk::Saver;
use super::http::{Handler, Server};
use super::orders;
use state::Hub;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Which of the emulator's ports a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Library,
    Storage,
    /// Where the storage host sends clients when it does.
    Edge,
}

/// How an emulator is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The library host; the storage host and its edge take the next two ports. Port 0: any.
    pub listen: SocketAddr,
    /// Keep everything in this folder.
    pub disk: Option<PathBuf>,
    /// Keep sizes and checksums only; reading gives made-up bytes.
    pub discard: bool,
    pub library: String,
    pub secret: String,
    pub space: String,
    pub switches: Switches,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: super::Options::default().listen,
            disk: None,
            discard: false,
            library: "smhdemo0123456789".to_owned(),
            secret: "demo".to_owned(),
            space: "-".to_owned(),
            switches: Switches::default(),
        }
    }
}

/// A running emulator. Its ports close and its threads end when it is dropped.
pub struct Fake {
    // In this order: the ports close first, then the state is saved for the last time.
    servers: Vec<Server>,
    _saver: Option<Saver>,
    hub: Arc<Hub>,
    /// CRC-64s of made-up content by size.
    checksums: Mutex<HashMap<u64, u64>>,
}

impl Fake {
    /// An empty space in memory, on any free ports.
    pub fn start() -> Fake {
        Fake::with(Options::default()).unwrap()
    }

    /// An emulator set up otherwise.
    pub fn with(options: Options) -> io::Result<Fake> {
        let disk = options.disk.as_deref();
        let keep = super::keep(disk, options.discard)?;
        let names = [options.library, options.secret, options.space];
        let hub = Arc::new(Hub::new(keep, names, options.switches));
        let saver = disk.map(|folder| Saver::start(hub.clone(), folder));
        let saver = saver.transpose()?;
        let hosts = [Host::Library, Host::Storage, Host::Edge];
        let handlers = hosts.map(|host| (handler(&hub, host), false));
        let servers = super::listen(options.listen, handlers)?;
        let place = |n: usize| super::base(servers[n].addr()).replace("http://", "");
        let _ = hub.hosts.set([place(0), place(1), place(2)]);
        let checksums = Mutex::default();
        Ok(Fake {
            servers,
            _saver: saver,
            hub,
            checksums,
        })
    }

    // --- Addresses and names ---

    /// The library host's base URL.
    pub fn url(&self) -> String {
        super::base(self.servers[0].addr())
    }

    /// The storage host's base URL.
    pub fn storage_url(&self) -> String {
        super::base(self.servers[1].addr())
    }

    /// The library's id.
    pub fn library(&self) -> &str {
        &self.hub.library
    }

    /// The library's secret.
    pub fn secret(&self) -> &str {
        &self.hub.secret
    }

    /// The space's id.
    pub fn space(&self) -> &str {
        &self.hub.space
    }

    // --- Switches and the account ---

    /// Changes switches. Those that hold for a number of times are armed anew by every change.
    pub fn set(&self, change: impl FnOnce(&mut Switches)) {
        let mut state = self.hub.lock();
        change(&mut state.switches);
        state.markers.arm();
    }

    /// The switches as they stand.
    pub fn switches(&self) -> Switches {
        self.hub.lock().switches.clone()
    }

    /// Ends all tokens now.
    pub fn revoke_tokens(&self) {
        self.hub.lock().tokens.revoke_all();
    }

    /// The space's quota, and what is used of it besides the files here.
    pub fn set_quota(&self, quota: Option<u64>, more_used: u64) {
        let mut state = self.hub.lock();
        (state.quota, state.more_used) = (quota, more_used);
        state.enforce_quota();
    }

    /// Uploads that were begun, and neither confirmed nor aborted.
    pub fn open_uploads(&self) -> usize {
        self.hub.lock().uploads.open()
    }

    /// Deletes in the background that aren't done.
    pub fn pending_tasks(&self) -> usize {
        self.hub.lock().tasks.pending()
    }
}

orders::orders!(Fake, Call, Host);

/// What serves a port.
fn handler(hub: &Arc<Hub>, host: Host) -> Handler {
    let hub = hub.clone();
    match host {
        Host::Library => Arc::new(move |exchange| gate::serve(&hub, exchange)),
        Host::Storage | Host::Edge => {
            Arc::new(move |exchange| storage::serve(&hub, host, exchange))
        }
    }
}
