//! A process is killed before each system call that changes the folder, by strace, and another one
//! goes on there: every file is whole or absent, and what was acknowledged is there. The process is
//! this test program, asked to run one test more.

use super::{file, get, id, list, put, remove, repo};
use crate::tree::{TempDir, random};
use restic_123pan::body::{Body, Budget};
use restic_123pan::local::Local;
use restic_123pan::restic::{File, Kind, Repo};
use restic_123pan::store::{self, Store};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The variable that names the folder in which a child works.
const CHILD: &str = "RESTIC_123PAN_TEST_CHILD";
/// The child's own test.
const TEST: &str = "local::kills::child";
/// The calls that change something, of which each one of the child's is killed once. A file that is
/// opened is reserved room for before anything else.
const CALLS: [&str; 7] = [
    "mkdirat",
    "fallocate",
    "write",
    "fsync",
    "linkat",
    "unlinkat",
    "/^renameat",
];
/// Fewest kills: folders, three files that are begun, written, synced and named, one that goes.
const FEWEST: usize = 40;
/// Children at a time.
const CHILDREN: usize = 4;

fn pack() -> Vec<u8> {
    random(1, (1 << 20) + 100_000)
}

fn config() -> Vec<u8> {
    random(2, 155)
}

/// Stores a config.
pub(super) fn put_config(local: &Local, repo: &Repo, bytes: &[u8]) -> Result<(), store::Error> {
    let (budget, mut source) = (Budget::new(0, None), bytes);
    let mut body = Body::fixed(&mut source, bytes.len() as u64, None, &budget)?;
    local.save(repo, &File::Config, &mut body)
}

/// What the process does that is killed; nothing in an ordinary run.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let folder = Path::new(&folder);
    let told = OpenOptions::new()
        .append(true)
        .create(true)
        .open(folder.join("told"));
    let mut told = told.unwrap();
    let mut tell = |what: &str| told.write_all(what.as_bytes()).unwrap();
    let local = Local::open(folder.join("root")).unwrap();
    local.create(&repo()).unwrap();
    put_config(&local, &repo(), &config()).unwrap();
    tell("config\n");
    put(&local, &file(Kind::Keys, b"a key"), b"a key").unwrap();
    tell("key\n");
    put(&local, &file(Kind::Data, &pack()), &pack()).unwrap();
    tell("pack\n");
    remove(&local, &file(Kind::Keys, b"a key")).unwrap();
    tell("removed\n");
}

#[test]
fn a_kill_before_each_call_leaves_whole_files() {
    if !can_trace() {
        eprintln!("SKIPPED: there is no strace here that may trace");
        return;
    }
    let (next, kills) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CHILDREN {
            scope.spawn(|| {
                while let Some(call) = CALLS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let killed = (1..).take_while(|n| killed_at(call, *n)).count();
                    println!("{call}: {killed}");
                    kills.fetch_add(killed, Ordering::Relaxed);
                }
            });
        }
    });
    let kills = kills.into_inner();
    assert!(kills >= FEWEST, "{kills}");
}

/// Whether a child was killed before its `n`th call, after a look at what it left.
fn killed_at(call: &str, n: usize) -> bool {
    let dir = TempDir::new();
    fs::create_dir(dir.path().join("root")).unwrap();
    let inject = format!("inject={call}:signal=SIGKILL:when={n}");
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={call}"),
        "-e",
        &inject,
    ]);
    strace.arg(std::env::current_exe().unwrap());
    let is_whole = run(&mut strace, dir.path());
    look(dir.path(), &format!("{call} {n}"));
    // The next process does what is left.
    let mut again = Command::new(std::env::current_exe().unwrap());
    assert!(run(&mut again, dir.path()), "{call} {n}: it can't go on");
    look(dir.path(), "afterwards");
    !is_whole
}

/// Runs a child to its end; whether that was a good one.
fn run(program: &mut Command, folder: &Path) -> bool {
    // One thread, so that calls are counted as they come.
    program
        .args(["--exact", TEST, "--test-threads", "1"])
        .env(CHILD, folder);
    program.stdout(Stdio::null()).stderr(Stdio::null());
    program.status().unwrap().success()
}

/// Everything is whole, and what was acknowledged is so.
fn look(folder: &Path, when: &str) {
    let told = fs::read_to_string(folder.join("told")).unwrap_or_default();
    let is_told = |what: &str| told.lines().any(|line| line == what);
    let local = Local::new(folder.join("root"));
    for kind in Kind::ALL {
        for found in list(&local, kind).unwrap_or_default() {
            let bytes = get(&local, &File::Hashed(kind, found)).unwrap();
            assert_eq!(id(&bytes), found, "{when}: half a file");
        }
    }
    match get(&local, &File::Config) {
        Ok(bytes) => assert_eq!(bytes, config(), "{when}: half a config"),
        Err(_) => assert!(!is_told("config"), "{when}: the config is lost"),
    }
    let packs = list(&local, Kind::Data).unwrap_or_default();
    assert!(
        !is_told("pack") || packs == [id(&pack())],
        "{when}: the pack is lost"
    );
    let keys = list(&local, Kind::Keys).unwrap_or_default();
    let is_kept = keys == [id(b"a key")] || !is_told("key") || is_told("pack");
    assert!(is_kept, "{when}: the key is lost");
    assert!(
        keys.is_empty() || !is_told("removed"),
        "{when}: the key is back"
    );
}

fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .output();
    traced.is_ok_and(|output| output.status.success())
}
