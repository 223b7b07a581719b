//! Clients that break off, stall, lie about their bodies or don't wait for answers.

use super::{Running, chunked, id, post};
use restic_123pan::server::Error;
use std::thread;
use std::time::Duration;

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
