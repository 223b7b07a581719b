//! The thread that keeps tiny_http going from outside: it connects to ourselves, looks whether that
//! is answered, and ends the connections that `guard` names.

use super::guard::{Guard, Look, Verdict, Why};
use super::losses::Losses;
use super::peers::Peers;
use super::{Error, LOSSES, Net, lanes, sockets};
use crate::settle::settle;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Connections to ourselves that may fail one after the other before tiny_http counts as deaf.
/// They fail when its accept loop has died, and for passing reasons such as too few descriptors.
const KNOCKS: u32 = 8;
/// The same when there were too many connections a moment ago.
const FEW_KNOCKS: u32 = 2;
/// How long after a new connection others are expected that wait inside tiny_http, and how many
/// times as often they are woken then.
const CROWD: Duration = Duration::from_secs(1);
const HASTE: u32 = 50;
/// Pause between two questions to tiny_http, and how long it may take to answer one: long enough
/// for a machine that is busy with something else.
const ASK: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(8);
/// The same for this long after there were too many connections: tiny_http panics when it gets the
/// first of its two descriptors for a connection and not the second.
const TIGHT: Duration = Duration::from_secs(10);
const SOON: Duration = Duration::from_millis(500);
/// Pause between two looks while heads or connections come in, which nothing else bounds.
const SHARP: Duration = Duration::from_millis(20);
/// How often a server without requests gives back what was mapped, as long as somebody is connected;
/// else it does so after each look, as looking maps most of the program.
const REST: Duration = Duration::from_secs(10);

/// What the thread works with.
pub(super) struct Sentry {
    pub(super) net: Arc<Net>,
    /// Where to reach ourselves.
    pub(super) own: Vec<SocketAddr>,
    /// Pause between two connections to ourselves.
    pub(super) pause: Duration,
    pub(super) guard: Guard,
    pub(super) losses: Losses,
    /// Only held open: a descriptor that is given up to end connections when there is no other.
    pub(super) spare: Option<File>,
    /// When there were too many connections.
    pub(super) tight: Option<Instant>,
    /// When memory was last given back.
    pub(super) settled: Instant,
}

impl Sentry {
    /// Starts the thread, which ends with the server.
    ///
    /// Connecting to ourselves again and again wakes tiny_http's pool, in which one of several
    /// connections opened at once otherwise waits until another closes; it keeps `accept` from
    /// running into the timeout that accepted sockets inherit, which would end tiny_http's loop;
    /// and it tells when that loop has ended.
    pub(super) fn start(mut self, peers: &Arc<Peers>) -> io::Result<()> {
        let peers = Arc::downgrade(peers);
        lanes::spawn("watch", move || self.run(&peers))
    }

    fn run(&mut self, peers: &Weak<Peers>) {
        let mut failed = 0;
        let mut asked = None;
        let mut looked = Instant::now();
        let (mut sharp, mut rest) = (false, None);
        while let Some(peers) = peers.upgrade() {
            failed = sockets::knock(&self.own).map_or(failed + 1, |()| 0);
            let looks = looked.elapsed() >= if sharp { SHARP } else { self.pause };
            if looks {
                (sharp, rest) = self.look(&peers);
                looked = Instant::now();
            }
            let most = if self.is_tight() { FEW_KNOCKS } else { KNOCKS };
            if failed >= most || self.unanswered(&mut asked) {
                failed = 0;
                self.net.deaf.store(true, Ordering::Relaxed);
            }
            // Each of these wakes one connection that waits.
            let crowded = peers.met_within(CROWD);
            drop(peers);
            let pause = match (sharp, crowded) {
                (_, true) => self.pause / HASTE,
                (true, _) => SHARP,
                _ => self.pause,
            };
            if looks {
                self.settle(rest);
            }
            thread::sleep(pause.min(SHARP));
            let left = pause.saturating_sub(SHARP);
            sharp |= !left.is_zero() && self.net.gate.wait(left);
        }
    }

