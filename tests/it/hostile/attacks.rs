//! The attacks, as a table and as what is done in each. An attack goes on until it is told to stop
//! and says what came of it.

use super::attacker::{Attacker, PAUSE, pack, post};
use crate::tree;
use crate::wire::Wire;
use restic_123pan::restic::hex;
use rustix::net::sockopt;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::Duration;

/// Another machine, and the one on which the honest client is too.
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SAME: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// An attack and what it may leave behind.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) from: Ipv4Addr,
    pub(super) attack: fn(&Attacker<'_>) -> String,
    /// The limit of descriptors that the server gets.
    pub(super) descriptors: Option<u32>,
    /// Words of the warnings in the server's log.
    pub(super) warnings: &'static [&'static str],
}

const fn case(name: &'static str, attack: fn(&Attacker<'_>) -> String) -> Case {
    Case {
        name,
        from: OTHER,
        attack,
        descriptors: None,
        warnings: &["broke its body off"],
    }
}

/// Few descriptors: what is said when they run out, for calls to the cloud.
const FEW: &[&str] = &[
    "Too many open files",
    "No file descriptors",
    "broke its body off",
];

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    case("half heads", half_heads),
    Case { from: SAME, ..case("half heads, same address", half_heads) },
    case("heads, a byte a second", dripping_heads),
    Case { from: SAME, ..case("heads, a byte a second, same address", dripping_heads) },
    case("bodies that stall", stalled_bodies),
    Case { from: SAME, ..case("bodies that stall, same address", stalled_bodies) },
    case("bodies, a byte a second", dripping_bodies),
    case("refused bodies that stall", stalled_refusals),
    Case { warnings: &["was cut off"], ..case("readers that stall", stalled_readers) },
    case("200 idle connections", idle),
    Case { from: SAME, ..case("200 idle connections, same address", idle) },
    case("200 idle after a request", idle_after_a_request),
    case("64 uploads at once", uploads),
    Case { from: SAME, ..case("64 uploads at once, same address", uploads) },
    case("bursts of 5", bursts),
    case("lengths too long", too_long),
    case("lengths too short", too_short),
    case("huge lengths", huge_lengths),
    case("huge lengths, a byte each", huge_bodies),
    Case { from: SAME, ..case("huge lengths, a byte each, same address", huge_bodies) },
    Case { from: SAME, ..case("large uploads that break off, same address", broken_uploads) },
    case("lengths that can't be", nonsense_lengths),
    case("chunks that can't be", nonsense_chunks),
    case("endless sizes of chunks", endless_sizes),
    Case { from: SAME, ..case("endless sizes of chunks, same address", endless_sizes) },
    case("endless extensions of chunks", endless_extensions),
    Case { from: SAME, ..case("endless extensions of chunks, same address", endless_extensions) },
    case("endless trailers", endless_trailers),
    Case { from: SAME, ..case("endless trailers, same address", endless_trailers) },
    case("heads of 512 MiB", huge_heads),
    Case { from: SAME, ..case("heads of 512 MiB, same address", huge_heads) },
    case("5 million headers", many_headers),
    Case { from: SAME, ..case("5 million headers, same address", many_headers) },
    case("many large half heads", large_half_heads),
    case("pipelining", pipelining),
    case("tricky paths", paths),
    case("unknown methods", methods),
    case("HTTP/2", http2),
    case("noise and TLS", noise),
    case("resets", resets),
    case("100-continue, no body", expecting),
    Case { descriptors: Some(64), warnings: FEW, ..case("64 descriptors, idle", more_idle) },
    Case { descriptors: Some(64), warnings: FEW, ..case("64 descriptors, bodies that stall", stalled_bodies) },
];

fn half_heads(by: &Attacker<'_>) -> String {
    let half = "GET /evil/config HTTP/1.1\r\nHost: localhost";
    by.hold(100, || by.send(half), |_| {})
}

fn dripping_heads(by: &Attacker<'_>) -> String {
    let start = "GET /evil/config HTTP/1.1\r\nHost: localhost\r\nX: ";
    by.hold(200, || by.send(start), drip())
}

