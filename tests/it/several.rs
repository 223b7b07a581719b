//! The real restic on two hosts that share a repository, each through a server of its own, while
//! the cloud's lists are a second behind: what restic's locks promise holds all the same.

use crate::fake::Endpoint;
use crate::restic::{DEBIAN, RESTIC, Restic, text};
use crate::rig::Rig;
use crate::tree::{self, TempDir};
use crate::waiting::eventually;
use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

/// How far lists are behind.
const LAG: Duration = Duration::from_secs(1);
/// Times that a backup is followed by a prune, unless the environment variable CYCLES names
/// another number. Each takes some ten seconds, most of which is waiting for the lists.
const CYCLES: u64 = 2;
/// What restic says when another host's lock is in its way.
const LOCKED: &str = "repository is already locked";

/// What two hosts do.
type Run = fn(&Pair);

/// What any restic does.
const RUNS: [Run; 3] = [prune_during_backup, backup_during_prune, prune_after_backup];

#[test]
fn debian() {
    all(DEBIAN, &RUNS);
}

#[test]
fn restic() {
    // The older one can't list what has no folder yet.
    all(RESTIC, &[&RUNS[..], &[both_begin]].concat());
}

/// Everything at once, each on a cloud of its own: most of it is waiting.
fn all(client: &'static str, runs: &[Run]) {
    thread::scope(|scope| {
        for run in runs {
            scope.spawn(move || Pair::with(client, *run));
        }
    });
}

/// One host backs up, the other prunes meanwhile.
fn prune_during_backup(pair: &Pair) {
    let [one, other] = pair.hosts();
    one.run(&["init"]);
    let files = pair.dir.path().join("files");
    tree::grow(&files, 1, 6 << 20);
    let backup = one.start(&["backup", "--limit-upload", "1024", text(&files)]);
    pair.when_locked(0);
    signal(&backup.child, "STOP");
    println!("refused: {}", refused(other, &["prune"]));
    signal(&backup.child, "CONT");
    backup.succeed();
    other.run(&["check", "--read-data"]);
}

/// One host prunes, the other wants to back up meanwhile.
fn backup_during_prune(pair: &Pair) {
    let [one, other] = pair.hosts();
    one.run(&["init"]);
    let files = pair.dir.path().join("files");
    tree::grow(&files, 2, 1 << 20);
    one.run(&["backup", text(&files)]);
    tree::change(&files, 3);
    one.run(&["backup", text(&files)]);
    // The prune lasts a while.
    pair.one.cloud.set(|s| {
        s.latency_of.insert(Endpoint::Trash, 2000);
    });
    let locks = pair.locks();
    let prune = one.start(&["forget", "--keep-last", "1", "--prune", "--max-unused", "0"]);
    pair.when_locked(locks);
    signal(&prune.child, "STOP");
    println!("refused: {}", refused(other, &["backup", text(&files)]));
    signal(&prune.child, "CONT");
    pair.one.cloud.set(|s| s.latency_of.clear());
    prune.succeed();
    other.run(&["check", "--read-data"]);
}

/// Both back up at one moment for the first time, on a cloud that lets each make folders of its
/// own where none are.
fn both_begin(pair: &Pair) {
    let (hosts, cloud) = (pair.hosts(), &pair.one.cloud);
    hosts[0].run(&["init"]);
    cloud.advance(LAG);
    // Whoever copies a repository by other means leaves empty folders out.
    for kind in ["data", "index", "locks", "snapshots"] {
        cloud.delete_by_hand(&format!("restic-backup/a/b/{kind}"));
    }
    cloud.set(|s| (s.mkdir_twins, s.lag_mkdir) = (true, LAG));
    pair.one.kill_and_restart();
    let files = pair.dir.path().join("files");
    tree::grow(&files, 4, 6 << 20);
    let started = [0, 1].map(|host| hosts[host].start(&["backup", text(&files)]));
    for backup in started {
        backup.succeed();
    }
    for host in &hosts {
        host.run(&["check", "--read-data"]);
        let seen = host.run(&["snapshots"]);
        assert!(seen.contains("2 snapshots"), "{seen}");
        host.restore_and_compare(&files);
    }
}

/// As soon as one host's backup has ended the other prunes; then they change places.
fn prune_after_backup(pair: &Pair) {
    let count = std::env::var("CYCLES").map_or(CYCLES, |count| count.parse().unwrap());
    let mut hosts = pair.hosts();
    hosts[0].run(&["init"]);
    let files = pair.dir.path().join("files");
    // What the lock protected shows later than the lock's end and the next lock would.
    let cloud = &pair.one.cloud;
    let late = 4 * u64::try_from(LAG.as_millis()).unwrap();
    for kind in ["index", "snapshots"] {
        let folder = cloud.file(&format!("restic-backup/a/b/{kind}")).unwrap().id;
        cloud.set(|s| {
            s.lag_of.insert(folder, late);
        });
    }
    for cycle in 0..count {
        let _ = fs::remove_dir_all(&files);
        tree::grow(&files, 10 + cycle, 200_000);
        hosts[0].run(&["backup", text(&files)]);
        let [keep, unused] = [["--keep-last", "1"], ["--max-unused", "0"]];
        hosts[1].run(
            &[
                &["forget", "--prune", "--group-by", "paths"][..],
                &keep,
                &unused,
            ]
            .concat(),
        );
        // Index files that are gone show for as long.
        cloud.advance(5 * LAG);
        hosts[1].run(&["check", "--read-data"]);
        hosts[0].restore_and_compare(&files);
        println!("cycle {cycle} is fine");
        hosts.reverse();
    }
}

/// Two servers over one emulated cloud, and a folder for what their hosts keep.
struct Pair {
    hosts: [Restic; 2],
    other: Rig,
    one: Rig,
    dir: TempDir,
}

impl Pair {
    fn with(client: &str, run: Run) {
        let one = Rig::start(&[]);
        one.cloud.set(|s| s.lag_files = LAG);
        let other = one.beside();
        let dir = TempDir::new();
        let host =
            |name, server: &Rig| Restic::find(client, server.url("/a/b/"), dir.path().join(name));
        let (Some(first), Some(second)) = (host("one", &one), host("other", &other)) else {
            return;
        };
        let pair = Self {
            hosts: [first, second],
            other,
            one,
            dir,
        };
        run(&pair);
        // Folders of `both_begin`.
        pair.one.assert_clean(&["has several folders"]);
        pair.other.assert_clean(&["has several folders"]);
    }

    /// How many locks went through the first server.
    fn locks(&self) -> usize {
        let posted = |line: &&str| {
            ["POST", "/locks/", " 200,"]
                .iter()
                .all(|word| line.contains(word))
        };
        self.one.log().lines().filter(posted).count()
    }

    /// Waits until there are more than so many.
    fn when_locked(&self, before: usize) {
        eventually("a lock comes", || self.locks() > before);
    }

    fn hosts(&self) -> [&Restic; 2] {
        self.hosts.each_ref()
    }
}

/// Runs a command that must fail because of another's lock; tells what it says.
fn refused(host: &Restic, words: &[&str]) -> String {
    let said = host.refused(words);
    let locked = said.lines().find(|line| line.contains(LOCKED));
    locked
        .unwrap_or_else(|| panic!("{words:?}: {said}"))
        .to_owned()
}

/// Has a client stand still, or go on.
fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill")
        .args(["-s", name, &id])
        .status()
        .unwrap();
    assert!(sent.success());
}
