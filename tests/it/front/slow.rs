//! Slow clients, at a twenty-fifth of the times: who is a little slow is borne on one connection or
//! twenty, who stands still isn't. Where exactly the line is, `front::pace` shows without a clock.

use crate::rigged::Rigged;
use crate::served::Served;
use crate::wire::Wire;
use restic_123pan::front::Pace;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// A second, in tests.
const SECOND: Duration = Duration::from_millis(40);
/// Bytes that must come in it.
const RATE: usize = 1 << 10;

fn start() -> Served {
    Served::with(Rigged::default(), 0, |config| {
        config.front.pace = Pace {
            rate: (RATE as u64) * 25,
            patience: Pace::default().patience / 25,
        };
        config.front.idle /= 25;
    })
}

fn file(body: &[u8]) -> String {
    format!("/a/data/{}", hex(&Sha256::digest(body)))
}

#[test]
fn a_slow_upload_is_borne() {
    slow_uploads(1);
}

#[test]
fn twenty_slow_uploads_are_borne() {
    slow_uploads(20);
}

fn slow_uploads(count: u8) {
    let server = start();
    thread::scope(|scope| {
        for number in 0..count {
            let address = server.address;
            scope.spawn(move || {
                let body = [number; 200 * RATE];
                let head = format!("Content-Length: {}\r\n", body.len());
                let mut wire = Wire::open(address);
                wire.send(format!(
                    "POST {} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n",
                    file(&body)
                ));
                // Four times the least, and a sleep of almost a minute in the middle.
                for (at, piece) in body.chunks(4 * RATE).enumerate() {
                    thread::sleep(if at == 25 { SECOND * 50 } else { SECOND });
                    wire.send(piece);
                }
                assert_eq!(wire.answer(false).status, 200);
            });
        }
    });
}

#[test]
fn slow_downloads_are_borne() {
    let server = start();
    let body = vec![7; 8 << 20];
    let mut wire = Wire::open(server.address);
    assert_eq!(wire.ask("POST", &file(&body), "", &body).status, 200);
    thread::scope(|scope| {
        for _ in 0..20 {
            let (address, body) = (server.address, &body);
            scope.spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let request = format!(
                    "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                    file(body)
                );
                stream.write_all(request.as_bytes()).unwrap();
                // In steps, as a receiver opens its window: 384 KiB each 19 s.
                let (mut all, mut piece) = (Vec::new(), vec![0; 384 << 10]);
                while let Ok(n @ 1..) = stream.read(&mut piece) {
                    all.extend_from_slice(&piece[..n]);
                    if all.len() / piece.len() > (all.len() - n) / piece.len() {
                        thread::sleep(SECOND * 19);
                    }
                }
                assert!(all.ends_with(body));
            });
        }
    });
}

#[test]
fn who_stands_still_is_not_borne() {
    let server = start();
    let body = vec![7; 8 << 20];
    assert_eq!(
        Wire::open(server.address)
            .ask("POST", &file(&body), "", &body)
            .status,
        200
    );
    let begin = Instant::now();
    let mut upload = Wire::open(server.address);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n\r\n",
        file(b"x")
    );
    upload.send(head).send([0; 100_000]);
    let mut download = TcpStream::connect(server.address).unwrap();
    let head = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", file(&body));
    download.write_all(head.as_bytes()).unwrap();
    assert_eq!(upload.answer(false).status, 400);
    let took = begin.elapsed();
    assert!(took > SECOND * 90 && took < SECOND * 90 * 10, "{took:?}");
    // What the kernel holds is still there; the rest never comes.
    thread::sleep(SECOND * 100);
    let mut all = Vec::new();
    let _ = download.read_to_end(&mut all);
    assert!(all.len() < body.len());
}

#[test]
fn an_idle_connection_lives_longer_than_clients_keep_it() {
    let server = start();
    let mut wire = Wire::open(server.address);
    assert_eq!(wire.ask("GET", "/-/healthz", "", b"").status, 200);
    thread::sleep(SECOND * 95);
    let begin = Instant::now();
    assert_eq!(wire.ask("GET", "/-/healthz", "", b"").status, 200);
    assert!(wire.ended());
    assert!(begin.elapsed() > SECOND * 140);
}
