//! Where connections wait: one thread takes in new ones, reads heads as they come, and hands each
//! request out as a ticket. No byte of a client's goes with it. Whoever takes the ticket gets the
//! client, and brings it back by itself.

use super::Config;
use super::client::Client;
use super::crowd::{Conn, Crowd, Phase, Waiting, has_begun};
use super::head::{self, Head, LONGEST, Look, Refused, Scan};
use super::listen::Door;
use super::places::{Full, Party, Places};
use super::poller::{BELL, Poller, Until};
use super::stream::{Stream, Wait};
use crate::sync::lock;
use crate::warning::Kind;
use crossbeam_channel::Sender;
use rustix::io::Errno;
use std::collections::HashMap;
use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Pause between looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// How often the log tells of connections without a request.
const TELL: Duration = Duration::from_secs(60);
/// Connections taken in at once, before others are looked at again.
const AT_ONCE: usize = 64;
/// Bytes thrown away of a client that still sends when it has its last answer.
const THROWN: usize = 4 << 20;
/// The number of the first connection; below are the doors.
const FIRST: u64 = 1 << 10;

/// What everybody shares who has to do with connections.
pub(super) struct Hall {
    poller: Poller,
    places: Arc<Places>,
    pub(super) config: Config,
    /// To the threads that greet.
    pub(super) greeters: Option<Sender<Box<Waiting>>>,
    crowd: Mutex<Crowd>,
    requests: Mutex<HashMap<u64, Client>>,
    tickets: Mutex<UnixStream>,
    broken: AtomicBool,
    refused: AtomicUsize,
}

