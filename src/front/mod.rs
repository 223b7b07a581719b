//! What meets the network: listeners, TLS, connections, the framing of HTTP/1.1. Nothing here knows
//! what a request is about.
//!
//! ```text
//! door ─► hall: waits in one epoll ─► head ─► ticket ─► whoever redeems it: Client
//!           ▲  └─► greeter (TLS) ─┘                        │ body in, answer out
//!           └──────────────────────────────────────────────┘
//! ```
//!
//! Everything is bounded: connections in all and of one address (`places`), what is unfinished and
//! how long it may take (`crowd`), heads (`head`), what stands between chunks (`body`), how slow a
//! client may be (`pace`). A connection that waits has no thread; one that has a request has the
//! thread of whoever redeemed its ticket.

mod body;
mod client;
mod crowd;
#[cfg(fuzzing)]
pub mod fuzz;
mod greet;
mod hall;
mod head;
mod listen;
mod pace;
mod places;
mod poller;
mod stream;
mod tls;

pub use client::Client;
pub use head::{Head, reason};
pub use listen::Listen;
pub use pace::Pace;
pub use places::Party;
pub use tls::Tls;

use crossbeam_channel::bounded;
use hall::Hall;
use listen::Door;
use places::Places;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Threads that compute greetings of TLS, and how many of these may wait for them.
const GREETERS: usize = 2;
const GREETINGS: usize = 64;
/// A thread's stack in bytes; most of it is never touched.
const STACK: usize = 256 << 10;

/// How the front works.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; nothing is the usual place, or what systemd hands over.
    pub listen: Vec<Listen>,
    /// What TLS needs; None speaks HTTP in the clear.
    pub tls: Option<Arc<Tls>>,
    /// The proxy that may say whose a request is.
    pub proxy: Option<IpAddr>,
    /// How slow clients may be.
    pub pace: Pace,
    /// How long a head may take, or a greeting of TLS.
    pub head: Duration,
    /// How long a connection may ask for nothing. Clients close idle ones after 90 s, and that
    /// should come first.
    pub idle: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            tls: None,
            proxy: None,
            pace: Pace::default(),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(150),
        }
    }
}

/// Listens, but takes nobody in yet.
pub fn bind(config: &Config) -> io::Result<Bound> {
    let places = Places::new(config.tls.is_some());
    let mut doors = Door::handed_over()?;
    let usual = [Listen::default()];
    let wanted = match &config.listen[..] {
        [] if doors.is_empty() => &usual,
        wanted => wanted,
    };
    for listen in wanted {
        doors.push(listen.bind()?);
    }
    let config = config.clone();
    Ok(Bound {
        doors,
        places,
        config,
    })
}

/// A front that listens.
#[derive(Debug)]
pub struct Bound {
    doors: Vec<Door>,
    places: Places,
    config: Config,
}

impl Bound {
    /// The first address that is listened on, with the port that was free.
    pub fn address(&self) -> Option<SocketAddr> {
        self.doors.iter().find_map(|door| door.address)
    }

    /// Where it listens, for people.
    pub fn doors(&self) -> String {
        let all: Vec<String> = self.doors.iter().map(ToString::to_string).collect();
        all.join(", ")
    }

    /// Whether nobody but this machine can come in.
    pub fn is_private(&self) -> bool {
        self.doors.iter().all(Door::is_private)
    }

    /// Takes clients in. For each request a ticket goes out, as a GET of its number.
    pub fn open(self, tickets: UnixStream) -> io::Result<Front> {
        let (greeters, greetings) = bounded(GREETINGS);
        let greeters = self.config.tls.as_ref().map(|_| greeters);
        let hall = Arc::new(Hall::new(self.config, self.places, greeters, tickets)?);
        if hall.greeters.is_some() {
            for number in 0..GREETERS {
                let (hall, greetings) = (Arc::downgrade(&hall), greetings.clone());
                let name = format!("greet-{number}");
                spawn(&name, move || greet::greet_all(&hall, &greetings))?;
            }
        }
        let (own, doors) = (Arc::clone(&hall), self.doors);
        let thread = Some(spawn("front", move || own.run(&doors))?);
        Ok(Front { hall, thread })
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.stack_size(STACK).spawn(body)
}

/// A front that works; it takes nobody in any more when it is dropped.
pub struct Front {
    hall: Arc<Hall>,
    thread: Option<JoinHandle<()>>,
}

impl Front {
    /// The client whose ticket this is; once.
    pub fn redeem(&self, ticket: u64) -> Option<Client> {
        self.hall.redeem(ticket)
    }

    /// Whether it can't go on.
    pub fn is_broken(&self) -> bool {
        self.hall.is_broken()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.hall.close();
        // The sockets end with it, and the files of those that have one.
        drop(self.thread.take().map(JoinHandle::join));
    }
}
