//! Many clients at once, queues, batches, and the end of the server.

use super::{Running, id, post};
use crate::wire::Wire;
use restic_123pan::server::{self, Config, Error};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

#[test]
fn a_full_queue_refuses() {
    let server = Running::with(|config| (config.workers, config.queue) = (1, 1));
    let (sender, answers) = channel();
    let send = |seed: u8| {
        let (mut wire, sender, body) = (server.open(), sender.clone(), [seed; 100_000]);
        let path = format!("/slow/data/{}", id(&body));
        thread::spawn(move || {
            let status = wire.ask("POST", &path, "", &body).status;
            sender.send((status, wire)).unwrap();
        });
    };
    send(1);
    server.store.wait_for(1);
    // One of these has its place, whichever comes first.
    (2..4).for_each(send);
    let (status, mut refused) = answers.recv().unwrap();
    assert_eq!(status, 503);
    // Locks have a lane of their own.
    let lock = format!("/a/locks/{}", id(b"lock"));
    assert_eq!(server.open().ask("POST", &lock, "", b"lock").status, 200);
    server.store.open();
    for _ in 0..2 {
        assert_eq!(answers.recv().unwrap().0, 200);
    }
    assert_eq!(refused.ask("POST", &lock, "", b"lock").status, 200);
}

/// Locks and their DELETEs wait for the cloud's lists, for up to 20 s; nobody else does.
#[test]
fn waiting_locks_hold_nobody_up() {
    let server = Running::start();
    let mut wires: Vec<Wire> = (0..8).map(|_| server.open()).collect();
    for (n, wire) in (0_u8..).zip(&mut wires) {
        let path = format!("/slow/locks/{}", id(&[n]));
        match n % 2 {
            0 => wire.send(post(&path, "Content-Length: 1\r\n")).send([n]),
            _ => wire.send(format!("DELETE {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        };
        // One after the other, or DELETEs would travel together.
        server.store.wait_for(usize::from(n) + 1);
    }
    let mut other = server.open();
    for kind in ["keys", "locks", "snapshots", "index", "data"] {
        let path = format!("/a/{kind}/{}", id(b"other"));
        assert_eq!(other.ask("POST", &path, "", b"other").status, 200, "{kind}");
        assert_eq!(other.ask("HEAD", &path, "", b"").status, 200, "{kind}");
        let list = other.ask("GET", &format!("/a/{kind}/"), "", b"");
        assert!(list.text().contains(&id(b"other")), "{kind}");
        assert_eq!(other.ask("DELETE", &path, "", b"").status, 200, "{kind}");
    }
    server.store.open();
    for wire in &mut wires {
        assert_eq!(wire.answer(false).status, 200);
    }
}

#[test]
fn connections_opened_at_once_all_get_answers() {
    let server = Running::start();
    for _ in 0..4 {
        let mut wires: Vec<Wire> = (0..5).map(|_| server.open()).collect();
        for _ in 0..3 {
            for wire in &mut wires {
                wire.send("GET /a/config HTTP/1.1\r\nHost: localhost\r\n\r\n");
            }
            for wire in &mut wires {
                assert_eq!(wire.answer(false).status, 404);
            }
        }
    }
}

/// Packs travel together behind the answer, which is the store's business.
#[test]
fn deletes_travel_together() {
    let server = Running::start();
    let mut wires: Vec<Wire> = (0..20).map(|_| server.open()).collect();
    for (n, wire) in (0_u8..).zip(&mut wires) {
        let bytes = [n; 3];
        assert_eq!(
            wire.ask("POST", &format!("/a/snapshots/{}", id(&bytes)), "", &bytes)
                .status,
            200
        );
    }
    for (n, wire) in (0_u8..).zip(&mut wires) {
        wire.send(format!(
            "DELETE /a/snapshots/{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            id(&[n; 3])
        ));
    }
    for wire in &mut wires {
        assert_eq!(wire.answer(false).status, 200);
    }
    let batches = server.store.batches();
    assert_eq!(batches.iter().sum::<usize>(), 20);
    assert!(batches.len() <= 4, "{batches:?}");
    assert_eq!(
        server.open().ask("GET", "/a/snapshots/", "", b"").text(),
        "[]"
    );
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
    delete.send(format!("DELETE {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    // Those of other names go past it.
    let free = format!("/a/locks/{}", id(b"free"));
    assert_eq!(other.ask("DELETE", &free, "", b"").status, 200);
    server.store.open();
    assert_eq!(upload.answer(false).status, 200);
    assert_eq!(delete.answer(false).status, 200);
    assert!(!server.has(&path));
}

/// Nor does it wait for ever, or outlive its client, who may have gone on to something else.
#[test]
fn a_delete_gives_up_its_turn() {
    let server = Running::with(|config| config.turn = Duration::from_millis(300));
    let (mut upload, mut waits, mut goes) = (server.open(), server.open(), server.open());
    let path = format!("/slow/locks/{}", id(b"lock"));
    let delete = format!("DELETE {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    upload
        .send(post(&path, "Content-Length: 4\r\n"))
        .send(b"lock");
    server.store.wait_for(1);
    goes.send(&delete);
    drop(goes);
    waits.send(&delete);
    assert_eq!(waits.answer(false).status, 503);
    server.store.open();
    assert_eq!(upload.answer(false).status, 200);
    assert!(server.has(&path));
    assert_eq!(server.open().ask("DELETE", &path, "", b"").status, 200);
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
    let mut ask = || late.ask("GET", "/a/config", "", b"").status;
    let not_404 = (0..).map(|_| ask()).find(|status| *status != 404);
    assert_eq!(not_404, Some(503));
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
    let mut config = Config::default();
    config.front.listen = vec![server.address.to_string().parse().unwrap()];
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
    assert!(server.end().is_ok());
}
