//! What one server writes and removes, others see at once, also where they remember something
//! else: nobody is told on stale knowledge that a file is absent, and nobody gets stale bytes.

use super::super::rig::{BASE, Cloud, Server, id, path, sorted};
use crate::fake::Taken;
use restic_123pan::pan123::Bin;
use restic_123pan::restic::{File, Kind, Range};
use restic_123pan::store::Cause;

/// Checks that a server sees a file, in every way there is.
fn sees(server: &Server, kind: Kind, bytes: &[u8]) {
    let name = id(bytes);
    assert_eq!(server.size(kind, name), Ok(bytes.len() as u64), "{kind:?}");
    assert!(server.list(kind).unwrap().contains(&name), "{kind:?}");
    assert_eq!(server.load(kind, name), Ok(bytes.to_vec()), "{kind:?}");
}

/// Checks that a server doesn't see a file, in any way.
fn misses(server: &Server, kind: Kind, bytes: &[u8]) {
    let name = id(bytes);
    assert_eq!(server.size(kind, name), Err(Cause::Absent), "{kind:?}");
    assert_eq!(server.load(kind, name), Err(Cause::Absent), "{kind:?}");
    assert!(!server.list(kind).unwrap().contains(&name), "{kind:?}");
}

/// Runs something for each kind, with what is deleted in the bin or destroyed, and with the other
/// server cold or one that has seen the repository before.
fn each(run: fn(&Server, &Server, Kind)) {
    for bin in [Bin::Keep, Bin::Purge] {
        for kind in Kind::ALL {
            for warm in [false, true] {
                println!("{kind:?}, {bin:?}, warm: {warm}");
                let cloud = Cloud::start();
                let server = || cloud.server_with(|config| config.shared.bin = bin);
                let (one, other) = (server(), server());
                one.create().unwrap();
                if warm {
                    for kind in Kind::ALL {
                        assert_eq!(other.list(kind), Ok(vec![]));
                    }
                    one.save(kind, b"there before").unwrap();
                    sees(&other, kind, b"there before");
                }
                run(&one, &other, kind);
            }
        }
    }
}

#[test]
fn what_one_writes_the_other_sees() {
    each(|one, other, kind| {
        one.save(kind, b"of one").unwrap();
        sees(other, kind, b"of one");
        other.save(kind, b"of the other").unwrap();
        sees(one, kind, b"of the other");
    });
}

#[test]
fn what_one_removes_the_other_misses() {
    each(|one, other, kind| {
        one.save(kind, b"gone before it was seen").unwrap();
        one.remove(kind, id(b"gone before it was seen")).unwrap();
        misses(other, kind, b"gone before it was seen");
        one.save(kind, b"seen").unwrap();
        assert_eq!(
            other.list(kind).unwrap().len(),
            one.list(kind).unwrap().len()
        );
        one.remove(kind, id(b"seen")).unwrap();
        misses(other, kind, b"seen");
    });
}

/// Its own write is believed over a list that lags, but only until the cloud has shown it once.
#[test]
fn what_one_removes_of_the_others_the_other_misses() {
    each(|one, other, kind| {
        other.save(kind, b"its own").unwrap();
        sees(other, kind, b"its own");
        one.remove(kind, id(b"its own")).unwrap();
        misses(other, kind, b"its own");
    });
}

/// The other remembers the number of a file that is another's now.
/// Also if this server's own copy has been renamed, as the name was taken.
#[test]
fn what_is_gone_is_missed_beside_its_renamed_copy() {
    for kind in [Kind::Index, Kind::Snapshots] {
        let cloud = Cloud::with(|s| s.taken = Taken::Suffix);
        let (one, other) = (cloud.server(), cloud.server());
        one.create().unwrap();
        one.save(kind, b"twice").unwrap();
        other.save(kind, b"twice").unwrap();
        sees(&other, kind, b"twice");
        assert_eq!(one.remove(kind, id(b"twice")), Ok(()));
        misses(&other, kind, b"twice");
    }
}

