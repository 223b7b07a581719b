//! Bytes move as the cloud moves: over a slow line no client sees its upload stand still, however
//! its body is held and wherever it waits, so that restic doesn't give it up and send it again.

use crate::fake::{Endpoint, Fake, Options, line};
use crate::restic::{RESTIC, Restic, text};
use crate::rig::Rig;
use crate::tree::{TempDir, random};
use crate::wire::Wire;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes a second that the cloud takes in all, and of the packs that restic sends it.
const UPLINK: u64 = 1_600_000;
const PACKS: usize = 3;
const PACK: usize = 17 << 20;

#[test]
fn restic_gives_nothing_up_with_much_memory() {
    back_up("512M");
}

#[test]
fn restic_gives_nothing_up_with_some_memory() {
    back_up("32M");
}

#[test]
fn restic_gives_nothing_up_without_memory() {
    back_up("0");
}

/// Backs up over the slow line with a restic that gives up after 10 s without a byte; it needs 35 s.
fn back_up(memory: &str) {
    let rig = slow(UPLINK, &["--memory", memory]);
    let dir = TempDir::new();
    let port = far_away(rig.address()).unwrap().port();
    let address = format!("rest:http://127.0.0.1:{port}/");
    let Some(restic) = Restic::find(RESTIC, address, dir.path()) else {
        return;
    };
    let files = dir.path().join("files");
    fs::create_dir(&files).unwrap();
    for number in 0..PACKS {
        fs::write(files.join(number.to_string()), random(number as u64, PACK)).unwrap();
    }
    restic.run(&["init"]);
    let patient = ["--stuck-request-timeout", "10s", "--pack-size", "17"];
    let words = [&["backup", text(&files)], &patient[..]].concat();
    let (good, _, said) = restic.start(&words).end();
    assert!(good, "{said}\n{}", rig.log());
    assert!(!said.contains("retrying"), "{said}");
    let count = |what: &str| rig.log().lines().filter(|line| line.contains(what)).count();
    let packs = rig.cloud().tree().into_keys();
    let packs = packs.filter(|file| file.contains("/data/")).count();
    assert!(packs > PACKS, "{packs} packs");
    assert_eq!(count("POST /data/"), packs, "{}", rig.log());
    assert_eq!(count("DELETE /data/"), 0, "{}", rig.log());
    assert_eq!(rig.cloud().calls().withdrawn, 0);
    rig.assert_clean(&[]);
}

/// A server over a cloud that takes so many bytes a second.
fn slow(uplink: u64, options: &[&str]) -> Rig {
    let cloud = Fake::with(Options {
        uplink,
        ..Options::default()
    });
    let cloud = cloud.unwrap();
    let url = cloud.url();
    Rig::with(
        Path::new(env!("CARGO_BIN_EXE_restic-123pan")),
        cloud,
        &url,
        options,
    )
}

/// An address from which connections go on to another, as from another machine: what the client's
/// own socket holds is little, while on loopback it is 4 MB.
fn far_away(to: SocketAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    line::narrow(&listener)?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming() {
            let pass = || {
                let (client, server) = (client?, TcpStream::connect(to)?);
                rustix::net::sockopt::set_socket_send_buffer_size(&server, SOCKET)?;
                let back = (server.try_clone()?, client.try_clone()?);
                thread::spawn(move || pass(client, server));
                thread::spawn(move || pass(back.0, back.1));
                io::Result::Ok(())
            };
            let _ = pass();
        }
    });
    Ok(address)
}

/// Passes bytes on to their end.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Bytes of the packs that a client without restic's buffers sends, and what its socket holds.
const SMALL_PACK: usize = 6 << 20;
const SOCKET: usize = 64 << 10;
/// Bytes a second that the cloud takes of it.
const SMALL_UPLINK: u64 = 500_000;
/// How long it may see nothing move. What sockets between it and the cloud hold takes 4 s; a pack in
/// one piece takes 12 s.
const STILL: Duration = Duration::from_secs(10);

#[test]
fn a_held_body_moves_as_the_cloud_takes_it() {
    let rig = slow(SMALL_UPLINK, &["--memory", "512M"]);
    let longest = send(rig.address(), 1);
    assert!(longest < STILL, "{longest:?}");
    rig.assert_clean(&[]);
}

#[test]
fn a_streamed_body_moves_as_the_cloud_takes_it() {
    let rig = slow(SMALL_UPLINK, &["--memory", "0"]);
    let longest = send(rig.address(), 1);
    assert!(longest < STILL, "{longest:?}");
    rig.assert_clean(&[]);
}

/// Two uploads at a time, one of which is for small files: a pack waits for the other, over half the
/// line, because a faster one doesn't shorten the steps in which a body that waits is taken.
#[test]
fn a_body_that_waits_for_its_place_moves() {
    let rig = slow(SMALL_UPLINK / 2, &["--memory", "512M", "--uploads", "2"]);
    let address = rig.address();
    let longest = thread::scope(|scope| {
        let sending = [1, 2].map(|seed| scope.spawn(move || send(address, seed)));
        sending.map(|thread| thread.join().unwrap())
    });
    let longest = longest.into_iter().max().unwrap();
    assert!(longest < STILL * 2, "{longest:?}");
    assert_eq!(rig.cloud().calls().of(Endpoint::Single).calls, 2);
    rig.assert_clean(&[]);
}

/// Sends a pack and waits for the good answer; the longest time without a byte.
fn send(address: SocketAddr, seed: u64) -> Duration {
    let bytes = random(seed, SMALL_PACK);
    let socket = TcpStream::connect(address).unwrap();
    rustix::net::sockopt::set_socket_send_buffer_size(&socket, SOCKET).unwrap();
    let mut watched = Watched::new(socket.try_clone().unwrap());
    let id = hex(&Sha256::digest(&bytes));
    let head = format!(
        "POST /data/{id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SMALL_PACK}\r\n\r\n"
    );
    watched.write_all(head.as_bytes()).unwrap();
    for part in bytes.chunks(16 << 10) {
        watched.write_all(part).unwrap();
    }
    let answer = Wire::over(socket).answer(false);
    watched.moved();
    assert_eq!(answer.status, 200);
    watched.longest
}

/// A socket, and how long it took nothing.
struct Watched {
    socket: TcpStream,
    last: Instant,
    longest: Duration,
}

impl Watched {
    fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            last: Instant::now(),
            longest: Duration::ZERO,
        }
    }

    fn moved(&mut self) {
        self.longest = self.longest.max(self.last.elapsed());
        self.last = Instant::now();
    }
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.socket.write(bytes)?;
        self.moved();
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
