//! What operators see: the doctor, refusals at the start, `verify`, the recycle bin, the page.

use super::process::Process;
use super::rig::{BASE, path};
use crate::cloud::rig::id;
use crate::fake::smh::{Host, Kind as Entry, Switches};
use crate::tree::{TempDir, random};
use crate::wire::Wire;
use restic_123pan::restic::Kind;
use std::process::Command;
use std::time::Duration;

/// A change of a library that makes it unfit, and words of what is said.
type Unfit = (&'static str, fn(&mut Switches), &'static str);

/// Rule 11. What can't keep repositories safe isn't started with.
#[rustfmt::skip]
const UNFIT: [Unfit; 3] = [
    ("a library of media", |s| s.media = true, "library of files, not of media"),
    ("history", |s| s.history = true, "keeps earlier versions"),
    ("a quota that removes", |s| s.quota_removes = true, "removeWhenExceed"),
];

#[test]
fn unfit_libraries_are_refused() {
    for (name, change, words) in UNFIT {
        let process = Process::start(&[]);
        process.cloud.set_quota(Some(1 << 40), 0);
        process.cloud.set(change);
        let before = process.cloud.tree();
        let said = process.refused(&["--listen", "127.0.0.1:0"]);
        assert!(said.contains(words), "{name}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        let said = process.refused(&["doctor"]);
        assert!(said.contains('✗') && said.contains(words), "{name}: {said}");
        assert_eq!(process.cloud.tree(), before, "something was left behind");
        assert!(process.cloud.living(BASE).is_empty());
    }
}

#[test]
fn a_library_that_is_public_is_warned_of() {
    let process = Process::with(&[], |s| s.public_read = true);
    assert!(
        process.log().contains("can read this space"),
        "{}",
        process.log()
    );
    process.assert_clean(&["can read this space"]);
}

/// A server starts without its library, and serves when that answers.
#[test]
fn a_library_that_is_away_is_waited_for() {
    let process = Process::start(&[]);
    process.cloud.close(Host::Library);
    process.kill_and_restart();
    assert_eq!(process.ask("GET", "/-/healthz", b""), Some(200));
    process.cloud.open(Host::Library);
    assert_eq!(process.ask("POST", "/r/?create=true", b""), Some(200));
}

#[test]
fn the_doctor_finds_all_well() {
    let process = Process::start(&[]);
    let told = process.run(&["doctor"]);
    assert!(!told.contains('✗'), "{told}");
    for step in [
        "DNS",
        "credentials",
        "history",
        "quota",
        "upload",
        "list",
        "download",
        "delete",
    ] {
        assert!(told.contains(&format!("✓ {step}")), "{step}: {told}");
    }
    assert!(
        process.cloud.living(BASE).is_empty(),
        "it leaves nothing behind"
    );
    process.assert_clean(&[]);
}

#[test]
fn the_doctor_names_what_is_wrong() {
    let process = Process::start(&[]);
    let mut command = process.command(&["doctor"]);
    let output = command
        .env("PAN123_SMH_LIBRARY_SECRET", "another")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("PAN123_SMH_LIBRARY_SECRET"), "{told}");
    assert!(
        !output.status.success() && !told.contains("another"),
        "{told}"
    );
    process.cloud.set(|s| s.lag_new = Duration::from_secs(3600));
    process.cloud.set_quota(Some(1000), 0);
    let told = process.refused(&["doctor"]);
    assert!(told.contains("raise the quota"), "{told}");
}

/// The library is asked whether it takes the secret, and nothing is left there.
#[test]
fn the_secret_is_tried_before_the_start() {
    let process = Process::start(&[]);
    let before = process.cloud.tree();
    let ask = |change: &dyn Fn(&mut Command)| {
        let mut command = process.command(&["check-config", "--online"]);
        change(&mut command);
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, told) = ask(&|_| ());
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("takes the credentials"), "{told}");
    let (code, told) = ask(&|command| {
        command.env("PAN123_SMH_LIBRARY_SECRET", "another");
    });
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("PAN123_SMH_LIBRARY_SECRET"), "{told}");
    assert_eq!(process.cloud.tree(), before);
}

/// Stores a small repository by the server.
fn fill(process: &Process) {
    let mut wire = Wire::open(([127, 0, 0, 1], process.port()).into());
    let mut post = |path: &str, body: &[u8]| {
        assert_eq!(wire.ask("POST", path, "", body).status, 200, "{path}");
    };
    post("/host/?create=true", b"");
    post("/host/config", &random(9, 155));
    for kind in [Kind::Keys, Kind::Data, Kind::Index, Kind::Snapshots] {
        let bytes = random(kind as u64, 99);
        post(&format!("/host/{}/{}", kind.name(), id(&bytes)), &bytes);
    }
}

