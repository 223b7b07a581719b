//! Safety rules 12 and 16: folders that go, come back under another number, lie in the bin, or
//! exist twice; and each folder is made once.

use super::rig::{BASE, Cloud, Server, folder, id, log_of, ms, path, shard, sorted};
use crate::fake::{Endpoint, How, MissingFolder, When};
use restic_123pan::restic::{File, Id, Kind};
use restic_123pan::store::Cause;

/// How often servers that know nothing yet are raced.
const SEARCHES: u32 = 60;

/// What a list of a folder says that is gone.
const MISSING: [MissingFolder; 5] = [
    MissingFolder::Error,
    MissingFolder::Empty,
    MissingFolder::NullData,
    MissingFolder::NullList,
    MissingFolder::Rows,
];

/// The folders that somebody may do something to, from the kind's own to the repositories'.
fn folders(kind: Kind, id: Id) -> Vec<String> {
    let mut folders = vec![folder(kind), format!("{BASE}/host"), BASE.to_owned()];
    if kind == Kind::Data {
        folders.push(format!("{}/{}", folder(kind), shard(id)));
    }
    folders
}

/// Calls `check` for each folder that goes, each way of going, and each answer about it.
fn for_each_loss(check: impl Fn(&Cloud, &Server, Kind, Id, &str)) {
    for missing in MISSING {
        for kind in [Kind::Snapshots, Kind::Data] {
            let folders = folders(kind, id(b"old")).into_iter();
            for (gone, destroyed) in folders.flat_map(|f| [(f.clone(), true), (f, false)]) {
                println!("{missing:?}, {kind:?}, {gone} gone, destroyed: {destroyed}");
                let cloud = Cloud::with(|s| s.missing_folder = missing);
                let server = cloud.server_with(|c| {
                    (c.shared.timing.overlay, c.shared.timing.retry) = (ms(1), ms(60));
                    c.shared.timing.visible = ms(50);
                });
                let old = server.save(kind, b"old").unwrap();
                server.list(kind).unwrap();
                std::thread::sleep(ms(2));
                match destroyed {
                    true => cloud.delete_by_hand(&gone),
                    false => cloud.trash_by_hand(&gone),
                };
                check(&cloud, &server, kind, old, &gone);
            }
        }
    }
}

/// Rule 12: a folder that was made anew by somebody else is found, with what is in it.
#[test]
fn a_folder_made_anew_is_found() {
    for_each_loss(|cloud, server, kind, old, _| {
        let new = id(b"new");
        cloud.plant(&path(kind, new), b"new");
        assert_eq!(server.list(kind), Ok(vec![new]));
        assert_eq!(server.size(kind, new), Ok(3));
        assert_eq!(server.load(kind, new).unwrap(), b"new");
        assert_eq!(server.load(kind, old), Err(Cause::Absent));
    });
}

/// Rule 12: one that nobody made anew is absent, not empty, unless only the packs' own is gone.
#[test]
fn a_folder_that_is_gone_is_absent() {
    for_each_loss(|_, server, kind, old, gone| {
        let inner = gone.ends_with(&format!("/{}", shard(old)));
        let expected = if inner {
            Ok(vec![])
        } else {
            Err(Cause::Absent)
        };
        assert_eq!(server.list(kind), expected);
        assert_eq!(server.load(kind, old), Err(Cause::Absent));
    });
}

/// Rule 12: new files go where everybody finds them.
#[test]
fn new_files_go_into_living_folders() {
    for anew in [false, true] {
        for_each_loss(|cloud, server, kind, _, _| {
            let there = id(b"there");
            if anew {
                cloud.plant(&path(kind, there), b"there");
            }
            let new = match server.save(kind, b"new") {
                // What the folder held before is lost for good, and the client must hear of it;
                // or it lies in the bin, which the client must hear of, too.
                Err(Cause::Lost | Cause::Busy) => return,
                new => new.unwrap(),
            };
            assert!(cloud.file(&path(kind, new)).is_some());
            let mut expected = vec![new];
            expected.extend(anew.then_some(there));
            assert_eq!(cloud.server().list(kind), Ok(sorted(expected.clone())));
            assert_eq!(server.list(kind), Ok(sorted(expected)));
        });
    }
}

