//! Where requests come from: tiny_http's server, and a new one in its place when its accept loop
//! has ended, for want of descriptors as a rule. The connections of the old one go on.

use super::{Error, Net, lanes, sockets};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tiny_http::{Request, Server};

/// Longest wait for a request, after which the caller looks whether it is to stop.
const WAIT: Duration = Duration::from_millis(250);
/// The same while there are old servers, which have to be asked in turn.
const TURN: Duration = Duration::from_millis(10);
/// Pause between looks at the connections of old servers.
const LOOK: Duration = Duration::from_secs(1);
/// Descriptors that must be free for a new server: below that it would end at once.
const ROOM: usize = 8;
/// How long descriptors may take to become free.
const PATIENCE: Duration = Duration::from_secs(30);
/// Old servers whose connections still go on; each was one that ran out of descriptors.
const RETIRED: usize = 16;

/// tiny_http's servers.
pub(super) struct Front {
    // Dropped first: a server connects to itself when it is dropped, and must be refused then.
    listener: TcpListener,
    net: Arc<Net>,
    server: Server,
    retired: Vec<Retired>,
    looked: Instant,
    /// Since when no new connections come in.
    deaf: Option<Instant>,
}

/// A server whose accept loop has ended.
struct Retired {
    server: Server,
    clients: Vec<SocketAddr>,
}

impl Front {
    /// Starts tiny_http on a listener.
    pub(super) fn open(listener: TcpListener, net: &Arc<Net>) -> io::Result<Self> {
        Ok(Self {
            server: serve(&listener)?,
            listener,
            net: Arc::clone(net),
            retired: Vec::new(),
            looked: Instant::now(),
            deaf: None,
        })
    }

    /// The next request; None if none came for a moment.
    pub(super) fn next(&mut self) -> Option<Request> {
        if self.net.deaf.swap(false, Ordering::Relaxed) {
            self.ended("it doesn't answer");
        }
        if self.deaf.is_some() {
            self.renew();
        }
        let wait = if self.retired.is_empty() { WAIT } else { TURN };
        let request = match self.server.recv_timeout(wait) {
            Ok(Some(request)) => return Some(request),
            Ok(None) => None,
            Err(error) => {
                self.ended(&error.to_string());
                None
            }
        };
        self.forget();
        let mut retired = self.retired.iter();
        request.or_else(|| retired.find_map(|old| old.server.try_recv().ok().flatten()))
    }

    fn ended(&mut self, why: &str) {
        if self.deaf.is_none() {
            log::warn!("no new connections come in, which will be mended: {why}");
            self.deaf = Some(Instant::now());
        }
    }

    /// Puts a new server in the place of one that is deaf, as soon as there is room.
    fn renew(&mut self) {
        let renewed = self.room().and_then(|()| serve(&self.listener));
        self.net.stuck.store(renewed.is_err(), Ordering::Relaxed);
        match renewed {
            Ok(server) => {
                log::warn!("new connections come in again");
                let server = std::mem::replace(&mut self.server, server);
                let clients = sockets::clients(self.net.port);
                self.retired.push(Retired { server, clients });
                self.net.renewed.store(true, Ordering::Relaxed);
                self.deaf = None;
            }
            Err(error) => {
                if self.deaf.is_some_and(|since| since.elapsed() > PATIENCE) {
                    self.net.fail(Error::Deaf(error.to_string()));
                }
            }
        }
    }

    /// Whether a new server wouldn't end at once.
    fn room(&self) -> io::Result<()> {
        if self.retired.len() >= RETIRED {
            return Err(io::Error::other("it has ended too many times"));
        }
        let tried: io::Result<Vec<_>> = (0..ROOM).map(|_| self.listener.try_clone()).collect();
        tried.map(drop)
    }

    /// Lets old servers go that have no connection left.
    fn forget(&mut self) {
        if self.retired.is_empty() || self.deaf.is_some() || self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let open = sockets::clients(self.net.port);
        let alone = |old: &mut Retired| !old.clients.iter().any(|peer| open.contains(peer));
        for old in self.retired.extract_if(.., alone) {
            // Elsewhere: it connects to us when it is dropped, and may have to wait for that.
            let _ = lanes::spawn("retired", move || drop(old));
        }
    }
}

fn serve(listener: &TcpListener) -> io::Result<Server> {
    Server::from_listener(listener.try_clone()?, None).map_err(io::Error::other)
}
