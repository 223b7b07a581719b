//! The real restic against a server that only lets it append.

use crate::restic::{RESTIC, Restic};
use crate::rig::Rig;
use crate::tree::{self, TempDir};
use crate::wire::Wire;

#[test]
fn append_only_with_restic() {
    let (rig, dir) = (Rig::start(&["--append-only"]), TempDir::new());
    let Some(restic) = Restic::find(RESTIC, rig.url("/laptop/"), dir.path()) else {
        return;
    };
    let files = dir.path().join("files");
    tree::grow(&files, 1, 2 << 20);
    let good = |words: &[&str]| restic.run(words);
    let bad = |words: &[&str]| restic.refused(words);
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
