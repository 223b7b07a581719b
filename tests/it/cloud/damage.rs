//! Damage that shows after an upload was acknowledged: whichever list or download meets it first
//! says so once, it is counted, listed as 123pan has it, and replaced when it is sent again
//! (safety rule 3).

use super::rig::{Cloud, Server, id, log_of, path};
use crate::fake::Single;
use crate::tree::random;
use restic_123pan::body::{Body, Budget};
use restic_123pan::restic::{File, Id, Kind, Range};
use restic_123pan::store::Cause;

const PACK: &[u8] = b"a pack as it should be";

/// The lines that say what is damaged.
fn said(act: impl FnOnce()) -> Vec<String> {
    let mut log = log_of(act);
    log.retain(|line| line.starts_with("ERROR") && line.contains("is damaged at 123pan"));
    log
}

/// Names and sizes of packs.
fn sizes(server: &Server) -> Vec<(Id, u64)> {
    let mut all = Vec::new();
    let mut found = |entry: restic_123pan::store::Entry| {
        all.push((entry.id, entry.size));
        Ok(())
    };
    let listed = server.store.list(&server.repo(), Kind::Data, &mut found);
    listed.unwrap();
    all
}

/// Sends the pack again, after which nothing is wrong.
fn mend(cloud: &Cloud, server: &Server) {
    assert_eq!(server.save(Kind::Data, PACK), Ok(id(PACK)));
    let file = cloud.file(&path(Kind::Data, id(PACK))).unwrap();
    assert_eq!((file.bytes(), file.status), (PACK.to_vec(), 0));
    let log = said(|| assert_eq!(sizes(server), [(id(PACK), PACK.len() as u64)]));
    assert_eq!(log, [""; 0]);
    assert_eq!(server.load(Kind::Data, id(PACK)), Ok(PACK.to_vec()));
    assert_eq!(server.store.health().damaged, 1);
}

/// What an upload's row shows of it differs, or somebody changes it later.
#[test]
fn a_list_shows_it() {
    let size = PACK.len() as u64;
    type Break = fn(&Cloud);
    let pack = || path(Kind::Data, id(PACK));
    #[rustfmt::skip]
    let table: [(&str, Single, Break, u64); 5] = [
        ("a size at once", Single::WrongSize, |_| {}, size - 1),
        ("a hash at once", Single::WrongEtag, |_| {}, size),
        ("a size later", Single::Done, |c| c.damage(&path(Kind::Data, id(PACK)), b"short"), 5),
        (
            "a hash later",
            Single::Done,
            |c| c.damage(&path(Kind::Data, id(PACK)), &[b'x'; 22]),
            size,
        ),
        (
            "the content audit",
            Single::Done,
            |c| c.set_status(&path(Kind::Data, id(PACK)), 101),
            size,
        ),
    ];
    for (what, single, breaks, shown) in table {
        let cloud = Cloud::with(|s| (s.single, s.single_times) = (single, 1));
        let server = cloud.server();
        server.create().unwrap();
        server.save(Kind::Data, PACK).unwrap();
        breaks(&cloud);
        for times in [1, 0] {
            let log = said(|| assert_eq!(sizes(&server), [(id(PACK), shown)], "{what}"));
            assert_eq!(log.len(), times, "{what}: {log:?}");
            assert!(log.iter().all(|line| line.contains(&pack())), "{log:?}");
        }
        let health = server.store.health();
        assert_eq!(health.damaged, 1, "{what}");
        assert!(health.troubles.iter().any(|t| t.is_current(t.last)));
        mend(&cloud, &server);
    }
}

/// What another process has stored is known by the size that it had when it was first seen.
#[test]
fn a_size_that_was_seen_is_remembered() {
    let cloud = Cloud::start();
    let other = cloud.server();
    other.create().unwrap();
    other.save(Kind::Data, PACK).unwrap();
    let server = cloud.server();
    assert_eq!(said(|| drop(sizes(&server))), [""; 0]);
    cloud.damage(&path(Kind::Data, id(PACK)), b"short");
    assert_eq!(said(|| drop(sizes(&server))).len(), 1);
    mend(&cloud, &server);
}

/// Whoever sends it again for want of an answer isn't told that it is there.
#[test]
fn what_is_damaged_does_not_count_as_there() {
    let cloud = Cloud::start();
    let server = cloud.server();
    server.create().unwrap();
    server.save(Kind::Data, PACK).unwrap();
    let budget = Budget::new(1 << 20, None);
    let holds = || {
        let (mut source, len) = (PACK, PACK.len() as u64);
        let mut body = Body::streamed(&mut source, len, Some(id(PACK)), &budget);
        let file = File::Hashed(Kind::Data, id(PACK));
        server.store.holds(&server.repo(), &file, &mut body)
    };
    assert!(holds().unwrap());
    cloud.set_status(&path(Kind::Data, id(PACK)), 101);
    assert!(!holds().unwrap());
    mend(&cloud, &server);
}

/// A download is the first to meet it.
#[test]
fn a_download_shows_it() {
    let part = Range::parse("bytes=0-3").unwrap();
    for range in [None, Some(part)] {
        let cloud = Cloud::start();
        let server = cloud.server();
        server.create().unwrap();
        server.save(Kind::Data, PACK).unwrap();
        // Its row changes with it, but no list has shown that yet.
        cloud.damage(&path(Kind::Data, id(PACK)), b"short");
        let file = File::Hashed(Kind::Data, id(PACK));
        for times in [1, 0] {
            let log = said(|| assert_eq!(server.load_part(&file, range), Err(Cause::Cloud)));
            assert_eq!(log.len(), times, "{log:?}");
        }
        mend(&cloud, &server);
    }
}

/// A body that passes through can't be sent twice: once the damage is known it is held, so that
/// its first POST replaces it.
#[test]
fn the_next_stream_replaces_it() {
    let cloud = Cloud::start();
    let server = cloud.server().memory(0, Some(cloud.folder()));
    server.create().unwrap();
    let pack = random(1, 2 << 20);
    let name = server.save(Kind::Data, &pack).unwrap();
    cloud.damage(&path(Kind::Data, name), b"short");
    assert_eq!(said(|| drop(sizes(&server))).len(), 1);
    assert_eq!(server.save(Kind::Data, &pack), Ok(name));
    assert_eq!(server.load(Kind::Data, name), Ok(pack));
}

/// Bytes that have become others, as many as before: only who reads all of them can tell, and the
/// client says no more than that its repository is damaged.
#[test]
fn a_whole_download_is_compared_with_its_name() {
    for kind in Kind::ALL {
        let cloud = Cloud::start();
        let server = cloud.server();
        server.create().unwrap();
        let name = server.save(kind, PACK).unwrap();
        assert_eq!(
            said(|| assert_eq!(server.load(kind, name).unwrap(), PACK)),
            [""; 0]
        );
        let other = vec![b'x'; PACK.len()];
        cloud.rot(&path(kind, name), &other);
        for times in [1, 0] {
            // What is still whole among them may be saved.
            let log = said(|| assert_eq!(server.load(kind, name), Ok(other.clone())));
            assert_eq!(log.len(), times, "{log:?}");
            assert!(
                log.iter().all(|line| line.contains(&name.to_string())),
                "{log:?}"
            );
        }
        // Sent again, it is replaced.
        assert_eq!(server.save(kind, PACK), Ok(name));
        assert_eq!(server.load(kind, name).unwrap(), PACK);
    }
}
