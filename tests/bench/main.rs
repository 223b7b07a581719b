//! Figures, not thresholds. `make bench` prints all of them; `cargo bench --bench bench -- NAME`
//! those of one section, `CLOUD=smh` before it those of Tencent SMH:
//!
//! - `speed`: the server's memory, its size, and its speed and CPU time beside a plain TCP relay,
//!   which is the least that anything between two sockets can cost, and the hashes of an upload.
//! - `scale`: what large repositories cost, at 123pan's rates.
//! - `commands`: the calls and the time of each command of restic's.
//! - `large`: the same in large repositories.
//!
//! The emulator runs in a process of its own, so that only the server is measured; it shares the
//! machine, so MB/s are a lower bound. `make bench` builds what is started here.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints figures, and where it can't go on it says where"
)]

mod commands;
mod http;
mod large;
mod process;
mod relay;
mod scale;
#[allow(dead_code, reason = "the tests' client, which use all of it")]
#[path = "../it/wire.rs"]
mod wire;

use md5::Md5;
use process::{Process, Server};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::time::Instant;

/// Bytes of one file.
const SIZE: usize = 64 << 20;
/// Connections at once, each with a file of its own.
const CONNECTIONS: u64 = 8;
/// Times that every connection sends a file while the speed is measured.
const ROUNDS: u64 = 4;
/// Bytes that are hashed at once.
const STEP: usize = 64 << 10;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, role, target] = args.as_slice()
        && role == relay::ROLE
    {
        return relay::run(target);
    }
    let wanted = |name: &str| {
        !args[1..].iter().any(|a| !a.starts_with('-')) || args.iter().any(|a| a == name)
    };
    if wanted("speed") {
        transfers();
    }
    if wanted("scale") {
        scale::run();
    }
    if wanted("commands") {
        commands::run();
    }
    if wanted("large") {
        large::run();
    }
}

/// Memory, size, speed.
fn transfers() {
    let data = random(SIZE);
    println!("{CONNECTIONS} connections, files of {} MiB", SIZE >> 20);
    println!();
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_restic-123pan")).unwrap();
    row("size of the program", mb(binary.len()), "MB");
    memory(&data);
    println!();
    speed(&data);
}

/// Resident memory before the first request, and at most with an upload on each connection, none
/// of them held.
fn memory(data: &[u8]) {
    let server = Server::start("0");
    row(
        "resident, before the first request",
        mb(server.resident()),
        "MB",
    );
    let files = uploads(&server, data, 0);
    row(
        "resident, at most, uploading",
        mb(server.most_resident()),
        "MB",
    );
    downloads(&server, &files);
    row(
        "resident, at most, then downloading",
        mb(server.most_resident()),
        "MB",
    );
}

/// Both directions through the server, the same bytes through the relay, and both hashes alone, by
/// turns, so that whatever else the machine does hits all of them.
fn speed(data: &[u8]) {
    let server = Server::start("0");
    // The token and the folders come once, not with each upload.
    upload(server.port(), &data[..1 << 20], u64::MAX);
    let relay = relay::Relay::start();
    let (mut up, mut down) = (Turn::default(), Turn::default());
    for round in 0..ROUNDS {
        let mut files = Vec::new();
        let first = round * CONNECTIONS;
        let ids = each(|n| id(data, first + n));
        up.own += measure(server.process(), || {
            files.extend(send(&server, data, first, ids));
        });
        up.relay += measure(relay.process(), || drop(each(|_| relay.upload(data))));
        up.hashes += hashes(data);
        down.own += measure(server.process(), || downloads(&server, &files));
        down.relay += measure(relay.process(), || drop(each(|_| relay.download(SIZE))));
    }
    println!(
        "{:<10}{:>8}{:>8}{:>12}{:>8}{:>8}{:>8}",
        "", "MB/s", "relay", "CPU-s/GB", "relay", "hashes", "ratio"
    );
    up.print("upload");
    down.print("download");
}

/// What one direction costs, and what it must cost at least.
#[derive(Default)]
struct Turn {
    own: Cost,
    relay: Cost,
    hashes: f64,
}

