//! Sockets and threads: requests come in here, are admitted by `service`, wait in the queue of
//! their lane and are answered. The only place that knows tiny_http, and so the place where its
//! faults are dealt with; each is named where its cure stands.
//!
//! ```text
//! tiny_http ─► accept ─┬─► small, large ─► worker ─┐
//!                │     ├─► removes ─► gatherer ────┼─► answer
//!                │     └─► refused ─► read away ───┘
//!                └─► prove ─► one of the three
//! ```

mod exchange;
mod fair;
mod filter;
mod front;
#[cfg(fuzzing)]
pub mod fuzz;
mod gate;
mod guard;
mod head;
mod incoming;
mod lanes;
mod losses;
mod peers;
mod refusals;
mod sentry;
mod sockets;

use crate::body::LARGEST;
use crate::service::{Admission, Head, Length, Reply, Service};
use crate::watch::Watch;
use exchange::Exchange;
use front::Front;
use gate::Gate;
use guard::Guard;
use lanes::Lanes;
use losses::Losses;
use peers::Peers;
use sentry::Sentry;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tiny_http::Request;

/// Bounds in bytes for what tiny_http may allocate, untouched, when a body is truncated: the
/// largest packs fit the first, and the second fits the address space of 32 bits.
const HARMLESS: std::ops::RangeInclusive<u64> = 16 << 20..=256 << 20;
/// Connections that one address may make tiny_http lose before it is kept out.
const LOSSES: usize = 4;

/// How the server runs. Every bound of it is here or a constant.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host:port`; without a host every interface.
    pub listen: String,
    /// Bytes that bodies may take in memory; what the process grows by besides is suspect.
    pub memory: u64,
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
    /// How long a connection may stand still. Clients close idle ones after 90 s, and that should
    /// come first.
    pub socket_timeout: Duration,
    /// How long the body of a refused request is read away.
    pub drain_timeout: Duration,
    /// How long running requests may take when the server stops.
    pub stop_timeout: Duration,
    /// Pause between the connections to ourselves.
    pub knock: Duration,
    /// Requests leaked on purpose before the server leaves for a restart; each costs a thread and
    /// two descriptors. Of an address that is kept out only four count, because it can't go on.
    pub leaks: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            memory: 32 << 20,
            workers: 8,
            small_workers: 4,
            queue: 128,
            gather: Duration::from_millis(30),
            socket_timeout: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(60),
            knock: Duration::from_millis(250),
            leaks: 32,
        }
    }
}

/// Why the server left without having been told to. A restart helps, and loses nothing: restic
/// repeats what wasn't answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// It doesn't answer on its own port any more.
    Deaf(String),
    /// tiny_http has lost too many connections, or had to.
    Leaks,
    /// Threads couldn't be started.
    Threads(String),
    /// Running requests took longer than [`Config::stop_timeout`] when it stopped.
    Late,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deaf(why) => write!(f, "the server doesn't answer on its own port: {why}"),
            Self::Leaks => f.write_str("the HTTP library has lost too many connections for good"),
            Self::Threads(why) => write!(f, "the server can't start: {why}"),
            Self::Late => f.write_str("some requests didn't end in time and were cut off"),
        }
    }
}

impl std::error::Error for Error {}

/// Listens, but takes no requests yet.
pub fn bind(config: &Config) -> io::Result<Bound> {
    let descriptors = sockets::raise_descriptors();
    let listener = sockets::listen(&config.listen, config.socket_timeout)?;
    Ok(Bound {
        address: listener.local_addr()?,
        listener,
        guard: Guard::new(descriptors, config.memory),
        config: config.clone(),
        stop: Stop::default(),
    })
}

/// A server that listens.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    guard: Guard,
    config: Config,
    stop: Stop,
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

/// What every part of the server needs to know.
#[derive(Debug)]
struct Net {
    port: u16,
    /// Largest body in bytes that is read at all.
    largest: u64,
    drain_timeout: Duration,
    /// Bytes that tiny_http may allocate for a truncated body.
    harmless: u64,
    most_leaks: usize,
    leaks: Mutex<HashMap<IpAddr, usize>>,
    gate: Gate,
    watch: Arc<Watch>,
    stop: Stop,
    /// Whether tiny_http was found to take no connections.
    deaf: AtomicBool,
    /// Whether a new tiny_http has taken its place.
    renewed: AtomicBool,
    /// Whether there are too few descriptors to mend that.
    stuck: AtomicBool,
    failure: Mutex<Option<Error>>,
}

impl Net {
    fn leaked(&self, address: IpAddr) {
        let mut leaks = self.leaks.lock().unwrap_or_else(PoisonError::into_inner);
        let count = leaks.entry(address).or_default();
        *count += 1;
        log::warn!("{address} broke off within a huge body, for the {count}. time");
        if *count >= LOSSES {
            self.gate.ban(address);
        }
        let counts = leaks.iter().map(|(address, count)| {
            let most = self.gate.bans(*address).then_some(LOSSES);
            most.unwrap_or(*count)
        });
        // Each entry has a leak, so this also bounds the map.
        if counts.sum::<usize>() >= self.most_leaks {
            self.fail(Error::Leaks);
        }
    }

    fn fail(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        self.stop.stop();
    }
}

