//! What every store must do, whatever lies below it: one list of cases, one line for each cloud.

use super::rig::{Cloud, Server, folder, id, ms, path, sorted};
use crate::cases::try_all;
use crate::fake::{Endpoint, How, InfosKey, Parts, Switches, Taken, When};
use crate::tree::{TempDir, random};
use restic_123pan::local::Local;
use restic_123pan::restic::{File, Id, Kind, Range};
use restic_123pan::store::Cause;
use restic_123pan::store::memory::Memory;
use std::io::{self, Read};

/// The cases. Each one gets an empty store.
pub(crate) const CASES: &[(&str, fn(&mut Server))] = &[
    ("create makes empty lists", create_makes_empty_lists),
    ("what isn't there is absent", what_is_not_there_is_absent),
    ("every kind comes back", every_kind_comes_back),
    ("parts are exact", parts_are_exact),
    ("the same content is taken", the_same_content_is_taken),
    ("a config stays", a_config_stays),
    ("bad bodies leave nothing", bad_bodies_leave_nothing),
    ("removing is idempotent", removing_is_idempotent),
    ("many go at once", many_go_at_once),
    ("repositories are apart", repositories_are_apart),
    ("large bodies are whole", large_bodies_are_whole),
    ("bodies in chunks are whole", bodies_in_chunks_are_whole),
];

/// Cases at a time: most of their time is waiting.
pub(crate) const AT_ONCE: usize = 6;

/// Holds a cloud that behaves in several ways against all cases.
pub(crate) fn keep_contract<W: Copy + Send + Sync>(
    ways: &[(&str, W)],
    run: impl Fn(W, fn(&mut Server)) + Sync,
) {
    let each = ways
        .iter()
        .flat_map(|way| CASES.iter().map(move |case| (*way, *case)));
    let name = |(way, case): &((&str, W), (&str, _))| format!("{}: {}", way.0, case.0);
    try_all("CONTRACT", AT_ONCE, each, name, |((_, way), (_, case))| {
        run(*way, *case);
        Ok(())
    });
}

#[test]
fn memory_keeps_the_contract() {
    keep_contract(&[("memory", ())], |(), case| {
        case(&mut Server::over(Memory::default()));
    });
}

#[test]
fn a_local_folder_keeps_the_contract() {
    keep_contract(&[("a folder", ())], |(), case| {
        let (dir, other) = (TempDir::new(), TempDir::new());
        case(&mut Server::over(Local::new(dir.path().join("new"))));
        case(&mut Server::over(Local::open(other.path()).unwrap()));
    });
}

/// The same with no memory for bodies, so that those over 1 MiB are streamed or spooled.
#[test]
fn a_local_folder_keeps_the_contract_without_memory() {
    keep_contract(&[("a folder", ())], |(), case| {
        let (dir, spool) = (TempDir::new(), TempDir::new());
        let local = Local::open(dir.path()).unwrap();
        case(&mut Server::over(local).memory(0, Some(spool.path())));
    });
}

/// Ways in which 123pan may behave, under all of which the contract holds.
const CLOUDS: &[(&str, fn(&mut Switches))] = &[
    ("as documented", |_| {}),
    ("ids as strings", |s| s.ids_as_strings = true),
    ("unknown fields", |s| s.extra_fields = true),
    ("the other key in infos", |s| s.infos_key = InfosKey::List),
    ("errors in the HTTP status", |s| s.http_status = true),
    ("early refusals", |s| s.early_errors = true),
    ("etag first", |s| s.parts = Parts::EtagFirst),
    ("code 5060", |s| s.taken = Taken::Code5060),
    ("a suffix for a taken name", |s| s.taken = Taken::Suffix),
    ("twins for a taken name", |s| s.taken = Taken::Twin),
    ("small pages", |s| s.page_max = 2),
    ("redirects", |s| s.cdn_redirects = true),
    ("no ranges", |s| s.cdn_ignores_range = true),
    ("late lists", |s| {
        (s.lag_files, s.lag_mkdir, s.lag_trash) = (ms(60), ms(60), ms(60));
    }),
];

