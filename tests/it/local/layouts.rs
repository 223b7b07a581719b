//! A folder that was downloaded from a cloud, where packs lie in 16 folders: it is read as it is,
//! and the manual's line makes restic's own of it.

use super::{file, get, id, list, put, repo};
use crate::restic::{RESTIC, Restic, text};
use crate::served::Served;
use crate::tree::{TempDir, random};
use restic_123pan::cloud::layout::Layout;
use restic_123pan::local::Local;
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::{Cause, Store};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a pack of a repository lies in a layout.
fn place(repo: &Path, layout: Layout, id: Id) -> PathBuf {
    let folder = repo.join("data").join(layout.folder(&id));
    folder.join(id.to_string())
}

/// Moves all packs of a repository into 16 folders, as a cloud has them.
fn spread_over_16(repo: &Path) {
    for folder in fs::read_dir(repo.join("data")).unwrap() {
        let folder = folder.unwrap().path();
        for pack in fs::read_dir(&folder).unwrap() {
            let pack = pack.unwrap();
            let id = Id::from_hex(pack.file_name().to_str().unwrap()).unwrap();
            let new = place(repo, Layout::Sixteen, id);
            fs::create_dir_all(new.parent().unwrap()).unwrap();
            fs::rename(pack.path(), new).unwrap();
        }
        fs::remove_dir(folder).unwrap();
    }
}

/// The line that the manual gives for it, run in a repository.
fn gather_as_the_manual_says(repo: &Path) {
    let program = env!("CARGO_BIN_EXE_restic-123pan");
    let manual = Command::new(program).arg("manual").output().unwrap();
    let manual = String::from_utf8(manual.stdout)
        .unwrap()
        .replace("\\-", "-");
    let line = manual.lines().find(|line| line.starts_with("cd data"));
    let mut shell = Command::new("sh");
    let ran = shell
        .args(["-ec", line.unwrap()])
        .current_dir(repo)
        .output();
    let ran = ran.unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
}

/// Stores some packs.
fn put_packs(local: &Local) -> Vec<Vec<u8>> {
    let packs: Vec<Vec<u8>> = (0..40).map(|n| random(n, 100)).collect();
    for pack in &packs {
        put(local, &file(Kind::Data, pack), pack).unwrap();
    }
    packs
}

#[test]
fn both_layouts_are_read_and_restics_own_is_written() {
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    let repository = dir.path().join("host");
    let packs = put_packs(&local);
    let all = list(&local, Kind::Data).unwrap();
    spread_over_16(&repository);
    assert_eq!(list(&local, Kind::Data), Ok(all.clone()));
    for pack in &packs {
        let name = file(Kind::Data, pack);
        assert_eq!(get(&local, &name), Ok(pack.clone()));
        assert_eq!(local.stat(&repo(), &name).unwrap(), 100);
        // What is there isn't stored again.
        put(&local, &name, pack).unwrap();
        assert!(!place(&repository, Layout::Restic, id(pack)).exists());
    }
    // One that is in both counts once, and goes with both.
    let both = id(&packs[0]);
    let second = place(&repository, Layout::Restic, both);
    fs::create_dir_all(second.parent().unwrap()).unwrap();
    fs::copy(place(&repository, Layout::Sixteen, both), &second).unwrap();
    assert_eq!(list(&local, Kind::Data), Ok(all));
    let name = file(Kind::Data, &packs[0]);
    let removed = local.remove(&[(repo(), name)]).pop().unwrap();
    removed.unwrap();
    assert_eq!(get(&local, &name), Err(Cause::Absent));
    put(&local, &name, &packs[0]).unwrap();
    assert!(second.exists());
}

#[test]
fn a_downloaded_folder_becomes_restics_own() {
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    let repository = dir.path().join("host");
    let packs = put_packs(&local);
    spread_over_16(&repository);
    gather_as_the_manual_says(&repository);
    for pack in &packs {
        let place = place(&repository, Layout::Restic, id(pack));
        assert_eq!(fs::read(place).unwrap(), *pack);
    }
    let folders = fs::read_dir(repository.join("data")).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name());
    assert!(names.into_iter().all(|name| name.len() == 2));
}

/// restic over the server, then on the folder itself.
#[test]
fn restic_reads_what_the_line_has_made() {
    let (dir, home) = (TempDir::new(), TempDir::new());
    let served = Served::over(Local::open(dir.path()).unwrap());
    let Some(restic) = Restic::find(RESTIC, served.url("/host/"), home.path()) else {
        return;
    };
    let file = home.path().join("file");
    fs::write(&file, random(1, 1 << 20)).unwrap();
    restic.run(&["init"]);
    restic.run(&["backup", text(&file)]);
    let repository = dir.path().join("host");
    spread_over_16(&repository);
    restic.run(&["check", "--read-data"]);
    gather_as_the_manual_says(&repository);
    let directly = restic.with(text(&repository));
    directly.run(&["check", "--read-data"]);
}
