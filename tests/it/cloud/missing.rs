//! Files that 123pan said it had stored and that aren't there: who is told, when, and by how many
//! calls; and those that somebody else has removed, which nobody misses.

use super::rig::{Cloud, Server, eventually, id, log_of, ms, path};
use crate::fake::{Endpoint, Single};
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::Cause;

/// Index files and snapshots, the last things that clients store.
const LAST: [Kind; 2] = [Kind::Index, Kind::Snapshots];

/// A cloud that loses a file with these bytes once.
fn losing(bytes: &[u8]) -> Cloud {
    Cloud::with(|s| {
        (s.single, s.single_times, s.single_only) = (Single::Lost, 1, id(bytes).to_string());
    })
}

fn damaged(server: &Server) -> u64 {
    server.store.health().damaged
}

/// Rule 9: whoever leaves a lock behind has ended, and doesn't hear that its last file is lost.
#[test]
fn what_is_lost_is_told_when_the_lock_goes() {
    for kind in LAST {
        let cloud = losing(b"the last");
        let server = cloud.server();
        let lock = server.save(Kind::Locks, b"a lock").unwrap();
        let last = server.save(kind, b"the last").unwrap();
        let log = log_of(|| server.remove(Kind::Locks, lock).unwrap());
        let told = |line: &&String| line.starts_with("ERROR") && line.contains(&last.to_string());
        assert_eq!(log.iter().filter(told).count(), 1, "{kind:?}: {log:?}");
        assert_eq!(damaged(&server), 1, "{kind:?}");
        assert_eq!(server.save(Kind::Index, b"next"), Err(Cause::Lost));
        server.save(kind, b"the last").unwrap();
        server.save(Kind::Index, b"next").unwrap();
        assert_eq!(damaged(&server), 1, "{kind:?}");
    }
}

/// Rule 9: a lock that protects nothing any more bars nobody, also when something else is there.
#[test]
fn a_lock_goes_although_an_index_is_lost() {
    let cloud = losing(b"lost");
    let server = cloud.server();
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    server.save(Kind::Index, b"there").unwrap();
    server.save(Kind::Index, b"lost").unwrap();
    assert_eq!(server.remove(Kind::Locks, lock), Ok(()));
    assert_eq!(damaged(&server), 1);
}

/// What others have removed isn't lost.
#[test]
fn what_others_have_removed_is_no_damage() {
    for kind in LAST {
        let cloud = Cloud::start();
        let server = cloud.server();
        let lock = server.save(Kind::Locks, b"a lock").unwrap();
        let last = server.save(kind, b"the last").unwrap();
        cloud.trash_by_hand(&path(kind, last));
        server.remove(Kind::Locks, lock).unwrap();
        assert_eq!(damaged(&server), 0, "{kind:?}");
    }
}

/// Rule 9: an index file stays until the one that replaces it is there for certain.
#[test]
fn an_index_outlives_a_lost_one() {
    let cloud = losing(b"new");
    let server = cloud.server();
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    let old = server.save(Kind::Index, b"old").unwrap();
    let new = server.save(Kind::Index, b"new").unwrap();
    assert_eq!(server.remove(Kind::Index, old), Err(Cause::Lost));
    assert_eq!(server.list(Kind::Index), Ok(vec![old]));
    server.save(Kind::Index, b"new").unwrap();
    server.remove(Kind::Index, old).unwrap();
    assert_eq!(server.list(Kind::Index), Ok(vec![new]));
    server.remove(Kind::Locks, lock).unwrap();
}

/// The same by as many calls as it took without: the lock needn't wait for it any more.
#[test]
fn making_sure_of_an_index_costs_nothing() {
    let cloud = Cloud::start();
    let server = cloud.server_with(|c| c.shared.timing.overlay = ms(600_000));
    let old = server.save(Kind::Index, b"old").unwrap();
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    server.save(Kind::Index, b"new").unwrap();
    let before = cloud.calls();
    server.remove(Kind::Index, old).unwrap();
    server.remove(Kind::Locks, lock).unwrap();
    let after = cloud.calls();
    let made = |endpoint| after.of(endpoint).calls - before.of(endpoint).calls;
    // The index folder twice: for what shows, and for the number of what goes.
    assert_eq!([made(Endpoint::List), made(Endpoint::Infos)], [3, 0]);
}