/// Sends a byte a second to each of many.
fn drip() -> impl FnMut(&mut TcpStream) {
    let mut turn = 0_u32;
    move |stream| {
        turn = turn.wrapping_add(1);
        // About: as often as there are pauses in a second.
        if turn.is_multiple_of(20) {
            let _ = stream.write_all(b"x");
        }
    }
}

fn stalled_bodies(by: &Attacker<'_>) -> String {
    let start = post(&pack(1), "Content-Length: 100000\r\n") + &"x".repeat(2000);
    by.hold(40, || by.send(&start), |_| {})
}

fn dripping_bodies(by: &Attacker<'_>) -> String {
    let start = post(&pack(1), "Content-Length: 100000\r\n");
    by.hold(20, || by.send(&start), drip())
}

fn stalled_refusals(by: &Attacker<'_>) -> String {
    let start = post("/evil/data/nonsense", "Content-Length: 100000\r\n");
    by.hold(40, || by.send(&start), |_| {})
}

fn stalled_readers(by: &Attacker<'_>) -> String {
    let body = tree::random(7, 12 << 20);
    let path = format!("/evil/data/{}", hex(&Sha256::digest(&body)));
    let mut wire = Wire::over(by.open().unwrap());
    assert_eq!(wire.ask("POST", "/evil/?create=true", "", b"").status, 200);
    assert_eq!(wire.ask("POST", &path, "", &body).status, 200);
    let ask = || {
        let mut stream = by.open_with(|stream| {
            sockopt::set_socket_recv_buffer_size(stream, 4096).unwrap();
        })?;
        let head = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        write!(stream, "GET {path} {head}").ok()?;
        Some(stream)
    };
    // Nothing is read, not even to see whether it is over.
    let mut held = Vec::new();
    let mut made = 0;
    while by.goes_on() {
        if made % 200 < 40 {
            held.extend(ask());
        }
        made += 1;
        thread::sleep(PAUSE);
    }
    let ended = held.iter().filter(|stream| {
        let stream = *stream;
        std::io::copy(&mut stream.take(64 << 20), &mut std::io::sink()).is_err()
    });
    format!("{} held, {} of them reset", held.len(), ended.count())
}

fn idle(by: &Attacker<'_>) -> String {
    by.hold(200, || by.open(), |_| {})
}

/// More than there are descriptors.
fn more_idle(by: &Attacker<'_>) -> String {
    by.hold(100, || by.open(), |_| {})
}

fn idle_after_a_request(by: &Attacker<'_>) -> String {
    let ask = "GET /evil/config HTTP/1.1\r\nHost: localhost\r\n\r\n";
    by.hold(200, || by.send(ask), |_| {})
}

fn uploads(by: &Attacker<'_>) -> String {
    let answered = thread::scope(|scope| {
        let upload = |number: u64| {
            let body = tree::random(100 + number, 256 << 10);
            let path = format!("/evil/data/{}", hex(&Sha256::digest(&body)));
            let mut wire = Wire::over(by.open().unwrap());
            let mut counts = [0, 0];
            while by.goes_on() {
                let status = wire.ask("POST", &path, "", &body).status;
                assert!([200, 503].contains(&status), "{status}");
                counts[usize::from(status == 503)] += 1;
            }
            counts
        };
        let all: Vec<_> = (0..64).map(|n| scope.spawn(move || upload(n))).collect();
        all.into_iter()
            .map(|one| one.join().unwrap())
            .fold([0, 0], |a, b| [a[0] + b[0], a[1] + b[1]])
    });
    format!(
        "{} × 200, {} × 503, none without an answer",
        answered[0], answered[1]
    )
}

