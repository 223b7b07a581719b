//! Notifications, as a small server of the test's own receives them, and what else is said of a
//! repository whose backups have stopped.

use super::finish;
use crate::rig::Rig;
use crate::wire::Wire;
use restic_123pan::restic::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longest wait for a notification.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that takes POSTs: its address, and what comes.
fn receiver() -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/some-key", listener.local_addr().unwrap());
    let (out, received) = channel();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = BufReader::new(socket.unwrap());
            let (mut first, mut length) = (String::new(), 0);
            socket.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                socket.read_line(&mut line).unwrap();
                let line = line.trim_end().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                let announced = line.strip_prefix("content-length: ");
                length = announced.map_or(length, |text| text.parse().unwrap());
            }
            let mut body = vec![0; length];
            socket.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            socket.get_mut().write_all(answer).unwrap();
            let told = serde_json::from_slice(&body).unwrap();
            if out.send((first.trim_end().to_owned(), told)).is_err() {
                return;
            }
        }
    });
    (url, received)
}

fn snapshot(rig: &Rig, repo: &str, content: &[u8]) {
    let path = format!("{repo}/snapshots/{}", hex(&Sha256::digest(content)));
    let answer = Wire::open(rig.address()).ask("POST", &path, "", content);
    assert_eq!(answer.status, 200);
}

#[test]
fn backups_that_stop_are_told_of_everywhere() {
    let (url, received) = receiver();
    let rig = Rig::start(&["--max-age", "2s", "--notify", &url]);
    snapshot(&rig, "/laptop", b"the first one of all");
    let (first, told) = received.recv_timeout(PATIENCE).unwrap();
    assert!(first.starts_with("POST /some-key HTTP/1.1"), "{first}");
    assert_eq!(
        (&told["event"], &told["subject"]),
        (&"stale".into(), &"/laptop".into())
    );
    for name in ["message", "body", "desp"] {
        let text = told[name].as_str().unwrap();
        assert!(
            text.contains("the last snapshot came") && text.contains("快照"),
            "{text}"
        );
    }
    let page = Wire::open(rig.address()).ask("GET", "/-/", "", b"").text();
    assert!(
        page.contains("repo stale") && page.contains("Needs your attention"),
        "{page}"
    );
    assert!(!page.contains("All is well"), "{page}");
    let lines = || {
        rig.log()
            .matches("WARN  /laptop: the last snapshot came")
            .count()
    };
    assert_eq!(lines(), 1, "{}", rig.log());
    let listen = format!("127.0.0.1:{}", rig.port());
    let status = |age: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
        finish(command.args(["status", "--listen", &listen, "--max-age", age]))
    };
    let old = status("1s");
    let text = String::from_utf8_lossy(&old.stdout).into_owned();
    assert_eq!(old.status.code(), Some(1), "{text}");
    assert!(
        text.contains("too old   the last snapshot of /laptop"),
        "{text}"
    );
    assert_eq!(status("1h").status.code(), Some(0));
    snapshot(&rig, "/laptop", b"the second one of all");
    let (_, told) = received.recv_timeout(PATIENCE).unwrap();
    assert_eq!(told["event"], "recovered");
    assert!(!rig.log().contains("some-key"), "{}", rig.log());
    assert_eq!(lines(), 1, "{}", rig.log());
}

#[test]
fn an_address_that_takes_nothing_is_a_warning_without_the_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/some-key", taken.local_addr().unwrap());
    drop(taken);
    let rig = Rig::start(&["--max-age", "1s", "--notify", &url]);
    snapshot(&rig, "/laptop", b"the only one of all");
    let line = rig.wait_for(|line| line.contains("can't be sent").then(|| line.to_owned()));
    assert!(!line.contains("some-key"), "{line}");
}

#[test]
fn a_restart_tells_nothing_twice() {
    let (url, received) = receiver();
    let rig = Rig::start(&["--max-age", "2s", "--notify", &url]);
    let next = || {
        let (_, told) = received.recv_timeout(PATIENCE).unwrap();
        format!("{} {}", told["event"], told["subject"]).replace('"', "")
    };
    snapshot(&rig, "/laptop", b"the first one of all");
    assert_eq!(next(), "stale /laptop");
    rig.stop_and_restart();
    // When this one is told of, the other has been seen as well.
    snapshot(&rig, "/phone", b"the first one of all");
    assert_eq!(next(), "stale /phone");
    snapshot(&rig, "/laptop", b"the second one of all");
    assert_eq!(next(), "recovered /laptop");
}
