//! Safety rules 8 to 10: locks are fences between hosts that know each other by the cloud's own
//! lists alone.

use super::rig::{Cloud, folder, id, ms, path};
use crate::fake::{Endpoint, How, Single, When};
use restic_123pan::restic::Kind;
use restic_123pan::store::Cause;
use std::time::Instant;

/// Rule 8: when a lock's POST is answered, every other server can see the lock.
#[test]
fn an_acknowledged_lock_is_seen_by_all() {
    let cloud = Cloud::with(|s| s.lag_files = ms(150));
    let (one, other) = (cloud.server(), cloud.server());
    one.create().unwrap();
    let start = Instant::now();
    let lock = one.save(Kind::Locks, b"a lock").unwrap();
    assert!(start.elapsed() >= ms(150), "it was believed too early");
    assert_eq!(other.list(Kind::Locks), Ok(vec![lock]));
}

/// Rule 8: a lock that never shows is withdrawn, so that it bars nobody.
#[test]
fn a_lock_that_never_shows_is_withdrawn() {
    let cloud = Cloud::start();
    let server = cloud.server();
    server.create().unwrap();
    cloud.set(|s| s.list_hides = vec![id(b"a lock").to_string()]);
    assert_eq!(server.save(Kind::Locks, b"a lock"), Err(Cause::Busy));
    assert_eq!(cloud.living(&folder(Kind::Locks)), [""; 0]);
    cloud.set(|s| s.list_hides.clear());
    assert_eq!(server.list(Kind::Locks), Ok(vec![]));
    server.save(Kind::Locks, b"a lock").unwrap();
}

/// Rule 8: nor is a lock shown that was told stored and never came.
#[test]
fn a_lock_that_never_came_is_not_shown() {
    let cloud = Cloud::with(|s| (s.single, s.single_times) = (Single::Lost, 1));
    let server = cloud.server();
    assert_eq!(server.save(Kind::Locks, b"a lock"), Err(Cause::Busy));
    assert_eq!(server.list(Kind::Locks), Ok(vec![]));
    server.save(Kind::Locks, b"a lock").unwrap();
}

/// Rule 8: a lock that others can't read bars nobody either.
#[test]
fn a_damaged_lock_is_withdrawn() {
    for single in [Single::WrongSize, Single::WrongEtag] {
        let cloud = Cloud::with(|s| (s.single, s.single_times) = (single, 1));
        let server = cloud.server();
        assert_eq!(server.save(Kind::Locks, b"a lock"), Err(Cause::Cloud));
        assert_eq!(cloud.living(&folder(Kind::Locks)), [""; 0], "{single:?}");
        server.save(Kind::Locks, b"a lock").unwrap();
    }
}

/// The same when the list itself fails.
#[test]
fn a_lock_without_a_list_is_withdrawn() {
    let cloud = Cloud::start();
    let server = cloud.hasty_server();
    server.create().unwrap();
    server.save(Kind::Locks, b"another lock").unwrap();
    cloud.fail_next(Endpoint::List, u32::MAX, When::Before, How::NullData);
    assert_eq!(server.save(Kind::Locks, b"a lock"), Err(Cause::Cloud));
    cloud.clear_faults();
    assert_eq!(server.list(Kind::Locks), Ok(vec![id(b"another lock")]));
}

/// Rule 9: what a lock protected must be visible before the lock goes.
#[test]
fn a_lock_goes_after_its_snapshots_show() {
    for kind in [Kind::Index, Kind::Snapshots] {
        let cloud = Cloud::start();
        let (one, other) = (cloud.server(), cloud.server());
        let lock = one.save(Kind::Locks, b"a lock").unwrap();
        one.save(kind, b"older").unwrap();
        cloud.set(|s| s.lag_files = ms(150));
        let start = Instant::now();
        let name = one.save(kind, b"what it protected").unwrap();
        one.remove(Kind::Locks, lock).unwrap();
        assert!(start.elapsed() >= ms(150), "{kind:?}: it went too early");
        assert!(other.list(kind).unwrap().contains(&name), "{kind:?}");
    }
}

/// Rule 9: if it never shows, the lock stays, and its DELETE is answered with an error.
#[test]
fn a_lock_stays_while_its_index_is_hidden() {
    for kind in [Kind::Index, Kind::Snapshots] {
        let cloud = Cloud::start();
        let server = cloud.server();
        let lock = server.save(Kind::Locks, b"a lock").unwrap();
        cloud.set(|s| s.list_hides = vec![id(b"hidden").to_string()]);
        server.save(kind, b"hidden").unwrap();
        assert_eq!(server.remove(Kind::Locks, lock), Err(Cause::Busy));
        assert!(cloud.file(&path(Kind::Locks, lock)).is_some(), "{kind:?}");
        cloud.set(|s| s.list_hides.clear());
        assert_eq!(server.remove(Kind::Locks, lock), Ok(()));
    }
}

/// Rule 9: what somebody else has removed meanwhile isn't waited for, and neither is what this
/// client has removed itself.
#[test]
fn a_lock_does_not_wait_for_what_is_gone() {
    let cloud = Cloud::start();
    let (one, other) = (cloud.server(), cloud.server());
    let lock = one.save(Kind::Locks, b"a lock").unwrap();
    let ours = one.save(Kind::Index, b"ours").unwrap();
    let theirs = one.save(Kind::Index, b"theirs").unwrap();
    one.remove(Kind::Index, ours).unwrap();
    other.remove(Kind::Index, theirs).unwrap();
    assert_eq!(one.remove(Kind::Locks, lock), Ok(()));
}

/// Rule 5: what a lock protected was seen when the lock went, and isn't missed when another host
/// forgets it through another server.
#[test]
fn what_others_forget_is_not_missed() {
    for kind in [Kind::Index, Kind::Snapshots] {
        let cloud = Cloud::start();
        let (one, other) = (cloud.server(), cloud.server());
        let lock = one.save(Kind::Locks, b"a lock").unwrap();
        let last = one.save(kind, b"the last of a backup").unwrap();
        one.remove(Kind::Locks, lock).unwrap();
        other.remove(kind, last).unwrap();
        assert!(one.save(Kind::Index, b"the next").is_ok(), "{kind:?}");
    }
}

/// Rule 10: other servers' files are seen in every list, and their removals as well.
#[test]
fn lists_are_fresh() {
    for kind in [
        Kind::Locks,
        Kind::Snapshots,
        Kind::Keys,
        Kind::Index,
        Kind::Data,
    ] {
        let cloud = Cloud::start();
        let (one, other) = (cloud.server(), cloud.server());
        for server in [&one, &other] {
            server.create().unwrap();
            assert_eq!(server.list(kind), Ok(vec![]));
        }
        let name = one.save(kind, b"of one").unwrap();
        assert_eq!(other.list(kind), Ok(vec![name]), "{kind:?}");
        assert_eq!(other.size(kind, name), Ok(6));
        other.remove(kind, name).unwrap();
        assert_eq!(other.list(kind), Ok(vec![]), "{kind:?}");
        assert_eq!(one.list(kind), Ok(vec![]), "{kind:?}");
    }
}
