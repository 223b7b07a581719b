//! The real restic against a server that only lets it append.

use crate::rig::Rig;
use crate::tree::{self, TempDir};
use crate::wire::Wire;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn restic() -> Option<PathBuf> {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    let program = cache.join("restic-123pan/clients/restic-0.19.1");
    program.exists().then_some(program)
}

fn run(program: &Path, url: &str, dir: &Path, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .env_clear()
        .env("HOME", dir)
        .env("RESTIC_CACHE_DIR", dir.join("cache"))
        .env("RESTIC_REPOSITORY", url)
        .env("RESTIC_PASSWORD", "secret")
        .output()
        .unwrap()
}

/// What a command printed, which must have ended well or badly.
fn expect(program: &Path, url: &str, dir: &Path, args: &[&str], well: bool) -> String {
    let output = run(program, url, dir, args);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(output.status.success(), well, "{args:?}: {text}");
    text
}

#[test]
fn append_only_with_restic() {
    let Some(program) = restic() else {
        eprintln!("SKIPPED: restic-0.19.1 is not in the cache; tests/clients.sh says why");
        return;
    };
    let rig = Rig::start(&["--append-only"]);
    let (dir, url) = (TempDir::new(), rig.url("/laptop/"));
    let files = dir.path().join("files");
    tree::grow(&files, 1, 2 << 20);
    let good = |args: &[&str]| expect(&program, &url, dir.path(), args, true);
    let bad = |args: &[&str]| expect(&program, &url, dir.path(), args, false);
    good(&["init"]);
    good(&["backup", files.to_str().unwrap()]);
    tree::change(&files, 100);
    good(&["backup", files.to_str().unwrap()]);
    let ids = |kind: &str| -> Vec<String> {
        let output = good(&["list", kind]);
        let lines = output.lines().filter(|line| line.len() == 64);
        // The order of a list means nothing.
        let mut ids: Vec<String> = lines.map(str::to_owned).collect();
        ids.sort();
        ids
    };
    let all = |kinds: [&str; 3]| kinds.map(ids);
    let before = all(["snapshots", "keys", "packs"]);
    assert_eq!(before[0].len(), 2);
    let said = bad(&["forget", "--keep-last", "1", "--prune"]);
    assert!(said.contains("403"), "{said}");
    let password = dir.path().join("another");
    std::fs::write(&password, "another").unwrap();
    good(&[
        "key",
        "add",
        "--new-password-file",
        password.to_str().unwrap(),
    ]);
    let keys = ids("keys");
    let added = keys.iter().find(|id| !before[1].contains(id)).unwrap();
    assert!(bad(&["key", "remove", added]).contains("403"));
    assert_eq!(ids("keys"), keys);
    assert_eq!(all(["snapshots", "keys", "packs"])[0], before[0]);
    assert_eq!(all(["snapshots", "keys", "packs"])[2], before[2]);
    good(&["check", "--read-data"]);
    assert!(ids("locks").is_empty(), "locks can be removed");
    // A POST whose answer was lost.
    let mut wire = Wire::open(rig.address());
    let path = format!("/laptop/snapshots/{}", before[0][0]);
    let snapshot = wire.ask("GET", &path, "", b"").body.unwrap();
    assert_eq!(wire.ask("DELETE", &path, "", b"").status, 403);
    assert_eq!(wire.ask("POST", &path, "", &snapshot).status, 200);
    rig.assert_clean(&[]);
}
