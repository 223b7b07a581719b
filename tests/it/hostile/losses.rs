//! What tiny_http never gives back: connections with a length beyond memory, which the server must
//! not let it see the end of, and those on which HTTP/2 is spoken. One address may lose a few, and
//! is then kept out until the server restarts. It can't make the server leave.

use super::attacker::{Attacker, PAUSE, pack, post};
use super::{honest, start};
use crate::rig::Rig;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

/// Connections of each attacker: far more than it may lose, and as lengths more than the server
/// would bear of many addresses.
const MANY: usize = 60;
/// How long it may take until an address is kept out: what was lost by HTTP/2 shows by staying for
/// half a minute after it was cut.
const PATIENCE: Duration = Duration::from_secs(150);

#[test]
fn one_address_cannot_make_the_server_leave() {
    let rig = start(None);
    let stop = AtomicBool::new(false);
    let attacker = |last| Attacker {
        target: rig.address(),
        from: Ipv4Addr::new(127, 0, 0, last),
        stop: &stop,
    };
    let huge = post(&pack(1), "Content-Length: 9000000000\r\n") + "xxx";
    for (by, bytes) in [
        (attacker(2), huge.as_str()),
        (attacker(3), "PRI * HTTP/2.0\r\n\r\n"),
    ] {
        // All at once, so that there is no time to keep it out.
        let mut held: Vec<TcpStream> = (0..MANY).filter_map(|_| by.open()).collect();
        assert_eq!(held.len(), MANY, "the same address was kept out before");
        for stream in &mut held {
            let _ = stream.write_all(bytes.as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
        wait_for(&rig, &format!("{} is kept out until", by.from));
    }
    let seen = honest::back_up(&rig, 1);
    assert!(rig.ended().is_none(), "{}", rig.log());
    println!("{seen}");
}

fn wait_for(rig: &Rig, line: &str) {
    let end = Instant::now() + PATIENCE;
    while !rig.log().contains(line) {
        assert!(rig.ended().is_none(), "it left:\n{}", rig.log());
        assert!(Instant::now() < end, "no {line:?}:\n{}", rig.log());
        thread::sleep(PAUSE);
    }
}
