//! What lies in a folder besides a repository's files, what is damaged or left there, and who wins
//! when two want the same name.

use super::{file, get, id, list, put, remove, repo};
use crate::tree::{TempDir, random};
use restic_123pan::cloud::layout::Layout;
use restic_123pan::local::Local;
use restic_123pan::restic::{File, Id, Kind, Repo};
use restic_123pan::store::{Cause, Store};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How the names of unfinished files begin.
const UNFINISHED: &str = ".restic-123pan-tmp-";

fn place(root: &Path, kind: Kind, id: Id) -> PathBuf {
    let folder = root.join("host").join(kind.name());
    match kind {
        Kind::Data => folder.join(Layout::Restic.folder(&id)).join(id.to_string()),
        _ => folder.join(id.to_string()),
    }
}

/// The unfinished files in a folder.
fn unfinished(folder: &Path) -> usize {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name());
    names
        .filter(|name| name.to_string_lossy().starts_with(UNFINISHED))
        .count()
}

#[test]
fn only_files_are_files() {
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    local.create(&repo()).unwrap();
    for kind in Kind::ALL {
        let bytes = random(kind as u64, 500);
        put(&local, &file(kind, &bytes), &bytes).unwrap();
        let folder = place(dir.path(), kind, id(&bytes));
        let folder = folder.parent().unwrap();
        // Ids that lie in the same folder as the file.
        let near = |n: u8| {
            let mut near = id(&bytes);
            near.0[31] ^= n;
            near
        };
        let [link, sub, pipe] = [1, 2, 3].map(near);
        symlink(
            folder.join(id(&bytes).to_string()),
            folder.join(link.to_string()),
        )
        .unwrap();
        fs::create_dir(folder.join(sub.to_string())).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.join(pipe.to_string()),
            fifo,
            mode,
            0,
        )
        .unwrap();
        fs::create_dir(folder.join("lost+found")).unwrap();
        fs::write(folder.join(format!("{}-tmp-123", near(4))), "restic's own").unwrap();
        fs::write(folder.join(format!("{UNFINISHED}00")), "half").unwrap();
        fs::write(folder.join("文件.txt"), "a user's").unwrap();
        assert_eq!(list(&local, kind), Ok(vec![id(&bytes)]), "{kind:?}");
        for other in [link, sub, pipe] {
            let other = File::Hashed(kind, other);
            assert_eq!(get(&local, &other), Err(Cause::Absent), "{other}");
            let size = local.stat(&repo(), &other).map_err(|e| e.cause);
            assert_eq!(size, Err(Cause::Absent), "{other}");
        }
        assert_eq!(remove(&local, &File::Hashed(kind, sub)), Ok(()));
        assert_eq!(remove(&local, &File::Hashed(kind, link)), Ok(()));
        assert_eq!(get(&local, &file(kind, &bytes)).unwrap(), bytes);
    }
    fs::create_dir(dir.path().join("host/data/lost+found")).unwrap();
    assert_eq!(list(&local, Kind::Data).unwrap().len(), 1);
}

/// A folder that is a link isn't followed, and isn't taken for an empty one.
#[test]
fn links_lead_nowhere() {
    let (dir, elsewhere) = (TempDir::new(), TempDir::new());
    let local = Local::open(dir.path()).unwrap();
    let key = file(Kind::Keys, b"a key");
    put(&local, &key, b"a key").unwrap();
    let keys = dir.path().join("host/keys");
    fs::rename(&keys, elsewhere.path().join("keys")).unwrap();
    symlink(elsewhere.path().join("keys"), &keys).unwrap();
    assert_eq!(list(&local, Kind::Keys), Err(Cause::Cloud));
    assert_eq!(get(&local, &key), Err(Cause::Cloud));
    assert_eq!(remove(&local, &key), Err(Cause::Cloud));
    let put = put(&local, &file(Kind::Keys, b"other"), b"other").unwrap_err();
    assert!(put.to_string().contains("links aren't followed"), "{put}");
    assert_eq!(
        fs::read_dir(elsewhere.path().join("keys")).unwrap().count(),
        1
    );
    // The root itself may be one.
    let link = elsewhere.path().join("root");
    symlink(dir.path(), &link).unwrap();
    let other = Local::open(link).unwrap();
    assert_eq!(list(&other, Kind::Locks), Err(Cause::Absent));
}

