//! Which connections have a request under way, by the client's address and port. Two things hang
//! on it: pipelining is refused, because answers on one connection wait for each other inside
//! tiny_http, without a bound and across our lanes; and what tiny_http still parses from the
//! remains of a connection that is being closed is never carried out. And of each request under way
//! it is noted how long it has waited for its client, for `guard` to judge.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long requests from a closed connection are turned away: tiny_http has at most 1 KiB of it
/// buffered, and a client's port isn't used again so soon.
const CLOSED: Duration = Duration::from_secs(10);
/// Entries from which on the expired ones are swept out.
const SWEEP: usize = 256;

/// Connections that are remembered as not new.
const RECENT: usize = 64;

/// The connections with a request under way, and those closed a moment ago.
#[derive(Debug, Default)]
pub(super) struct Peers {
    states: Mutex<HashMap<SocketAddr, State>>,
    /// Those whose requests came last, and when the last new one came.
    recent: Mutex<(VecDeque<SocketAddr>, Option<Instant>)>,
}

#[derive(Clone, Debug)]
enum State {
    Busy(Arc<Flow>),
    Closed(Instant),
}

/// What moves between a request under way and its client.
#[derive(Debug)]
pub(super) struct Flow(Mutex<(Moved, Option<Instant>)>);

/// What has moved, and how long that took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// When the request came; what tells it from the connection's next one.
    pub(super) since: Instant,
    /// Bytes, either way.
    pub(super) bytes: u64,
    /// The time in which the server waited for the client. What the cloud takes isn't the client's
    /// fault.
    pub(super) waited: Duration,
}

impl Flow {
    pub(super) fn new() -> Self {
        let moved = Moved {
            since: Instant::now(),
            bytes: 0,
            waited: Duration::ZERO,
        };
        Self(Mutex::new((moved, None)))
    }

    /// Reads from the client or writes to it.
    pub(super) fn during(&self, act: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
        let start = Instant::now();
        self.lock().1 = Some(start);
        let moved = act();
        let mut flow = self.lock();
        flow.1 = None;
        flow.0.waited += start.elapsed();
        flow.0.bytes += moved.as_ref().map_or(0, |n| *n as u64);
        moved
    }

    /// What has moved by now.
    fn moved(&self) -> Moved {
        let (mut moved, waiting) = *self.lock();
        moved.waited += waiting.map_or(Duration::ZERO, |since| since.elapsed());
        moved
    }

    fn lock(&self) -> MutexGuard<'_, (Moved, Option<Instant>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peers {
    /// Takes the one seat of a connection; None if it is taken or the connection was closed.
    pub(super) fn enter(self: &Arc<Self>, peer: SocketAddr) -> Option<Seat> {
        self.meet(peer);
        let mut peers = self.lock();
        if peers.len() >= SWEEP {
            peers.retain(|_, state| !state.expired());
        }
        if peers.get(&peer).is_some_and(|state| !state.expired()) {
            return None;
        }
        let flow = Arc::new(Flow::new());
        peers.insert(peer, State::Busy(Arc::clone(&flow)));
        Some(Seat {
            peers: Arc::clone(self),
            peer,
            flow,
            taken: true,
        })
    }

    /// The connections with a request under way, and what has moved on them.
    pub(super) fn busy(&self) -> HashMap<SocketAddr, Moved> {
        let peers = self.lock();
        let busy = peers.iter().filter_map(|(peer, state)| match state {
            State::Busy(flow) => Some((*peer, flow.moved())),
            State::Closed(_) => None,
        });
        busy.collect()
    }

    fn meet(&self, peer: SocketAddr) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.0.contains(&peer) {
            return;
        }
        if recent.0.len() >= RECENT {
            recent.0.pop_front();
        }
        recent.0.push_back(peer);
        recent.1 = Some(Instant::now());
    }

    /// Whether the first request of a connection came within this time: others that were opened
    /// along with it may be waiting.
    pub(super) fn met_within(&self, time: Duration) -> bool {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.1.is_some_and(|at| at.elapsed() < time)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn expired(&self) -> bool {
        matches!(self, Self::Closed(since) if since.elapsed() > CLOSED)
    }
}

/// The one request that a connection may have under way.
#[derive(Debug)]
pub(super) struct Seat {
    peers: Arc<Peers>,
    peer: SocketAddr,
    flow: Arc<Flow>,
    taken: bool,
}

impl Seat {
    /// The connection's client.
    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Where it is noted what moves.
    pub(super) fn flow(&self) -> Arc<Flow> {
        Arc::clone(&self.flow)
    }

    /// Lets the next request in. Called before an answer's last bytes are sent, because the
    /// client's next request may come the moment that it has them.
    pub(super) fn leave(&mut self) {
        if std::mem::take(&mut self.taken) {
            self.peers.lock().remove(&self.peer);
        }
    }

    /// Lets nothing more in.
    pub(super) fn close(&mut self) {
        self.taken = false;
        let closed = State::Closed(Instant::now());
        self.peers.lock().insert(self.peer, closed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_a_connection() {
        let peers = Arc::new(Peers::default());
        let peer = SocketAddr::from(([127, 0, 0, 1], 4000));
        let mut seat = peers.enter(peer).expect("nobody is there");
        assert!(peers.enter(peer).is_none());
        seat.leave();
        let mut next = peers.enter(peer).expect("the first has left");
        drop(seat);
        assert!(peers.enter(peer).is_none(), "leaving twice frees nothing");
        next.close();
        drop(next);
        assert!(peers.enter(peer).is_none(), "the connection is closed");
    }
}
