//! Safety rule 5: before an index file or a snapshot is acknowledged, the packs that it names are
//! confirmed. And what is confirmed at once: config and keys.

use super::rig::{Cloud, Server, eventually, id, log_of, ms, path};
use crate::fake::{Endpoint, How, InfosKey, Single, Switches, Taken, When};
use crate::tree::random;
use restic_123pan::restic::{File, Id, Kind};
use restic_123pan::store::Cause;
use std::time::Duration;

/// What the cloud makes of a pack, and what the index gets then.
#[test]
fn an_index_waits_for_its_packs() {
    #[rustfmt::skip]
    let cases: [(&str, fn(&mut Switches), Result<(), Cause>); 8] = [
        ("stored", |_| {}, Ok(())),
        ("lost", |s| s.single = Single::Lost, Err(Cause::Lost)),
        ("short", |s| s.single = Single::WrongSize, Err(Cause::Lost)),
        ("other bytes", |s| s.single = Single::WrongEtag, Err(Cause::Lost)),
        ("infos late", |s| s.lag_infos = ms(100), Ok(())),
        ("infos too late", |s| s.lag_infos = ms(60_000), Err(Cause::Lost)),
        ("the other key", |s| s.infos_key = InfosKey::List, Ok(())),
        ("ids as strings", |s| s.ids_as_strings = true, Ok(())),
    ];
    for kind in [Kind::Index, Kind::Snapshots] {
        for (name, change, expected) in &cases {
            println!("{name}, {kind:?}");
            let cloud = Cloud::with(|s| {
                change(s);
                (s.single_only, s.single_times) = (id(b"a pack").to_string(), 1);
            });
            let server = cloud.server();
            server.save(Kind::Data, b"another pack").unwrap();
            server.save(Kind::Data, b"a pack").unwrap();
            let saved = server.save(kind, b"an index").map(drop);
            assert_eq!(saved, *expected);
            let there = cloud.file(&path(kind, id(b"an index"))).is_some();
            assert_eq!(there, expected.is_ok(), "nothing refers to what is lost");
        }
    }
}

/// What somebody does to the file at a path.
type Change = fn(&Cloud, &str);

/// What is true of a pack when the index comes, and what the index gets.
#[test]
fn a_pack_must_be_where_it_was_put() {
    #[rustfmt::skip]
    let cases: [(&str, Change, Result<(), Cause>); 6] = [
        ("kept", |_, _| {}, Ok(())),
        ("trashed", |c, path| { c.trash_by_hand(path); }, Err(Cause::Lost)),
        ("destroyed", |c, path| { c.delete_by_hand(path); }, Err(Cause::Lost)),
        ("damaged", |c, path| c.damage(path, b"other"), Err(Cause::Lost)),
        ("rejected", |c, path| c.set_status(path, 101), Err(Cause::Lost)),
        ("audited", |c, path| c.set_status(path, 100), Ok(())),
    ];
    for (name, change, expected) in cases {
        println!("{name}");
        let cloud = Cloud::start();
        let server = cloud.server();
        let pack = server.save(Kind::Data, b"a pack").unwrap();
        change(&cloud, &path(Kind::Data, pack));
        assert_eq!(server.save(Kind::Index, b"an index").map(drop), expected);
    }
}

/// The log names the packs that are gone, and says what helps: nothing but time, if somebody has put
/// them into the bin.
#[test]
fn the_log_names_lost_packs() {
    for trashed in [false, true] {
        let cloud = Cloud::start();
        let server = cloud.server();
        let pack = server.save(Kind::Data, b"a pack").unwrap();
        match trashed {
            true => cloud.trash_by_hand(&path(Kind::Data, pack)),
            false => cloud.delete_by_hand(&path(Kind::Data, pack)),
        };
        let file = File::Hashed(Kind::Index, id(b"an index"));
        let budget = restic_123pan::body::Budget::new(1 << 20, None);
        let mut source = &b"an index"[..];
        let body = restic_123pan::body::Body::fixed(&mut source, 8, file.id(), &budget);
        let error = server.store.save(&server.repo(), &file, &mut body.unwrap());
        let error = error.unwrap_err();
        let (text, brief) = (error.to_string(), error.brief().unwrap_or_default());
        assert!(text.contains(&pack.to_string()), "{text}");
        assert_eq!(text.contains("into 123pan's bin"), trashed, "{text}");
        assert_eq!(text.contains("`restic unlock`"), !trashed, "{text}");
        assert!(text.contains("1 minutes at most"), "{text}");
        assert_eq!(brief.contains("for 1 minutes at most"), trashed, "{brief}");
    }
}

