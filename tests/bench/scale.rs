//! Large repositories, and many deletes, over an emulator that enforces the rates. The deletes go
//! side by side, each with a server of its own: they wait more than they work.

use crate::http::{Bill, SIZES, between, calls, control, open, told};
use crate::process::Server;
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

/// Packs that are deleted.
const DELETED: u64 = 600;

/// Prints a line.
type Say = dyn Fn(String) + Sync;

/// Prints all runs.
pub(crate) fn run() {
    println!("\nscale, at enforced rates");
    let say = |line: String| println!("{line}");
    let say: &Say = &say;
    cold(say);
    for (digits, there) in [(1, 16), (1, 1), (2, 1)] {
        first_backup(digits, there, say);
    }
    long_list(say);
    thread::scope(|scope| {
        for (connections, trash) in [(5, 5), (5, 10), (5, 2), (50, 10)] {
            scope.spawn(move || deletes(connections, trash, say));
        }
    });
}

/// Where the tests' repository lies, and what belongs to it.
fn plant(url: &str, packs: u64) {
    let pack = |number: u64| {
        let id = id(number);
        json!({"path": format!("restic-backup/data/{}/{id}", &id[..1]), "size": 1000})
    };
    let mut seeds: Vec<Value> = (0..packs).map(pack).collect();
    seeds.push(json!({"path": "restic-backup/config", "size": 155}));
    for kind in ["keys", "locks", "snapshots", "index"] {
        let id = "00".repeat(32);
        seeds.push(json!({"path": format!("restic-backup/{kind}/{id}"), "size": 155}));
    }
    control(url, "plant", Some(&Value::Array(seeds)));
}

