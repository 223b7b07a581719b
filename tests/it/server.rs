//! The server through real connections, over a store in memory: what clients see, and what
//! survives clients that misbehave.

use crate::rigged::Rigged;
use crate::wire::Wire;
use restic_123pan::body::Budget;
use restic_123pan::restic::hex;
use restic_123pan::server::{self, Config, Error, Stop};
use restic_123pan::service::Service;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const V1: &str = "application/vnd.x.restic.rest.v1";
const V2: &str = "application/vnd.x.restic.rest.v2";

/// A server under test; it stops with the test.
struct Running {
    store: Rigged,
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Running {
    fn start() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            listen: "127.0.0.1:0".to_owned(),
            drain_timeout: Duration::from_secs(1),
            stop_timeout: Duration::from_secs(10),
            ..Config::default()
        };
        change(&mut config);
        let bound = server::bind(&config).unwrap();
        let (address, stop) = (bound.address(), bound.stopper());
        let store = Rigged::default();
        let service = Service::new(Box::new(store.clone()), Budget::new(32 << 20, None));
        let thread = Some(thread::spawn(move || bound.run(service)));
        Self {
            store,
            address,
            stop,
            thread,
        }
    }

    fn open(&self) -> Wire {
        Wire::open(self.address)
    }

    fn end(mut self) -> Result<(), Error> {
        self.stop.stop();
        self.thread.take().unwrap().join().unwrap()
    }

    /// Whether it still answers.
    fn lives(&self) -> bool {
        self.open().ask("GET", "/none/config", "", b"").status == 404
    }

    fn has(&self, path: &str) -> bool {
        self.open().ask("HEAD", path, "", b"").status == 200
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.store.open();
        self.stop.stop();
    }
}

