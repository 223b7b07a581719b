//! A small HTTP/1.1 server, a thread per connection, that can misbehave below HTTP: reset, cut an
//! answer, close without one. It knows nothing of 123pan; what to answer is the handler's business,
//! and requests themselves are read in `exchange`.

use super::exchange::{Conn, Exchange};
use super::line;
use super::tls;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;
/// Ports of servers that have ended which nobody gets: who still calls an old server must be
/// refused, and not meet a new one there.
const KEPT: usize = 128;
static ENDED: Mutex<VecDeque<OwnedFd>> = Mutex::new(VecDeque::new());

/// What becomes of a connection after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Further requests may come.
    Keep,
    /// It is closed in an orderly way.
    Close,
    /// The client gets a reset.
    Reset,
}

/// Answers requests.
pub type Handler = Arc<dyn Fn(&mut Exchange<'_, '_>) -> io::Result<Then> + Send + Sync>;

/// A port and its connections. Both end when this is dropped.
pub struct Server {
    addr: SocketAddr,
    open: Arc<Open>,
    handler: Handler,
    /// Whether its connections hold as little as those to a distant host.
    narrow: bool,
    /// The thread that accepts connections, while they aren't refused.
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Keeps the port while nobody listens there.
    place: Option<OwnedFd>,
}

/// The connections of a server, to end them.
#[derive(Default)]
struct Open {
    stopping: AtomicBool,
    next: AtomicU64,
    streams: Mutex<HashMap<u64, TcpStream>>,
}

impl Server {
    /// Listens and serves from now on.
    pub fn start(addr: SocketAddr, narrow: bool, handler: Handler) -> io::Result<Server> {
        if addr.port() != 0 {
            // Fails if somebody listens there, with whom `bind` would share the port.
            drop(TcpListener::bind(addr)?);
        }
        let (place, addr) = bind(addr)?;
        let server = Server {
            addr,
            open: Arc::default(),
            handler,
            narrow,
            thread: Mutex::default(),
            place: Some(place),
        };
        server.listen()?;
        Ok(server)
    }

    /// Takes connections.
    fn listen(&self) -> io::Result<()> {
        let (socket, addr) = bind(self.addr)?;
        if self.narrow {
            line::narrow(&socket)?;
        }
        rustix::net::listen(&socket, BACKLOG)?;
        let listener = TcpListener::from(socket);
        let (open, handler) = (self.open.clone(), self.handler.clone());
        open.stopping.store(false, Ordering::SeqCst);
        let thread = std::thread::spawn(move || accept(&listener, addr, &open, &handler));
        *self.thread() = Some(thread);
        Ok(())
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses connections, and ends those that there are.
    pub fn close(&self) {
        let Some(thread) = self.thread().take() else {
            return;
        };
        self.open.stopping.store(true, Ordering::SeqCst);
        // Wakes the accept loop, which then sees that it should stop.
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
        let _ = thread.join();
        self.hang_up();
    }

    /// Takes connections again.
    pub fn open(&self) {
        if self.thread().is_none() {
            self.listen().unwrap();
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends all connections that are open now.
    pub fn hang_up(&self) {
        let streams = self
            .open
            .streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for stream in streams.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
        let gone = || {
            let streams = self.open.streams.lock();
            streams.is_ok_and(|streams| streams.is_empty())
        };
        for _ in 0..200 {
            if gone() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut ended = ENDED.lock().unwrap_or_else(PoisonError::into_inner);
        ended.extend(self.place.take());
        let excess = ended.len().saturating_sub(KEPT);
        ended.drain(..excess);
    }
}

/// A socket at an address that others may share who don't listen, and its address.
fn bind(addr: SocketAddr) -> io::Result<(OwnedFd, SocketAddr)> {
    use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};
    let family = match addr {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    net::bind(&socket, &addr)?;
    let addr = SocketAddr::try_from(net::getsockname(&socket)?)?;
    Ok((socket, addr))
}

/// Gives each connection a thread, until the server stops.
fn accept(listener: &TcpListener, addr: SocketAddr, open: &Arc<Open>, handler: &Handler) {
    for stream in listener.incoming() {
        if open.stopping.load(Ordering::SeqCst) {
            break;
        }
        let Ok(stream) = stream else {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        let id = open.next.fetch_add(1, Ordering::Relaxed);
        if let (Ok(copy), Ok(mut streams)) = (stream.try_clone(), open.streams.lock()) {
            streams.insert(id, copy);
        }
        let (open, handler) = (open.clone(), handler.clone());
        std::thread::spawn(move || {
            // A client must not wait for a thread that has panicked.
            let talk = AssertUnwindSafe(|| {
                if tls::begins(&stream) {
                    let _ = tls::tunnel(&stream, addr);
                    return Then::Close;
                }
                converse(&stream, &handler, &open.stopping)
            });
            let then = catch_unwind(talk).unwrap_or(Then::Reset);
            if then == Then::Reset {
                let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
            } else {
                let _ = stream.shutdown(Shutdown::Both);
            }
            // The socket closes when its last copy goes, and only then is a reset sent.
            let mut streams = open.streams.lock().unwrap_or_else(PoisonError::into_inner);
            streams.remove(&id);
            drop(stream);
        });
    }
    // A process that is just being started elsewhere has this socket too, until it runs.
    let _ = rustix::net::shutdown(listener, rustix::net::Shutdown::Both);
}

/// Serves the requests of one connection.
fn converse(stream: &TcpStream, handler: &Handler, stopping: &AtomicBool) -> Then {
    let _ = stream.set_nodelay(true);
    let Ok(peer) = stream.peer_addr() else {
        return Then::Close;
    };
    let mut conn = Conn::new(stream);
    loop {
        let Ok(Some(head)) = conn.head(peer.ip()) else {
            return Then::Close;
        };
        let keep = !head.has("connection", "close");
        let mut exchange = Exchange::new(&mut conn, head, stopping);
        match handler(&mut exchange) {
            Ok(Then::Keep) => {}
            Ok(then) => return then,
            Err(_) => return Then::Close,
        }
        if !keep || exchange.drain().is_err() || stopping.load(Ordering::SeqCst) {
            return Then::Close;
        }
    }
}

/// Sleeps in small steps, so that nobody waits for a sleeper when the server stops.
pub fn pause(how_long: Duration, stopping: &AtomicBool) {
    const STEP: Duration = Duration::from_millis(20);
    let end = std::time::Instant::now() + how_long;
    while !stopping.load(Ordering::SeqCst) {
        let left = end.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            break;
        }
        std::thread::sleep(left.min(STEP));
    }
}
