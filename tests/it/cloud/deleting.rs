//! Safety rules 4, 17 to 19: a removal that was acknowledged has happened, one that wasn't doesn't
//! happen behind its client's back, and only what this server has put into the bin is purged.

use super::rig::{Cloud, Server, eventually, folder, ms, path, sorted};
use super::waste::{DAY, Hand, NOW, list};
use crate::fake::{BadIds, Endpoint, How, Taken, When};
use crate::tree::random;
use restic_123pan::pan123::Bin;
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::Cause;

const BAD: [BadIds; 3] = [BadIds::Fail, BadIds::Partial, BadIds::Silent];

fn save_many(server: &Server, kind: Kind, count: u64) -> Vec<Id> {
    let save = |n| server.save(kind, &random(n, 10)).unwrap();
    (0..count).map(save).collect()
}

/// Rule 18: ids that the trash call can't take, because somebody else was faster, spoil nothing.
#[test]
fn others_removals_spoil_no_batch() {
    for bad in BAD {
        for kind in [Kind::Data, Kind::Snapshots] {
            println!("{bad:?} {kind:?}");
            let cloud = Cloud::with(|s| s.trash_bad = bad);
            let server = cloud.server_with(|c| c.shared.timing.overlay = ms(1));
            let ids = save_many(&server, kind, 9);
            std::thread::sleep(ms(2));
            cloud.trash_by_hand(&path(kind, ids[2]));
            cloud.delete_by_hand(&path(kind, ids[5]));
            assert_eq!(server.remove_all(kind, &ids[..8]), vec![Ok(()); 8]);
            assert_eq!(server.list(kind), Ok(vec![ids[8]]));
            assert_eq!(cloud.tree().len(), 1);
        }
    }
}

/// A batch waits for a cloud that can't be reached no longer than one call does, however many files
/// it has.
#[test]
fn a_large_batch_gives_up_as_one_call_does() {
    let cloud = Cloud::start();
    let ids = save_many(&cloud.server(), Kind::Data, 40);
    let server = cloud.server_with(|c| c.shared.timing.retry = ms(20));
    cloud.fail_next(Endpoint::List, 10_000, When::Before, How::Refuse);
    assert_eq!(
        server.remove_all(Kind::Data, &ids),
        vec![Err(Cause::Cloud); 40]
    );
    let lists = cloud.count(Endpoint::List).calls;
    assert!(lists < 40, "{lists} lists");
    cloud.clear_faults();
    assert_eq!(server.remove_all(Kind::Data, &ids), vec![Ok(()); 40]);
}

/// A copy that the service has renamed goes, and so does what had the name before.
#[test]
fn a_pack_goes_with_its_renamed_copy() {
    let cloud = Cloud::with(|s| s.taken = Taken::Suffix);
    let (one, other) = (cloud.server(), cloud.server());
    let pack = one.save(Kind::Data, b"twice").unwrap();
    other.save(Kind::Data, b"twice").unwrap();
    assert_eq!(cloud.tree().len(), 2);
    assert_eq!(other.remove(Kind::Data, pack), Ok(()));
    assert_eq!(cloud.tree().len(), 0);
}

/// Rule 18: a service that succeeds without doing anything about some ids isn't believed twice.
#[test]
fn the_outcome_of_a_trash_call_is_looked_up() {
    for how in [
        How::Reset,
        How::Cut,
        How::Html(502),
        How::Code(1, "?".to_owned()),
        How::Code(5000, "内部错误".to_owned()),
        How::Empty,
    ] {
        for when in [When::Before, When::After] {
            for bad in BAD {
                println!("{how:?} {when:?} {bad:?}");
                let cloud = Cloud::with(|s| s.trash_bad = bad);
                let server = cloud.server();
                let ids = save_many(&server, Kind::Data, 5);
                cloud.fail_next(Endpoint::Trash, 1, when, how.clone());
                let removed = server.remove_all(Kind::Data, &ids[..4]);
                assert_eq!(removed, vec![Ok(()); 4]);
                assert_eq!(cloud.tree().len(), 1, "what is acknowledged has happened");
                assert_eq!(server.list(Kind::Data), Ok(vec![ids[4]]));
            }
        }
    }
}

/// Rule 18: what can't be known is answered with an error, and the file stays known.
#[test]
fn an_unknown_outcome_is_an_error() {
    for when in [When::Before, When::After] {
        let cloud = Cloud::start();
        let server = cloud.hasty_server();
        let pack = server.save(Kind::Data, b"a pack").unwrap();
        cloud.fail_next(Endpoint::Trash, 9, when, How::Reset);
        cloud.fail_next(Endpoint::Infos, 1000, When::Before, How::Html(502));
        assert_eq!(server.remove(Kind::Data, pack), Err(Cause::Cloud));
        cloud.clear_faults();
        // restic sends it again.
        assert_eq!(server.remove(Kind::Data, pack), Ok(()));
        assert_eq!(cloud.tree().len(), 0);
    }
}

