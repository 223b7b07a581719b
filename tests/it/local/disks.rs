//! Disks that are full, read-only, or not there.

use super::mount::Mount;
use super::{file, get, id, list, put, remove, repo};
use crate::served::Served;
use crate::tree::{TempDir, random};
use restic_123pan::body::{Body, Budget};
use restic_123pan::local::Local;
use restic_123pan::restic::{File, Kind, Repo};
use restic_123pan::store::{Cause, Store};
use std::fs;
use std::io::{self, Read};

/// Bytes of the disks.
const DISK: u64 = 2 << 20;

/// A body that says that it was read.
struct Untouched;

impl Read for Untouched {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("the body was read, though there was no room for it");
    }
}

#[test]
fn a_full_disk_is_full_before_the_body_is_read() {
    let dir = TempDir::new();
    let Some(_disk) = Mount::new(dir.path(), DISK) else {
        return;
    };
    let local = Local::open(dir.path()).unwrap();
    let first = random(1, 1_500_000);
    let pack = file(Kind::Data, &first);
    put(&local, &pack, &first).unwrap();
    assert!(local.free_space().unwrap() < 600_000);
    let (budget, len) = (Budget::new(0, None), 1_200_000);
    let other = File::Hashed(Kind::Data, id(b"other"));
    let mut source = Untouched;
    let mut body = Body::streamed(&mut source, len, other.id(), &budget);
    let full = local.save(&repo(), &other, &mut body).unwrap_err();
    assert_eq!(full.cause, Cause::Full, "{full}");
    assert!(!local.holds(&repo(), &other, &mut body).unwrap());
    // What is there is there, also when it is sent again.
    let mut source = Untouched;
    let mut body = Body::streamed(&mut source, first.len() as u64, pack.id(), &budget);
    assert!(local.holds(&repo(), &pack, &mut body).unwrap());
    assert!(put(&local, &pack, &first).is_ok());
    assert_eq!(list(&local, Kind::Data), Ok(vec![id(&first)]));
    let trouble = &local.health().troubles[0];
    assert!(
        !trouble.over && trouble.text.contains("No space left"),
        "{trouble:?}"
    );
    assert_eq!(remove(&local, &pack), Ok(()));
    put(&local, &file(Kind::Data, b"small"), b"small").unwrap();
    assert!(local.health().troubles[0].over);
    // Nothing of the attempt was left.
    assert!(local.free_space().unwrap() > DISK - 200_000);
}

#[test]
fn a_read_only_disk_can_be_read() {
    let dir = TempDir::new();
    let Some(disk) = Mount::new(dir.path(), DISK) else {
        return;
    };
    let local = Local::open(dir.path()).unwrap();
    let key = file(Kind::Keys, b"a key");
    put(&local, &key, b"a key").unwrap();
    disk.set_writable(false);
    for _ in 0..2 {
        let busy = put(&local, &file(Kind::Keys, b"other"), b"other").unwrap_err();
        assert_eq!(busy.cause, Cause::Busy);
        assert!(busy.to_string().contains("Read-only"), "{busy}");
        assert_eq!(remove(&local, &key), Err(Cause::Busy));
        let made = local.create(&Repo::new("new").unwrap());
        assert_eq!(made.unwrap_err().cause, Cause::Busy);
        assert_eq!(get(&local, &key).unwrap(), b"a key");
        assert_eq!(list(&local, Kind::Keys), Ok(vec![id(b"a key")]));
    }
    assert!(local.health().troubles[0].text.contains("Read-only"));
    // So can one that is read-only from the start, and can't be marked.
    let other = Local::open(dir.path()).unwrap();
    assert_eq!(get(&other, &key).unwrap(), b"a key");
    disk.set_writable(true);
    put(&local, &file(Kind::Keys, b"other"), b"other").unwrap();
    assert_eq!(remove(&local, &key), Ok(()));
    assert!(local.health().troubles[0].over);
}

