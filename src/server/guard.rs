//! Which connections must end, so that nobody can use up the server: tiny_http bounds neither how
//! many there are, nor how long or large a head may be, nor how slowly a body may come. All of it
//! is decided here, from what one look after the other shows; looking and cutting is `sentry`'s.
//!
//! Whoever behaves is hardly met: what is judged is waiting for the client alone, and what is cut
//! first is what asks for nothing.

use super::peers::Moved;
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Bytes a second below which a client counts as slow: a tenth of what a bad line takes.
const PACE: u64 = 1 << 10;
/// Time spent waiting for a client over which its pace is taken.
const STEP: Duration = Duration::from_secs(10);
/// The same for an address that has been cut [`STRIKES`] times [`LATELY`]: a queue full of its
/// requests must not hold up everybody for a step each.
const HASTY_STEP: Duration = Duration::from_millis(500);
const STRIKES: usize = 2;
const LATELY: Duration = Duration::from_secs(60);
/// How long a client may be slow without a break.
const SLOW: Duration = Duration::from_secs(60);
/// Slow requests of one address at a time: each may hold a worker, of which there are few.
const SLOW_ONES: usize = 2;
/// Requests of one address under way from which on none of them may be slow: others of them hold
/// workers too, which wait for their turn behind a slow one of the same name.
const CROWD: usize = 8;
/// How long a new connection may take for its first head. Clients that open one ask at once.
const MUTE: Duration = Duration::from_secs(60);
/// How long a connection may take for the next one. Clients close what is idle after 90 s.
const SILENT: Duration = Duration::from_secs(150);
/// Connections of one address that have not asked yet, and how old they must be to count.
const MUTE_ONES: usize = 32;
const NEW: Duration = Duration::from_secs(2);
/// The same from which on the address is kept out: before they are old, each may be lost for good.
const GREEDY: usize = 64;
/// Bytes by which the process may grow while a connection sends its head; packs of the largest
/// usual size fit in it, which other connections may bring meanwhile.
const GROWTH: u64 = 48 << 20;
/// How long a connection is idle before it is suspected of a large head that comes in small bits.
const IDLE: Duration = Duration::from_secs(5);
/// Most connections; each has a thread of tiny_http's.
const CONNECTIONS: u64 = 512;
/// Descriptors that a connection may take: two of tiny_http's and one to cut it.
const COST: u64 = 3;
/// Descriptors that a lost one keeps.
const LOST: u64 = 2;
/// Descriptors that the rest of the program may take: logs, state, connections to the cloud.
const REST: u64 = 24;

/// What the guard knows of the connections.
#[derive(Debug)]
pub(super) struct Guard {
    descriptors: u64,
    /// Most connections while none has been lost.
    most: usize,
    growth: u64,
    connections: HashMap<SocketAddr, Connection>,
    strikes: HashMap<IpAddr, VecDeque<Instant>>,
}

/// What one look shows.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) now: Instant,
    /// Every connection, and the bytes that it has sent and nobody has read.
    pub(super) open: HashMap<SocketAddr, u64>,
    /// Those with a request under way.
    pub(super) busy: HashMap<SocketAddr, Moved>,
    /// Bytes of memory that the process takes.
    pub(super) memory: u64,
    /// How many connections of each address have ended, and keep their descriptors.
    pub(super) ended: HashMap<IpAddr, usize>,
    /// Whether too few descriptors are left to go on. tiny_http may hold connections that it gives
    /// to no thread before others end, so all that ask for nothing must end then.
    pub(super) stuck: bool,
}

/// What must happen after a look.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Connections that must end now.
    pub(super) cut: HashMap<SocketAddr, Why>,
    /// Addresses that take far too many.
    pub(super) greedy: Vec<IpAddr>,
}

/// Why a connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Why {
    Slow,
    Stalled,
    Mute,
    Idle,
    Silent,
    Large,
    Many,
    Out,
}

impl Why {
    /// The reason for the log.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Slow => "bytes came or went too slowly for a minute",
            Self::Stalled => "too many of its requests stand still",
            Self::Mute => "no request came",
            Self::Idle => "too many of its connections ask for nothing",
            Self::Silent => "no further request came",
            Self::Large => "memory grew while a request's head came",
            Self::Many => "there are too many connections",
            Self::Out => "its address is kept out",
        }
    }
}

#[derive(Debug)]
struct Connection {
    /// When it was seen first, or last with a request under way.
    since: Instant,
    asked: bool,
    /// The process's memory then.
    memory: u64,
    pace: Option<Pace>,
}