/// Rule 18: a call that certainly did nothing isn't followed by others.
#[test]
fn no_trash_without_a_cloud() {
    for how in [
        How::Code(401, "token is expired".to_owned()),
        How::Html(429),
    ] {
        let cloud = Cloud::start();
        let server = cloud.server_with(|c| {
            (c.shared.timing.rate_wait, c.shared.timing.overlay) = (ms(20), ms(600_000));
        });
        let ids = save_many(&server, Kind::Data, 10);
        cloud.fail_next(Endpoint::Trash, 1000, When::Before, how);
        let removed = server.remove_all(Kind::Data, &ids);
        assert_eq!(removed, vec![Err(Cause::Busy); 10]);
        assert_eq!(cloud.count(Endpoint::Infos).calls, 0);
        cloud.clear_faults();
        assert_eq!(cloud.tree().len(), 10);
    }
}

/// Rule 4: a removal that failed and may come to pass later is finished before the name is given
/// anew, so that it can't hit the new file.
#[test]
fn a_late_removal_does_not_hit_the_next_file() {
    for when in [When::Before, When::After] {
        for kind in [Kind::Locks, Kind::Data, Kind::Snapshots] {
            let cloud = Cloud::start();
            // Within this time a list doesn't ask whether its folder lies in the bin.
            let server = cloud.server_with(|c| {
                (c.shared.timing.overlay, c.shared.timing.retry) = (ms(60_000), ms(20));
            });
            let name = server.save(kind, b"content").unwrap();
            let old = cloud.file(&path(kind, name)).unwrap().id;
            cloud.fail_next(Endpoint::Trash, 9, when, How::Reset);
            cloud.fail_next(Endpoint::Infos, 1000, When::Before, How::Html(502));
            assert_eq!(server.remove(kind, name), Err(Cause::Cloud));
            cloud.clear_faults();
            assert_eq!(server.save(kind, b"content"), Ok(name));
            let new = cloud.file(&path(kind, name)).unwrap().id;
            assert_ne!(old, new, "{when:?} {kind:?}: stored anew");
            assert!(cloud.by_id(old).unwrap().trashed);
            assert_eq!(server.list(kind), Ok(vec![name]));
        }
    }
}

/// Rule 17: a removal goes by what the cloud has now, not by what was known.
#[test]
fn fresh_ids_are_removed() {
    for kind in [Kind::Keys, Kind::Snapshots, Kind::Locks, Kind::Index] {
        let cloud = Cloud::start();
        let (one, other) = (cloud.server(), cloud.server());
        let name = one.save(kind, b"content").unwrap();
        other.remove(kind, name).unwrap();
        other.save(kind, b"content").unwrap();
        assert_eq!(one.remove(kind, name), Ok(()));
        assert_eq!(cloud.tree().len(), 0, "{kind:?}");
    }
}

/// Rule 17: one list for each folder, however many files go, and one call for a hundred of them.
#[test]
fn removing_many_is_cheap() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let ids = save_many(&server, Kind::Snapshots, 130);
    cloud.reset_counters();
    let removed = server.remove_all(Kind::Snapshots, &ids);
    assert_eq!(removed, vec![Ok(()); 130]);
    // Two pages.
    assert_eq!(cloud.count(Endpoint::List).calls, 2);
    assert_eq!(cloud.count(Endpoint::Trash).calls, 2);
    assert_eq!(server.list(Kind::Snapshots), Ok(vec![]));
}

/// What stays and what goes, by the setting.
#[test]
fn the_bin_is_kept_or_emptied() {
    for (bin, kind, purged) in [
        (Bin::Keep, Kind::Data, false),
        (Bin::Keep, Kind::Locks, false),
        (Bin::Days(1), Kind::Data, false),
        (Bin::Days(1), Kind::Snapshots, false),
        (Bin::Days(1), Kind::Locks, true),
        (Bin::Days(0), Kind::Data, true),
        (Bin::Purge, Kind::Data, true),
        (Bin::Purge, Kind::Locks, true),
    ] {
        let cloud = Cloud::start();
        let server = cloud.server_with(|c| c.shared.bin = bin);
        let name = server.save(kind, b"content").unwrap();
        let number = cloud.file(&path(kind, name)).unwrap().id;
        server.remove(kind, name).unwrap();
        match purged {
            true => eventually("purged", || cloud.by_id(number).is_none()),
            false => {
                server.look_around();
                assert!(cloud.by_id(number).unwrap().trashed, "{bin:?} {kind:?}");
                assert_eq!(cloud.count(Endpoint::Delete).calls, 0);
            }
        }
    }
}

/// Rule 19: what others have put into the bin stays there.
#[test]
fn only_own_waste_is_purged() {
    let cloud = Cloud::start();
    let server = cloud.server_with(|c| c.shared.bin = Bin::Purge);
    let other = cloud.server();
    let ours = server.save(Kind::Data, b"ours").unwrap();
    let theirs = other.save(Kind::Data, b"theirs").unwrap();
    let by_hand = server.save(Kind::Data, b"by hand").unwrap();
    other.remove(Kind::Data, theirs).unwrap();
    cloud.trash_by_hand(&path(Kind::Data, by_hand));
    server.remove(Kind::Data, ours).unwrap();
    eventually("ours is purged", || cloud.bin().len() == 2);
    server.look_around();
    let names: Vec<String> = cloud.bin().into_iter().map(|file| file.name).collect();
    assert!(names.contains(&theirs.to_string()) && names.contains(&by_hand.to_string()));
}

