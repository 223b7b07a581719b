//! The connections that wait for their clients, and which of them must go: what took too long, and
//! what others need the room of. All of it is decided here; the thread that waits is `hall`'s.

use super::Config;
use super::body::Framing;
use super::head::{Head, Scan};
use super::places::{Party, Seat};
use super::stream::Stream;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Bytes that everything unfinished may take together: heads, greetings of TLS, requests whose bodies
/// haven't begun.
const BUDGET: usize = 2 << 20;
/// Bytes of an unfinished greeting: rustls's session with its buffers.
const GREETING: usize = 16 << 10;
/// Which part of the idle connections goes when there are too many: one by one would mean to look at
/// all of them for each.
const SHARE: usize = 16;
/// How long a client may take to read our last words.
const CLOSING: Duration = Duration::from_secs(2);

/// A connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) number: u64,
    pub(super) stream: Stream,
    pub(super) seat: Seat,
    /// The other end's address.
    pub(super) peer: IpAddr,
    /// Whether it came by a port, which hosts have, and not by a Unix socket.
    pub(super) named: bool,
    /// What has come and nobody has used.
    pub(super) rest: Vec<u8>,
}

/// What a connection waits for.
#[derive(Debug)]
pub(super) enum Phase {
    /// The first byte where TLS is spoken, and what follows until both sides are greeted.
    Greeting,
    /// A request.
    Idle,
    /// The rest of a head.
    Head(Scan),
    /// The first bytes of a body.
    Body(Box<Head>),
    /// That the client has read our last words, while so many bytes more are thrown away.
    Closing(usize),
}

/// A connection that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) conn: Conn,
    pub(super) phase: Phase,
    pub(super) since: Instant,
}

impl Waiting {
    fn cost(&self) -> usize {
        let rest = self.conn.rest.capacity();
        match &self.phase {
            Phase::Greeting => GREETING,
            Phase::Head(_) => rest,
            Phase::Body(head) => head.cost() + rest,
            Phase::Idle | Phase::Closing(_) => 0,
        }
    }

    fn due(&self, config: &Config) -> Instant {
        self.since
            + match self.phase {
                Phase::Greeting | Phase::Head(_) => config.head,
                Phase::Idle => config.idle,
                Phase::Body(_) => config.pace.patience,
                Phase::Closing(_) => CLOSING,
            }
    }
}

/// All that wait.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    all: HashMap<u64, Waiting>,
    cost: usize,
}

impl Crowd {
    /// Lets one wait. What must go for it is returned.
    pub(super) fn enter(&mut self, waiting: Waiting) -> Vec<Waiting> {
        self.cost += waiting.cost();
        self.all.insert(waiting.conn.number, waiting);
        match self.cost > BUDGET {
            true => self.relieve(),
            false => Vec::new(),
        }
    }

    /// One that needn't wait any more.
    pub(super) fn leave(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.all.remove(&number)?;
        self.cost -= waiting.cost();
        Some(waiting)
    }

    /// Those who waited too long.
    pub(super) fn expire(&mut self, now: Instant, config: &Config) -> Vec<Waiting> {
        let all = self.all.iter();
        let due = all.filter(|(_, waiting)| waiting.due(config) <= now);
        let due = due.map(|(number, _)| *number).collect();
        self.take(due)
    }

    /// The oldest of those who ask for nothing, of one party or of all.
    pub(super) fn oldest(&mut self, party: Option<Party>) -> Vec<Waiting> {
        let idle = self.all.values().filter(|waiting| {
            let his = party.is_none_or(|party| waiting.conn.seat.party == party);
            his && matches!(waiting.phase, Phase::Idle | Phase::Closing(_))
        });
        let mut idle: Vec<_> = idle
            .map(|waiting| (waiting.since, waiting.conn.number))
            .collect();
        idle.sort_unstable();
        idle.truncate(idle.len().div_ceil(SHARE));
        self.take(idle.into_iter().map(|(_, number)| number).collect())
    }

    /// Frees half of the budget: whoever takes more than their share of it loses the oldest of what
    /// they haven't finished.
    fn relieve(&mut self) -> Vec<Waiting> {
        let mut parties: HashMap<Party, Vec<(Instant, u64, usize)>> = HashMap::new();
        for waiting in self.all.values().filter(|waiting| waiting.cost() > 0) {
            let one = (waiting.since, waiting.conn.number, waiting.cost());
            parties
                .entry(waiting.conn.seat.party)
                .or_default()
                .push(one);
        }
        let share = BUDGET / 2 / parties.len().max(1);
        let mut gone = Vec::new();
        for mut his in parties.into_values() {
            let mut total: usize = his.iter().map(|one| one.2).sum();
            his.sort_unstable();
            for (_, number, cost) in his {
                if total <= share {
                    break;
                }
                total -= cost;
                gone.push(number);
            }
        }
        self.take(gone)
    }

    fn take(&mut self, numbers: Vec<u64>) -> Vec<Waiting> {
        let numbers = numbers.into_iter();
        numbers.filter_map(|number| self.leave(number)).collect()
    }
}

/// Whether enough of a body has come for somebody to begin with it: all of it or so much that the
/// client is seen to send. Who announces a body and sends nothing holds no worker. A session of TLS
/// may hold a record that has come in part; and a Unix socket may not hold as much at all.
pub(super) fn has_begun(head: &Head, conn: &Conn) -> bool {
    /// Bytes after which a client is believed; they wait in the kernel.
    const FIRST: u64 = 64 << 10;
    /// The longest record of TLS.
    const RECORD: u64 = 17 << 10;
    let Framing::Data { left, .. } = Framing::of(head.length) else {
        return true;
    };
    let held = if conn.stream.is_secure() { RECORD } else { 0 };
    let come = conn.rest.len() as u64 + held;
    head.expects
        || !conn.named
        || come >= left.min(FIRST)
        || come + conn.stream.waiting() >= left.min(FIRST)
}
