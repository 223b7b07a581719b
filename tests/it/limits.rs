//! Limits of traffic, through the server's own binary: all clients together get no more than they
//! may, and bytes move all the time.

use crate::rig::Rig;
use crate::tree::random;
use crate::wire::Wire;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Clients at once.
const CLIENTS: u64 = 4;
/// Bytes that each of them sends and gets.
const SIZE: usize = 512 << 10;
/// The least time that 1M a second leaves for all of them, with what may be made up for.
const LEAST: Duration = Duration::from_millis(1700);

fn path(bytes: &[u8]) -> String {
    format!("/data/{}", hex(&Sha256::digest(bytes)))
}

/// Has all clients do something at once; how long it took.
fn all(act: impl Fn(u64) + Sync) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        let act = &act;
        for number in 0..CLIENTS {
            scope.spawn(move || act(number));
        }
    });
    start.elapsed()
}

/// All clients send or get their files.
fn exchange(rig: &Rig, method: &str) -> Duration {
    let address = rig.address();
    let files: Vec<Vec<u8>> = (0..CLIENTS).map(|n| random(n, SIZE)).collect();
    all(|n| {
        let bytes = &files[usize::try_from(n).unwrap()];
        let sent = if method == "POST" { &bytes[..] } else { &[] };
        let answer = Wire::open(address).ask(method, &path(bytes), "", sent);
        assert_eq!(answer.status, 200);
        if method == "GET" {
            assert_eq!(answer.body.as_ref(), Some(bytes));
        }
    })
}

#[test]
fn clients_share_what_there_is() {
    let rig = Rig::start(&[
        "--limit-upload",
        "1M",
        "--limit-download",
        "00:00,1M 12:00,1M",
    ]);
    for method in ["POST", "GET"] {
        let took = exchange(&rig, method);
        assert!(took >= LEAST, "{method} took {took:?}");
    }
    let page = Wire::open(rig.address()).ask("GET", "/-/", "Accept-Language: en\r\n", b"");
    assert!(page.text().contains("↑ 1.00 MiB/s, ↓ 1.00 MiB/s"));
    rig.assert_clean(&[]);
}

/// What isn't limited, isn't.
#[test]
fn one_direction_leaves_the_other_alone() {
    let rig = Rig::start(&["--limit-upload", "off", "--limit-download", "1M"]);
    exchange(&rig, "POST");
    let took = exchange(&rig, "GET");
    assert!(took >= LEAST, "{took:?}");
    let page = Wire::open(rig.address()).ask("GET", "/-/", "Accept-Language: en\r\n", b"");
    assert!(page.text().contains("↑ none, ↓ 1.00 MiB/s"));
}

/// A low limit makes small steps: no buffer is filled before something is sent.
#[test]
fn bytes_move_all_the_time() {
    let rig = Rig::start(&["--limit-download", "16K"]);
    let bytes = random(9, 48 << 10);
    let stored = Wire::open(rig.address()).ask("POST", &path(&bytes), "", &bytes);
    assert_eq!(stored.status, 200);
    let (mut socket, mut reads) = (get(rig.address(), &path(&bytes)), 0);
    let (mut buffer, mut all) = (vec![0; 64 << 10], 0);
    while all < bytes.len() {
        all += socket.read(&mut buffer).unwrap();
        reads += 1;
    }
    assert!(reads > 8, "{reads} reads");
}

fn get(address: SocketAddr, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    std::io::Write::write_all(&mut socket, head.as_bytes()).unwrap();
    socket
}
