//! What each command of restic's costs: calls by endpoint, the least that would do, and the time
//! that it takes at the rates of a free account and of a paying one.

use crate::http::{Bill, between, calls, open, told};
use crate::process::Server;
use crate::random;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Bytes that are backed up, in packs of about 17 MiB.
const SIZE: usize = 256 << 20;

/// How many there are of what costs calls.
struct Stock {
    packs: u64,
    folders: u64,
}

/// A command: its name, its words, and the least number of calls that would do.
type Step = (&'static str, &'static str, fn(&Stock) -> u64);

/// What opening and closing a repository needs soon after another command, when the config has just
/// been seen: keys, locks before and after the own lock is stored, that lock, its fence (safety rule
/// 8); its number (rule 17), and its way into the bin.
const OPEN: u64 = 7;

/// The least is what restic's requests and the safety rules need: one list for each kind that it
/// lists, one for each folder of packs; one upload for each file, one new folder for each first
/// pack in it; one call to confirm up to 100 files (rule 5), one list for each kind that a lock
/// protected (rule 9); one address for each file that is read and wasn't before; one call for each
/// kind that is removed.
const STEPS: &[Step] = &[
    // Token, upload host; lists of the root, the repository, keys, snapshots, and whether another
    // config came first; six folders; key and config, each confirmed.
    ("init", "init", |_| 2 + 5 + 6 + 2 + 2),
    // Addresses of key and config; snapshots and index, listed, stored, confirmed, fenced.
    ("backup", "backup files", |s| {
        OPEN + 2 + 2 + s.packs + s.folders + 2 + 2 + 2
    }),
    // Snapshots and index; the snapshot, fenced.
    ("unchanged backup", "backup files", |_| OPEN + 2 + 1 + 1),
    ("snapshots", "snapshots", |_| OPEN + 1),
    // All but one pack: trees are in restic's cache.
    ("restore", "restore latest --target restored", |s| {
        OPEN + 2 + s.packs - 1
    }),
    // Index, two snapshots, one pack of trees are read.
    ("check", "check", |s| OPEN + 2 + 1 + s.folders + 4),
    ("check --read-data", "check --read-data", |s| {
        OPEN + 2 + 1 + s.folders
    }),
    // Two lists of snapshots, one of index; a snapshot goes, listed before.
    ("forget --prune", "forget --keep-last 1 --prune", |s| {
        OPEN + 2 + 1 + 2 + 1 + s.folders
    }),
];

/// Prints the table.
pub(crate) fn run() {
    let Some(restic) = restic() else { return };
    println!(
        "\ncommands of restic's, {} MiB, 100 ms latency, default share",
        SIZE >> 20
    );
    let free = table(&restic, "free");
    let vip = table(&restic, "vip");
    println!(
        "{:<20}{:>6}{:>7}{:>9}{:>9}  calls by endpoint",
        "", "calls", "least", "free", "VIP"
    );
    for (free, vip) in free.iter().zip(&vip) {
        let all: u64 = vip.bill.values().sum();
        println!(
            "{:<20}{all:>6}{:>7}{:>7.1} s{:>7.1} s  {}",
            vip.name,
            vip.least,
            free.time.as_secs_f64(),
            vip.time.as_secs_f64(),
            told(&vip.bill)
        );
    }
}

/// The client.
pub(crate) fn restic() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let restic = home.join(".cache/restic-123pan/clients/restic-0.19.1");
    if !restic.exists() {
        println!("\nno commands: `make clients` fetches restic");
        return None;
    }
    Some(restic)
}

/// A command that was run.
struct Done {
    name: &'static str,
    least: u64,
    bill: Bill,
    time: Duration,
}

/// All commands at one tier's rates.
fn table(restic: &Path, tier: &str) -> Vec<Done> {
    let dir = std::env::temp_dir().join(format!("restic-123pan-calls-{}", std::process::id()));
    std::fs::create_dir_all(dir.join("files")).unwrap();
    std::fs::write(dir.join("files/one"), random(SIZE)).unwrap();
    let server = Server::with(
        &["--tier", tier, "--latency-ms", "100"],
        &["--tier", tier],
        |_| {},
    );
    let mut all = Vec::new();
    for (name, words, least) in STEPS {
        let done = measured(&server, name, || one(restic, words, &server, &dir));
        let least = least(&stock(&server));
        println!("  {tier}: {name} {:.1} s", done.1.as_secs_f64());
        let (bill, time) = done;
        all.push(Done {
            name,
            least,
            bill,
            time,
        });
    }
    // A new lock, its fence, the number of the old one, and that into the bin.
    post(&server, b"first");
    let (bill, time) = measured(&server, "lock refresh", || {
        post(&server, b"second");
        let path = format!("/locks/{}", hash(b"first"));
        let answer = open(server.port()).ask("DELETE", &path, "", b"");
        assert_eq!(answer.status, 200);
    });
    all.push(Done {
        name: "lock refresh",
        least: 4,
        bill,
        time,
    });
    let (_, refused) = calls(server.url());
    println!("  {tier}: {refused} calls refused for their rate");
    let _ = std::fs::remove_dir_all(&dir);
    all
}

/// What something costs in calls, and how long it takes.
pub(crate) fn measured(server: &Server, name: &str, act: impl FnOnce()) -> (Bill, Duration) {
    let (before, _) = calls(server.url());
    let start = Instant::now();
    act();
    let time = start.elapsed();
    let bill = between(&before, &calls(server.url()).0);
    assert!(!bill.is_empty(), "{name} made no calls");
    (bill, time)
}

/// Runs a command.
pub(crate) fn one(restic: &Path, words: &str, server: &Server, dir: &Path) {
    let status = Command::new(restic)
        .args(words.split(' '))
        .arg("--quiet")
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .env("RESTIC_CACHE_DIR", dir.join("cache"))
        .env("RESTIC_PASSWORD", "secret")
        .env(
            "RESTIC_REPOSITORY",
            format!("rest:http://127.0.0.1:{}/", server.port()),
        )
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "restic {words} failed");
}

/// What the emulator holds.
fn stock(server: &Server) -> Stock {
    let tree: Value = crate::http::control(server.url(), "tree", None);
    let paths = tree.as_object().unwrap().keys();
    let packs: Vec<&str> = paths
        .filter_map(|path| path.split_once("/data/"))
        .map(|(_, p)| p)
        .collect();
    let folders: BTreeSet<&str> = packs
        .iter()
        .filter_map(|pack| Some(pack.split_once('/')?.0))
        .collect();
    Stock {
        packs: packs.len() as u64,
        folders: folders.len() as u64,
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn post(server: &Server, bytes: &[u8]) {
    let path = format!("/locks/{}", hash(bytes));
    let answer = open(server.port()).ask("POST", &path, "", bytes);
    assert_eq!(answer.status, 200);
}