/// How fast a request's bytes move.
#[derive(Debug)]
struct Pace {
    /// What had moved when this step began.
    mark: Moved,
    /// Whether the server has waited for the client at all; till then the request itself waits.
    begun: bool,
    /// Time of waiting for the client in all the slow steps up to now.
    slow: Duration,
}

impl Guard {
    /// A guard for a process that may open so many descriptors, and use so much memory for bodies.
    pub(super) fn new(descriptors: u64, memory: u64) -> Self {
        Self {
            descriptors,
            most: room(descriptors, 0),
            growth: memory + GROWTH,
            connections: HashMap::new(),
            strikes: HashMap::new(),
        }
    }

    /// Whether too little is left for clients beside so many lost connections, each of which also
    /// takes a thread.
    pub(super) fn hopeless(&self, lost: usize) -> bool {
        lost as u64 > CONNECTIONS || room(self.descriptors, lost) < self.most.div_ceil(4)
    }

    /// Which connections must end now, and who takes too many of them.
    pub(super) fn judge(&mut self, look: &Look) -> Verdict {
        self.strikes.retain(|_, at| {
            at.retain(|at| look.now.saturating_duration_since(*at) < LATELY);
            !at.is_empty()
        });
        self.note(look);
        let mut cut = self.slow(look.now);
        self.silent(look, &mut cut);
        let scarce = self.many(look, &mut cut);
        let greedy = self.greedy(look, scarce);
        Verdict { cut, greedy }
    }

    /// Takes over what has changed since the last look.
    fn note(&mut self, look: &Look) {
        self.connections
            .retain(|peer, _| look.open.contains_key(peer));
        for peer in look.open.keys() {
            let connection = self.connections.entry(*peer).or_insert(Connection {
                since: look.now,
                asked: false,
                memory: look.memory,
                pace: None,
            });
            let Some(moved) = look.busy.get(peer) else {
                connection.pace = None;
                continue;
            };
            connection.since = look.now;
            connection.asked = true;
            connection.memory = look.memory;
            let hasty = self
                .strikes
                .get(&peer.ip())
                .is_some_and(|at| at.len() >= STRIKES);
            let step = if hasty { HASTY_STEP } else { STEP };
            match &mut connection.pace {
                Some(pace) if pace.mark.since == moved.since => pace.note(moved, step),
                pace => *pace = Some(Pace::new(moved)),
            }
        }
    }

    /// Requests that hold a worker by bytes that hardly move.
    fn slow(&mut self, now: Instant) -> HashMap<SocketAddr, Why> {
        let paces = self.connections.iter().filter_map(|(peer, connection)| {
            let slow = connection.pace.as_ref()?.slow;
            (!slow.is_zero()).then_some((slow, *peer))
        });
        let mut slow: Vec<(Duration, SocketAddr)> = paces.collect();
        // The slowest go first.
        slow.sort_unstable();
        let mut room: HashMap<IpAddr, usize> = HashMap::new();
        let mut cut = HashMap::new();
        for (time, peer) in slow {
            let crowded = self.under_way(peer.ip()).count() > CROWD;
            let most = if crowded { 0 } else { SLOW_ONES };
            let room = room.entry(peer.ip()).or_insert(most);
            if time < SLOW && *room > 0 {
                *room -= 1;
                continue;
            }
            cut.insert(peer, if time < SLOW { Why::Stalled } else { Why::Slow });
            if crowded {
                let waiting = self.under_way(peer.ip()).filter(|(_, pace)| !pace.begun);
                let mut waiting: Vec<(Instant, SocketAddr)> = waiting
                    .map(|(peer, pace)| (pace.mark.since, *peer))
                    .collect();
                waiting.sort_unstable();
                // No more than hold workers: an honest one of the same address moves up.
                let oldest = waiting.iter().take(CROWD);
                cut.extend(oldest.map(|(_, peer)| (*peer, Why::Stalled)));
            }
            let strikes = self.strikes.entry(peer.ip()).or_default();
            strikes.truncate(STRIKES - 1);
            strikes.push_front(now);
        }
        cut
    }