/// Rule 12: removing what is in a folder that is gone removes nothing else.
#[test]
fn removing_from_a_stale_folder_is_done() {
    for_each_loss(|cloud, server, kind, old, _| {
        cloud.plant(&path(kind, id(b"new")), b"new");
        assert_eq!(server.remove(kind, old), Ok(()));
        assert_eq!(cloud.server().list(kind), Ok(vec![id(b"new")]));
    });
}

/// Rule 16: what lies in the bin isn't there: files, folders, and what is below them.
#[test]
fn the_bin_is_not_looked_into() {
    for missing in MISSING {
        for kind in [Kind::Keys, Kind::Data] {
            for gone in folders(kind, id(b"old")) {
                let cloud = Cloud::with(|s| s.missing_folder = missing);
                cloud.plant(&path(kind, id(b"old")), b"old");
                cloud.trash_by_hand(&gone);
                let server = cloud.server();
                assert_eq!(server.size(kind, id(b"old")), Err(Cause::Absent), "{gone}");
                cloud.plant(&path(kind, id(b"new")), b"new");
                assert_eq!(server.list(kind), Ok(vec![id(b"new")]), "{gone}");
            }
        }
    }
}

/// Rule 16: of several folders of one name everything is read, new files go into the oldest, and
/// the log says it once.
#[test]
fn twins_are_read_as_one() {
    for kind in [Kind::Snapshots, Kind::Data] {
        let at = match kind {
            Kind::Data => format!("{}/{}", folder(kind), shard(id(b"two"))),
            _ => folder(kind),
        };
        let cloud = Cloud::start();
        let one = cloud.plant_folder(&at);
        let two = cloud.plant_twin_folder(&at);
        assert!(one < two);
        cloud.plant_into(two, &id(b"two").to_string(), b"two");
        let server = cloud.server();
        let log = log_of(|| {
            for _ in 0..3 {
                assert_eq!(server.list(kind), Ok(vec![id(b"two")]), "{kind:?}");
            }
        });
        let warned = log.iter().filter(|l| l.starts_with("WARN"));
        assert_eq!(warned.count(), 1, "{log:?}");
        assert_eq!(server.load(kind, id(b"two")).unwrap(), b"two");
        let same = (0..).map(|n: u64| n.to_le_bytes());
        let alike = |b: &[u8; 8]| kind != Kind::Data || shard(id(b)) == shard(id(b"two"));
        let bytes = same.into_iter().find(alike).unwrap();
        let new = server.save(kind, &bytes).unwrap();
        assert_eq!(cloud.file(&path(kind, new)).unwrap().parent, one);
        assert_eq!(server.list(kind), Ok(sorted([id(b"two"), new])));
        assert_eq!(server.remove(kind, id(b"two")), Ok(()));
        assert_eq!(server.list(kind), Ok(vec![new]));
    }
}

/// Rule 16: a second living file of the same name goes with the first, and counts once.
#[test]
fn twin_files_are_one() {
    for kind in [Kind::Snapshots, Kind::Data] {
        let cloud = Cloud::start();
        let name = id(b"content");
        cloud.plant(&path(kind, name), b"content");
        cloud.plant(&path(kind, name), b"content");
        let server = cloud.server();
        assert_eq!(server.list(kind), Ok(vec![name]));
        assert_eq!(server.load(kind, name).unwrap(), b"content");
        assert_eq!(server.remove(kind, name), Ok(()));
        assert_eq!(cloud.tree().len(), 0, "{kind:?}");
        assert_eq!(server.list(kind), Ok(vec![]));
    }
}

