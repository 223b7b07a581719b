//! 123pan in this process: an emulator of its Open Platform with an API host, an upload host and a
//! CDN on ports of 127.0.0.1. It is strict where the service is documented and has a switch where
//! it isn't; it notes each breach of a documented rule (`complaints`). What it doesn't have: the
//! web API, sharing, direct links, the legacy upload.
//!
//! In `smh` stands another one, of Tencent SMH. Both use what carries bytes (`exchange`, `http`,
//! `tls`, `content`, `transfer`), faults (`faults`, `mix`, `spoil`, `altered`), what is counted
//! (`judge`, `limits`), and `control`, `disk`, `orders`, `time`.
//!
//! ```text
//! mod ─► gate ─► api, oauth, sliced, upload ─► cloud, views, tokens      cdn, control ─► cloud
//!        gate ─► faults, limits, judge                            http, multipart: bytes only
//! ```

#![allow(
    clippy::unwrap_used,               // a test that can't go on should say where
    clippy::panic,                     // likewise
    clippy::needless_pass_by_value,    // tests hand over literals
    clippy::cast_possible_truncation,  // sizes in tests are small
    missing_docs,                      // fields that say it themselves
    unreachable_pub                    // the module is included by several crates
)]

mod altered;
mod api;
mod args;
mod cdn;
mod choices;
mod cloud;
mod content;
mod control;
mod disk;
mod endpoint;
mod exchange;
mod faults;
mod gate;
mod grants;
mod hand;
mod http;
mod inspect;
mod judge;
pub mod kdocs;
mod limits;
pub mod line;
mod many;
mod mix;
mod multipart;
mod oauth;
mod orders;
mod refusal;
mod sliced;
pub mod smh;
mod spoil;
mod state;
mod switches;
mod time;
mod tls;
mod tokens;
mod transfer;
mod upload;
mod views;

#[cfg(test)]
mod tests;

#[allow(unused_imports, reason = "no including crate uses everything")]
pub use {
    endpoint::rate,
    endpoint::{Endpoint, Host, Tier},
    faults::{Fault, How, When},
    inspect::FileView,
    judge::{Calls, Count},
    limits::{Limits, Shape},
    mix::{Fails, HANG, hows},
    switches::{
        BadIds, Cursor, Front, InfosKey, LimitOver, MissingFolder, Oauth, Overwritten, Parts,
        Reuse, Single, Switches, Taken,
    },
};

use content::Keep;
use http::{Handler, Server};
use state::{Hosts, Hub};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How an emulator is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The API host; the upload host, the CDN and its edge take the next three ports. Port 0: any.
    pub listen: SocketAddr,
    /// Keep everything in this folder.
    pub disk: Option<PathBuf>,
    /// Keep sizes and MD5s only; reading gives made-up bytes.
    pub discard: bool,
    /// Bytes a second that all uploads take together; 0 is as many as come.
    pub uplink: u64,
    pub client_id: String,
    pub client_secret: String,
    pub switches: Switches,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            disk: None,
            discard: false,
            uplink: 0,
            client_id: "demo".to_owned(),
            client_secret: "demo".to_owned(),
            switches: Switches::default(),
        }
    }
}

/// A running emulator. Its ports close and its threads end when it is dropped.
pub struct Fake {
    // In this order: the ports close first, then the state is saved for the last time.
    servers: Vec<Server>,
    _saver: Option<disk::Saver>,
    hub: Arc<Hub>,
    /// MD5s of made-up content by size.
    etags: Mutex<HashMap<u64, String>>,
}

impl Fake {
    /// An empty account in memory, on any free ports.
    pub fn start() -> Fake {
        Fake::with(Options::default()).unwrap()
    }

    /// An emulator set up otherwise.
    pub fn with(options: Options) -> io::Result<Fake> {
        let disk = options.disk.as_deref();
        let keep = keep(disk, options.discard)?;
        let client = (options.client_id, options.client_secret);
        let hub = Arc::new(Hub::new(keep, client, options.switches, options.uplink));
        let saver = disk.map(|folder| disk::Saver::start(hub.clone(), folder));
        let saver = saver.transpose()?;
        let hosts = [Host::Api, Host::Upload, Host::Cdn, Host::Edge];
        let narrow = |host| host == Host::Upload && options.uplink > 0;
        let handlers = hosts.map(|host| (handler(&hub, host), narrow(host)));
        let servers = listen(options.listen, handlers)?;
        let url = |n: usize| base(servers[n].addr());
        let _ = hub.hosts.set(Hosts {
            api: url(0),
            upload: url(1),
            cdn: url(2),
            edge: url(3),
        });
        Ok(Fake {
            servers,
            _saver: saver,
            hub,
            etags: Mutex::default(),
        })
    }