    /// Connections that keep a thread of tiny_http's waiting for a head.
    fn silent(&self, look: &Look, cut: &mut HashMap<SocketAddr, Why>) {
        let mut mute: HashMap<IpAddr, Vec<(Instant, SocketAddr)>> = HashMap::new();
        for (peer, connection) in self.quiet() {
            let age = look.now.saturating_duration_since(connection.since);
            let most = if connection.asked { SILENT } else { MUTE };
            let growing = look.memory.saturating_sub(connection.memory) > self.growth;
            let unread = look.open.get(peer).is_some_and(|bytes| *bytes > 0);
            if growing && (unread || age > IDLE) {
                cut.insert(*peer, Why::Large);
            } else if age > most {
                let why = if connection.asked {
                    Why::Silent
                } else {
                    Why::Mute
                };
                cut.insert(*peer, why);
            } else if !connection.asked && age > NEW {
                mute.entry(peer.ip())
                    .or_default()
                    .push((connection.since, *peer));
            }
        }
        for mut mute in mute.into_values() {
            mute.sort_unstable();
            let excess = mute.len().saturating_sub(MUTE_ONES);
            cut.extend(mute.iter().take(excess).map(|(_, peer)| (*peer, Why::Idle)));
        }
    }

    /// Connections beyond what descriptors and memory allow: first of the address that has most of
    /// them, first those that ask for nothing, first those that never did, first the oldest. Requests
    /// that have begun stay, unless their address has more than half of what is allowed.
    /// Returns whether there were any.
    fn many(&self, look: &Look, cut: &mut HashMap<SocketAddr, Why>) -> bool {
        let most = match look.stuck {
            true => 0,
            false => room(self.descriptors, look.ended.values().sum()),
        };
        let excess = look.open.len().saturating_sub(cut.len() + most);
        if excess == 0 {
            return false;
        }
        let mut count = look.ended.clone();
        for peer in look.open.keys() {
            *count.entry(peer.ip()).or_default() += 1;
        }
        let rest = self.connections.iter();
        let rest = rest.filter_map(|(peer, one)| {
            let count = count.get(&peer.ip()).copied().unwrap_or(0);
            let stays = cut.contains_key(peer) || (one.begun() && count <= self.most / 2);
            let place = (Reverse(count), one.begun(), one.pace.is_some(), one.asked);
            (!stays).then_some((place, one.since, *peer))
        });
        let mut rest: Vec<_> = rest.collect();
        rest.sort_unstable();
        cut.extend(rest.iter().take(excess).map(|one| (one.2, Why::Many)));
        true
    }

    /// Addresses that take more than anybody needs, also counting what has ended and is still there:
    /// of connections that have never asked, or more than half of all when they are scarce.
    fn greedy(&self, look: &Look, scarce: bool) -> Vec<IpAddr> {
        let ended = look.ended.iter();
        let mut counts: HashMap<IpAddr, (usize, usize)> = ended
            .map(|(address, count)| (*address, (*count, *count)))
            .collect();
        for (peer, one) in &self.connections {
            let (all, mute) = counts.entry(peer.ip()).or_default();
            *all += 1;
            *mute += usize::from(!one.asked);
        }
        let too_many = |(all, mute)| mute > GREEDY || (scarce && all > self.most / 2);
        counts.retain(|_, count| too_many(*count));
        counts.into_keys().collect()
    }

    /// The requests of an address that are under way.
    fn under_way(&self, address: IpAddr) -> impl Iterator<Item = (&SocketAddr, &Pace)> {
        let all = self.connections.iter();
        let own = all.filter(move |(peer, _)| peer.ip() == address);
        own.filter_map(|(peer, one)| Some((peer, one.pace.as_ref()?)))
    }

    /// Connections without a request under way.
    fn quiet(&self) -> impl Iterator<Item = (&SocketAddr, &Connection)> {
        self.connections
            .iter()
            .filter(|(_, one)| one.pace.is_none())
    }
}

/// Most connections that there is room for beside so many lost ones.
fn room(descriptors: u64, lost: usize) -> usize {
    let free = descriptors.saturating_sub(REST + LOST * lost as u64);
    let most = (free / COST).clamp(1, CONNECTIONS);
    usize::try_from(most).unwrap_or(usize::MAX)
}

impl Connection {
    fn begun(&self) -> bool {
        self.pace.as_ref().is_some_and(|pace| pace.begun)
    }
}

impl Pace {
    fn new(moved: &Moved) -> Self {
        let mark = Moved {
            bytes: 0,
            waited: Duration::ZERO,
            ..*moved
        };
        let slow = Duration::ZERO;
        let begun = false;
        Self { mark, begun, slow }
    }

    fn note(&mut self, moved: &Moved, step: Duration) {
        self.begun = !moved.waited.is_zero();
        let waited = moved.waited.saturating_sub(self.mark.waited);
        if waited < step {
            return;
        }
        let bytes = moved.bytes.saturating_sub(self.mark.bytes);
        match u128::from(bytes) * 1000 < waited.as_millis() * u128::from(PACE) {
            true => self.slow += waited,
            false => self.slow = Duration::ZERO,
        }
        self.mark = *moved;
    }
}

#[cfg(test)]
mod tests;