#[test]
fn what_is_damaged_is_replaced_by_what_is_right() {
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    let bytes = random(1, (1 << 20) + 5);
    let pack = file(Kind::Data, &bytes);
    let path = place(dir.path(), Kind::Data, id(&bytes));
    put(&local, &pack, &bytes).unwrap();
    let mut flipped = bytes.clone();
    flipped[1 << 19] ^= 1;
    for (damaged, damage) in [&bytes[..1000], &[], &flipped].into_iter().enumerate() {
        fs::write(&path, damage).unwrap();
        // Only by what is right.
        let wrong = put(&local, &pack, &random(2, bytes.len())).unwrap_err();
        assert_eq!(wrong.cause, Cause::BadBody);
        assert_eq!(fs::read(&path).unwrap(), damage);
        assert_eq!(local.health().damaged, damaged as u64);
        put(&local, &pack, &bytes).unwrap();
        assert_eq!(get(&local, &pack).unwrap(), bytes);
    }
    // And what is right stays the same file.
    let number = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = number(&path);
    put(&local, &pack, &bytes).unwrap();
    assert_eq!((number(&path), local.health().damaged), (before, 3));
    assert_eq!(unfinished(path.parent().unwrap()), 0);
}

/// A file that is cut while it is sent breaks off, and doesn't end early.
#[test]
fn a_file_that_shrinks_is_no_whole_one() {
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    let bytes = random(1, 100_000);
    put(&local, &file(Kind::Keys, &bytes), &bytes).unwrap();
    let mut loaded = local
        .load(&repo(), &file(Kind::Keys, &bytes), None)
        .unwrap();
    fs::write(place(dir.path(), Kind::Keys, id(&bytes)), &bytes[..50_000]).unwrap();
    let mut read = Vec::new();
    assert!(loaded.reader.read_to_end(&mut read).is_err());
    assert_eq!(read.len(), 50_000);
}

#[test]
fn left_overs_go_when_they_are_old_and_nobody_holds_them() {
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    put(&local, &file(Kind::Data, b"pack"), b"pack").unwrap();
    local.create(&repo()).unwrap();
    let host = dir.path().join("host");
    let folders = [
        (place(dir.path(), Kind::Data, id(b"pack")), Kind::Data),
        (host.join("locks/x"), Kind::Locks),
        // That of the config.
        (host.join("x"), Kind::Keys),
    ];
    let old = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    for (path, kind) in folders {
        let folder = path.parent().unwrap();
        let plant = |name: &str, time: SystemTime| {
            let file = fs::File::create(folder.join(name)).unwrap();
            file.set_modified(time).unwrap();
            file
        };
        plant(&format!("{UNFINISHED}old"), old);
        plant("somebody else's.tmp", old);
        plant(&format!("{UNFINISHED}young"), SystemTime::now());
        let held = plant(&format!("{UNFINISHED}held"), old);
        held.try_lock().unwrap();
        list(&local, kind).unwrap();
        assert!(
            !folder.join(format!("{UNFINISHED}old")).exists(),
            "{kind:?}"
        );
        assert_eq!(unfinished(folder), 2, "{kind:?}");
        drop(held);
        list(&local, kind).unwrap();
        assert_eq!(unfinished(folder), 1, "{kind:?}");
        assert!(folder.join("somebody else's.tmp").exists());
    }
    assert!(place(dir.path(), Kind::Data, id(b"pack")).exists());
}

