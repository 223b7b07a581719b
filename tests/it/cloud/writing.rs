//! Safety rules 1 to 3 and 7: nothing is overwritten, what exists is known by its content, what
//! is damaged is mended, and what became of an upload is looked up before it is answered.

use super::rig::{Cloud, Server, folder, id, ms, path};
use crate::fake::{Endpoint, How, Overwritten, Single, Taken, When};
use crate::tree::random;
use restic_123pan::restic::{File, Kind};
use restic_123pan::store::Cause;

const TAKEN: [Taken; 5] = [
    Taken::Repeat,
    Taken::Exists,
    Taken::Code5060,
    Taken::Suffix,
    Taken::Twin,
];

/// Rule 1: the second of two servers that initialise a repository gets 403, however the service
/// tells that the name is taken, and the first one's config is what everybody reads.
#[test]
fn the_first_config_wins() {
    for taken in TAKEN {
        // Where the service doesn't refuse, a late list can't show that the name is taken.
        let refuses = !matches!(taken, Taken::Suffix | Taken::Twin);
        for lag in [0, if refuses { 100 } else { 0 }] {
            println!("{taken:?}, lists {lag} ms late");
            let cloud = Cloud::with(|s| (s.taken, s.lag_files) = (taken, ms(lag)));
            let (one, other) = (cloud.server(), cloud.server());
            assert_eq!(one.save_config(b"config of one"), Ok(()));
            assert_eq!(other.save_config(b"config of two"), Err(Cause::Exists));
            for server in [&one, &other] {
                let read = server.load_part(&File::Config, None);
                assert_eq!(read.unwrap(), b"config of one");
                assert_eq!(server.save_config(b"config of one"), Ok(()));
            }
            assert_eq!(cloud.living("restic/host"), ["config"], "{taken:?}");
        }
    }
}

/// The same when the second one's answer is lost: its copy doesn't stay beside the first.
#[test]
fn a_second_config_of_unknown_outcome_is_taken_back() {
    for taken in TAKEN {
        let cloud = Cloud::with(|s| s.taken = taken);
        let (one, other) = (cloud.server(), cloud.server());
        assert_eq!(one.save_config(b"config of one"), Ok(()));
        cloud.fail_next(Endpoint::Single, 1, When::After, How::Cut);
        assert_eq!(other.save_config(b"config of two"), Err(Cause::Exists));
        assert_eq!(
            one.load_part(&File::Config, None).unwrap(),
            b"config of one"
        );
        let living = cloud.living("restic/host");
        let configs = living.iter().filter(|name| *name == "config");
        assert_eq!(configs.count(), 1, "{taken:?}: {living:?}");
    }
}

/// Rule 7: an upload whose error came after it was stored is looked up, so that no double stays
/// that nobody knows of.
#[test]
fn no_double_outlives_its_removal() {
    let cloud = Cloud::with(|s| s.taken = Taken::Twin);
    let server = cloud.server();
    let busy = How::Code(5000, "系统繁忙".to_owned());
    cloud.fail_next(Endpoint::Single, 2, When::After, busy);
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    server.remove(Kind::Data, pack).unwrap();
    assert_eq!(cloud.tree().len(), 0);
}

/// The same when they do it at the same moment: one of them at most is told that it did.
#[test]
fn two_servers_initialise_at_once() {
    for taken in TAKEN {
        let cloud = Cloud::with(|s| s.taken = taken);
        let servers = [cloud.server(), cloud.server()];
        servers[0].create().unwrap();
        let save = |n: usize| {
            let (server, text) = (&servers[n], format!("config {n}"));
            move || server.save_config(text.as_bytes())
        };
        let (one, other) = std::thread::scope(|scope| {
            let (one, other) = (scope.spawn(save(0)), scope.spawn(save(1)));
            (one.join().unwrap(), other.join().unwrap())
        });
        let winner = match (one, other) {
            (Ok(()), Err(Cause::Exists)) => "config 0",
            (Err(Cause::Exists), Ok(())) => "config 1",
            both => panic!("{taken:?}: {both:?}"),
        };
        for server in &servers {
            let read = server.load_part(&File::Config, None);
            assert_eq!(read.unwrap(), winner.as_bytes(), "{taken:?}");
        }
    }
}