#[test]
fn pan123_keeps_the_contract_however_it_behaves() {
    keep_contract(CLOUDS, |change, case| {
        case(&mut Cloud::with(change).server());
    });
}

/// The same with no memory for bodies, so that those over 1 MiB are streamed or spooled.
#[test]
fn pan123_keeps_the_contract_without_memory() {
    let early: fn(&mut Switches) = |s| s.early_errors = true;
    keep_contract(&[CLOUDS[0], ("early refusals", early)], |change, case| {
        let cloud = Cloud::with(change);
        case(&mut cloud.server().memory(0, Some(cloud.folder())));
    });
}

fn create_makes_empty_lists(server: &mut Server) {
    assert_eq!(server.create(), Ok(()));
    assert_eq!(server.create(), Ok(()));
    for kind in Kind::ALL {
        assert_eq!(server.list(kind), Ok(vec![]), "{kind:?}");
    }
}

fn what_is_not_there_is_absent(server: &mut Server) {
    let some = id(b"some");
    for created in [false, true] {
        for kind in Kind::ALL {
            if !created {
                assert_eq!(server.list(kind), Err(Cause::Absent));
            }
            assert_eq!(server.size(kind, some), Err(Cause::Absent));
            assert_eq!(server.load(kind, some), Err(Cause::Absent));
            assert_eq!(server.remove(kind, some), Ok(()));
        }
        let config = server.load_part(&File::Config, None);
        assert_eq!(config, Err(Cause::Absent));
        server.create().unwrap();
    }
}

fn every_kind_comes_back(server: &mut Server) {
    for kind in Kind::ALL {
        let mut ids = Vec::new();
        for n in 0..5 {
            let bytes = random(n + kind as u64 * 10, 100 + kind as usize);
            let id = server.save(kind, &bytes).unwrap();
            assert_eq!(server.load(kind, id), Ok(bytes.clone()));
            assert_eq!(server.size(kind, id), Ok(bytes.len() as u64));
            ids.push(id);
        }
        assert_eq!(server.list(kind), Ok(sorted(ids)), "{kind:?}");
    }
    server.save_config(b"the config").unwrap();
    let config = server.load_part(&File::Config, None);
    assert_eq!(config.unwrap(), b"the config");
}

fn parts_are_exact(server: &mut Server) {
    let bytes = random(1, 100_000);
    let file = File::Hashed(Kind::Data, server.save(Kind::Data, &bytes).unwrap());
    for (range, expected) in [
        (Range::Between(0, 0), Ok(&bytes[..1])),
        (Range::Between(7, 99_998), Ok(&bytes[7..99_999])),
        (Range::Between(99_999, 99_999), Ok(&bytes[99_999..])),
        (Range::Between(99_990, 500_000), Ok(&bytes[99_990..])),
        (Range::From(0), Ok(&bytes[..])),
        (Range::From(50_000), Ok(&bytes[50_000..])),
        (Range::Last(10), Ok(&bytes[99_990..])),
        (Range::Last(500_000), Ok(&bytes[..])),
        (Range::From(100_000), Err(Cause::Range(100_000))),
        (Range::Between(100_000, 100_001), Err(Cause::Range(100_000))),
        (Range::Last(0), Err(Cause::Range(100_000))),
        (Range::Bad, Err(Cause::Range(100_000))),
    ] {
        let part = server.load_part(&file, Some(range));
        assert_eq!(part, expected.map(<[u8]>::to_vec), "{range:?}");
    }
}

fn the_same_content_is_taken(server: &mut Server) {
    for kind in Kind::ALL {
        let bytes = random(kind as u64, 300);
        let id = server.save(kind, &bytes).unwrap();
        assert_eq!(server.save(kind, &bytes), Ok(id));
        assert_eq!(server.list(kind), Ok(vec![id]));
        assert_eq!(server.load(kind, id), Ok(bytes));
    }
}