/// Of many configs at the same time one wins, and it stays.
#[test]
fn one_config_wins() {
    const WRITERS: u8 = 8;
    let dir = TempDir::new();
    for round in 0..20 {
        let repo = Repo::new(&format!("r{round}")).unwrap();
        let start = Barrier::new(WRITERS.into());
        let write = |n: u8| {
            // As by another process.
            let local = Local::new(dir.path());
            start.wait();
            super::kills::put_config(&local, &repo, &random(n.into(), 155))
        };
        let won: Vec<u8> = thread::scope(|scope| {
            let writers = (0..WRITERS).map(|n| (n, scope.spawn(move || write(n))));
            let writers: Vec<_> = writers.collect();
            let ended = writers
                .into_iter()
                .map(|(n, writer)| (n, writer.join().unwrap()));
            ended
                .filter(|(_, done)| done.is_ok())
                .map(|(n, _)| n)
                .collect()
        });
        assert_eq!(won.len(), 1, "round {round}: {won:?}");
        let folder = dir.path().join(format!("r{round}"));
        assert_eq!(
            fs::read(folder.join("config")).unwrap(),
            random(won[0].into(), 155)
        );
        assert_eq!(unfinished(&folder), 0);
    }
}

/// The same pack from many at once is there once, for all of them.
#[test]
fn many_may_bring_the_same() {
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    let bytes = random(1, 2 << 20);
    let pack = file(Kind::Data, &bytes);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| put(&local, &pack, &bytes).unwrap());
        }
    });
    assert_eq!(get(&local, &pack).unwrap(), bytes);
    let folder = place(dir.path(), Kind::Data, id(&bytes));
    assert_eq!(unfinished(folder.parent().unwrap()), 0);
}

#[test]
fn many_packs_are_listed_in_a_second() {
    const PACKS: u64 = 20_000;
    const TRIES: u32 = 5;
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    local.create(&repo()).unwrap();
    let mut ids: Vec<Id> = (0..PACKS).map(|n| id(&n.to_le_bytes())).collect();
    for id in &ids {
        let path = place(dir.path(), Kind::Data, *id);
        let _ = fs::create_dir(path.parent().unwrap());
        fs::write(path, "").unwrap();
    }
    ids.sort();
    // The fastest of some, while the machine may have other work.
    let tries = (0..TRIES).map(|_| {
        let start = Instant::now();
        assert_eq!(list(&local, Kind::Data).unwrap(), ids);
        start.elapsed()
    });
    let took = tries.min().unwrap();
    println!("{PACKS} packs are listed in {} ms", took.as_millis());
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn what_lies_below_a_folder_is_counted() {
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    let used = |path: &str| local.used_space(&Repo::new(path).unwrap()).unwrap();
    assert_eq!(used("nothing"), Some(0));
    fs::create_dir_all(dir.path().join("home/a/deep/er")).unwrap();
    fs::create_dir_all(dir.path().join("home").join("y/".repeat(60))).unwrap();
    fs::create_dir(dir.path().join("home/lost+found")).unwrap();
    fs::write(dir.path().join("home/lost+found/x"), [0; 5000]).unwrap();
    fs::write(dir.path().join("home/a/deep/er/x"), [0; 300]).unwrap();
    fs::write(dir.path().join("home/x"), [0; 20]).unwrap();
    symlink(dir.path(), dir.path().join("home/link")).unwrap();
    assert_eq!(used("home"), Some(320));
    // What this server stores since counts, whatever else happens.
    put(&local, &file(Kind::Keys, &[7; 100]), &[7; 100]).unwrap();
    assert_eq!(used("host"), Some(100));
    put(&local, &file(Kind::Keys, &[8; 10]), &[8; 10]).unwrap();
    put(&local, &file(Kind::Keys, &[8; 10]), &[8; 10]).unwrap();
    assert_eq!(used("host"), Some(110));
    assert_eq!(used("home"), Some(320));
    assert!(used("").unwrap() >= 430);
}

#[test]
fn health_tells_of_the_disk() {
    let dir = TempDir::new();
    let local = Local::open(dir.path()).unwrap();
    assert!(local.probe().is_ok());
    assert!(local.rehearse().is_ok());
    assert_eq!(unfinished(dir.path()), 0);
    let health = local.health();
    assert_eq!((health.cloud, health.reachable), ("local", Some(true)));
    let account = health.account.unwrap();
    assert!(account.total > 0 && health.answered.is_some());
    let differs = account.free().abs_diff(local.free_space().unwrap());
    assert!(differs < 10 << 30, "others write there too");
    assert!(health.troubles.is_empty());
}