/// Rule 19: a file that somebody has brought back isn't purged, nor is it when it goes again by
/// somebody else's hand.
#[test]
fn what_was_brought_back_is_not_purged() {
    let cloud = Cloud::start();
    let hand = Hand::at(NOW);
    cloud.tell_time_by(hand.read());
    let server =
        cloud.server_with(|c| (c.shared.bin, c.shared.timing.clock) = (Bin::Days(1), hand.clock()));
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    let number = cloud.file(&path(Kind::Data, pack)).unwrap().id;
    server.remove(Kind::Data, pack).unwrap();
    cloud.restore_by_hand(number);
    hand.set(NOW + DAY);
    server.hear();
    server.look_around();
    assert!(!cloud.by_id(number).unwrap().trashed);
    cloud.trash_by_hand(&path(Kind::Data, pack));
    server.look_around();
    assert!(cloud.by_id(number).is_some(), "it had left the list");
    assert_eq!(cloud.count(Endpoint::Delete).calls, 0);
}

/// Rule 19: the config isn't purged, whoever asks.
#[test]
fn the_config_is_not_purged() {
    let cloud = Cloud::start();
    let server = cloud.server_with(|c| c.shared.bin = Bin::Purge);
    server.save_config(b"a config").unwrap();
    let number = cloud.file("restic/host/config").unwrap().id;
    assert_eq!(server.remove_config(), Ok(()));
    server.look_around();
    assert!(cloud.by_id(number).unwrap().trashed);
}

/// Purging goes on after faults, in batches, and stops for good where the call doesn't exist.
#[test]
fn purging_goes_on() {
    for bad in BAD {
        let cloud = Cloud::with(|s| s.delete_bad = bad);
        let server = cloud.server_with(|c| c.shared.bin = Bin::Purge);
        let ids = save_many(&server, Kind::Snapshots, 120);
        cloud.fail_next(Endpoint::Delete, 2, When::Before, How::Html(502));
        cloud.fail_next(Endpoint::Infos, 1, When::After, How::Reset);
        server.remove_all(Kind::Snapshots, &ids);
        eventually("all purged", || cloud.bin().is_empty());
    }
    let cloud = Cloud::with(|s| s.delete_missing = true);
    let server = cloud.server_with(|c| c.shared.bin = Bin::Purge);
    let ids = save_many(&server, Kind::Data, 3);
    server.remove_all(Kind::Data, &ids);
    eventually("tried", || cloud.count(Endpoint::Delete).calls > 0);
    server.look_around();
    assert_eq!(cloud.count(Endpoint::Delete).calls, 1, "and not again");
    assert_eq!(server.list(Kind::Data), Ok(vec![]));
}

/// What is to be purged survives a restart, also one that comes soon.
#[test]
fn the_purge_list_survives_a_restart() {
    let cloud = Cloud::start();
    let start = |bin| {
        cloud.server_with(|c| {
            (c.shared.bin, c.shared.state_dir) = (bin, Some(cloud.folder().to_owned()))
        })
    };
    let server = start(Bin::Days(0));
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    let number = cloud.file(&path(Kind::Data, pack)).unwrap().id;
    cloud.fail_next(Endpoint::Delete, 1000, When::Before, How::Html(502));
    server.remove(Kind::Data, pack).unwrap();
    drop(server);
    assert!(cloud.by_id(number).unwrap().trashed);
    cloud.clear_faults();
    let _server = start(Bin::Purge);
    eventually("purged after the restart", || cloud.by_id(number).is_none());
}

/// One process keeps the list of a state directory; a second one writes nothing over it.
#[test]
fn two_processes_do_not_share_a_purge_list() {
    let cloud = Cloud::start();
    let start = || {
        cloud.server_with(|c| {
            (c.shared.bin, c.shared.state_dir) = (Bin::Days(9), Some(cloud.folder().to_owned()))
        })
    };
    let (one, other) = (start(), start());
    let name = one.save(Kind::Data, b"a pack").unwrap();
    one.remove(Kind::Data, name).unwrap();
    drop(one);
    let before = list(&cloud);
    let name = other.save(Kind::Data, b"another pack").unwrap();
    other.remove(Kind::Data, name).unwrap();
    drop(other);
    assert_eq!(list(&cloud), before);
}

/// Nothing but files goes: the folders stay, and so does what has an id but another name.
#[test]
fn folders_stay() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let ids = save_many(&server, Kind::Keys, 3);
    let others = cloud.plant(&format!("{}/other", folder(Kind::Keys)), b"x");
    assert_eq!(server.remove_all(Kind::Keys, &ids), vec![Ok(()); 3]);
    assert!(!cloud.by_id(others).unwrap().trashed);
    assert!(cloud.file(&folder(Kind::Keys)).is_some());
    assert_eq!(server.list(Kind::Keys), Ok(sorted([])));
}