/// Whoever repeats the index is refused again, until the pack is there again.
#[test]
fn a_lost_pack_is_healed_by_its_repetition_alone() {
    let cloud = Cloud::with(|s| (s.single, s.single_times) = (Single::Lost, 1));
    let server = cloud.server();
    server.save(Kind::Data, b"a pack").unwrap();
    for _ in 0..3 {
        assert_eq!(server.save(Kind::Index, b"an index"), Err(Cause::Lost));
        assert_eq!(
            server.save(Kind::Snapshots, b"a snapshot"),
            Err(Cause::Lost)
        );
    }
    server.save(Kind::Data, b"a pack").unwrap();
    server.save(Kind::Index, b"an index").unwrap();
    server.save(Kind::Snapshots, b"a snapshot").unwrap();
}

/// A backup that was given up mustn't keep all later ones from ending.
#[test]
fn a_lost_pack_is_forgotten_in_the_end() {
    let cloud = Cloud::with(|s| (s.single, s.single_times) = (Single::Lost, 1));
    let server = cloud.server_with(|c| {
        c.shared.timing.lost = ms(100);
        c.shared.timing.visible = ms(20);
    });
    server.save(Kind::Data, b"a pack").unwrap();
    assert_eq!(server.save(Kind::Index, b"one"), Err(Cause::Lost));
    std::thread::sleep(ms(120));
    server.save(Kind::Index, b"one").unwrap();
}

/// A pack that its client removes needn't be there.
#[test]
fn removed_packs_are_not_missed() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    server.remove(Kind::Data, pack).unwrap();
    server.save(Kind::Index, b"an index").unwrap();
}

/// If `infos` fails, nothing is certain, and the client is asked to come again.
#[test]
fn no_infos_no_index() {
    for how in [
        How::Html(500),
        How::NullData,
        How::WrongShape,
        How::Code(5000, "内部错误".to_owned()),
        How::Code(1, "?".to_owned()),
        How::Reset,
    ] {
        println!("{how:?}");
        let cloud = Cloud::start();
        let server = cloud.hasty_server();
        server.save(Kind::Data, b"a pack").unwrap();
        cloud.fail_next(Endpoint::Infos, u32::MAX, When::Before, how);
        assert_eq!(server.save(Kind::Index, b"an index"), Err(Cause::Cloud));
        assert_eq!(cloud.living("restic/host"), ["data"]);
        cloud.clear_faults();
        server.save(Kind::Index, b"an index").unwrap();
    }
}

/// One call for a hundred packs, and none twice.
#[test]
fn confirmation_is_cheap() {
    let cloud = Cloud::start();
    let server = cloud.server();
    server.create().unwrap();
    for n in 0..250 {
        server.save(Kind::Data, &random(n, 10)).unwrap();
    }
    let infos = |server: &Server, text: &[u8]| {
        let before = cloud.count(Endpoint::Infos).calls;
        server.save(Kind::Index, text).unwrap();
        cloud.count(Endpoint::Infos).calls - before
    };
    assert_eq!(infos(&server, b"one"), 3);
    assert_eq!(infos(&server, b"two"), 1, "the first index itself");
}

/// Repositories don't answer for each other.
#[test]
fn another_repository_is_not_held_up() {
    let cloud = Cloud::with(|s| (s.single, s.single_times) = (Single::Lost, 1));
    let mut server = cloud.server();
    server.save(Kind::Data, b"a pack").unwrap();
    server.turn_to("other");
    server.save(Kind::Data, b"a pack").unwrap();
    server.save(Kind::Index, b"an index").unwrap();
    server.turn_to("host");
    assert_eq!(server.save(Kind::Index, b"an index"), Err(Cause::Lost));
}

