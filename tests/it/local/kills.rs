//! What a process does to its folder, call by call, as strace shows it and interferes: it is killed
//! before each call that changes something, calls fail, file systems can do less than others, and
//! nothing counts before it is on disk. Every file is whole or absent, what was acknowledged is
//! there, and another process goes on. The process is this test program, asked to run one test more.

use super::{file, get, id, list, put, remove, repo};
use crate::tools::missing;
use crate::tree::{self, TempDir, random};
use restic_123pan::body::{Body, Budget};
use restic_123pan::local::Local;
use restic_123pan::restic::{File, Kind, Repo};
use restic_123pan::store::{self, Store};
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// The variable that names the folder in which a child works.
const CHILD: &str = "RESTIC_123PAN_TEST_CHILD";
/// The variable that makes it one of several that want to store a config.
const WRITER: &str = "RESTIC_123PAN_TEST_WRITER";
/// The child's own test.
const TEST: &str = "local::kills::child";
/// The writers' own test.
const WRITER_TEST: &str = "local::kills::writer";
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
/// What is made safe: the mark, folders, files, what is gone; and the folder of each.
const SYNCS: usize = 16;
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

/// What each of several processes does at the same time; nothing in an ordinary run.
#[test]
fn writer() {
    let (Some(folder), Ok(seed)) = (std::env::var_os(CHILD), std::env::var(WRITER)) else {
        return;
    };
    let folder = Path::new(&folder);
    let local = Local::open(folder.join("root")).unwrap();
    fs::write(folder.join(format!("ready {seed}")), "").unwrap();
    while !folder.join("go").exists() {
        thread::yield_now();
    }
    put_config(&local, &repo(), &random(seed.parse().unwrap(), 155)).unwrap();
}

/// Of processes that want to store a config at the same time, one wins.
#[test]
fn one_process_wins() {
    const WRITERS: u64 = 6;
    let dir = folder();
    let start = |seed: u64| {
        let mut writer = Command::new(std::env::current_exe().unwrap());
        writer.args(["--exact", WRITER_TEST]).env(CHILD, dir.path());
        writer.env(WRITER, seed.to_string());
        writer.stdout(Stdio::null()).stderr(Stdio::null());
        writer.spawn().unwrap()
    };
    let mut writers: Vec<_> = (0..WRITERS).map(start).collect();
    let is_ready = |seed: u64| dir.path().join(format!("ready {seed}")).exists();
    while !(0..WRITERS).all(is_ready) {
        let ended = writers.iter_mut().find_map(|one| one.try_wait().unwrap());
        assert!(ended.is_none(), "a writer has ended: {ended:?}");
        thread::sleep(Duration::from_millis(1));
    }
    fs::write(dir.path().join("go"), "").unwrap();
    let ended = writers.into_iter().map(|mut one| one.wait().unwrap());
    let won: Vec<bool> = ended.map(|status| status.success()).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let winner = won.iter().position(|won| *won).unwrap();
    let config = fs::read(dir.path().join("root/host/config")).unwrap();
    assert_eq!(config, random(winner as u64, 155));
    assert_eq!(left_overs(dir.path()), 0);
}

#[test]
fn a_kill_before_each_call_leaves_whole_files() {
    if !can_trace() {
        return;
    }
    let (next, kills) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CHILDREN {
            scope.spawn(|| {
                while let Some(call) = CALLS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let killed = (1..).take_while(|n| fails_at(call, "signal=SIGKILL", *n));
                    let killed = killed.count();
                    println!("{call}: {killed}");
                    kills.fetch_add(killed, Ordering::Relaxed);
                }
            });
        }
    });
    let kills = kills.into_inner();
    assert!(kills >= FEWEST, "{kills}");
}

/// A disk that fails while something is made safe: nothing is acknowledged, and nothing is half.
#[test]
fn a_disk_that_fails_leaves_whole_files() {
    if can_trace() {
        let failed = (1..=SYNCS).filter(|n| fails_at("fsync", "error=EIO", *n));
        // The disk's mark is no must.
        assert_eq!(failed.count(), SYNCS - 2);
    }
}