/// The name of a pack; they fill the 16 folders by turns.
fn id(number: u64) -> String {
    format!("{:x}{number:063x}", number % 16)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// A server that has just started, 20,000 packs.
fn cold(say: &Say) {
    let mut longest = Duration::ZERO;
    for _ in 0..5 {
        let free = ["--discard", "--tier", "free", "--latency-ms", "100"];
        let server = Server::with(&free, &["--tier", "free"], |url| plant(url, 20_000));
        longest = longest.max(server.started());
        if server.started() < longest {
            continue;
        }
        let start = Instant::now();
        let mut wire = open(server.port());
        let status = wire.ask("GET", "/locks/", SIZES, b"").status;
        let (bill, _) = calls(server.url());
        say(format!(
            "first list of locks, 20,000 packs, free, 100 ms: {status} after {}; {}",
            seconds(start.elapsed()),
            told(&bill)
        ));
    }
    say(format!(
        "listening after at most {} ms, of 5 starts",
        longest.as_millis()
    ));
}

/// The packs of a first backup, whose folders have names of so many digits; so many are there.
fn first_backup(digits: usize, there: u64, say: &Say) {
    const PACKS: usize = 48;
    let connections = usize::try_from(crate::CONNECTIONS).unwrap();
    let free = ["--discard", "--tier", "free", "--latency-ms", "50"];
    let server = Server::with(&free, &["--tier", "free"], |url| {
        let pack = |n: u64| {
            let name = id(n);
            let path = format!("restic-backup/data/{}/{name}", &name[..digits]);
            json!({"path": path, "size": 1000})
        };
        control(url, "plant", Some(&(0..there).map(pack).collect()));
    });
    open(server.port()).ask("POST", "/?create=true", "", b"");
    let (before, _) = calls(server.url());
    let data = crate::random(16 << 20);
    let ids: Vec<String> = (0..PACKS).map(|n| crate::id(&data, n as u64)).collect();
    let start = Instant::now();
    thread::scope(|scope| {
        for first in 0..connections {
            let (data, ids, port) = (&data, &ids, server.port());
            scope.spawn(move || {
                for n in (first..PACKS).step_by(connections) {
                    crate::upload_as(port, data, n as u64, &ids[n]);
                }
            });
        }
    });
    let time = start.elapsed();
    say(format!(
        "first backup, {PACKS} packs of 16 MiB, free, 50 ms, folders of {digits} digit(s), {there} \
         there before: {}, {:.0} MB/s; {}",
        seconds(time),
        (PACKS * (16 << 20)) as f64 / 1e6 / time.as_secs_f64(),
        told(&between(&before, &calls(server.url()).0))
    ));
}

/// 100,000 packs, listed.
fn long_list(say: &Say) {
    let vip = ["--discard", "--tier", "vip", "--latency-ms", "100"];
    let ours = ["--tier", "vip", "--rate-share", "0.95"];
    let server = Server::with(&vip, &ours, |url| plant(url, 100_000));
    let start = Instant::now();
    let mut wire = open(server.port());
    wire.send(format!(
        "GET /data/ HTTP/1.1\r\nHost: localhost\r\n{SIZES}\r\n"
    ));
    assert_eq!(wire.head().unwrap().status, 200);
    let (mut first, mut packs) = (None, 0);
    while let Some(chunk) = wire.chunk().filter(|chunk| !chunk.is_empty()) {
        first.get_or_insert_with(|| start.elapsed());
        packs += chunk.iter().filter(|byte| **byte == b'{').count();
    }
    let all = start.elapsed();
    let (bill, limited) = calls(server.url());
    let paced = bill["list"] as f64 / 9.5;
    say(format!(
        "list of {packs} packs, VIP, 100 ms, share 0.95: {}, first bytes after {}; {} pages at the \
         paced rate {paced:.2} s: ratio {:.3}; refused {limited}; memory at most {:.1} MiB",
        seconds(all),
        seconds(first.unwrap()),
        bill["list"],
        all.as_secs_f64() / paced,
        server.most_resident() as f64 / f64::from(1 << 20),
    ));
    wire.ask("GET", &format!("/data/{}", id(77_777)), "", b"");
    let bill = between(&bill, &calls(server.url()).0);
    say(format!("then any pack: {}", told(&bill)));
}

/// Deletes over so many connections, trash being allowed so many times a second.
fn deletes(connections: u64, trash: u64, say: &Say) {
    let free = ["--discard", "--tier", "free", "--latency-ms", "20"];
    let ours = ["--tier", "free", "--bin", "purge"];
    let server = Server::with(&free, &ours, |url| {
        plant(url, DELETED);
        control(url, "switches", Some(&json!({"rates": {"trash": trash}})));
    });
    open(server.port()).ask("GET", "/data/", SIZES, b"");
    let (before, refused_before) = calls(server.url());
    let start = Instant::now();
    let failed: usize = thread::scope(|scope| {
        let port = server.port();
        let one = move |first: u64| {
            let mut wire = open(port);
            let mine = (first..DELETED).step_by(usize::try_from(connections).unwrap());
            let ask = |n: u64| wire.ask("DELETE", &format!("/data/{}", id(n)), "", b"");
            mine.map(ask).filter(|answer| answer.status != 200).count()
        };
        let threads: Vec<_> = (0..connections)
            .map(|n| scope.spawn(move || one(n)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    let acknowledged = start.elapsed();
    let purged = until_purged(server.url(), &before);
    let (after, refused) = calls(server.url());
    say(format!(
        "{DELETED} deletes over {connections} connections, trash {trash}/s: {failed} failed, \
         acknowledged after {}, purged {} later; {}; refused {}",
        seconds(acknowledged),
        seconds(purged),
        told(&between(&before, &after)),
        refused - refused_before,
    ));
}

/// Waits until no further purge comes; how long the last one took.
fn until_purged(url: &str, before: &Bill) -> Duration {
    let start = Instant::now();
    let (mut last, mut at) = (0, Duration::ZERO);
    while start.elapsed() < at + Duration::from_secs(12) {
        let bill = between(before, &calls(url).0);
        let purges = bill.get("delete").copied().unwrap_or(0);
        if purges > last {
            (last, at) = (purges, start.elapsed());
        }
        thread::sleep(Duration::from_millis(50));
    }
    at
}