impl Bound {
    /// The address that is listened on, with the port that was free.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops this server.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Answers requests until it is told to stop (Ok) or can't go on.
    pub fn run(self, service: Service) -> Result<(), Error> {
        let threads = |error: &dyn fmt::Display| Error::Threads(error.to_string());
        let memory = sockets::memory().unwrap_or(0);
        let gate = self.listener.try_clone().map_err(|error| threads(&error))?;
        let own = sockets::own_addresses(self.address);
        let net = Arc::new(Net {
            port: self.address.port(),
            largest: LARGEST,
            drain_timeout: self.config.drain_timeout,
            harmless: (memory / 2).clamp(*HARMLESS.start(), *HARMLESS.end()),
            most_leaks: self.config.leaks,
            leaks: Mutex::default(),
            gate: Gate::new(gate, own.iter().map(SocketAddr::ip).collect()),
            watch: Arc::clone(service.watch()),
            stop: self.stop,
            deaf: AtomicBool::new(false),
            renewed: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            failure: Mutex::default(),
        });
        let service = Arc::new(service);
        let lanes = Lanes::start(&self.config, &service).map_err(|error| threads(&error))?;
        let front = Front::open(self.listener, &net).map_err(|error| threads(&error))?;
        let peers = Arc::<Peers>::default();
        let sentry = Sentry {
            net: Arc::clone(&net),
            own,
            pause: self.config.knock,
            guard: self.guard,
            losses: Losses::default(),
            spare: File::open("/dev/null").ok(),
            tight: None,
            settled: Instant::now(),
        };
        sentry.start(&peers).map_err(|error| threads(&error))?;
        let reception = Reception {
            net,
            service,
            peers,
            stop_timeout: self.config.stop_timeout,
        };
        reception.run(front, lanes)
    }
}

/// Receives requests and sends them to their lanes.
struct Reception {
    net: Arc<Net>,
    service: Arc<Service>,
    peers: Arc<Peers>,
    stop_timeout: Duration,
}

impl Reception {
    fn run(self, mut front: Front, mut lanes: Lanes) -> Result<(), Error> {
        while !self.net.stop.stopped() {
            if let Some(request) = front.next() {
                self.receive(request, &lanes);
            }
        }
        log::info!("stopping: running requests may end");
        let until = Instant::now() + self.stop_timeout;
        lanes.close();
        while !lanes.idle() && Instant::now() < until {
            // Clients repeat what gets a 503, by then at the next server.
            if let Some(request) = front.next() {
                self.receive(request, &lanes);
            }
        }
        let failure = self.net.failure.lock();
        match failure.unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None if !lanes.idle() => Err(Error::Late),
            None => Ok(()),
        }
    }

    fn receive(&self, request: Request, lanes: &Lanes) {
        let length = announced(&request);
        let seat = request
            .remote_addr()
            .and_then(|peer| self.peers.enter(*peer));
        let Some(seat) = seat else {
            // Pipelined, or what was left of a connection that is being closed.
            return Exchange::turn_away(&self.net, request);
        };
        let admitted = match length {
            None => Err(Reply::empty(400)),
            Some(Length::Known(len)) if len > self.net.largest => Err(Reply::empty(413)),
            Some(length) => Ok(self.admit(&request, length, seat.peer())),
        };
        let mut exchange = Exchange::new(&self.net, request, seat, length);
        match admitted {
            Ok(Admission::Job(job)) => lanes.send(exchange, job),
            Ok(Admission::Doubt(doubt)) => lanes.prove(exchange, doubt),
            Ok(Admission::Refused(reply)) => lanes.refuse(exchange, reply),
            Err(reply) => {
                exchange.distrust();
                lanes.refuse(exchange, reply);
            }
        }
    }

    fn admit(&self, request: &Request, length: Length, peer: SocketAddr) -> Admission {
        self.service.admit(&Head {
            method: request.method().as_str(),
            target: request.url(),
            accept: value(request, "Accept"),
            range: value(request, "Range"),
            language: value(request, "Accept-Language"),
            authorization: value(request, "Authorization"),
            peer: peer.ip(),
            length,
        })
    }
}

/// What a request says about its body, if that can be trusted and is what tiny_http understood.
fn announced(request: &Request) -> Option<Length> {
    let length = head::length(
        values(request, "Content-Length"),
        values(request, "Transfer-Encoding"),
    )?;
    let understood = request.body_length().map(|len| len as u64);
    match length {
        // Differs where lengths have 32 bits.
        Length::Known(len) => (understood == Some(len)).then_some(length),
        // With this header tiny_http hands out the bare connection.
        Length::Chunked if upgrades(request) => None,
        _ => Some(length),
    }
}

fn upgrades(request: &Request) -> bool {
    value(request, "Connection").is_some_and(|text| text.to_ascii_lowercase().contains("upgrade"))
}

fn values<'a>(request: &'a Request, name: &'static str) -> impl Iterator<Item = &'a str> {
    let named = request
        .headers()
        .iter()
        .filter(move |h| h.field.equiv(name));
    named.map(|header| header.value.as_str())
}

fn value<'a>(request: &'a Request, name: &'static str) -> Option<&'a str> {
    values(request, name).next()
}