/// FAT has no links, others can't reserve room or lock.
#[test]
fn file_systems_may_do_less() {
    for less in [
        "linkat:error=EPERM",
        "fallocate:error=EOPNOTSUPP",
        "flock:error=ENOLCK",
    ] {
        if can_trace() {
            let dir = folder();
            let call = less.split(':').next().unwrap();
            let traced = [format!("trace={call}"), format!("inject={less}")];
            assert!(run(&mut strace(&traced), dir.path()), "{less}");
            look(dir.path(), less);
            assert_eq!(left_overs(dir.path()), 0, "{less}");
        }
    }
}

/// Bytes are on disk before they get their name, and names before they are acknowledged: a power
/// cut takes nothing back.
#[test]
fn nothing_counts_before_it_is_on_disk() {
    if !can_trace() {
        return;
    }
    let dir = folder();
    let calls = "trace=fsync,mkdirat,linkat,write,unlinkat,/^renameat".to_owned();
    let mut strace = strace(&["signal=none".to_owned(), calls]);
    strace
        .args(["-y", "-s", "0", "-o"])
        .arg(dir.path().join("trace"));
    assert!(run(&mut strace, dir.path()));
    let trace = fs::read_to_string(dir.path().join("trace")).unwrap();
    let root = dir.path().join("root").to_str().unwrap().to_owned();
    let mut unsafe_: BTreeSet<String> = BTreeSet::new();
    let mut acknowledged = 0;
    for line in trace.lines() {
        let paths: Vec<&str> = line.split(['<', '>']).skip(1).step_by(2).collect();
        let Some(path) = paths.first() else { continue };
        let named = |call: &str| line.contains(&format!("{call}("));
        if named("write") && path.ends_with("/told") {
            assert_eq!(unsafe_, BTreeSet::new(), "before {line}");
            acknowledged += 1;
        } else if path.starts_with(&root) && named("fsync") {
            unsafe_.remove(*path);
        } else if path.starts_with(&root) {
            let is_naming = named("linkat") || line.contains("renameat");
            let is_half = |path: &String| path.contains("-tmp-");
            assert!(!is_naming || !unsafe_.iter().any(is_half), "{line}");
            unsafe_.insert((*path).to_owned());
        }
    }
    assert_eq!(acknowledged, 4, "{trace}");
}

/// Whether a child failed at its `n`th call, after a look at what it left.
fn fails_at(call: &str, how: &str, n: usize) -> bool {
    let dir = folder();
    let traced = [
        format!("trace={call}"),
        format!("inject={call}:{how}:when={n}"),
    ];
    let is_whole = run(&mut strace(&traced), dir.path());
    look(dir.path(), &format!("{call} {n}"));
    let left = left_overs(dir.path());
    assert!(
        left <= usize::from(how.contains("KILL")),
        "{call} {n}: {left} left-overs"
    );
    // The next process does what is left.
    let mut again = Command::new(std::env::current_exe().unwrap());
    assert!(run(&mut again, dir.path()), "{call} {n}: it can't go on");
    look(dir.path(), "afterwards");
    !is_whole
}

/// A folder for a child.
fn folder() -> TempDir {
    let dir = TempDir::new();
    fs::create_dir(dir.path().join("root")).unwrap();
    dir
}

/// Unfinished files, wherever they are.
fn left_overs(folder: &Path) -> usize {
    let all = tree::read(folder);
    all.keys()
        .filter(|path| path.to_string_lossy().contains("-tmp-"))
        .count()
}

/// This program below strace, which interferes or tells.
fn strace(traced: &[String]) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    traced.iter().for_each(|word| {
        strace.args(["-e", word]);
    });
    strace
}

/// Runs a child to its end; whether that was a good one.
fn run(program: &mut Command, folder: &Path) -> bool {
    if program.get_program() == "strace" {
        program.arg(std::env::current_exe().unwrap());
    }
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

/// Whether strace is here and may trace; says so if the test must do without.
fn can_trace() -> bool {
    let mut strace = Command::new("strace");
    let traced = strace.args(["-qq", "-o", "/dev/null", "true"]).output();
    let can = traced.is_ok_and(|output| output.status.success());
    if !can {
        missing("there is no strace here that may trace");
    }
    can
}