/// A client that doesn't lock ends with its snapshot. One call, a while later, looks for it.
#[test]
fn a_snapshot_without_a_lock_is_looked_for_once() {
    for (bytes, lost) in [(b"lost".as_slice(), 1), (b"kept", 0)] {
        let cloud = losing(b"lost");
        let server = cloud.server();
        server.save(Kind::Snapshots, bytes).unwrap();
        assert_eq!(cloud.count(Endpoint::Infos).calls, 0);
        eventually("it is looked for", || {
            cloud.count(Endpoint::Infos).calls == 1
        });
        eventually("it is told", || damaged(&server) == lost);
        std::thread::sleep(ms(700));
        assert_eq!(cloud.count(Endpoint::Infos).calls, 1);
        assert_eq!(damaged(&server), lost);
        let next = server.save(Kind::Index, b"next").map(drop);
        assert_eq!(next, if lost == 0 { Ok(()) } else { Err(Cause::Lost) });
    }
}

/// While the cloud doesn't answer, it is asked again, but not at once.
#[test]
fn a_snapshot_that_cannot_be_looked_for_is_patient() {
    let cloud = losing(b"lost");
    let server = cloud.hasty_server();
    server.save(Kind::Snapshots, b"lost").unwrap();
    let (how, when) = (crate::fake::How::Html(500), crate::fake::When::Before);
    cloud.fail_next(Endpoint::Infos, u32::MAX, when, how);
    eventually("it is asked", || cloud.count(Endpoint::Infos).calls > 0);
    cloud.clear_faults();
    eventually("it is told", || damaged(&server) == 1);
}

/// What a client does before somebody removes its pack.
type Before = fn(&Server) -> Id;

/// Rule 5: packs of a backup that was given up are removed by a prune through another server, and
/// the next backup doesn't miss them. Whose client may still live, though, must hear of it.
#[test]
fn packs_of_an_ended_backup_may_be_removed() {
    let unlocked: Before = |server| server.save(Kind::Data, b"a pack").unwrap();
    let locked: Before = |server| {
        server.save(Kind::Locks, b"a lock").unwrap();
        server.save(Kind::Data, b"a pack").unwrap()
    };
    let refreshed: Before = |server| {
        let lock = server.save(Kind::Locks, b"a lock").unwrap();
        let pack = server.save(Kind::Data, b"a pack").unwrap();
        server.save(Kind::Locks, b"its refreshment").unwrap();
        server.remove(Kind::Locks, lock).unwrap();
        pack
    };
    let ended: Before = |server| {
        let lock = server.save(Kind::Locks, b"a lock").unwrap();
        let pack = server.save(Kind::Data, b"a pack").unwrap();
        server.remove(Kind::Locks, lock).unwrap();
        pack
    };
    let begun_anew: Before = |server| {
        let lock = server.save(Kind::Locks, b"a lock").unwrap();
        let pack = server.save(Kind::Data, b"a pack").unwrap();
        server.remove(Kind::Locks, lock).unwrap();
        server.save(Kind::Locks, b"of the next backup").unwrap();
        pack
    };
    let cases = [
        ("unlocked", unlocked, false),
        ("locked", locked, false),
        ("refreshed", refreshed, false),
        ("ended", ended, true),
        ("begun anew", begun_anew, true),
    ];
    for (name, before, may_go) in cases {
        for by_cloud in [false, true] {
            println!("{name}, lost by the cloud: {by_cloud}");
            let cloud = Cloud::start();
            let (one, other) = (cloud.server(), cloud.server());
            let pack = before(&one);
            if by_cloud {
                cloud.delete_by_hand(&path(Kind::Data, pack));
            } else {
                other.remove(Kind::Data, pack).unwrap();
            }
            let log = log_of(|| {
                let expected = if may_go && !by_cloud {
                    Ok(())
                } else {
                    Err(Cause::Lost)
                };
                assert_eq!(one.save(Kind::Index, b"next").map(drop), expected);
            });
            let told = log.iter().any(|line| line.contains(&pack.to_string()));
            assert_eq!(told, may_go && !by_cloud, "{log:?}");
        }
    }
}