impl Hall {
    /// Nobody is in it; tickets go out here, and greetings of TLS to these threads.
    pub(super) fn new(
        config: Config,
        places: Places,
        greeters: Option<Sender<Box<Waiting>>>,
        tickets: UnixStream,
    ) -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            places: Arc::new(places),
            config,
            greeters,
            crowd: Mutex::default(),
            requests: Mutex::default(),
            tickets: Mutex::new(tickets),
            broken: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
        })
    }

    /// Takes in and hands out until it is closed.
    pub(super) fn run(self: &Arc<Self>, doors: &[Door]) {
        if let Err(error) = self.serve(doors) {
            log::error!(target: &Kind::Resources.about("epoll"), "connections can't be waited for: {error}");
            self.broken.store(true, Ordering::Relaxed);
        }
        // Each of them holds the hall.
        let left = std::mem::take(&mut *lock(&self.requests));
        drop(left);
    }

    fn serve(self: &Arc<Self>, doors: &[Door]) -> io::Result<()> {
        for (number, door) in (0..).zip(doors) {
            self.poller.add(door, number, Until::Always)?;
        }
        let (mut next, mut buffer) = (FIRST, vec![0; LONGEST]);
        let tick = TICK.min(self.config.head / 4);
        let (mut looked, mut told, mut full) = (Instant::now(), Instant::now(), false);
        loop {
            for (number, gone) in self.poller.wait(tick)? {
                match usize::try_from(number).ok().and_then(|n| doors.get(n)) {
                    Some(door) => full |= !self.take_in(door, &mut next),
                    None if number == BELL => return Ok(()),
                    None => self.ready(number, gone, &mut buffer),
                }
            }
            if full {
                self.watch(doors, Until::Never);
            }
            if looked.elapsed() >= tick {
                self.tick();
                looked = Instant::now();
                if told.elapsed() >= TELL {
                    told = looked;
                    self.tell();
                }
                if std::mem::take(&mut full) {
                    self.watch(doors, Until::Always);
                }
            }
        }
    }

    /// Those who ask for nothing get one line for all of them: there may be thousands.
    fn tell(&self) {
        let count = self.refused.swap(0, Ordering::Relaxed);
        if count > 0 {
            log::info!("{count} connections in a minute brought no request that can be served");
        }
    }

    fn watch(&self, doors: &[Door], until: Until) {
        for (number, door) in (0..).zip(doors) {
            let _ = self.poller.arm(door, number, until);
        }
    }

    /// Takes in new connections; false if there are no descriptors for them.
    fn take_in(&self, door: &Door, next: &mut u64) -> bool {
        for _ in 0..AT_ONCE {
            match door.accept() {
                Ok((socket, peer)) => {
                    *next += 1;
                    // Who doesn't get in is gone with its socket.
                    let _ = self.seat(socket, peer, *next, door.address.is_some());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if lacks_room(&error) => {
                    let gone = lock(&self.crowd).oldest(None);
                    drop(gone);
                    return false;
                }
                // Its client has gone already.
                Err(_) => {}
            }
        }
        true
    }

    fn seat(&self, socket: OwnedFd, peer: IpAddr, number: u64, named: bool) -> io::Result<()> {
        let party = Party::from(peer);
        let seat = self.places.take(party).or_else(|full| {
            let gone = lock(&self.crowd).oldest((full == Full::Party).then_some(party));
            drop(gone);
            self.places.take(party)
        });
        let seat = seat.map_err(|_| io::Error::other("there are too many connections"))?;
        let conn = Conn {
            number,
            stream: Stream::over(socket, self.config.pace.step())?,
            seat,
            peer,
            named,
            rest: Vec::new(),
        };
        let secure = named && self.config.tls.is_some();
        let phase = if secure { Phase::Greeting } else { Phase::Idle };
        let since = Instant::now();
        let waiting = Waiting { conn, phase, since };
        let mut crowd = lock(&self.crowd);
        self.poller
            .add(&waiting.conn.stream, number, Until::Readable)?;
        let gone = crowd.enter(waiting);
        drop(crowd);
        drop(gone);
        Ok(())
    }

    /// Lets a connection wait for something else.
    pub(super) fn park(&self, mut waiting: Waiting) {
        let (number, held) = (waiting.conn.number, waiting.conn.stream.holds());
        let until = match &waiting.phase {
            Phase::Body(_) => Until::More,
            Phase::Idle if held || !waiting.conn.rest.is_empty() => Until::Now,
            _ => Until::Readable,
        };
        let mut crowd = lock(&self.crowd);
        // Under the lock, so that whoever is told finds it.
        let armed = self.poller.arm(&waiting.conn.stream, number, until);
        let gone = match armed {
            Ok(()) => crowd.enter(waiting),
            Err(_) => Vec::new(),
        };
        drop(crowd);
        drop(gone);
    }

    /// Lets a client ask again.
    pub(super) fn back(&self, conn: Conn) {
        let (phase, since) = (Phase::Idle, Instant::now());
        self.park(Waiting { conn, phase, since });
    }

    /// Ends a connection so that the client still gets what was sent: a close with bytes unread makes
    /// the kernel send a reset, which overtakes the answer.
    pub(super) fn linger(&self, mut conn: Conn) {
        conn.stream.end();
        conn.rest = Vec::new();
        let (phase, since) = (Phase::Closing(THROWN), Instant::now());
        self.park(Waiting { conn, phase, since });
    }

    /// Goes on with a connection on which something has come.
    fn ready(self: &Arc<Self>, number: u64, gone: bool, buffer: &mut [u8]) {
        let waiting = lock(&self.crowd).leave(number);
        if let Some(waiting) = waiting {
            self.go_on(waiting, gone, buffer);
        }
    }

    pub(super) fn go_on(self: &Arc<Self>, mut waiting: Waiting, gone: bool, buffer: &mut [u8]) {
        match waiting.phase {
            Phase::Idle | Phase::Head(_) => self.read(waiting, buffer),
            Phase::Greeting => self.greet(waiting),
            Phase::Body(head) if gone || has_begun(&head, &waiting.conn) => {
                self.begin(waiting.conn, head, false);
            }
            Phase::Body(_) => {
                // It is still told of.
                let gone = lock(&self.crowd).enter(waiting);
                drop(gone);
            }
            Phase::Closing(left) => {
                let thrown = waiting.conn.stream.discard(buffer);
                if let Some(left) = thrown.and_then(|n| left.checked_sub(n)) {
                    waiting.phase = Phase::Closing(left);
                    self.park(waiting);
                }
            }
        }
    }

    /// Reads of a head what is there.
    fn read(self: &Arc<Self>, mut waiting: Waiting, buffer: &mut [u8]) {
        let (mut scan, old) = match waiting.phase {
            Phase::Head(scan) => (scan, true),
            _ => (Scan::default(), false),
        };
        let mut length = waiting.conn.rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&waiting.conn.rest[..length]);
        loop {
            // First what was left over: it may be a whole request, with nothing behind it.
            match scan.look(&buffer[..length]) {
                Look::More => {}
                Look::Whole(head, end) => {
                    waiting.conn.rest = buffer[end..length].to_vec();
                    return self.receive(waiting.conn, head);
                }
                Look::Refused(refused) => return self.refuse(waiting.conn, refused),
            }
            match waiting.conn.stream.read(&mut buffer[length..], Wait::Never) {
                Ok(0) => return,
                Ok(n) => length += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
        if length > 0 {
            waiting.conn.rest = buffer[..length].to_vec();
            waiting.phase = Phase::Head(scan);
            if !old {
                waiting.since = Instant::now();
            }
        }
        self.park(waiting);
    }

    /// A request has come; it is handed out as soon as its body begins.
    fn receive(self: &Arc<Self>, conn: Conn, head: Box<Head>) {
        if has_begun(&head, &conn) {
            return self.hand_out(conn, head, false);
        }
        let (phase, since) = (Phase::Body(head), Instant::now());
        self.park(Waiting { conn, phase, since });
    }

    /// The body has begun, or won't.
    fn begin(self: &Arc<Self>, conn: Conn, head: Box<Head>, late: bool) {
        let _ = self.poller.arm(&conn.stream, conn.number, Until::Never);
        self.hand_out(conn, head, late);
    }

    fn hand_out(self: &Arc<Self>, conn: Conn, head: Box<Head>, late: bool) {
        let number = conn.number;
        let address = self.address(&conn, &head);
        let client = Client::new(self, conn, head, address, late);
        lock(&self.requests).insert(number, client);
        let ticket = format!("GET /{number} HTTP/1.1\r\n\r\n");
        let mut tickets = lock(&self.tickets);
        if let Err(error) = tickets.write_all(ticket.as_bytes()) {
            log::error!(target: &Kind::Resources.about("server"), "requests can't be passed on: {error}");
            self.broken.store(true, Ordering::Relaxed);
        }
    }

    /// Whose request it is: a proxy says it, if it is the one that is trusted.
    fn address(&self, conn: &Conn, head: &Head) -> IpAddr {
        let trusted = self.config.proxy == Some(conn.peer);
        let named = trusted.then(|| head.last_hop()).flatten();
        named.unwrap_or(conn.peer)
    }

    /// The client whose ticket this is.
    pub(super) fn redeem(&self, ticket: u64) -> Option<Client> {
        lock(&self.requests).remove(&ticket)
    }

    /// Answers what is no request, and ends the connection.
    pub(super) fn refuse(&self, mut conn: Conn, refused: Refused) {
        let Refused { status, why } = refused;
        log::debug!("{}: {status}: {why}", conn.peer);
        self.refused.fetch_add(1, Ordering::Relaxed);
        let (reason, length) = (head::reason(status), why.len() + 1);
        let answer = format!(
            "HTTP/1.1 {status} {reason}\r\nServer: restic-123pan\r\nContent-Type: text/plain\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{why}\n"
        );
        let sent = conn.stream.write(answer.as_bytes(), Wait::Never);
        if sent.is_ok() && conn.stream.flush(Wait::Never).is_ok() {
            self.linger(conn);
        }
    }

    /// Looks at the clock.
    fn tick(self: &Arc<Self>) {
        let late = lock(&self.crowd).expire(Instant::now(), &self.config);
        for Waiting { conn, phase, .. } in late {
            match phase {
                Phase::Head(_) => self.refuse(conn, head::LATE),
                Phase::Body(head) => self.begin(conn, head, true),
                Phase::Idle | Phase::Greeting | Phase::Closing(_) => drop(conn),
            }
        }
        if let Some(tls) = &self.config.tls {
            tls.look();
        }
    }

    /// Whether it can't go on.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(super) fn close(&self) {
        self.poller.ring();
    }
}

/// Whether there are no descriptors for another connection.
fn lacks_room(error: &io::Error) -> bool {
    let room = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| room.contains(&errno))
}
