//! How many calls each command of restic's takes: a pack takes two and its bytes, nothing else.

use super::process::Process;
use crate::fake::smh::Call;
use crate::restic::{RESTIC, Restic, text};
use crate::tree::{TempDir, random};
use std::fs;

/// Bytes of a file that fills a pack or so.
const FILE: usize = 16 << 20;
/// Uploads at once, as restic's REST backend sends them.
const CONNECTIONS: u64 = 5;
/// Such files.
const FILES: u64 = 16;

/// The calls of a command, in all and by name, without those for tokens.
fn calls(process: &Process, run: impl FnOnce()) -> (u64, String) {
    process.cloud.reset_counters();
    run();
    let counts = process.cloud.calls();
    let each = counts
        .endpoints
        .iter()
        .filter(|(call, _)| **call != Call::Token);
    let each: Vec<String> = each
        .map(|(call, n)| format!("{call:?} {}", n.calls))
        .collect();
    let all = counts.all() - counts.of(Call::Token).calls;
    (all, each.join(", "))
}

#[test]
fn calls_of_each_command() {
    let (process, dir) = (Process::start(&["--bin", "purge"]), TempDir::new());
    let Some(restic) = Restic::find(RESTIC, process.url("/"), dir.path()) else {
        return;
    };
    let (files, target) = (dir.path().join("files"), dir.path().join("target"));
    fs::create_dir_all(&files).unwrap();
    for n in 0..FILES {
        fs::write(files.join(n.to_string()), random(n, FILE)).unwrap();
    }
    let count = |words: &[&str]| calls(&process, || drop(restic.run(words)));
    let mut table = Vec::new();
    let mut note = |what: &str, (all, each): (u64, String)| {
        table.push(format!("{what}: {all} ({each})"));
        all
    };
    note("init", count(&["init"]));
    let backup = ["backup", text(&files)];
    note("backup of 17 packs or so", count(&backup));
    let puts = process.cloud.count(Call::Put).calls;
    let missed = process.cloud.count(Call::Mkdir).calls;
    let starts = process.cloud.count(Call::Start).calls;
    let confirms = process.cloud.count(Call::Confirm).calls;
    // Each file is begun, sent and confirmed once; one more start for a folder that isn't there, by
    // each upload that wanted it before it was made.
    assert_eq!(puts, confirms, "{table:#?}");
    let again = starts - puts;
    assert!(
        (missed..=missed * CONNECTIONS).contains(&again),
        "{table:#?}"
    );
    assert_eq!(process.cloud.count(Call::HeadFile).calls, 0, "{table:#?}");
    assert!(process.cloud.count(Call::Info).calls <= 1, "{table:#?}");
    let unchanged = note("unchanged backup", count(&backup));
    note("snapshots", count(&["snapshots"]));
    note("check", count(&["check"]));
    note(
        "restore",
        count(&["restore", "latest", "--target", text(&target)]),
    );
    for n in 0..FILES / 2 {
        fs::remove_file(files.join(n.to_string())).unwrap();
    }
    note("backup of half of it", count(&backup));
    let forget = ["forget", "--keep-last", "1", "--prune"];
    note("forget --prune", count(&forget));
    println!("{}", table.join("\n"));
    assert!(unchanged < 40, "{table:#?}");
    process.assert_clean(&[]);
}