/// Rule 1: nothing is ever sent with `duplicate` for a name that is free or whole.
#[test]
fn what_exists_goes_nowhere() {
    for taken in TAKEN {
        for kind in Kind::ALL {
            let cloud = Cloud::with(|s| s.taken = taken);
            let (one, other) = (cloud.server(), cloud.server());
            let id = one.save(kind, b"content").unwrap();
            let number = cloud.file(&path(kind, id)).unwrap().id;
            assert_eq!(other.save(kind, b"content"), Ok(id), "{taken:?} {kind:?}");
            assert_eq!(one.save(kind, b"content"), Ok(id));
            assert!(!cloud.by_id(number).unwrap().trashed, "{taken:?} {kind:?}");
            assert_eq!(one.list(kind), Ok(vec![id]));
            // What was stored under another name all the same is in the bin at the latest when
            // something counts on it.
            one.save(Kind::Index, b"index of one").unwrap();
            other.save(Kind::Index, b"index of the other").unwrap();
            let suffixed = cloud.tree().into_keys().filter(|path| path.contains('('));
            assert_eq!(suffixed.collect::<Vec<_>>(), [""; 0], "{kind:?}");
        }
    }
}

/// Rule 2: a file of this name in the bin, or in a folder that is in the bin, isn't this file.
#[test]
fn what_is_in_the_bin_does_not_count() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let id = server.save(Kind::Data, b"a pack").unwrap();
    cloud.trash_by_hand(&path(Kind::Data, id));
    assert_eq!(server.save(Kind::Data, b"a pack"), Ok(id));
    assert!(cloud.file(&path(Kind::Data, id)).is_some(), "stored anew");
    cloud.trash_by_hand(&folder(Kind::Data));
    assert_eq!(server.save(Kind::Data, b"a pack"), Ok(id));
    assert!(cloud.file(&path(Kind::Data, id)).is_some(), "and anew");
    assert_eq!(cloud.server().load(Kind::Data, id).unwrap(), b"a pack");
}

/// Rule 2: a POST that is repeated because its answer was lost is done, and nothing is doubled.
#[test]
fn a_lost_answer_is_no_second_file() {
    for how in [
        How::Reset,
        How::Cut,
        How::Html(502),
        How::Empty,
        How::BadJson,
        How::NullData,
    ] {
        for (kind, lag) in Kind::ALL
            .into_iter()
            .flat_map(|kind| [(kind, 0), (kind, 60)])
        {
            println!("{how:?}, {kind:?}, lists {lag} ms late");
            let cloud = Cloud::with(|s| s.lag_files = ms(lag));
            let server = cloud.server();
            cloud.fail_next(Endpoint::Single, 1, When::After, how.clone());
            let first = server.save(kind, b"content");
            // A late list may not show it in time; the client sends it again then.
            assert!(
                matches!(first, Ok(_) | Err(Cause::Cloud | Cause::Busy)),
                "{first:?}"
            );
            assert_eq!(server.save(kind, b"content"), Ok(id(b"content")));
            assert_eq!(cloud.tree().len(), 1);
            assert_eq!(server.list(kind), Ok(vec![id(b"content")]));
        }
    }
}

/// Rule 3: what lies under a hash's name and isn't what the hash says is replaced, where the body
/// can be sent twice.
#[test]
fn damage_is_mended() {
    for taken in [Taken::Repeat, Taken::Exists, Taken::Code5060] {
        for overwritten in [Overwritten::Bin, Overwritten::Vanish] {
            for damage in [&b"shorter"[..], b"as long, but others"] {
                let cloud = Cloud::with(|s| (s.taken, s.overwritten) = (taken, overwritten));
                let server = cloud.server();
                let id = server.save(Kind::Data, b"the right content..").unwrap();
                cloud.damage(&path(Kind::Data, id), damage);
                assert_eq!(server.save(Kind::Data, b"the right content.."), Ok(id));
                let read = cloud.server().load(Kind::Data, id);
                assert_eq!(read.unwrap(), b"the right content..");
                assert_eq!(server.list(Kind::Data), Ok(vec![id]));
            }
        }
    }
}

