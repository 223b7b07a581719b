//! What somebody moves or renames on 123pan's website or in its app isn't served from where it was:
//! it is noticed by the question that is asked once a minute anyway.

use super::rig::{BASE, Cloud, Server, folder, id, log_of, ms, path, shard};
use crate::fake::Endpoint;
use restic_123pan::restic::{File, Kind};
use restic_123pan::store::Cause;

/// A repository with a file of each kind, and its server, which knows all of it. A minute is over
/// at once.
fn used(cloud: &Cloud) -> Server {
    let server = cloud.server_with(|config| config.shared.timing.overlay = ms(1));
    server.create().unwrap();
    server.save_config(b"a config").unwrap();
    for kind in Kind::ALL {
        server.save(kind, format!("a {kind:?}").as_bytes()).unwrap();
        assert_eq!(server.list(kind).map(|ids| ids.len()), Ok(1));
    }
    std::thread::sleep(ms(5));
    server
}

/// Lines about something that was moved.
fn said(log: &[String]) -> usize {
    let is_about = |line: &&String| line.contains("moved") || line.contains("renamed");
    log.iter().filter(is_about).count()
}

/// A repository's folder, the base folder, one above: what was there is gone, wherever a client
/// begins, and a new repository can be made in its place.
#[test]
fn a_folder_that_was_moved_is_not_served() {
    let host = format!("{BASE}/host");
    for (from, to) in [
        (&*host, format!("{BASE}/renamed")),
        (&host, "elsewhere/host".to_owned()),
        (BASE, "renamed".to_owned()),
        (BASE, format!("elsewhere/{BASE}")),
    ] {
        for begin in ["list", "config", "load", "create"] {
            println!("{from} to {to}, {begin}");
            let cloud = Cloud::start();
            let server = used(&cloud);
            cloud.move_by_hand(from, &to);
            let before = cloud.tree();
            let log = log_of(|| match begin {
                "list" => assert_eq!(server.list(Kind::Keys), Err(Cause::Absent)),
                "config" => assert_eq!(server.load_part(&File::Config, None), Err(Cause::Absent)),
                "load" => {
                    let key = id(b"a Keys");
                    assert_eq!(server.load(Kind::Keys, key), Err(Cause::Absent));
                }
                _ => assert_eq!(server.create(), Ok(())),
            });
            assert_eq!(said(&log), 1, "{log:#?}");
            // Somebody makes a new one, which is another.
            server.create().unwrap();
            server.save_config(b"another config").unwrap();
            assert_eq!(
                server.load_part(&File::Config, None).unwrap(),
                b"another config"
            );
            assert_eq!(server.list(Kind::Snapshots), Ok(vec![]));
            let after = cloud.tree();
            assert!(
                before
                    .iter()
                    .all(|file| after.iter().any(|other| other == file))
            );
            assert_eq!(after.len(), before.len() + 1);
        }
    }
}

/// A folder of a kind, and one of packs.
#[test]
fn so_are_the_folders_in_it() {
    for kind in [Kind::Keys, Kind::Snapshots, Kind::Data] {
        for rename in [true, false] {
            println!("{kind:?} {rename}");
            let cloud = Cloud::start();
            let server = used(&cloud);
            let name = id(format!("a {kind:?}").as_bytes());
            let from = folder(kind);
            let to = if rename {
                format!("{from}-old")
            } else {
                "elsewhere".to_owned()
            };
            cloud.move_by_hand(&from, &to);
            let log = log_of(|| assert_eq!(server.list(kind), Err(Cause::Absent)));
            assert_eq!(said(&log), 1, "{log:#?}");
            assert_eq!(server.load(kind, name), Err(Cause::Absent));
            // The same file again goes where it belongs.
            server.save(kind, format!("a {kind:?}").as_bytes()).unwrap();
            assert_eq!(server.list(kind), Ok(vec![name]));
            assert!(cloud.file(&path(kind, name)).is_some());
        }
    }
    for to in [folder(Kind::Data) + "/old", "elsewhere".to_owned()] {
        let cloud = Cloud::start();
        let server = used(&cloud);
        let name = id(b"a Data");
        cloud.move_by_hand(&format!("{}/{}", folder(Kind::Data), shard(name)), &to);
        let log = log_of(|| assert_eq!(server.list(Kind::Data), Ok(vec![])));
        assert_eq!(said(&log), 1, "{to}: {log:#?}");
        assert_eq!(server.size(Kind::Data, name), Err(Cause::Absent));
    }
}

/// A single file.
#[test]
fn so_is_a_single_file() {
    for kind in Kind::ALL {
        let (name, other) = (id(format!("a {kind:?}").as_bytes()), id(b"another"));
        for to in [
            path(kind, name) + ".old",
            path(kind, other),
            format!("elsewhere/{name}"),
        ] {
            println!("{kind:?} {to}");
            let cloud = Cloud::start();
            let server = used(&cloud);
            cloud.move_by_hand(&path(kind, name), &to);
            assert_eq!(server.load(kind, name), Err(Cause::Absent));
            assert_eq!(server.size(kind, name), Err(Cause::Absent));
            assert_eq!(
                server.save(kind, format!("a {kind:?}").as_bytes()),
                Ok(name)
            );
            assert_eq!(server.size(kind, name).map(|_| ()), Ok(()));
        }
        let cloud = Cloud::start();
        let server = used(&cloud);
        cloud.move_by_hand(&path(kind, name), &format!("elsewhere/{name}"));
        let log = log_of(|| assert_eq!(server.list(kind), Ok(vec![])));
        // Packs' folders are read by threads, whose lines aren't heard here.
        let heard = usize::from(kind != Kind::Data);
        assert!(said(&log) >= heard, "{kind:?}: {log:#?}");
    }
}

/// What lies where it was costs no call more than before, and is never said to have gone, whatever
/// the account's root is called in its own rows.
#[test]
fn what_stays_is_left_alone() {
    let cloud = Cloud::start();
    let server = cloud.server();
    server.create().unwrap();
    server.save_config(b"a config").unwrap();
    let key = server.save(Kind::Keys, b"a key").unwrap();
    server.list(Kind::Keys).unwrap();
    let asked = cloud.count(Endpoint::Infos).calls;
    let log = log_of(|| {
        for _ in 0..5 {
            assert_eq!(server.list(Kind::Keys), Ok(vec![key]));
            assert_eq!(server.load(Kind::Keys, key).unwrap(), b"a key");
        }
    });
    assert_eq!(said(&log), 0, "{log:#?}");
    assert!(cloud.count(Endpoint::Infos).calls <= asked + 1);
}