impl Turn {
    /// A row; the ratio is to relay and hashes together.
    fn print(&self, name: &str) {
        let gigabytes = (SIZE as u64 * CONNECTIONS * ROUNDS) as f64 / 1e9;
        let rate = |cost: &Cost| gigabytes * 1e3 / cost.seconds;
        let [own, relay] = [&self.own, &self.relay].map(|cost| cost.cpu / gigabytes);
        let hashes = self.hashes / ROUNDS as f64;
        println!(
            "{name:<10}{:>8.0}{:>8.0}{own:>12.2}{relay:>8.2}{hashes:>8.2}{:>8.2}",
            rate(&self.own),
            rate(&self.relay),
            own / (relay + hashes)
        );
    }
}

/// Seconds of the processor that SHA-256 and MD5 of a gigabyte take, or SHA-256 and CRC-64 for
/// Tencent SMH, in steps as the server's and on as many threads: cores that share their parts with
/// others are slower.
fn hashes(data: &[u8]) -> f64 {
    let (before, is_smh) = (process::own_cpu(), process::is_smh());
    each(|_| {
        let (mut sha256, mut md5, mut crc64) =
            (Sha256::new(), Md5::new(), crc64fast::Digest::new());
        for step in data.chunks(STEP) {
            sha256.update(step);
            match is_smh {
                true => crc64.write(step),
                false => md5.update(step),
            }
        }
        std::hint::black_box((sha256.finalize(), md5.finalize(), crc64.sum64()));
    });
    let gigabytes = (data.len() as u64 * CONNECTIONS) as f64 / 1e9;
    (process::own_cpu() - before) / gigabytes
}

fn row(name: &str, value: f64, unit: &str) {
    println!("{name:<40}{value:>8.2} {unit}");
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Time on the clock and time of the processor.
#[derive(Default)]
struct Cost {
    seconds: f64,
    cpu: f64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.cpu += other.cpu;
    }
}

fn measure(process: &Process, act: impl FnOnce()) -> Cost {
    let (before, start) = (process.cpu(), Instant::now());
    act();
    Cost {
        seconds: start.elapsed().as_secs_f64(),
        cpu: process.cpu() - before,
    }
}

/// Does something on all connections at once.
fn each<T: Send>(act: impl Fn(u64) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let act = &act;
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|n| scope.spawn(move || act(n)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// Sends a file on each connection; their names.
fn uploads(server: &Server, data: &[u8], first: u64) -> Vec<String> {
    // The hash is the client's work and has its own time, outside the requests.
    let ids = each(|n| id(data, first + n));
    send(server, data, first, ids)
}

/// The same with names that are known.
fn send(server: &Server, data: &[u8], first: u64, ids: Vec<String>) -> Vec<String> {
    each(|n| {
        upload_as(
            server.port(),
            data,
            first + n,
            &ids[usize::try_from(n).unwrap()],
        );
    });
    ids
}

fn upload(port: u16, data: &[u8], number: u64) {
    upload_as(port, data, number, &id(data, number));
}

/// The name of `data` with a number before it, which makes each file another one.
fn id(data: &[u8], number: u64) -> String {
    let hash = Sha256::new()
        .chain_update(number.to_le_bytes())
        .chain_update(data)
        .finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn upload_as(port: u16, data: &[u8], number: u64, id: &str) {
    let mut wire = http::open(port);
    let length = data.len() + 8;
    wire.send(format!(
        "POST /data/{id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    ));
    wire.send(number.to_le_bytes()).send(data);
    assert_eq!(wire.answer(false).status, 200, "an upload");
}

fn downloads(server: &Server, files: &[String]) {
    for files in files.chunks(usize::try_from(CONNECTIONS).unwrap()) {
        each(|n| download(server.port(), &files[usize::try_from(n).unwrap()]));
    }
}

fn download(port: u16, id: &str) {
    let mut wire = http::open(port);
    wire.send(format!(
        "GET /data/{id} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-\r\n\r\n"
    ));
    let head = wire.head().unwrap();
    assert_eq!(head.status, 206, "a download");
    let mut left: u64 = head.header("content-length").unwrap().parse().unwrap();
    assert_eq!(left, SIZE as u64 + 8);
    let mut buffer = vec![0; 64 << 10];
    while left > 0 {
        let n = wire.read(&mut buffer).unwrap() as u64;
        assert!(n > 0, "the download of {id} was cut off");
        left -= n;
    }
}

/// Bytes that don't compress.
fn random(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = vec![0; len];
    for eight in bytes.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        eight.copy_from_slice(&state.to_le_bytes());
    }
    bytes
}