/// Rule 3: a body that was streamed can't be sent twice; it is replaced when it comes again.
#[test]
fn damage_is_mended_by_the_second_stream() {
    let cloud = Cloud::start();
    let server = cloud.server().memory(0, Some(cloud.folder()));
    let bytes = random(1, 2 << 20);
    let id = server.save(Kind::Data, &bytes).unwrap();
    cloud.damage(&path(Kind::Data, id), b"damaged");
    assert_eq!(server.save(Kind::Data, &bytes), Err(Cause::Busy));
    assert_eq!(
        cloud.file(&path(Kind::Data, id)).unwrap().bytes(),
        b"damaged"
    );
    assert_eq!(server.save(Kind::Data, &bytes), Ok(id));
    assert_eq!(server.load(Kind::Data, id).unwrap(), bytes);
    // Whoever sends it once more sends nothing.
    let before = cloud.tree();
    assert_eq!(server.save(Kind::Data, &bytes), Ok(id));
    assert_eq!(cloud.tree(), before);
}

/// Rule 3: a service that refuses to replace what is damaged isn't asked for ever.
#[test]
fn mending_is_given_up() {
    let cloud = Cloud::start();
    let server = cloud.hasty_server();
    let id = server.save(Kind::Data, b"the right content").unwrap();
    cloud.damage(&path(Kind::Data, id), b"damaged");
    let taken = How::Code(1, "该目录下文件名重复".to_owned());
    cloud.fail_next(Endpoint::Single, u32::MAX, When::Before, taken.clone());
    cloud.fail_next(Endpoint::Create, u32::MAX, When::Before, taken);
    let saved = server.save(Kind::Data, b"the right content");
    assert_eq!(saved, Err(Cause::Cloud));
    assert!(cloud.count(Endpoint::Single).calls < 10);
}

/// Rule 3: a wrong body doesn't replace anything.
#[test]
fn a_wrong_body_mends_nothing() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let id = server.save(Kind::Data, b"the right content").unwrap();
    let wrong = server.save_as(&File::Hashed(Kind::Data, id), b"damaged content!!");
    assert_eq!(wrong, Err(Cause::BadBody));
    let there = cloud.file(&path(Kind::Data, id)).unwrap().bytes();
    assert_eq!(there, b"the right content");
}

/// Rule 7: what a single upload may come to, and what the client and the cloud have of it in the
/// end. Queued files appear 30 ms later.
#[test]
fn uploads_of_unknown_outcome_are_looked_up() {
    for (single, times, expected) in [
        (Single::Unfinished, 1, Ok(())),
        (Single::NoId, 1, Ok(())),
        (Single::Queued, 1, Ok(())),
        (Single::QueuedNever, 1, Ok(())),
        (Single::StoredThen500, 1, Ok(())),
        (Single::Only500, 1, Ok(())),
        (Single::Unfinished, 0, Ok(())),
        (Single::NoId, 0, Ok(())),
        (Single::Queued, 0, Ok(())),
        (Single::StoredThen500, 0, Ok(())),
    ] {
        for kind in [Kind::Data, Kind::Keys, Kind::Index, Kind::Locks] {
            println!("{single:?} {times} times, {kind:?}");
            let cloud = Cloud::with(|s| (s.single, s.single_times) = (single, times));
            let server = cloud.server();
            let saved = server.save(kind, b"content").map(drop);
            assert_eq!(saved, expected);
            check_stored(&cloud, &server, kind);
        }
    }
}

fn check_stored(cloud: &Cloud, server: &Server, kind: Kind) {
    // Whatever was queued has come by then.
    std::thread::sleep(ms(40));
    assert_eq!(server.list(kind), Ok(vec![id(b"content")]));
    assert_eq!(server.load(kind, id(b"content")).unwrap(), b"content");
    assert_eq!(cloud.tree().len(), 1, "{:?}", cloud.tree());
}

/// Rule 7: after a stream of unknown outcome nothing can be sent again, but what is there is known.
#[test]
fn streams_of_unknown_outcome_are_looked_up() {
    for (single, expected) in [
        (Single::StoredThen500, Ok(())),
        (Single::Queued, Ok(())),
        (Single::Unfinished, Ok(())),
        (Single::Only500, Err(Cause::Cloud)),
        (Single::QueuedNever, Err(Cause::Busy)),
    ] {
        let cloud = Cloud::with(|s| (s.single, s.single_times) = (single, 1));
        let server = cloud.server().memory(0, None);
        let bytes = random(1, 2 << 20);
        let saved = server.save(Kind::Data, &bytes).map(drop);
        assert_eq!(saved, expected, "{single:?}");
        assert_eq!(
            server.save(Kind::Data, &bytes),
            Ok(id(&bytes)),
            "{single:?}"
        );
        assert_eq!(server.load(Kind::Data, id(&bytes)).unwrap(), bytes);
        assert_eq!(cloud.tree().len(), 1);
    }
}
