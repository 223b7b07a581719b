//! The real clients over a library. A client that isn't in the cache is skipped with a printed
//! reason.

use super::process::Process;
use super::rig::BASE;
use crate::clients::{Session, cycle, together};
use crate::fake::smh::Switches;
use crate::mixed::Host;
use crate::restic::{DEBIAN, RESTIC, RUSTIC, Restic, cases};
use crate::tree::{self, TempDir};
use std::time::Duration;

// One test a line: its name, the client, the repository, how the library behaves, what is done.
cases! {
    try_client;
    debian_cycle: DEBIAN, "/", usual, cycle;
    restic_cycle: RESTIC, "/a/b/", usual, cycle;
    rustic_cycle: RUSTIC, "/a/b/", usual, cycle;
    restic_cycle_where_lists_lag: RESTIC, "/", lagging, cycle;
    rustic_cycle_where_all_is_odd: RUSTIC, "/", odd, cycle;
    restic_cycle_where_all_is_odd: RESTIC, "/", odd, cycle;
    restic_together: RESTIC, "/", usual, together;
}

fn usual(_: &mut Switches) {}

fn lagging(switches: &mut Switches) {
    let lag = Duration::from_secs(1);
    (switches.lag_new, switches.lag_deleted) = (lag, lag);
}

fn odd(switches: &mut Switches) {
    switches.batch_task_from = Some(1);
    switches.page_max = 3;
    switches.errors_as_200 = true;
    switches.size_as_number = true;
    switches.status_as_text = true;
    switches.marker_as_number = true;
    switches.incomplete_times = 1;
    switches.storage_redirects = false;
    (switches.bin, switches.permanent_ignored) = (true, true);
}

fn try_client(
    client: &str,
    repo: &str,
    library: fn(&mut Switches),
    scenario: fn(&Session<'_>) -> &'static [&'static str],
) {
    let process = Process::with(&["--bin", "purge"], library);
    let dir = TempDir::new();
    let Some(restic) = Restic::find(client, process.url(repo), dir.path()) else {
        return;
    };
    let session = Session::new(client, restic, dir.path());
    let expected = scenario(&session);
    process.assert_clean(expected);
    assert_eq!(process.cloud.open_uploads(), 0, "uploads that nobody ended");
}

/// Two servers on one library, as on two machines: each sees what the other does.
#[test]
fn two_servers() {
    let (one, dir) = (Process::start(&["--bin", "purge"]), TempDir::new());
    let Some(first) = Restic::find(RESTIC, one.url("/"), dir.path()) else {
        return;
    };
    let two = one.beside();
    let second = first.with(two.url("/"));
    let on = |restic: Restic| Session::new(RESTIC, restic, dir.path());
    let (first, second) = (on(first), on(second));
    let files = dir.path().join("files");
    tree::grow(&files, 1, 4 << 20);
    first.init();
    first.backup(&files);
    second.check();
    tree::change(&files, 100);
    second.backup(&files);
    first.forget();
    second.check();
    second.restic.restore_and_compare(&files);
    first.check();
    one.assert_clean(&[]);
}

/// The server is killed again and again while a backup runs; restic repeats, and all is whole.
#[test]
fn a_server_that_is_killed() {
    let (process, dir) = (Process::start(&["--bin", "purge"]), TempDir::new());
    let Some(restic) = Restic::find(RESTIC, process.url("/"), dir.path()) else {
        return;
    };
    let session = Session::new(RESTIC, restic, dir.path());
    let files = dir.path().join("files");
    tree::grow(&files, 3, 60 << 20);
    session.init();
    let words = ["backup", "--limit-upload", "8192", files.to_str().unwrap()];
    let backup = session.restic.start(&words);
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(900));
        process.kill();
        process.restart();
    }
    backup.succeed();
    session.check();
    session.restic.restore_and_compare(&files);
}

/// A backup is killed while it uploads; the next one completes it.
#[test]
fn a_backup_that_is_killed() {
    let (process, dir) = (Process::start(&["--bin", "purge"]), TempDir::new());
    let Some(restic) = Restic::find(DEBIAN, process.url("/a/b/"), dir.path()) else {
        return;
    };
    let session = Session::new(DEBIAN, restic, dir.path());
    let files = dir.path().join("files");
    tree::grow(&files, 3, 60 << 20);
    session.init();
    let words = ["backup", "--limit-upload", "8192", files.to_str().unwrap()];
    let mut backup = session.restic.start(&words);
    let pack = |line: &str| (line.contains("POST") && line.contains("/data/")).then_some(());
    process.wait_for(pack);
    backup.child.kill().unwrap();
    backup.child.wait().unwrap();
    drop(backup);
    session.restic.run(&["unlock"]);
    session.backup(&files);
    session.check();
    session.restic.restore_and_compare(&files);
    process.assert_clean(&["broke its body off"]);
}

/// One call of twenty fails, in mixed ways: restic completes what users do, and what lives in the
/// space then is exactly what its index says.
#[test]
fn restic_completes_while_calls_fail() {
    let (process, dir) = (Process::start(&["--bin", "purge"]), TempDir::new());
    let Some(restic) = Restic::find(RESTIC, process.url("/a/b/"), dir.path()) else {
        return;
    };
    let (library, host) = (&process.cloud, Host(restic));
    library.mix(1, 20);
    host.live(dir.path());
    let (calls, faults) = (library.calls().all(), library.faults_fired());
    println!("{faults} of {calls} calls failed");
    assert!(faults * 25 > calls);
    library.clear_faults();
    let paths = library.tree().into_keys();
    let files = paths.map(|path| {
        let bytes = library.file(&path).unwrap().bytes();
        (path, bytes)
    });
    host.compare(&format!("/{BASE}/a/b"), &files.collect());
    assert_eq!(library.complaints(), [""; 0]);
}