fn id(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn chunked(pieces: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    for piece in pieces {
        text.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        text.extend_from_slice(piece);
        text.extend_from_slice(b"\r\n");
    }
    text
}

fn post(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

/// A request, and the answer that it gets: status, headers that must be there, body.
type Row<'a> = (
    &'a str,
    &'a str,
    &'a str,
    &'a [u8],
    u16,
    &'a [(&'a str, &'a str)],
    &'a str,
);

#[test]
fn every_status_of_the_protocol() {
    let server = Running::start();
    let pack = id(b"hello");
    let (data, lock) = (format!("/a/b/data/{pack}"), format!("/a/b/locks/{pack}"));
    let wrong = format!("/a/b/data/{}", id(b"other"));
    let upper = format!("/a/b/data/{}", pack.to_uppercase());
    let (v1, v2) = (
        format!("[\"{pack}\"]"),
        format!("[{{\"name\":\"{pack}\",\"size\":5}}]"),
    );
    let accept = format!("Accept: {V2}\r\n");
    let long = vec![b'x'; 3000];
    let empty: &[(&str, &str)] = &[("content-length", "0")];
    let all = &[("allow", "HEAD, GET, POST, DELETE")];
    let file: &[(&str, &str)] = &[
        ("content-length", "5"),
        ("content-type", "application/octet-stream"),
    ];
    let table: &[Row<'_>] = &[
        ("POST", "/a/b/", "", b"", 400, empty, ""),
        ("POST", "/a/b/?create=true", "", b"", 200, empty, ""),
        ("POST", "/a/b/?create=true", "", b"", 200, empty, ""),
        ("DELETE", "/a/b/", "", b"", 405, &[("allow", "POST")], ""),
        ("GET", "/", "", b"", 405, &[("allow", "POST")], ""),
        ("HEAD", "/a/b/config", "", b"", 404, empty, ""),
        ("GET", "/a/b/config", "", b"", 404, empty, ""),
        ("POST", "/a/b/config", "", b"hello", 200, empty, ""),
        ("POST", "/a/b/config", "", b"hello", 200, empty, ""),
        ("POST", "/a/b/config", "", b"other", 403, empty, ""),
        ("POST", "/a/b/config", "", &long, 403, empty, ""),
        (
            "HEAD",
            "/a/b/config",
            "",
            b"",
            200,
            &[("content-length", "5")],
            "",
        ),
        ("GET", "/a/b/config", "", b"", 200, file, "hello"),
        ("PUT", "/a/b/config", "", b"hello", 405, all, ""),
        ("PATCH", "/a/b/config", "", &long, 405, all, ""),
        ("DELETE", "/a/b/config", "", b"", 200, empty, ""),
        ("DELETE", "/a/b/config", "", b"", 200, empty, ""),
        ("GET", "/a/b/data/", "", b"", 404, empty, ""),
        (
            "POST",
            "/a/b/data/",
            "",
            b"hello",
            405,
            &[("allow", "GET")],
            "",
        ),
        ("POST", &wrong, "", b"hello", 400, empty, ""),
        ("HEAD", &wrong, "", b"", 404, empty, ""),
        ("POST", &data, "", b"", 400, empty, ""),
        ("POST", &data, "", b"hello", 200, empty, ""),
        ("POST", &data, "", b"hello", 200, empty, ""),
        ("POST", &upper, "", b"hello", 404, empty, ""),
        (
            "GET",
            "/a/b/data/",
            "",
            b"",
            200,
            &[("content-type", V1)],
            &v1,
        ),
        (
            "GET",
            "/a/b/data/",
            &accept,
            b"",
            200,
            &[("content-type", V2), ("transfer-encoding", "chunked")],
            &v2,
        ),
        (
            "GET",
            "/a/b/data",
            &accept,
            b"",
            200,
            &[("content-type", V2)],
            &v2,
        ),
        ("HEAD", &data, "", b"", 200, &[("content-length", "5")], ""),
        (
            "HEAD",
            &data,
            "Content-Length: 0\r\n",
            b"",
            200,
            &[("content-length", "5")],
            "",
        ),
        (
            "HEAD",
            &data,
            "",
            b"body",
            200,
            &[("content-length", "5")],
            "",
        ),
        ("GET", &data, "", &long, 200, file, "hello"),
        ("GET", &data, "TE: chunked\r\n", b"", 200, file, "hello"),
        (
            "GET",
            &data,
            "Range: bytes=0-\r\n",
            b"",
            206,
            &[("content-range", "bytes 0-4/5"), ("content-length", "5")],
            "hello",
        ),
        (
            "GET",
            &data,
            "Range: bytes=1-2\r\n",
            b"",
            206,
            &[("content-range", "bytes 1-2/5"), ("content-length", "2")],
            "el",
        ),
        (
            "GET",
            &data,
            "Range: bytes=-2\r\n",
            b"",
            206,
            &[("content-range", "bytes 3-4/5")],
            "lo",
        ),
        (
            "GET",
            &data,
            "Range: bytes=3-99\r\n",
            b"",
            206,
            &[("content-range", "bytes 3-4/5")],
            "lo",
        ),
        (
            "GET",
            &data,
            "Range: bytes=5-\r\n",
            b"",
            416,
            &[("content-range", "bytes */5")],
            "",
        ),
        (
            "GET",
            &data,
            "Range: bytes=1-2,4-4\r\n",
            b"",
            416,
            &[("content-range", "bytes */5")],
            "",
        ),
        (
            "GET",
            &data,
            "Range: lines=1-2\r\n",
            b"",
            200,
            file,
            "hello",
        ),
        ("GET", "/a/%2e%2e/config", "", b"", 404, empty, ""),
        ("GET", "/a/../config", "", b"", 404, empty, ""),
        ("GET", "//config", "", b"", 404, empty, ""),
        (
            "POST",
            "/a/b/nothing/here/data/x",
            "",
            &long,
            404,
            empty,
            "",
        ),
        ("POST", &lock, "", b"hello", 200, empty, ""),
        ("DELETE", &lock, "", b"", 200, empty, ""),
        (
            "DELETE",
            &lock,
            "Content-Length: 0\r\n",
            b"",
            200,
            empty,
            "",
        ),
        ("DELETE", &lock, "", b"body", 400, empty, ""),
        ("GET", "/a/b/locks/", "", b"", 200, &[], "[]"),
        ("DELETE", &data, "", b"", 200, empty, ""),
        ("GET", &data, "", b"", 404, empty, ""),
        ("POST", "/busy/config", "", &long, 503, empty, ""),
        ("HEAD", "/panic/config", "", b"", 500, empty, ""),
        ("POST", "/panic/config", "", &long, 500, empty, ""),
        ("DELETE", "/panic/config", "", b"", 500, empty, ""),
        ("HEAD", "/a/b/config", "", b"", 404, empty, ""),
    ];
    // One connection for all of them: no refusal leaves it unusable.
    let mut wire = server.open();
    for (method, path, headers, body, status, expected, text) in table {
        let answer = wire.ask(method, path, headers, body);
        let row = format!("{method} {path} {headers}: {answer:?}");
        assert_eq!(answer.status, *status, "{row}");
        for (name, value) in *expected {
            assert_eq!(answer.header(name), Some(*value), "{row}");
        }
        assert_eq!(answer.text(), *text, "{row}");
        assert_eq!(answer.header("server"), Some("restic-123pan"), "{row}");
        assert!(
            answer.header("date").is_some() && !answer.reason.is_empty(),
            "{row}"
        );
    }
}

#[test]
fn bodies_of_every_form() {
    let server = Running::start();
    let mut wire = server.open();
    let large = vec![7; 3 << 20];
    let path = |bytes: &[u8]| format!("/a/data/{}", id(bytes));
    let te = "Transfer-Encoding: chunked\r\n";

    // restic 0.19's and rustic's ways to create.
    wire.send(post("/a/?create=true", te)).send(chunked(&[b""]));
    assert_eq!(wire.answer(false).status, 200);
    wire.send(post("/a/?create=true", ""));
    assert_eq!(wire.answer(false).status, 200);

    wire.send(post(&path(&large), te))
        .send(chunked(&[&large[..1], &large[1..], b""]));
    assert_eq!(wire.answer(false).status, 200);
    assert_eq!(wire.ask("GET", &path(&large), "", b"").body.unwrap(), large);

    // A body whose length nobody tells.
    wire.send(post(&path(b"x"), ""));
    assert_eq!(wire.answer(false).status, 411);

    for bytes in [&b"small"[..], &large[1..]] {
        let length = format!(
            "Content-Length: {}\r\nExpect: 100-continue\r\n",
            bytes.len()
        );
        wire.send(post(&path(bytes), &length));
        assert_eq!(wire.answer(false).status, 100);
        assert_eq!(wire.send(bytes).answer(false).status, 200);
    }
    // A refusal also wants the body first, so that the connection stays in step.
    wire.send(post(
        "/a/data/x",
        "Content-Length: 5\r\nExpect: 100-continue\r\n",
    ));
    assert_eq!(wire.answer(false).status, 100);
    assert_eq!(wire.send(b"hello").answer(false).status, 404);
    assert_eq!(wire.ask("HEAD", &path(&large), "", b"").status, 200);
}

#[test]
fn old_clients() {
    let server = Running::start();
    server.open().ask("POST", "/a/config", "", b"hello");
    server
        .open()
        .ask("POST", &format!("/a/keys/{}", id(b"key")), "", b"key");
    let mut wire = server.open();
    for _ in 0..2 {
        let answer = wire
            .send("GET /a/config HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            .answer(false);
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
        assert_eq!(answer.header("connection"), Some("keep-alive"));
    }
    for wish in ["", "Connection: Keep-Alive\r\n"] {
        let mut wire = server.open();
        let answer = wire
            .send(format!("GET /a/keys/ HTTP/1.0\r\n{wish}\r\n"))
            .answer(false);
        assert_eq!(answer.header("transfer-encoding"), None);
        assert_eq!(answer.text(), format!("[\"{}\"]", id(b"key")));
        assert!(wire.ended());
    }
    let mut wire = server.open();
    assert_eq!(
        wire.ask("GET", "/a/config", "Connection: close\r\n", b"")
            .text(),
        "hello"
    );
    assert!(wire.ended());
}

#[test]
fn lengths_that_cannot_be_trusted() {
    let server = Running::start();
    let file = format!("/a/keys/{}", id(b"key"));
    server.open().ask("POST", &file, "", b"key");
    let smuggled = format!("DELETE {file} HTTP/1.1\r\n\r\n");
    let table = [
        "Content-Length: abc\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length:\r\n",
        "Content-Length: 1 1\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\nConnection: upgrade\r\n",
        "Content-Length: +99999999999999\r\n",
    ];
    for headers in table {
        let mut wire = server.open();
        wire.send(post("/a/config", headers)).send(&smuggled);
        let answer = wire.answer(false);
        assert_eq!(answer.status, 400, "{headers}");
        assert_eq!(answer.header("connection"), Some("close"), "{headers}");
        assert!(wire.ended(), "{headers}");
        assert!(server.has(&file), "{headers}");
    }
}

#[test]
fn bodies_that_break_off() {
    let server = Running::with(|config| config.socket_timeout = Duration::from_secs(1));
    let te = "Transfer-Encoding: chunked\r\n";
    let (short, none) = (vec![b'x'; 2000], Vec::new());
    let table: [(&str, &str, Vec<u8>); 6] = [
        ("short", "Content-Length: 3000\r\n", short.clone()),
        (
            "large and short",
            "Content-Length: 200000000\r\n",
            short.clone(),
        ),
        ("mid-chunk", te, chunked(&[&short])[..1000].to_vec()),
        ("between chunks", te, chunked(&[&short])),
        ("before the first chunk", te, none),
        ("no chunk at all", te, b"hello\r\n".to_vec()),
    ];
    for (name, headers, body) in &table {
        for stalls in [false, true] {
            let mut wire = server.open();
            wire.send(post("/a/config", headers)).send(body);
            if !stalls {
                wire.end();
            }
            let answer = wire.answer(false);
            assert_eq!(answer.status, 400, "{name}, stalls: {stalls}");
            assert!(wire.ended(), "{name}");
            assert!(!server.has("/a/config"), "{name}");
        }
        // And without waiting for an answer.
        server.open().send(post("/a/config", headers)).send(body);
    }
    assert!(server.lives() && !server.has("/a/config"));
}

#[test]
fn huge_bodies_are_never_dropped_unread() {
    let server = Running::with(|config| config.leaks = 4);
    let huge = "Content-Length: 9000000000\r\n";
    let path = format!("/a/data/{}", id(b"x"));
    for headers in [
        "Content-Length: 10000000001\r\n",
        "Content-Length: 99999999999999999\r\n",
    ] {
        let mut wire = server.open();
        let answer = wire.send(post(&path, headers)).send([0; 100]).answer(false);
        assert_eq!(answer.status, 413);
        assert!(wire.ended() && server.lives());
    }
    let mut wire = server.open();
    assert_eq!(
        wire.send(post(&path, huge))
            .send([0; 5000])
            .end()
            .answer(false)
            .status,
        400
    );
    assert!(wire.ended() && server.lives());
    // One too many: the server leaves for a restart.
    server
        .open()
        .send(post("/a/nothing", huge))
        .send([0; 5000])
        .end();
    let mut server = server;
    let left = server.thread.take().unwrap().join().unwrap();
    assert!(matches!(left, Err(Error::Leaks)), "{left:?}");
}

#[test]
fn answers_that_fail_midway_are_cut() {
    let server = Running::start();
    let bytes = vec![9; 1 << 20];
    let path = format!("/cut/data/{}", id(&bytes));
    server.open().ask("POST", &path, "", &bytes);
    for path in [path.as_str(), "/cut/data/"] {
        let since = Instant::now();
        let answer = server.open().ask("GET", path, "", b"");
        assert_eq!((answer.status, answer.body), (200, None), "{path}");
        assert!(since.elapsed() < Duration::from_secs(2), "{path}");
    }
    assert!(server.lives());
}

#[test]
fn a_full_queue_refuses() {
    let server = Running::with(|config| (config.workers, config.queue) = (1, 1));
    let send = |bytes: &[u8]| {
        let mut wire = server.open();
        let length = format!("Content-Length: {}\r\n", bytes.len());
        wire.send(post(&format!("/slow/data/{}", id(bytes)), &length))
            .send(bytes);
        wire
    };
    let mut first = send(b"first");
    server.store.wait_for(1);
    let mut second = send(b"second");
    thread::sleep(Duration::from_millis(100));
    let mut third = send(&[1; 100_000]);
    assert_eq!(third.answer(false).status, 503);
    // Locks have a lane of their own.
    let lock = format!("/a/locks/{}", id(b"lock"));
    assert_eq!(server.open().ask("POST", &lock, "", b"lock").status, 200);
    server.store.open();
    assert_eq!(first.answer(false).status, 200);
    assert_eq!(second.answer(false).status, 200);
    assert_eq!(third.ask("POST", &lock, "", b"lock").status, 200);
}

#[test]
fn connections_opened_at_once_all_get_answers() {
    let server = Running::start();
    for _ in 0..4 {
        let since = Instant::now();
        let mut wires: Vec<Wire> = (0..5).map(|_| server.open()).collect();
        for _ in 0..3 {
            for wire in &mut wires {
                wire.send("GET /a/config HTTP/1.1\r\n\r\n");
            }
            for wire in &mut wires {
                assert_eq!(wire.answer(false).status, 404);
            }
        }
        assert!(
            since.elapsed() < Duration::from_secs(3),
            "{:?}",
            since.elapsed()
        );
    }
}

#[test]
fn deletes_travel_together() {
    let server = Running::start();
    let mut wires: Vec<Wire> = (0..20).map(|_| server.open()).collect();
    for (n, wire) in wires.iter_mut().enumerate() {
        let bytes = [n as u8; 3];
        assert_eq!(
            wire.ask("POST", &format!("/a/data/{}", id(&bytes)), "", &bytes)
                .status,
            200
        );
    }
    for (n, wire) in wires.iter_mut().enumerate() {
        wire.send(format!(
            "DELETE /a/data/{} HTTP/1.1\r\n\r\n",
            id(&[n as u8; 3])
        ));
    }
    for wire in &mut wires {
        assert_eq!(wire.answer(false).status, 200);
    }
    let batches = server.store.batches();
    assert_eq!(batches.iter().sum::<usize>(), 20);
    assert!(batches.len() <= 4, "{batches:?}");
    assert_eq!(server.open().ask("GET", "/a/data/", "", b"").text(), "[]");
}

#[test]
fn a_delete_waits_for_the_upload_before_it() {
    let server = Running::start();
    let (mut upload, mut delete, mut other) = (server.open(), server.open(), server.open());
    let path = format!("/slow/locks/{}", id(b"lock"));
    upload
        .send(post(&path, "Content-Length: 4\r\n"))
        .send(b"lock");
    server.store.wait_for(1);
    delete.send(format!("DELETE {path} HTTP/1.1\r\n\r\n"));
    // Those of other names go past it.
    let free = format!("/a/locks/{}", id(b"free"));
    assert_eq!(other.ask("DELETE", &free, "", b"").status, 200);
    server.store.open();
    assert_eq!(upload.answer(false).status, 200);
    assert_eq!(delete.answer(false).status, 200);
    assert!(!server.has(&path));
}

#[test]
fn pipelining_is_refused() {
    let server = Running::start();
    let mut wire = server.open();
    let path = format!("/slow/data/{}", id(b"one"));
    wire.send(post(&path, "Content-Length: 3\r\n")).send(b"one");
    wire.send("GET /a/config HTTP/1.1\r\n\r\n");
    thread::sleep(Duration::from_millis(200));
    server.store.open();
    assert_eq!(wire.answer(false).status, 200);
    assert!(wire.ended());
    assert!(server.lives());
}

#[test]
fn stopping_lets_running_requests_end() {
    let server = Running::start();
    let (mut running, mut late) = (server.open(), server.open());
    assert_eq!(late.ask("GET", "/a/config", "", b"").status, 404);
    running
        .send(post(
            &format!("/slow/data/{}", id(b"x")),
            "Content-Length: 1\r\n",
        ))
        .send(b"x");
    server.store.wait_for(1);
    server.stop.stop();
    thread::sleep(Duration::from_millis(400));
    assert_eq!(late.ask("GET", "/a/config", "", b"").status, 503);
    server.store.open();
    assert_eq!(running.answer(false).status, 200);
    let ended = server.end();
    assert!(ended.is_ok(), "{ended:?}");
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let server = Running::with(|config| config.stop_timeout = Duration::from_millis(300));
    let mut wire = server.open();
    wire.send(post(
        &format!("/slow/data/{}", id(b"x")),
        "Content-Length: 1\r\n",
    ))
    .send(b"x");
    server.store.wait_for(1);
    let ended = server.end();
    assert!(matches!(ended, Err(Error::Late)), "{ended:?}");
}

#[test]
fn a_taken_port_says_what_to_do() {
    let server = Running::start();
    let config = Config {
        listen: server.address.to_string(),
        ..Config::default()
    };
    let error = server::bind(&config).unwrap_err().to_string();
    assert!(
        error.ends_with("is in use; choose another with --listen"),
        "{error}"
    );
}

#[test]
fn idle_servers_stop_at_once() {
    let server = Running::start();
    assert!(server.lives());
    let since = Instant::now();
    assert!(server.end().is_ok());
    assert!(since.elapsed() < Duration::from_secs(2));
}