    /// Whether tiny_http has left a connection alone that asks for nothing and says so: its loop
    /// may have died without a word, by a panic.
    fn unanswered(&self, asked: &mut Option<(Option<TcpStream>, Instant)>) -> bool {
        let (ask, answer) = if self.is_tight() {
            (SOON, SOON)
        } else {
            (ASK, ANSWER)
        };
        match asked {
            Some((Some(socket), since)) if sockets::unanswered(socket) => {
                let late = since.elapsed() > answer;
                if late {
                    *asked = None;
                }
                late
            }
            Some((socket, since)) if since.elapsed() < ask => {
                *socket = None;
                false
            }
            _ => {
                *asked = Some((sockets::ask(&self.own).ok(), Instant::now()));
                false
            }
        }
    }

    fn is_tight(&self) -> bool {
        self.tight.is_some_and(|at| at.elapsed() < TIGHT)
    }

    /// Looks at all connections, and ends some; whether to look again very soon, and how often memory
    /// is given back now, which it isn't while requests are under way.
    fn look(&mut self, peers: &Peers) -> (bool, Option<Duration>) {
        let now = Instant::now();
        let sockets = sockets::connections(self.net.port);
        let busy = peers.busy();
        if self.net.renewed.swap(false, Ordering::Relaxed) {
            self.losses.doubt();
        }
        let look = Look {
            now,
            open: self.losses.note(now, &sockets, &busy),
            busy,
            memory: sockets::resident().unwrap_or(0),
            ended: self.losses.ended(),
            stuck: self.net.stuck.load(Ordering::Relaxed),
        };
        self.ban(now);
        let Verdict { mut cut, greedy } = self.guard.judge(&look);
        if cut.values().any(|why| *why == Why::Many) {
            self.tight = Some(now);
        }
        self.net.gate.hold(greedy, now);
        let out = look
            .open
            .keys()
            .filter(|peer| self.net.gate.keeps_out(peer.ip()));
        cut.extend(out.map(|peer| (*peer, Why::Out)));
        self.cut(cut, now);
        let rest = match (look.busy.is_empty(), look.open.is_empty()) {
            (true, true) => Some(Duration::ZERO),
            (true, false) => Some(REST),
            (false, _) => None,
        };
        let heads =
            |(peer, unread): (&SocketAddr, &u64)| *unread > 0 && !look.busy.contains_key(peer);
        (look.open.iter().any(heads), rest)
    }

    /// Gives memory back if it is time; just before a pause, as whatever runs maps code again.
    fn settle(&mut self, rest: Option<Duration>) {
        if rest.is_some_and(|rest| self.settled.elapsed() >= rest) {
            settle();
            self.settled = Instant::now();
        }
    }

    /// Keeps out who made tiny_http lose connections, and gives up when too many are lost.
    fn ban(&self, now: Instant) {
        let lost = self.losses.lost(now);
        for (address, count) in &lost {
            if *count >= LOSSES {
                self.net.gate.ban(*address);
            }
        }
        if self.guard.hopeless(lost.values().sum()) {
            self.net.fail(Error::Leaks);
        }
    }

    fn cut(&mut self, mut cut: HashMap<SocketAddr, Why>, now: Instant) {
        if cut.is_empty() {
            return;
        }
        self.spare = None;
        let done = sockets::cut_all(self.net.port, |peer| cut.contains_key(&peer));
        self.spare = File::open("/dev/null").ok();
        self.losses.cut(now, &done);
        cut.retain(|peer, _| done.contains(peer));
        log_cuts(&cut);
    }
}

fn log_cuts(cut: &HashMap<SocketAddr, Why>) {
    let mut counts: HashMap<(IpAddr, Why), usize> = HashMap::new();
    for (peer, why) in cut {
        *counts.entry((peer.ip(), *why)).or_default() += 1;
    }
    for ((address, why), count) in counts {
        let (address, why) = (address.to_canonical(), why.text());
        log::info!("{address}: {count} connections cut: {why}");
    }
}