/// Keys and the config can't be repeated by a client that believes in them, so they are confirmed
/// before they are acknowledged.
#[test]
fn keys_and_config_are_confirmed_at_once() {
    for single in [Single::Lost, Single::WrongSize, Single::WrongEtag] {
        let cloud = Cloud::with(|s| (s.single, s.single_times) = (single, 1));
        let server = cloud.server();
        assert_eq!(
            server.save(Kind::Keys, b"a key"),
            Err(Cause::Cloud),
            "{single:?}"
        );
        assert_eq!(
            server.save(Kind::Keys, b"a key"),
            Ok(id(b"a key")),
            "{single:?}"
        );
        assert_eq!(server.load(Kind::Keys, id(b"a key")).unwrap(), b"a key");
    }
    let cloud = Cloud::with(|s| (s.single, s.single_times) = (Single::Lost, 1));
    let server = cloud.server();
    assert!(server.save_config(b"a config").is_err());
    assert_eq!(server.save_config(b"a config"), Ok(()));
}

/// A name under which damage was stored is told, and mended without a word of the client's.
#[test]
fn mending_is_logged() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let pack: Id = server.save(Kind::Data, b"a pack").unwrap();
    cloud.damage(&path(Kind::Data, pack), b"x");
    let log = log_of(|| _ = server.save(Kind::Data, b"a pack"));
    let told = |line: &&String| line.starts_with("WARN") && line.contains(&pack.to_string());
    assert_eq!(log.iter().filter(told).count(), 1, "{log:?}");
}

/// Two index files at once: what one of them takes back, the other doesn't miss.
#[test]
fn what_another_request_takes_back_is_not_missed() {
    let cloud = Cloud::with(|s| s.taken = Taken::Suffix);
    let server = cloud.server_with(|c| c.shared.timing.visible = Duration::from_secs(60));
    for _ in 0..2 {
        server.save(Kind::Data, b"a pack").unwrap();
    }
    let while_it_lasts = How::Hang(ms(300));
    cloud.fail_next(Endpoint::Trash, 1, When::After, while_it_lasts);
    std::thread::scope(|scope| {
        scope.spawn(|| server.save(Kind::Index, b"one").unwrap());
        eventually("the copy is in the bin", || cloud.bin().len() == 1);
        server.save(Kind::Index, b"other").unwrap();
    });
}

/// A copy under another name goes with the file that it was sent for, and nobody misses it.
#[test]
fn removing_a_name_takes_back_its_renamed_copy() {
    let cloud = Cloud::with(|s| s.taken = Taken::Suffix);
    let server = cloud.server();
    for _ in 0..2 {
        server.save(Kind::Index, b"an index").unwrap();
    }
    // It has been in a list then, and is nothing that only this server knows.
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    server.remove(Kind::Locks, lock).unwrap();
    server.remove(Kind::Index, id(b"an index")).unwrap();
    assert_eq!(cloud.tree().len(), 0);
    server.save(Kind::Snapshots, b"a snapshot").unwrap();
}

/// What is sent again while somebody waits for it must be there as well.
#[test]
fn what_is_sent_again_is_waited_for() {
    let cloud = Cloud::start();
    let server = cloud.server_with(|c| c.shared.timing.visible = Duration::from_secs(3));
    server.create().unwrap();
    cloud.set(|s| (s.single, s.single_times) = (Single::Lost, 2));
    server.save(Kind::Index, b"an index").unwrap();
    let looks = || cloud.count(Endpoint::Infos).calls;
    let before = looks();
    std::thread::scope(|scope| {
        let snapshot = scope.spawn(|| server.save(Kind::Snapshots, b"a snapshot"));
        eventually("it is looked for", || looks() > before);
        server.save(Kind::Index, b"an index").unwrap();
        assert_eq!(snapshot.join().unwrap(), Err(Cause::Lost));
    });
}