fn a_config_stays(server: &mut Server) {
    assert_eq!(server.save_config(b"the first config"), Ok(()));
    assert_eq!(server.save_config(b"the first config"), Ok(()));
    assert_eq!(
        server.save_config(b"other of its length"),
        Err(Cause::Exists)
    );
    assert_eq!(server.save_config(b"the other config"), Err(Cause::Exists));
    let config = server.load_part(&File::Config, None);
    assert_eq!(config.unwrap(), b"the first config");
}

fn bad_bodies_leave_nothing(server: &mut Server) {
    server.create().unwrap();
    for len in [1000, (1 << 20) + 1000] {
        let bytes = random(1, len);
        let (right, wrong) = (id(&bytes), Id([7; 32]));
        let (whole, more) = (len as u64, len as u64 + 5);
        let half = &bytes[..len / 2];
        let cases: [(&str, Id, u64, Box<dyn Read>); 3] = [
            ("another hash", wrong, whole, Box::new(&bytes[..])),
            ("too short", right, more, Box::new(&bytes[..])),
            ("broken off", right, whole, Box::new(half.chain(Broken))),
        ];
        for (name, id, announced, mut source) in cases {
            println!("{name}, {len} bytes");
            let file = File::Hashed(Kind::Data, id);
            let saved = server.save_from(&file, announced, &mut *source);
            assert_eq!(saved, Err(Cause::BadBody), "{name}");
            assert_eq!(server.size(Kind::Data, id), Err(Cause::Absent), "{name}");
            assert_eq!(server.list(Kind::Data), Ok(vec![]), "{name}");
        }
        // A config has no hash that could tell.
        let saved = server.save_from(&File::Config, more, &mut &bytes[..]);
        assert_eq!(saved, Err(Cause::BadBody));
        let config = server.load_part(&File::Config, None);
        assert_eq!(config, Err(Cause::Absent));
        let file = File::Hashed(Kind::Data, wrong);
        let saved = server.save_chunked(&file, &mut &bytes[..]);
        assert_eq!(saved, Err(Cause::BadBody));
        assert_eq!(server.list(Kind::Data), Ok(vec![]));
    }
}

/// A client that is gone.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

fn removing_is_idempotent(server: &mut Server) {
    for kind in Kind::ALL {
        let bytes = random(kind as u64, 50);
        let id = server.save(kind, &bytes).unwrap();
        for _ in 0..2 {
            assert_eq!(server.remove(kind, id), Ok(()));
            assert_eq!(server.size(kind, id), Err(Cause::Absent));
            assert_eq!(server.load(kind, id), Err(Cause::Absent));
            assert_eq!(server.list(kind), Ok(vec![]));
        }
        assert_eq!(server.save(kind, &bytes), Ok(id), "{kind:?} again");
        assert_eq!(server.list(kind), Ok(vec![id]));
        assert_eq!(server.load(kind, id), Ok(bytes));
    }
    server.save_config(b"a config").unwrap();
    assert_eq!(server.remove_config(), Ok(()));
    server.save_config(b"another config").unwrap();
}

fn many_go_at_once(server: &mut Server) {
    let save = |n: u64| server.save(Kind::Snapshots, &random(n, 20)).unwrap();
    let mut ids: Vec<Id> = (0..12).map(save).collect();
    let kept = ids.split_off(9);
    ids.push(id(b"never stored"));
    let removed = server.remove_all(Kind::Snapshots, &ids);
    assert_eq!(removed, vec![Ok(()); 10]);
    assert_eq!(server.list(Kind::Snapshots), Ok(sorted(kept)));
    assert_eq!(server.remove_all(Kind::Snapshots, &[]), vec![]);
}