#[test]
fn verify_finds_what_is_wrong() {
    let process = Process::start(&[]);
    fill(&process);
    let told = process.run(&["verify"]);
    assert!(told.contains("/host"), "{told}");
    let library = &process.cloud;
    let pack = |n: u64| path(Kind::Data, id(&random(n, 5)));
    library.plant(&pack(70), &random(70, 5));
    library.remove_by_quota(&pack(70));
    library.plant(&pack(71), b"");
    let name = id(&random(Kind::Data as u64, 99)).to_string();
    let other = if name.starts_with('0') { "1" } else { "0" };
    library.plant(
        &format!("{BASE}/host/data/{other}/{name}"),
        b"other content",
    );
    library.plant(&format!("{BASE}/host/data/notes.txt"), b"a note");
    library.plant_odd(&format!("{BASE}/host/keys/link"), Entry::Symlink);
    let told = process.refused(&["verify", "--json"]);
    for flaw in [
        "bytes-gone",
        "zero-length",
        "contradiction",
        "wrong-folder",
        "wrong-name",
    ] {
        assert!(told.contains(flaw), "{flaw}: {told}");
    }
    library.delete_by_hand(&format!("{BASE}/host/config"));
    let told = process.refused(&["verify", "/host"]);
    assert!(told.contains("nobody can open the repository"), "{told}");
    let told = process.refused(&["verify", "/nothing"]);
    assert!(told.contains("look at the name"), "{told}");
    process.assert_clean(&[]);
}

#[test]
fn the_bin_gives_back_what_was_deleted() {
    let process = Process::with(&["--bin", "keep"], |s| s.bin = true);
    fill(&process);
    process.cloud.plant("elsewhere/file", b"of somebody else");
    process.cloud.trash_by_hand("elsewhere/file");
    let mut wire = Wire::open(([127, 0, 0, 1], process.port()).into());
    let snapshot = id(&random(Kind::Snapshots as u64, 99));
    let url = format!("/host/snapshots/{snapshot}");
    assert_eq!(wire.ask("DELETE", &url, "", b"").status, 200);
    assert_eq!(wire.ask("HEAD", &url, "", b"").status, 404);
    let told = process.run(&["bin", "list"]);
    assert!(told.contains("/host") && told.contains("1 file"), "{told}");
    let told = process.run(&["bin", "restore"]);
    assert!(told.contains("brought back: 1 file"), "{told}");
    assert_eq!(wire.ask("HEAD", &url, "", b"").status, 200);
    assert_eq!(wire.ask("DELETE", &url, "", b"").status, 200);
    process.run(&["bin", "purge", "--yes"]);
    let bin = process.cloud.bin();
    assert_eq!(bin.values().collect::<Vec<_>>(), ["/elsewhere/file"]);
    process.assert_clean(&[]);
}

#[test]
fn a_bin_that_is_off_is_said_to_be() {
    let process = Process::start(&[]);
    for words in [["bin", "list"], ["bin", "restore"]] {
        let said = process.refused(&words);
        assert!(said.contains("recycle bin is switched off"), "{said}");
    }
}

/// A repository goes to a folder of this machine and comes back from there.
#[test]
fn repositories_are_exported_and_imported() {
    let (process, dir) = (Process::start(&[]), TempDir::new());
    fill(&process);
    let folder = dir.path().to_str().unwrap();
    process.run(&["export", "/host", folder]);
    assert!(dir.path().join("config").is_file());
    process.run(&["import", folder, "/copy"]);
    let copied = |kind: &str| process.cloud.living(&format!("{BASE}/copy/{kind}")).len();
    assert_eq!(
        ["keys", "index", "snapshots", "data"].map(copied),
        [1, 1, 1, 1]
    );
}

#[test]
fn the_page_and_the_metrics_tell_of_the_library() {
    let process = Process::start(&[]);
    process.cloud.set_quota(Some(1 << 30), 0);
    fill(&process);
    let mut wire = Wire::open(([127, 0, 0, 1], process.port()).into());
    let page = wire.ask("GET", "/-/", "", b"").text();
    assert!(page.contains("Tencent SMH"), "{page}");
    let metrics = wire.ask("GET", "/-/metrics", "", b"").text();
    assert!(metrics.contains("the start of an upload"), "{metrics}");
    assert_eq!(wire.ask("GET", "/-/readyz", "", b"").status, 200);
}
