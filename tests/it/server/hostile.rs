//! Clients that break off, stall, lie about their bodies or don't wait for answers.

use super::{Running, chunked, id, post};
use crate::wire::Wire;
use restic_123pan::front::Pace;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of a body after which somebody begins with it.
const STARTED: usize = 70_000;

/// A client that stalls for a second is too slow.
const QUICK: Pace = Pace {
    rate: 1 << 10,
    patience: Duration::from_secs(1),
};

#[test]
fn lengths_that_cannot_be_trusted() {
    let server = Running::start();
    let file = format!("/a/keys/{}", id(b"key"));
    server.open().ask("POST", &file, "", b"key");
    let smuggled = format!("DELETE {file} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let table = [
        "Content-Length: abc\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length:\r\n",
        "Content-Length: 1 1\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: 0x10\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
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
    let server = Running::with(|config| config.front.pace = QUICK);
    let te = "Transfer-Encoding: chunked\r\n";
    let (short, none) = (vec![b'x'; 2000], Vec::new());
    #[rustfmt::skip]
    let table: [(&str, &str, Vec<u8>); 6] = [
        ("short", "Content-Length: 3000\r\n", short.clone()),
        ("large and short", "Content-Length: 200000000\r\n", short.clone()),
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
fn a_config_without_a_length_is_not_collected_whole() {
    let server = Running::start();
    let mut wire = server.open();
    wire.send(post("/a/config", "Transfer-Encoding: chunked\r\n"));
    // And no end of it.
    let answer = wire.send(chunked(&[&[7; 400_000]])).answer(false);
    assert_eq!(answer.status, 400);
    assert!(wire.ended() && !server.has("/a/config"));
}

#[test]
fn huge_bodies_are_not_waited_for() {
    let server = Running::with(|config| config.front.pace = QUICK);
    let path = format!("/a/data/{}", id(b"x"));
    for length in [10_000_000_001, u64::MAX] {
        let head = format!("Content-Length: {length}\r\n");
        let mut wire = server.open();
        let answer = wire
            .send(post(&path, &head))
            .send([0; 70_000])
            .answer(false);
        assert_eq!(answer.status, 413);
        assert!(wire.ended() && server.lives());
    }
    // More of them than there are workers, each with a byte.
    let huge = "Content-Length: 9000000000\r\n";
    let mut wires: Vec<Wire> = (0..32).map(|_| server.open()).collect();
    for wire in &mut wires {
        wire.send(post(&path, huge)).send([0]);
    }
    let file = format!("/a/data/{}", id(b"other"));
    assert_eq!(server.open().ask("POST", &file, "", b"other").status, 200);
    for wire in &mut wires {
        assert_eq!(wire.end().answer(false).status, 400);
        assert!(wire.ended());
    }
    let mut refused = server.open();
    refused
        .send(post("/a/data/x", huge))
        .send([0; 70_000])
        .end();
    assert_eq!(refused.answer(false).status, 404);
    assert!(server.lives());
}

/// Other parties hold every thread of the packs' lane: three send nothing more, one is slow.
#[test]
fn who_stands_still_gives_way_to_others() {
    let server = Running::with(|config| {
        config.workers = 2;
        config.front.pace.patience = Duration::from_secs(20);
    });
    let upload = |party: u8, body: &[u8]| {
        let mut wire = server.open_from([127, 0, 0, party]);
        let path = format!("/a/data/{}", id(body));
        let head = format!("Content-Length: {}\r\n", body.len());
        wire.send(post(&path, &head)).send(&body[..STARTED]);
        wire
    };
    let (still, slow) = ([7; 200_000], vec![8; STARTED + 60_000]);
    let mut moves = upload(2, &slow);
    let mut held = [3, 4, 5].map(|party| upload(party, &still));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Twice as fast as it must be.
            for piece in slow[STARTED..].chunks(500) {
                if !stop.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(250));
                }
                moves.send(piece);
            }
        });
        let begin = Instant::now();
        for seed in 0..2 {
            let path = format!("/a/data/{}", id(&[seed]));
            assert_eq!(server.open().ask("POST", &path, "", &[seed]).status, 200);
        }
        stop.store(true, Ordering::SeqCst);
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(15), "{took:?}");
    });
    assert_eq!(moves.answer(false).status, 200);
    let first = held.iter_mut().next().unwrap();
    assert_eq!(first.answer(false).status, 400);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Running::start();
    let mut wire = server.open();
    let path = format!("/slow/data/{}", id(b"one"));
    wire.send(post(&path, "Content-Length: 3\r\n")).send(b"one");
    let next = "HEAD /a/config HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // The last of them is followed by the client's end.
    wire.send(next.repeat(20)).end();
    thread::sleep(Duration::from_millis(200));
    server.store.open();
    assert_eq!(wire.answer(false).status, 200);
    for _ in 0..20 {
        assert_eq!(wire.answer(true).status, 404);
    }
    assert!(wire.ended() && server.lives());
}