fn repositories_are_apart(server: &mut Server) {
    let repos = ["", "a", "a/b", "a/b/c"];
    for repo in repos {
        server.turn_to(repo);
        assert_eq!(server.list(Kind::Keys), Err(Cause::Absent), "{repo:?}");
        server.create().unwrap();
        server
            .save_config(format!("config of {repo}").as_bytes())
            .unwrap();
        server.save(Kind::Keys, repo.repeat(3).as_bytes()).unwrap();
        server
            .save(Kind::Data, format!("pack {repo}").as_bytes())
            .unwrap();
    }
    for repo in repos {
        server.turn_to(repo);
        let (key, pack) = (repo.repeat(3), format!("pack {repo}"));
        assert_eq!(server.list(Kind::Keys), Ok(vec![id(key.as_bytes())]));
        assert_eq!(server.list(Kind::Data), Ok(vec![id(pack.as_bytes())]));
        let config = server.load_part(&File::Config, None).unwrap();
        assert_eq!(config, format!("config of {repo}").as_bytes());
    }
}

fn large_bodies_are_whole(server: &mut Server) {
    for len in [1 << 20, (1 << 20) + 1] {
        let bytes = random(len as u64, len);
        let id = server.save(Kind::Data, &bytes).unwrap();
        assert_eq!(server.load(Kind::Data, id).unwrap(), bytes);
        assert_eq!(server.save(Kind::Data, &bytes), Ok(id), "once more");
    }
}

fn bodies_in_chunks_are_whole(server: &mut Server) {
    for len in [1, (1 << 20) + 1] {
        let bytes = random(len as u64, len);
        let file = File::Hashed(Kind::Data, id(&bytes));
        assert_eq!(server.save_chunked(&file, &mut &bytes[..]), Ok(()));
        assert_eq!(server.load_part(&file, None).unwrap(), bytes);
    }
}

/// Looking for something makes nothing, neither in an empty account nor where a folder is missing.
#[test]
fn only_saving_makes_folders() {
    let cloud = Cloud::start();
    let server = cloud.server();
    for made in [0, 7] {
        for kind in Kind::ALL {
            let _ = server.list(kind);
            let _ = server.size(kind, id(b"x"));
            let _ = server.load(kind, id(b"x"));
            let _ = server.remove(kind, id(b"x"));
        }
        let _ = server.load_part(&File::Config, None);
        assert_eq!(cloud.count(Endpoint::Mkdir).calls, made);
        server.create().unwrap();
    }
    assert_eq!(cloud.living(&folder(Kind::Data)), [""; 0]);
}

/// One of many ids can't be removed: only that one is answered with an error.
#[test]
fn a_removal_that_fails_fails_alone() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let save = |n: u64| server.save(Kind::Data, &random(n, 20)).unwrap();
    let ids: Vec<Id> = (0..8).map(save).collect();
    // An index is stored when they have been seen.
    server.save(Kind::Index, b"index").unwrap();
    // Each call fails as long as the one is in it, and nothing tells why.
    cloud.advance(ms(120_000));
    cloud.set(|s| s.lag_infos = ms(60_000));
    cloud.trash_by_hand(&path(Kind::Data, ids[5]));
    let removed = server.remove_all(Kind::Data, &ids);
    for (n, removed) in removed.iter().enumerate() {
        let expected = if n == 5 { Err(Cause::Cloud) } else { Ok(()) };
        assert_eq!(*removed, expected, "number {n}");
    }
    assert_eq!(cloud.bin().len(), 8);
}

/// A body that is known to be there already isn't sent again.
#[test]
fn the_same_content_is_not_stored_twice() {
    let cloud = Cloud::start();
    let server = cloud.server();
    server.save(Kind::Keys, b"a key").unwrap();
    let before = cloud.tree();
    // The answer to the first attempt is lost; restic sends the file again.
    cloud.fail_next(Endpoint::Single, 1, When::After, How::Reset);
    server.save(Kind::Keys, b"a key").unwrap();
    assert_eq!(cloud.tree(), before);
    assert_eq!(cloud.bin().len(), 0);
}
