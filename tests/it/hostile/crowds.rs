//! Thousands of connections that ask for nothing: what they cost, and which of them go.

use super::attacker::Attacker;
use super::process::Process;
use super::{honest, start};
use crate::waiting::eventually;
use crate::wire::Wire;
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Addresses, and connections of each.
const ADDRESSES: u8 = 50;
const EACH: usize = 100;
/// Kilobytes that all of them may take.
const COST: u64 = 8 << 10;
/// How long an answer may take meanwhile: much less than those that do nothing are borne.
const AT_ONCE: Duration = Duration::from_secs(20);
/// Connections of one address, more than it may have.
const MANY: usize = 2_200;
/// Descriptors that this process needs for all of them.
const DESCRIPTORS: u64 = 8_000;

#[test]
fn thousands_of_idle_connections_cost_next_to_nothing() {
    if !enough_descriptors() {
        return;
    }
    let rig = start(None);
    let process = Process::of(rig.pid());
    assert!(honest::answers(rig.address()));
    let before = process.look();
    let stop = AtomicBool::new(false);
    let open = |last| {
        let from = Ipv4Addr::new(127, 0, 1, last);
        let by = attacker(&rig, from, &stop);
        (0..EACH).map(move |_| by.open().unwrap())
    };
    let held: Vec<TcpStream> = (1..=ADDRESSES).flat_map(open).collect();
    eventually("all are accepted", || {
        process.look().descriptors >= held.len()
    });
    let begin = Instant::now();
    assert!(honest::answers(rig.address()));
    let took = begin.elapsed();
    let after = process.look();
    let cost = after.own.saturating_sub(before.own);
    println!(
        "{} idle: {cost} KiB, {} threads, an answer in {took:?}",
        held.len(),
        after.threads
    );
    assert!(took < AT_ONCE && cost < COST && after.threads <= before.threads);
    assert_eq!(held.iter().filter(|stream| is_over(stream)).count(), 0);
    // Each of them may still ask.
    let mut wire = Wire::over(held.into_iter().next_back().unwrap());
    assert_eq!(wire.ask("GET", "/-/healthz", "", b"").status, 200);
}

#[test]
fn of_one_address_the_oldest_idle_ones_go() {
    if !enough_descriptors() {
        return;
    }
    let rig = start(None);
    let stop = AtomicBool::new(false);
    let by = attacker(&rig, Ipv4Addr::new(127, 0, 0, 2), &stop);
    // One has a request under way: its body comes later.
    let mut busy = Wire::over(by.open().unwrap());
    busy.send("POST /a/config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n");
    let held: Vec<TcpStream> = (0..MANY).map(|_| by.open().unwrap()).collect();
    eventually("the first is ended", || is_over(&held[0]));
    let over: Vec<bool> = held.iter().map(is_over).collect();
    let gone = over.iter().filter(|over| **over).count();
    println!("{gone} of {MANY} had to go");
    assert!(
        gone < MANY / 2 && over[..gone].iter().all(|over| *over),
        "the oldest first"
    );
    assert!(honest::answers(rig.address()));
    assert_eq!(busy.send(b"hello").answer(false).status, 200);
}

fn attacker<'a>(rig: &crate::rig::Rig, from: Ipv4Addr, stop: &'a AtomicBool) -> Attacker<'a> {
    let target = rig.address();
    Attacker { target, from, stop }
}

fn enough_descriptors() -> bool {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let enough = limit.maximum.is_none_or(|most| most >= DESCRIPTORS);
    if limit.current.is_some_and(|current| current < DESCRIPTORS) && enough {
        limit.current = Some(DESCRIPTORS);
        setrlimit(Resource::Nofile, limit).unwrap();
    }
    if !enough {
        eprintln!("SKIPPED: {DESCRIPTORS} descriptors are more than the limit here");
    }
    enough
}

/// Whether the server has ended a connection that asked for nothing.
fn is_over(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut reader = stream;
    let read = reader.read(&mut [0; 1]);
    stream.set_nonblocking(false).unwrap();
    !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
}