/// Also if no byte of it was asked for.
#[test]
fn a_part_behind_the_end_of_what_is_gone_is_missed() {
    each(|one, other, kind| {
        let file = File::Hashed(kind, id(b"gone"));
        let behind = Range::parse("bytes=4-");
        one.save(kind, b"gone").unwrap();
        sees(other, kind, b"gone");
        assert_eq!(other.load_part(&file, behind), Err(Cause::Range(4)));
        assert_eq!(one.remove(kind, id(b"gone")), Ok(()));
        assert_eq!(other.load_part(&file, behind), Err(Cause::Absent));
    });
}

#[test]
fn what_is_written_again_is_seen_again() {
    each(|one, other, kind| {
        one.save(kind, b"again").unwrap();
        sees(other, kind, b"again");
        one.remove(kind, id(b"again")).unwrap();
        one.save(kind, b"again").unwrap();
        sees(other, kind, b"again");
        other.remove(kind, id(b"again")).unwrap();
        other.save(kind, b"again").unwrap();
        sees(one, kind, b"again");
    });
}

/// Removing by a number that is stale must hit what has the name now. The numbers of packs are
/// believed (safety rule 17): restic removes them while nobody else may write.
#[test]
fn removing_what_was_written_again_removes_it() {
    each(|one, other, kind| {
        if kind == Kind::Data {
            return;
        }
        one.save(kind, b"again").unwrap();
        assert!(other.list(kind).unwrap().contains(&id(b"again")));
        one.remove(kind, id(b"again")).unwrap();
        one.save(kind, b"again").unwrap();
        other.remove(kind, id(b"again")).unwrap();
        misses(one, kind, b"again");
        misses(other, kind, b"again");
    });
}

/// A config has no hash for a name, so that its bytes can be stale.
#[test]
fn a_config_is_never_stale() {
    for bin in [Bin::Keep, Bin::Purge] {
        let cloud = Cloud::start();
        let server = || cloud.server_with(|config| config.shared.bin = bin);
        let (one, other) = (server(), server());
        let configs: [&[u8]; 3] = [b"the first config", b"the second", b"and the third one"];
        for (config, server) in configs.into_iter().zip([&one, &other, &one]) {
            server.save_config(config).unwrap();
            for server in [&one, &other] {
                let size = server.store.stat(&server.repo(), &File::Config).unwrap();
                assert_eq!(size, config.len() as u64);
                let read = server.load_part(&File::Config, None).unwrap();
                assert_eq!(read, config, "{bin:?}");
            }
            assert_eq!(server.remove_config(), Ok(()));
            for server in [&one, &other] {
                let read = server.load_part(&File::Config, None);
                assert_eq!(read, Err(Cause::Absent), "{bin:?}");
            }
        }
        assert!(cloud.living(&format!("{BASE}/host")).is_empty());
    }
}

/// Removals travel in batches that other servers' removals cross.
#[test]
fn two_servers_remove_the_same() {
    each(|one, other, kind| {
        let all: Vec<_> = (0..6_u8).map(|n| one.save(kind, &[n]).unwrap()).collect();
        (0..6_u8).for_each(|n| sees(one, kind, &[n]));
        (0..6_u8).for_each(|n| sees(other, kind, &[n]));
        one.remove_all(kind, &all[..4]);
        let removed = other.remove_all(kind, &all[2..]);
        assert!(removed.iter().all(Result::is_ok), "{kind:?}: {removed:?}");
        (0..6_u8).for_each(|n| misses(one, kind, &[n]));
        (0..6_u8).for_each(|n| misses(other, kind, &[n]));
    });
}

/// What is mended by one server is read whole through the other, which may remember the damaged
/// file's number, as soon as it has no address of it any more.
#[test]
fn what_one_mends_the_other_reads() {
    for kind in Kind::ALL {
        let cloud = Cloud::start();
        let (one, other) = (cloud.server(), cloud.server());
        let name = other.save(kind, b"whole bytes").unwrap();
        cloud.damage(&path(kind, name), b"damaged");
        assert_eq!(sorted(other.list(kind).unwrap()), [name]);
        one.save(kind, b"whole bytes").unwrap();
        sees(&other, kind, b"whole bytes");
    }
}