    // --- Addresses ---

    /// The API host's base URL.
    pub fn url(&self) -> String {
        self.hub.hosts().api.clone()
    }

    /// The upload host's base URL.
    pub fn upload_url(&self) -> String {
        self.hub.hosts().upload.clone()
    }

    /// The CDN's base URL.
    pub fn cdn_url(&self) -> String {
        self.hub.hosts().cdn.clone()
    }

    /// The client id that is good.
    pub fn client_id(&self) -> &str {
        &self.hub.client.0
    }

    /// The secret that goes with it.
    pub fn client_secret(&self) -> &str {
        &self.hub.client.1
    }

    // --- Switches, faults, time ---

    /// Changes switches. Those that hold for a number of times are armed anew by every change.
    pub fn set(&self, change: impl FnOnce(&mut Switches)) {
        self.hub.lock().switch(change);
    }

    /// The switches as they stand.
    pub fn switches(&self) -> Switches {
        self.hub.lock().switches.clone()
    }

    /// Has answers tell the time, in seconds since 1970, by another clock than the emulator's.
    pub fn tell_time_by(&self, clock: impl Fn() -> u64 + Send + Sync + 'static) {
        // The first clock stays.
        let _ = self.hub.dates.set(Box::new(clock));
    }

    /// Ends all tokens now.
    pub fn revoke_tokens(&self) {
        self.hub.lock().tokens.revoke_all();
    }

    /// Pushes all tokens out now, as logins elsewhere would.
    pub fn push_out_tokens(&self) {
        self.hub.lock().tokens.push_out_all();
    }

    /// A user agrees to what the OAuth app may do; the code that his browser brings back.
    pub fn authorize(&self, redirect: &str) -> String {
        self.hub.lock().authorize(redirect, self.hub.clock.now())
    }

    /// A refresh token that a user got for the OAuth app.
    pub fn grant(&self) -> String {
        self.hub.lock().grant(self.hub.clock.now())
    }

    /// How many refresh tokens were exchanged, and how many came a second time.
    pub fn renewals(&self) -> (u64, u64) {
        let state = self.hub.lock();
        (state.grants.renewals, state.grants.reuses)
    }

    /// Withdraws all grants.
    pub fn revoke_grants(&self) {
        self.hub.lock().grants.revoke_all();
    }

    /// Ends the access tokens of all grants.
    pub fn end_access_tokens(&self) {
        self.hub.lock().grants.end_access();
    }

    /// Refuses all writes for so long.
    pub fn ban(&self, how_long: Duration) {
        let until = self.hub.clock.now() + views::ms(how_long);
        self.hub.lock().ban_until = until;
    }

    /// Bytes that may still be downloaded; `None` is any number.
    pub fn set_traffic(&self, left: Option<u64>) {
        self.hub.lock().traffic = left;
    }

    /// The account's space, and what is used of it besides the files here.
    pub fn set_space(&self, total: u64, used: u64) {
        let mut state = self.hub.lock();
        state.space_total = total;
        state.space_used = used;
    }
}

orders::orders!(Fake, Endpoint, Host);

/// Where new content goes.
fn keep(disk: Option<&Path>, discard: bool) -> io::Result<Keep> {
    Ok(match disk {
        _ if discard => Keep::Discard,
        Some(folder) => Keep::Disk(disk::content_folder(folder)?),
        None => Keep::Memory,
    })
}

/// Opens a port for each handler: this one and the next ones, or any. Beside each stands whether its
/// connections are narrow.
fn listen<const N: usize>(
    first: SocketAddr,
    handlers: [(Handler, bool); N],
) -> io::Result<Vec<Server>> {
    let each = handlers
        .into_iter()
        .enumerate()
        .map(|(number, (handler, narrow))| {
            let mut addr = first;
            if addr.port() != 0 {
                addr.set_port(addr.port() + number as u16);
            }
            Server::start(addr, narrow, handler)
        });
    each.collect()
}

/// The base URL of an address. Nobody can call 0.0.0.0.
fn base(addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        return format!("http://127.0.0.1:{}", addr.port());
    }
    format!("http://{addr}")
}

/// What serves a port.
fn handler(hub: &Arc<Hub>, host: Host) -> Handler {
    let hub = hub.clone();
    match host {
        Host::Api | Host::Upload => Arc::new(move |exchange| gate::serve(&hub, host, exchange)),
        Host::Cdn | Host::Edge => Arc::new(move |exchange| cdn::serve(&hub, host, exchange)),
    }
}
