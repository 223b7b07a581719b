//! WPS Kdocs in this process: an emulator of one user's personal files as an app sees them, with the
//! API's host and the host of downloads on ports of 127.0.0.1. It is strict where the API is
//! documented and has a switch where it isn't; it notes each breach of a documented rule
//! (`complaints`). What it doesn't have: search, shares, documents that are edited, app space, v7.
//!
//! ```text
//! mod ─► gate ─► api, upload ─► files      cdn ─► files
//!        gate, cdn ─► call, and what the emulators share: faults, spoil, judge, grants
//! ```

mod api;
mod call;
mod cdn;
mod control;
mod files;
mod gate;
mod hand;
mod state;
mod switches;
mod upload;

#[cfg(test)]
mod tests;

#[allow(unused_imports, reason = "no including crate uses everything")]
pub use {
    call::Call,
    hand::FileView,
    switches::{Budget, Clash, Switches, Task, Texts},
};

use super::http::{Handler, Server};
use super::orders;
use state::Hub;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Which of the emulator's ports a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Api,
    Cdn,
}

/// How an emulator is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The API's host; downloads take the next port. Port 0: any.
    pub listen: SocketAddr,
    /// Keep sizes only; reading gives made-up bytes.
    pub discard: bool,
    pub app_id: String,
    pub app_key: String,
    pub switches: Switches,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: super::Options::default().listen,
            discard: false,
            app_id: "AKdemo".to_owned(),
            app_key: "demo".to_owned(),
            switches: Switches::default(),
        }
    }
}

/// A running emulator. Its ports close and its threads end when it is dropped.
pub struct Fake {
    servers: Vec<Server>,
    hub: Arc<Hub>,
}

impl Fake {
    /// Nobody's files in memory, on any free ports.
    pub fn start() -> Fake {
        Fake::with(Options::default()).unwrap()
    }

    /// An emulator set up otherwise.
    pub fn with(options: Options) -> io::Result<Fake> {
        let keep = super::keep(None, options.discard)?;
        let hub = Arc::new(Hub::new(
            keep,
            [options.app_id, options.app_key],
            options.switches,
        ));
        let handlers = [Host::Api, Host::Cdn].map(|host| (handler(&hub, host), false));
        let servers = super::listen(options.listen, handlers)?;
        let _ = hub.cdn.set(super::base(servers[1].addr()));
        Ok(Fake { servers, hub })
    }

    /// The API's base URL.
    pub fn url(&self) -> String {
        super::base(self.servers[0].addr())
    }

    /// The app's id.
    pub fn app_id(&self) -> &str {
        &self.hub.app_id
    }

    /// The app's key.
    pub fn app_key(&self) -> &str {
        &self.hub.app_key
    }

    /// Changes switches.
    pub fn set(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.hub.lock().switches);
    }

    /// The switches as they stand.
    pub fn switches(&self) -> Switches {
        self.hub.lock().switches.clone()
    }

    /// The user agrees to what the app may do; the code that the browser brings back.
    pub fn authorize(&self) -> String {
        let end = self.hub.clock.now() + state::CODE_LIFE;
        self.hub.lock().grants.authorize("", end)
    }

    /// A refresh token that a user got for the app.
    pub fn grant(&self) -> String {
        let end = self.hub.clock.now() + state::REFRESH_LIFE;
        self.hub.lock().grants.grant(end)
    }

    /// Ends the access tokens.
    pub fn end_access_tokens(&self) {
        self.hub.lock().grants.end_access();
    }

    /// Withdraws what the user agreed to.
    pub fn revoke_grants(&self) {
        self.hub.lock().grants.revoke_all();
    }
}

orders::orders!(Fake, Call, Host);

/// What serves a port.
fn handler(hub: &Arc<Hub>, host: Host) -> Handler {
    let hub = hub.clone();
    match host {
        Host::Api => Arc::new(move |exchange| gate::serve(&hub, exchange)),
        Host::Cdn => Arc::new(move |exchange| cdn::serve(&hub, exchange)),
    }
}