fn bursts(by: &Attacker<'_>) -> String {
    let (mut count, mut longest) = (0, Duration::ZERO);
    while by.goes_on() {
        let start = std::time::Instant::now();
        let mut wires: Vec<Wire> = (0..5).map(|_| Wire::over(by.open().unwrap())).collect();
        for wire in &mut wires {
            wire.send("GET /evil/config HTTP/1.1\r\nHost: localhost\r\n\r\n");
        }
        for wire in &mut wires {
            assert_eq!(wire.answer(false).status, 404);
        }
        longest = longest.max(start.elapsed());
        count += 1;
        thread::sleep(PAUSE);
    }
    format!(
        "{count} bursts, all answered, the slowest in {} ms",
        longest.as_millis()
    )
}

fn too_long(by: &Attacker<'_>) -> String {
    let short = post(&pack(2), "Content-Length: 1000\r\n") + &"x".repeat(100);
    let said = by.repeat(&[short.into_bytes()]);
    assert!(!said.contains("× 200"), "{said}");
    said
}

fn too_short(by: &Attacker<'_>) -> String {
    let body = b"hello";
    let path = format!("/evil/data/{}", hex(&Sha256::digest(body)));
    let mut request = post(&path, "Content-Length: 5\r\n").into_bytes();
    request.extend_from_slice(body);
    request.extend_from_slice(&[b'x'; 3000]);
    by.repeat(&[request])
}

fn huge_lengths(by: &Attacker<'_>) -> String {
    let lengths = ["9000000000", "10000000001", "99999999999999"];
    let requests = lengths.map(|length| {
        let head = post(&pack(3), &format!("Content-Length: {length}\r\n"));
        [head.as_bytes(), &[b'x'; 5000]].concat()
    });
    by.repeat(&requests)
}

fn huge_bodies(by: &Attacker<'_>) -> String {
    let start = post(&pack(3), "Content-Length: 9000000000\r\n") + "x";
    by.hold(32, || by.send(&start), |_| {})
}

fn broken_uploads(by: &Attacker<'_>) -> String {
    let mut request = post(&pack(9), "Content-Length: 500000000\r\n").into_bytes();
    request.resize(1 << 20, b'x');
    let said = by.repeat(&[request]);
    assert!(
        !said.contains("refused") && !said.contains("× 200"),
        "{said}"
    );
    said
}

fn endless_sizes(by: &Attacker<'_>) -> String {
    endless(by, "", &[b'0'; 1 << 20])
}

fn endless_extensions(by: &Attacker<'_>) -> String {
    endless(by, "5;", &[b'x'; 1 << 20])
}

fn endless_trailers(by: &Attacker<'_>) -> String {
    endless(by, "0\r\n", "X: y\r\n".repeat(100_000).as_bytes())
}

/// Chunks with something between them that doesn't end.
fn endless(by: &Attacker<'_>, start: &str, piece: &[u8]) -> String {
    let start = post(&pack(5), "Transfer-Encoding: chunked\r\n") + start;
    let said = by.flood(start.as_bytes(), piece, 64);
    assert!(said.ends_with(" 0 taken to the end"), "{said}");
    said
}

fn nonsense_lengths(by: &Attacker<'_>) -> String {
    let table = [
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ];
    let smuggled = "DELETE /honest/config HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let requests = table.map(|headers| (post(&pack(4), headers) + smuggled).into_bytes());
    let said = by.repeat(&requests);
    assert!(!said.contains("× 200"), "{said}");
    said
}

fn nonsense_chunks(by: &Attacker<'_>) -> String {
    let chunks = [
        "ffffffffffffffff\r\nxxxx",
        "-1\r\nxxxx\r\n0\r\n\r\n",
        "5\r\nhelloworld\r\n0\r\n\r\n",
        "7fffffffffffffff\r\nx",
        "\r\n\r\n\r\n",
        "5;ext=1\r\nhello\r\n",
    ];
    let endless = "0".repeat(1 << 20);
    let all = chunks.into_iter().chain([endless.as_str()]);
    let requests =
        all.map(|chunks| (post(&pack(5), "Transfer-Encoding: chunked\r\n") + chunks).into_bytes());
    let said = by.repeat(&requests.collect::<Vec<_>>());
    assert!(!said.contains("× 200"), "{said}");
    said
}

