//! What restic's commands cost in large repositories, on a free account: the calls and the time of
//! each, in new repositories and in those of restic's own layout.
//!
//! The packs are made up and named by no index, so that the emulator needs no gigabytes: `check`
//! lists them, and `prune` removes all of them.

use crate::commands::{measured, one, restic};
use crate::http::{control, told};
use crate::process::Server;
use crate::random;
use serde_json::{Value, json};
use std::path::Path;

/// Milliseconds that the emulator takes to answer.
const LATENCY: &str = "50";
/// Most packs that are pruned; of more the least would be known from these.
const PRUNED: u64 = 1000;
/// A command: its name and its words.
#[rustfmt::skip]
const STEPS: &[(&str, &str)] = &[
    ("backup, unchanged", "backup files"),
    ("snapshots", "snapshots"),
    ("restore of a file", "restore latest --target restored --include two"),
    ("check", "check"),
    ("forget --prune", "forget --keep-last 1 --prune"),
];

/// Prints the table.
pub(crate) fn run() {
    let Some(restic) = restic() else { return };
    println!("\nlarge repositories, free account, {LATENCY} ms latency, default share");
    for packs in [1000, 20_000] {
        for digits in [1, 2] {
            let folders = if digits == 1 { 16 } else { 256 };
            println!("{packs} packs in {folders} folders");
            table(&restic, packs, digits);
        }
    }
}

/// All commands, in a repository whose folders of packs have names of so many digits.
fn table(restic: &Path, packs: u64, digits: usize) {
    let dir = std::env::temp_dir().join(format!("restic-123pan-large-{}", std::process::id()));
    std::fs::create_dir_all(dir.join("files")).unwrap();
    std::fs::write(dir.join("files/one"), random(8 << 20)).unwrap();
    std::fs::write(dir.join("files/two"), random(1 << 10)).unwrap();
    let free = ["--tier", "free", "--latency-ms", LATENCY];
    // The first pack tells the layout.
    let server = Server::with(&free, &["--tier", "free"], |url| plant(url, 0..1, digits));
    for words in ["init", "backup files"] {
        one(restic, words, &server, &dir);
    }
    plant(server.url(), 1..packs, digits);
    for (name, words) in STEPS {
        if words.ends_with("--prune") && packs > PRUNED {
            continue;
        }
        let (bill, time) = measured(&server, name, || one(restic, words, &server, &dir));
        let all: u64 = bill.values().sum();
        let seconds = time.as_secs_f64();
        println!("{name:<20}{all:>6}{seconds:>8.1} s  {}", told(&bill));
    }
    let _ = std::fs::remove_dir_all(&dir);
}

/// Packs with these numbers, spread over folders whose names have so many digits.
fn plant(url: &str, packs: std::ops::Range<u64>, digits: usize) {
    let pack = |number: u64| {
        let name = format!("{:02x}{number:062x}", number % 256);
        let path = format!("restic-backup/data/{}/{name}", &name[..digits]);
        json!({"path": path, "size": 1000})
    };
    control(url, "plant", Some(&Value::Array(packs.map(pack).collect())));
}