/// Everything that a store is asked, while its disk isn't there.
fn all_is_busy(local: &Local) {
    let key = file(Kind::Keys, b"a key");
    for kind in Kind::ALL {
        assert_eq!(list(local, kind), Err(Cause::Busy));
    }
    assert_eq!(get(local, &key), Err(Cause::Busy));
    assert_eq!(local.stat(&repo(), &key).unwrap_err().cause, Cause::Busy);
    assert_eq!(put(local, &key, b"a key").unwrap_err().cause, Cause::Busy);
    assert_eq!(remove(local, &key), Err(Cause::Busy));
    assert_eq!(local.create(&repo()).unwrap_err().cause, Cause::Busy);
    assert_eq!(local.used_space(&repo()).unwrap_err().cause, Cause::Busy);
    assert_eq!(local.probe().unwrap_err().cause, Cause::Busy);
    let config = local.stat(&repo(), &File::Config);
    assert_eq!(config.unwrap_err().cause, Cause::Busy);
    assert_eq!(local.free_space(), None);
    assert_eq!(local.rehearse().unwrap_err().cause, Cause::Busy);
    let health = local.health();
    assert_eq!((health.reachable, health.account), (Some(false), None));
    assert!(health.troubles.iter().any(|trouble| !trouble.over));
}

#[test]
fn a_root_that_is_gone_is_not_empty() {
    let dir = TempDir::new();
    let (root, away) = (dir.path().join("root"), dir.path().join("away"));
    assert!(Local::open(&root).is_err(), "it isn't made");
    fs::create_dir(&root).unwrap();
    let local = Local::open(&root).unwrap();
    put(&local, &file(Kind::Keys, b"a key"), b"a key").unwrap();
    fs::rename(&root, &away).unwrap();
    all_is_busy(&local);
    assert!(!root.exists(), "it was made anew");
    fs::rename(&away, &root).unwrap();
    assert_eq!(list(&local, Kind::Keys), Ok(vec![id(b"a key")]));
    let health = local.health();
    assert_eq!(health.reachable, Some(true));
    assert!(health.troubles.iter().all(|trouble| trouble.over));
}

#[test]
fn a_disk_that_is_unmounted_is_not_filled_elsewhere() {
    let dir = TempDir::new();
    let Some(disk) = Mount::new(dir.path(), DISK) else {
        return;
    };
    let local = Local::open(dir.path()).unwrap();
    put(&local, &file(Kind::Keys, b"a key"), b"a key").unwrap();
    let mark = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path());
    let mark = mark.into_iter().find(|path| path.is_file()).unwrap();
    let text = fs::read(&mark).unwrap();
    drop(disk);
    all_is_busy(&local);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    // Another disk is another one, and the same one is the same under another number.
    let other = Mount::new(dir.path(), DISK).unwrap();
    all_is_busy(&local);
    fs::write(&mark, text).unwrap();
    assert_eq!(list(&local, Kind::Keys), Err(Cause::Absent));
    put(&local, &file(Kind::Keys, b"a key"), b"a key").unwrap();
    drop(other);
    all_is_busy(&local);
}

/// What clients are told: 507 is final for restic, 503 is not.
#[test]
fn statuses_say_what_is_wrong() {
    let dir = TempDir::new();
    let Some(disk) = Mount::new(dir.path(), DISK) else {
        return;
    };
    let server = Served::over(Local::open(dir.path()).unwrap());
    let post = |bytes: &[u8]| server.status("POST", &format!("/r/data/{}", id(bytes)), bytes);
    assert_eq!(server.status("POST", "/r/?create=true", b""), 200);
    assert_eq!(post(b"fits"), 200);
    assert_eq!(post(&random(1, 3_000_000)), 507);
    disk.set_writable(false);
    assert_eq!(post(b"other"), 503);
    assert_eq!(server.status("GET", "/r/data/", b""), 200);
    drop(disk);
    assert_eq!(post(b"other"), 503);
    assert_eq!(server.status("GET", "/r/data/", b""), 503);
    assert_eq!(server.status("GET", "/r/config", b""), 503);
    assert_eq!(server.status("GET", "/-/readyz", b""), 503);
    assert_eq!(server.status("GET", "/-/healthz", b""), 200);
}