/// Rule 16: after a mkdir of unknown outcome there is one folder, and the file is in it.
#[test]
fn a_lost_mkdir_makes_no_twin() {
    for how in [
        How::Reset,
        How::Html(502),
        How::Cut,
        How::NullData,
        How::Empty,
    ] {
        for (when, lag) in [(When::After, 0), (When::After, 50), (When::Before, 0)] {
            println!("{how:?} {when:?}, folders {lag} ms late");
            // Whoever calls twice gets two.
            let cloud = Cloud::with(|s| (s.lag_mkdir, s.mkdir_twins) = (ms(lag), true));
            let server = cloud.server();
            cloud.fail_next(Endpoint::Mkdir, 1, when, how.clone());
            let saved = server.save(Kind::Keys, b"a key");
            let saved = saved.or_else(|_| server.save(Kind::Keys, b"a key"));
            assert_eq!(saved, Ok(id(b"a key")));
            for (above, name) in [("", BASE), (BASE, "host"), ("restic/host", "keys")] {
                assert_eq!(cloud.living(above), [name], "{how:?} {when:?}");
            }
        }
    }
}

/// Requests that look for a folder while others want to write into it: it is found, and not made
/// again.
#[test]
fn a_folder_that_is_being_found_is_not_made() {
    let cloud = Cloud::with(|s| {
        (s.mkdir_twins, s.latency) = (true, ms(1));
        (s.tokens_live, s.tokens_allowed, s.tokens_most) = (1000, 1000, 1000);
    });
    let key = cloud.server().save(Kind::Keys, b"a key").unwrap();
    for round in 0..SEARCHES {
        let server = &cloud.server();
        std::thread::scope(|scope| {
            for n in 0..3 {
                let lock = format!("lock {n} of {round}");
                scope.spawn(move || server.save(Kind::Locks, lock.as_bytes()).unwrap());
                scope.spawn(move || server.load(Kind::Keys, key).unwrap());
            }
        });
        assert_eq!(cloud.living(""), [BASE], "round {round}");
        assert_eq!(cloud.living(BASE), ["host"], "round {round}");
    }
}

/// A folder that another server has made meanwhile is used, although lists don't show it yet.
#[test]
fn a_folder_of_another_server_is_used() {
    for lag in [0, 60] {
        let cloud = Cloud::with(|s| s.lag_mkdir = ms(lag));
        let (one, other) = (cloud.server(), cloud.server());
        // Both know that there is nothing.
        for server in [&one, &other] {
            assert_eq!(server.list(Kind::Data), Err(Cause::Absent));
        }
        let pack = one.save(Kind::Data, b"a pack").unwrap();
        other.save(Kind::Data, b"a pack").unwrap();
        assert_eq!(cloud.tree().len(), 1);
        assert_eq!(other.load(Kind::Data, pack).unwrap(), b"a pack");
    }
}

/// Ten uploads that want the same new folder make it once, and ask for a host and a token once.
#[test]
fn a_folder_is_made_once() {
    let cloud = Cloud::with(|s| s.latency = ms(10));
    let server = cloud.server_with(|c| c.shared.uploads = 10);
    let prefix = shard(id(&0_u64.to_le_bytes()));
    let packs = (0_u64..).map(u64::to_le_bytes);
    let packs: Vec<_> = packs.filter(|b| shard(id(b)) == prefix).take(10).collect();
    std::thread::scope(|scope| {
        for pack in &packs {
            scope.spawn(|| server.save(Kind::Data, pack).unwrap());
        }
    });
    // restic, host, data, and the packs' own.
    assert_eq!(cloud.count(Endpoint::Mkdir).calls, 4);
    assert_eq!(cloud.count(Endpoint::Domain).calls, 1);
    assert_eq!(cloud.count(Endpoint::Token).calls, 1);
    assert_eq!(cloud.count(Endpoint::Single).calls, 10);
    assert_eq!(server.list(Kind::Data).unwrap().len(), 10);
}

/// A file stands where a folder should be: an error, and nothing is removed.
#[test]
fn a_file_in_the_way_is_left_alone() {
    let cloud = Cloud::start();
    let number = cloud.plant(&format!("{BASE}/host"), b"a file");
    let server = cloud.server();
    assert!(server.save(Kind::Data, b"a pack").is_err());
    assert_eq!(server.list(Kind::Data), Err(Cause::Absent));
    let config = server.load_part(&File::Config, None);
    assert_eq!(config, Err(Cause::Absent));
    assert!(!cloud.by_id(number).unwrap().trashed);
}