fn huge_heads(by: &Attacker<'_>) -> String {
    by.flood(
        b"GET /evil/config HTTP/1.1\r\nHost: localhost\r\nX: ",
        &[b'x'; 1 << 20],
        512,
    )
}

/// As much of each as is borne.
fn large_half_heads(by: &Attacker<'_>) -> String {
    let start = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\nX: ",
        "x".repeat(15_000)
    );
    by.hold(400, || by.send(&start), |_| {})
}

fn many_headers(by: &Attacker<'_>) -> String {
    let headers = "X: y\r\n".repeat(100_000);
    by.flood(
        b"GET /evil/config HTTP/1.1\r\nHost: localhost\r\n",
        headers.as_bytes(),
        50,
    )
}

fn pipelining(by: &Attacker<'_>) -> String {
    by.repeat(&["GET /evil/config HTTP/1.1\r\nHost: localhost\r\n\r\n"
        .repeat(1000)
        .into_bytes()])
}

fn paths(by: &Attacker<'_>) -> String {
    let table = [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/config",
        "/evil/..;/config",
        "//evil//config",
        "/honest/./config",
        "/evil/%00/config",
        "/evil\\..\\honest\\config",
        "http://x/evil/config",
        "*",
        "",
        "/evil/config?create=true&create=true",
        "/honest/config#x",
        "/honest/data/../config",
        "/%ff%fe/config",
        "/evil/照片/config",
        "/honest%2fconfig",
        "/a/b/c/d/e/f/g/h/i/j/k/l/m/config",
    ];
    let long = format!("/{}/config", "a".repeat(100_000));
    let deep = "/a".repeat(50_000);
    let all = table.into_iter().chain([long.as_str(), deep.as_str()]);
    let requests = all.flat_map(|path| {
        ["GET", "DELETE"].map(|method| {
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
        })
    });
    let said = by.repeat(
        &requests
            .filter(|one| !one.starts_with(b"DELETE /evil/config"))
            .collect::<Vec<_>>(),
    );
    assert!(!said.contains("× 500"), "{said}");
    said
}

fn methods(by: &Attacker<'_>) -> String {
    let table = [
        "BREW", "get", "CONNECT", "TRACE", "OPTIONS", "PROPFIND", "", "G\u{e9}T", "PUT",
    ];
    let requests = table.map(|method| {
        format!("{method} /honest/config HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
    });
    let said = by.repeat(&requests);
    assert!(!said.contains("× 200") && !said.contains("× 500"), "{said}");
    said
}

fn http2(by: &Attacker<'_>) -> String {
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    assert_eq!(by.once(preface.as_bytes()), "505");
    let upgrade = "GET /evil/config HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                   Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    let said = by.repeat(&[upgrade.as_bytes().to_vec()]);
    format!("upgrades {said}")
}

fn noise(by: &Attacker<'_>) -> String {
    let hello = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        &[7; 512],
    ]
    .concat();
    let mut all = vec![
        hello,
        b"\0\0\0\0".to_vec(),
        b"\r\n\r\n\r\n\r\n".to_vec(),
        b"SSH-2.0-x\r\n".to_vec(),
    ];
    all.extend((0..4).map(|seed| tree::random(seed, 3000)));
    by.repeat(&all)
}

fn resets(by: &Attacker<'_>) -> String {
    let mut count = 0;
    let request = post(&pack(6), "Content-Length: 50000\r\n") + &"x".repeat(20_000);
    while by.goes_on() {
        let start = [0, 20, request.len()][count % 3];
        if let Some(stream) = by.send(&request[..start]) {
            sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            count += 1;
        }
        thread::sleep(Duration::from_millis(5));
    }
    format!("{count} reset")
}

fn expecting(by: &Attacker<'_>) -> String {
    let headers = "Content-Length: 50000\r\nExpect: 100-continue\r\n";
    by.hold(40, || by.send(post(&pack(8), headers)), |_| {})
}
