//! What restic's own commands cost, through the server's binary. restic's order is its own and the
//! same each time; only its DELETEs run side by side, and may share their calls or not.

use super::{Bill, bill, expect};
use crate::fake::Endpoint::{
    self, Domain, DownloadInfo, Infos, List, Mkdir, Single, Token, Trash, UserInfo,
};
use crate::restic::{RESTIC, Restic};
use crate::rig::Rig;
use crate::tree::{TempDir, random};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Bytes that are backed up: two packs and what goes with them.
const SIZE: usize = 40 << 20;
/// A command's name, its words, the locks that come and go with it, and its calls.
type Step = (&'static str, &'static str, u64, &'static [(Endpoint, u64)]);

/// Without uploads, new folders, addresses of packs and lists of their folders, which are counted
/// apart: how many there are is chance's.
#[rustfmt::skip]
const STEPS: &[Step] = &[
    ("init", "init", 0, &[(Token, 1), (Domain, 1), (List, 9), (Infos, 2)]),
    ("backup", "backup files", 1, &[(List, 12), (DownloadInfo, 2), (Infos, 2), (Trash, 1)]),
    ("unchanged backup", "backup files", 1, &[(List, 8), (Trash, 1)]),
    ("snapshots", "snapshots", 1, &[(List, 6), (Trash, 1)]),
    ("restore", "restore latest --target restored", 1, &[(List, 7), (Trash, 1)]),
    // Index, two snapshots, and the pack of trees.
    ("check", "check", 1, &[(List, 8), (DownloadInfo, 4), (Trash, 1)]),
    // All that it reads has been read before, so that its address is known.
    ("check --read-data", "check --read-data", 1, &[(List, 8), (Trash, 1)]),
];

#[test]
fn each_command_costs_its_calls() {
    let rig = Rig::start(&["--bin", "keep", "--rate-share", "1"]);
    let dir = TempDir::new();
    let Some(restic) = Restic::find(RESTIC, rig.url("/"), dir.path()) else {
        return;
    };
    fs::create_dir(dir.path().join("files")).unwrap();
    fs::write(dir.path().join("files/one"), random(9, SIZE)).unwrap();
    for (name, words, passing, expected) in STEPS {
        let (files, calls) = (files(&rig), rig.cloud().calls());
        run(&restic, words, dir.path());
        let mut bill = bill(&calls, &rig.cloud().calls());
        take_needed(name, &mut bill, &files, &self::files(&rig), *passing);
        forget_pauses(&mut bill, expected);
        expect(name, &bill, expected);
    }
    // Snapshot, index, and packs, whose DELETEs come several at once; then the lock.
    let calls = rig.cloud().calls();
    run(&restic, "forget --keep-last 1 --prune", dir.path());
    let bill = bill(&calls, &rig.cloud().calls());
    assert!(bill[&Trash] <= 4, "{bill:?}");
    rig.assert_clean(&[]);
}

/// Config and keys are believed for some seconds. A slow machine asks once more about each: restic
/// looks for the config, and reads both.
fn forget_pauses(bill: &mut Bill, expected: &[(Endpoint, u64)]) {
    // How full the account is, is asked in the background.
    bill.remove(&UserInfo);
    for (endpoint, most) in [(Infos, 2), (DownloadInfo, 1)] {
        let due = expected.iter().find(|(e, _)| *e == endpoint);
        let due = due.map_or(0, |(_, calls)| *calls);
        if let Some(made) = bill.remove(&endpoint) {
            let extra = made.saturating_sub(due).min(most);
            bill.insert(endpoint, made - extra);
        }
    }
    bill.retain(|_, calls| *calls > 0);
}

fn files(rig: &Rig) -> BTreeSet<String> {
    rig.cloud().tree().into_keys().collect()
}

/// Takes away what each file and each folder needs: its upload, its making, its address, its list.
fn take_needed(
    name: &str,
    bill: &mut Bill,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    passing: u64,
) {
    let folders = |files: &BTreeSet<String>| -> BTreeSet<String> {
        let parents = files.iter().filter_map(|file| file.rsplit_once('/'));
        let shards = parents.filter(|(folder, _)| folder.contains("/data/"));
        shards.map(|(folder, _)| folder.to_owned()).collect()
    };
    // The repository's own folder and one for each kind.
    let first = if before.is_empty() { 6 } else { 0 };
    let new = after.difference(before).count() as u64;
    let made = folders(after).difference(&folders(before)).count() as u64;
    assert_eq!(bill.remove(&Single).unwrap_or(0), new + passing, "{name}");
    assert_eq!(bill.remove(&Mkdir).unwrap_or(0), made + first, "{name}");
    let packs = after.iter().filter(|file| file.contains("/data/")).count() as u64;
    match name {
        // restic has the trees in its cache: all but one pack hold contents.
        "restore" => assert_eq!(bill.remove(&DownloadInfo), Some(packs - 1), "{bill:?}"),
        "check" | "check --read-data" => {
            *bill.get_mut(&List).unwrap() -= folders(after).len() as u64;
        }
        _ => {}
    }
}

/// Runs restic in a folder, so that the paths that it stores say nothing of this machine.
fn run(restic: &Restic, words: &str, dir: &Path) {
    let words: Vec<&str> = words.split(' ').collect();
    let mut command = restic.command(&words);
    command.current_dir(dir);
    restic.start_as(command, &words).succeed();
}
