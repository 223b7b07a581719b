//! Connections of attackers: from where they come, how they are held, and what comes back.

use restic_123pan::restic::hex;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Pause of attackers that wait.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// Longest wait of those who flood, and between looks whether to go on.
const SHORT: Duration = Duration::from_secs(2);
/// Longest wait for an answer that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom to attack, from where, and for how long.
pub(super) struct Attacker<'a> {
    pub(super) target: SocketAddr,
    pub(super) from: Ipv4Addr,
    pub(super) stop: &'a AtomicBool,
}

impl Attacker<'_> {
    /// Whether to go on.
    pub(super) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }

    /// Opens a connection, if the server lets it.
    pub(super) fn open(&self) -> Option<TcpStream> {
        self.open_with(|_| {})
    }

    pub(super) fn open_with(&self, prepare: impl FnOnce(&TcpStream)) -> Option<TcpStream> {
        // Not to be inherited by servers that other tests start.
        let flags = SocketFlags::CLOEXEC;
        let fd = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
        bind(&fd, &SocketAddr::from((self.from, 0))).unwrap();
        let stream = TcpStream::from(fd);
        prepare(&stream);
        self.connect(&stream).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Some(stream)
    }

    /// Connects, which may take for ever: the kernel drops what the server doesn't take.
    fn connect(&self, stream: &TcpStream) -> Result<(), Errno> {
        stream.set_write_timeout(Some(SHORT)).unwrap();
        let end = Instant::now() + PATIENCE;
        loop {
            match connect(stream, &self.target) {
                Err(Errno::INPROGRESS | Errno::ALREADY)
                    if self.goes_on() && Instant::now() < end => {}
                done => return done,
            }
        }
    }

    /// Opens a connection and sends something.
    pub(super) fn send(&self, bytes: impl AsRef<[u8]>) -> Option<TcpStream> {
        let mut stream = self.open()?;
        stream.write_all(bytes.as_ref()).ok()?;
        Some(stream)
    }

    /// Keeps so many connections open, each made by `make`, and does something with each in turn;
    /// says how many the server has ended.
    pub(super) fn hold(
        &self,
        count: usize,
        make: impl Fn() -> Option<TcpStream>,
        mut act: impl FnMut(&mut TcpStream),
    ) -> String {
        let mut held: Vec<TcpStream> = (0..count).filter_map(|_| make()).collect();
        let (mut made, mut ended) = (held.len(), 0);
        while self.goes_on() {
            let before = held.len();
            held.retain(|stream| !is_over(stream));
            ended += before - held.len();
            held.iter_mut().for_each(&mut act);
            while held.len() < count && self.goes_on() {
                let Some(stream) = make() else { break };
                held.push(stream);
                made += 1;
            }
            thread::sleep(PAUSE);
        }
        format!("{count} held, {made} opened, {ended} ended by the server")
    }

    /// Sends something again and again, each on a connection of its own; says what came back how
    /// often.
    pub(super) fn repeat(&self, requests: &[Vec<u8>]) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for request in requests.iter().cycle() {
            if !self.goes_on() {
                break;
            }
            *counts.entry(self.once(request)).or_default() += 1;
            thread::sleep(Duration::from_millis(5));
        }
        let counts = counts
            .iter()
            .map(|(status, count)| format!("{count} × {status}"));
        counts.collect::<Vec<_>>().join(", ")
    }

    /// Sends the start of a head and then so many pieces more, again and again; says how often all
    /// of it was taken.
    pub(super) fn flood(&self, start: &[u8], piece: &[u8], times: usize) -> String {
        let (mut opened, mut taken) = (0, 0);
        while self.goes_on() {
            if let Some(mut stream) = self.send(start) {
                opened += 1;
                // A connection that was cut takes nothing more, and may not say so.
                stream.set_write_timeout(Some(SHORT)).unwrap();
                let all = (0..times).all(|_| self.goes_on() && stream.write_all(piece).is_ok());
                taken += usize::from(all);
            }
            thread::sleep(PAUSE);
        }
        format!("{opened} opened, {taken} taken to the end")
    }

    /// Sends something and nothing more; the status of what comes back.
    pub(super) fn once(&self, request: &[u8]) -> String {
        let Some(mut stream) = self.open() else {
            return "refused".to_owned();
        };
        let _ = stream.write_all(request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let read = stream.take(1 << 20).read_to_end(&mut answer);
        let status = answer.get(9..12).map(String::from_utf8_lossy);
        match (status, read) {
            (Some(status), _) => status.into_owned(),
            (None, Err(error)) if error.kind() == ErrorKind::WouldBlock => "nothing".to_owned(),
            (None, _) => "end".to_owned(),
        }
    }
}

/// Whether the server has ended a connection; what it sent is read away.
fn is_over(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut stream = stream;
    let read = stream.read(&mut [0; 4096]);
    stream.set_nonblocking(false).unwrap();
    match read {
        Ok(n) => n == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

pub(super) fn post(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

pub(super) fn pack(number: u64) -> String {
    format!("/evil/data/{}", hex(&Sha256::digest(number.to_le_bytes())))
}
