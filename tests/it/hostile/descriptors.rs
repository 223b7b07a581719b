//! What happens when descriptors run out: the server goes on as long as it can get some back, and
//! leaves with an error code when it can't.

use super::attacker::Attacker;
use super::{honest, start};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

/// How long a server that can't go on may take to leave: it hopes for half a minute, and then
/// gives running requests a minute.
const PATIENCE: Duration = Duration::from_secs(150);

/// More idle connections than there are descriptors, again and again.
pub(super) fn idle(by: &Attacker<'_>) -> String {
    by.hold(100, || by.open(), |_| {})
}

/// tiny_http never gives back what an HTTP/2 preface takes. When nothing is left, the server goes.
#[test]
fn a_server_that_cannot_go_on_leaves_with_an_error() {
    let rig = start(Some(64));
    let stop = AtomicBool::new(false);
    let attacker = Attacker {
        target: rig.address(),
        from: Ipv4Addr::new(127, 0, 0, 2),
        stop: &stop,
    };
    assert!(honest::answers(rig.address()));
    let begin = Instant::now();
    let mut held: Vec<TcpStream> = Vec::new();
    let code = loop {
        if let Some(code) = rig.ended() {
            break code;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "it neither works nor leaves:\n{}",
            rig.log()
        );
        if held.len() < 64 {
            let stream = attacker.open().inspect(|mut stream| {
                let _ = std::io::Write::write_all(&mut stream, b"PRI * HTTP/2.0\r\n\r\n");
            });
            held.extend(stream);
        }
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(code, Some(1), "{}", rig.log());
    let log = rig.log();
    let reasons = [
        "doesn't answer on its own port",
        "has lost too many connections",
    ];
    assert!(reasons.iter().any(|why| log.contains(why)), "{log}");
    println!("left after {:.1} s", begin.elapsed().as_secs_f64());
}
