//! The accept loop and the threads: requests that `front` has understood come in here, are admitted
//! by `service`, wait in the queue of their lane and are answered. The only place that knows
//! tiny_http.
//!
//! ```text
//! front ─► tiny_http ─► accept ─┬─► small, large ─► worker ─┐
//!                         │     ├─► removes ─► gatherer ────┼─► answer
//!                         │     └─► refused ─► read away ───┘
//!                         └─► prove ─► one of the three
//! ```

mod exchange;
mod fair;
#[cfg(fuzzing)]
pub mod fuzz;
mod head;
mod lanes;
mod private;
mod refusals;
mod threads;

use crate::body::{LARGEST, Length};
use crate::front::{self, Client, Front};
use crate::manager::Manager;
use crate::service::{Admission, Head, Reply, Service};
use crate::turns;
use exchange::Exchange;
use lanes::Lanes;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The library below, as it calls itself in the log.
pub const LIBRARY: &str = "tiny_http";

/// How the server runs. Every bound of it is here or a constant.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients come in, and how they may behave.
    pub front: front::Config,
    /// Threads for packs and index files.
    pub workers: usize,
    /// Threads for everything small, so that locks never wait behind packs.
    pub small_workers: usize,
    /// Requests that may wait in each lane. A client has at most one per connection, and
    /// restic's default is five connections.
    pub queue: usize,
    /// How long a DELETE of anything but a pack waits for another one to join it; some times as long
    /// if they keep coming.
    pub gather: Duration,
    /// Longest wait of a DELETE for an earlier request of the same name.
    pub turn: Duration,
    /// How long the body of a refused request is read away.
    pub drain_timeout: Duration,
    /// How long running requests may take when the server stops.
    pub stop_timeout: Duration,
    /// Folders for a socket that is there for a moment, besides the usual ones.
    pub folders: Vec<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            front: front::Config::default(),
            workers: 8,
            small_workers: 4,
            queue: 128,
            gather: Duration::from_millis(30),
            turn: turns::LONGEST,
            drain_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(60),
            folders: Vec::new(),
        }
    }
}

/// Why the server left without having been told to. A restart helps, and loses nothing: restic
/// repeats what wasn't answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// Requests don't come in any more.
    Deaf,
    /// It couldn't be started.
    Start(String),
    /// Running requests took longer than [`Config::stop_timeout`] when it stopped.
    Late,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deaf => f.write_str("requests don't come in any more; the line before says why"),
            Self::Start(why) => write!(f, "the server can't start: {why}"),
            Self::Late => f.write_str("some requests didn't end in time and were cut off"),
        }
    }
}

impl std::error::Error for Error {}

/// Listens, but takes no requests yet.
pub fn bind(config: &Config) -> io::Result<Bound> {
    Ok(Bound {
        front: front::bind(&config.front)?,
        config: config.clone(),
        stop: Stop::default(),
        manager: Manager::default(),
    })
}

/// A server that listens.
#[derive(Debug)]
pub struct Bound {
    front: front::Bound,
    config: Config,
    stop: Stop,
    manager: Manager,
}

/// Tells a server to stop: to refuse what is new, end what runs, and leave.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Stops the server, within a quarter of a second.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// What [`Self::stop`] sets, for signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Bound {
    /// The first address that is listened on, with the port that was free; None where there are Unix
    /// sockets alone.
    pub fn address(&self) -> Option<SocketAddr> {
        self.front.address()
    }

    /// Where it listens, for people.
    pub fn doors(&self) -> String {
        self.front.doors()
    }

    /// Whether nobody but this machine can come in.
    pub fn is_private(&self) -> bool {
        self.front.is_private()
    }

    /// What has the certificate read again, for signal handlers; None without one.
    pub fn reload(&self) -> Option<Arc<AtomicBool>> {
        self.config.front.tls.as_ref().map(|tls| tls.reload())
    }

    /// What stops this server.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Has the service manager told how the server is.
    pub fn telling(self, manager: Manager) -> Self {
        Self { manager, ..self }
    }

    /// Answers requests until it is told to stop (Ok) or can't go on.
    pub fn run(self, service: impl Into<Arc<Service>>) -> Result<(), Error> {
        self.manager
            .status(&format!("listening on {}", self.doors()));
        let start = |error: io::Error| Error::Start(error.to_string());
        let service: Arc<Service> = service.into();
        let lanes = Lanes::start(&self.config, &service).map_err(start)?;
        let (server, tickets) = private::open(&self.config.folders).map_err(start)?;
        let front = self.front.open(tickets).map_err(start)?;
        let reception = Reception {
            service,
            front,
            server,
            drain_timeout: self.config.drain_timeout,
            manager: self.manager,
        };
        reception.run(&self.stop, self.config.stop_timeout, lanes)
    }
}

/// Receives requests and sends them to their lanes.
struct Reception {
    service: Arc<Service>,
    front: Front,
    server: tiny_http::Server,
    drain_timeout: Duration,
    manager: Manager,
}

impl Reception {
    fn run(mut self, stop: &Stop, most: Duration, mut lanes: Lanes) -> Result<(), Error> {
        self.manager.ready();
        while !stop.stopped() {
            self.manager.alive(Instant::now());
            if self.front.is_broken() {
                return Err(Error::Deaf);
            }
            if let Some(client) = private::next(&self.server, &self.front) {
                self.receive(client, &lanes);
            }
        }
        self.manager.stopping();
        log::info!("stopping: running requests may end");
        let until = Instant::now() + most;
        lanes.close();
        while !lanes.idle() && Instant::now() < until {
            // Clients repeat what gets a 503, by then at the next server.
            if let Some(client) = private::next(&self.server, &self.front) {
                self.receive(client, &lanes);
            }
        }
        match lanes.idle() {
            true => Ok(()),
            false => Err(Error::Late),
        }
    }

    fn receive(&self, mut client: Client, lanes: &Lanes) {
        let admitted = match client.head().length {
            Length::Known(len) if len > LARGEST => {
                client.distrust();
                let why = "that is larger than any file of restic's";
                Admission::Refused(Reply::empty(413).because(why))
            }
            _ => self.admit(&client),
        };
        let exchange = Exchange::new(self.service.watch(), client, self.drain_timeout);
        match admitted {
            Admission::Job(job) => lanes.send(exchange, job),
            Admission::PendingAuth(doubt) => lanes.prove(exchange, doubt),
            Admission::Refused(reply) => lanes.refuse(exchange, reply),
        }
    }

    fn admit(&self, client: &Client) -> Admission {
        let head = client.head();
        self.service.admit(&Head {
            method: &head.method,
            target: &head.target,
            accept: head.value("accept"),
            range: head.value("range"),
            language: head.value("accept-language"),
            authorization: head.value("authorization"),
            origin: head.value("origin"),
            site: head.value("sec-fetch-site"),
            host: client.host(),
            peer: client.address(),
            length: head.length,
        })
    }
}
