//! Slow clients, at a twenty-fifth of the times: who is a little slow is borne on one connection or
//! twenty, who stands still isn't. Where exactly the line is, `front::pace` shows without a clock.

use crate::rigged::{Rigged, anywhere};
use crate::wire::Wire;
use restic_123pan::body::Budget;
use restic_123pan::front::Pace;
use restic_123pan::restic::hex;
use restic_123pan::server::{self, Config, Stop};
use restic_123pan::service::Service;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// A second, in tests.
const SECOND: Duration = Duration::from_millis(40);
/// Bytes that must come in it.
const RATE: usize = 1 << 10;

struct Running(SocketAddr, Stop);

impl Running {
    fn start() -> Self {
        let mut config = Config {
            front: anywhere(),
            ..Config::default()
        };
        let usual = Pace::default();
        config.front.pace = Pace {
            rate: (RATE as u64) * 25,
            patience: usual.patience / 25,
        };
        config.front.idle /= 25;
        let bound = server::bind(&config).unwrap();
        let (address, stop) = (bound.address().unwrap(), bound.stopper());
        let service = Service::new(Box::new(Rigged::default()), Budget::new(0, None));
        thread::spawn(move || bound.run(service));
        Self(address, stop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.1.stop();
    }
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
    let server = Running::start();
    thread::scope(|scope| {
        for number in 0..count {
            let address = server.0;
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
    let server = Running::start();
    let body = vec![7; 8 << 20];
    let mut wire = Wire::open(server.0);
    assert_eq!(wire.ask("POST", &file(&body), "", &body).status, 200);
    thread::scope(|scope| {
        for _ in 0..20 {
            let (address, body) = (server.0, &body);
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
    let server = Running::start();
    let body = vec![7; 8 << 20];
    assert_eq!(
        Wire::open(server.0)
            .ask("POST", &file(&body), "", &body)
            .status,
        200
    );
    let begin = Instant::now();
    let mut upload = Wire::open(server.0);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n\r\n",
        file(b"x")
    );
    upload.send(head).send([0; 100_000]);
    let mut download = TcpStream::connect(server.0).unwrap();
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
    let server = Running::start();
    let mut wire = Wire::open(server.0);
    assert_eq!(wire.ask("GET", "/-/healthz", "", b"").status, 200);
    thread::sleep(SECOND * 95);
    let begin = Instant::now();
    assert_eq!(wire.ask("GET", "/-/healthz", "", b"").status, 200);
    assert!(wire.ended());
    assert!(begin.elapsed() > SECOND * 140);
}
