//! Two layouts of packs: new repositories have 16 folders, those that have two-digit folders are
//! written on as they are, and where both exist they are one.

use super::rig::{BASE, Cloud, Server, folder, id, path, sorted};
use crate::fake::Endpoint;
use restic_123pan::cloud::layout::Layout;
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::Cause;
use std::collections::BTreeSet;

/// Where a pack of the usual repository is in a layout.
fn at(layout: Layout, id: Id) -> String {
    format!("{BASE}/host/data/{}/{id}", layout.folder(&id))
}

/// Packs that differ, so many that both layouts have several of some folder.
fn packs() -> Vec<[u8; 8]> {
    (0_u64..64).map(u64::to_le_bytes).collect()
}

/// Stores many packs side by side.
fn save_all(server: &Server) -> Vec<Id> {
    let save = |pack: &[u8; 8]| server.save(Kind::Data, pack).unwrap();
    std::thread::scope(|scope| {
        let packs = packs();
        let halves = packs.chunks(16).map(|some| {
            let some = some.to_vec();
            scope.spawn(move || some.iter().map(save).collect::<Vec<Id>>())
        });
        let running: Vec<_> = halves.collect();
        let saved = running.into_iter().flat_map(|half| half.join().unwrap());
        sorted(saved)
    })
}

/// The lengths of the names of the folders below `data`.
fn shapes(cloud: &Cloud) -> BTreeSet<usize> {
    let names = cloud.living(&folder(Kind::Data));
    names.iter().map(String::len).collect()
}

#[test]
fn a_new_repository_has_16_folders() {
    for is_created in [true, false] {
        let cloud = Cloud::start();
        let server = cloud.server();
        if is_created {
            server.create().unwrap();
        }
        let all = save_all(&server);
        assert_eq!(shapes(&cloud), BTreeSet::from([1]));
        assert_eq!(cloud.living(&folder(Kind::Data)).len(), 16);
        for server in [server, cloud.server()] {
            assert_eq!(server.list(Kind::Data), Ok(all.clone()));
        }
    }
}

/// Also by a server that has just started, and that is asked for something else first.
#[test]
fn a_repository_is_written_on_as_it_is() {
    for layout in Layout::ALL {
        for first in [None, Some(Kind::Data), Some(Kind::Keys)] {
            let cloud = Cloud::start();
            let old = id(b"old");
            cloud.plant(&at(layout, old), b"old");
            cloud.plant(&path(Kind::Keys, id(b"a key")), b"a key");
            let server = cloud.server();
            if let Some(kind) = first {
                server.list(kind).unwrap();
            }
            let mut all = save_all(&server);
            all.push(old);
            assert_eq!(shapes(&cloud).len(), 1, "{layout:?}, {first:?}");
            let places: Vec<String> = all.iter().map(|id| at(layout, *id)).collect();
            let found = places.iter().all(|place| cloud.file(place).is_some());
            assert!(found, "{layout:?}, {first:?}");
            for server in [&server, &cloud.server()] {
                assert_eq!(server.list(Kind::Data), Ok(sorted(all.clone())));
                assert_eq!(server.load(Kind::Data, old).unwrap(), b"old");
                assert_eq!(server.size(Kind::Data, old), Ok(3));
            }
            // A name that is there is compared, not stored anew.
            let uploads = cloud.count(Endpoint::Single).calls;
            assert_eq!(cloud.server().save(Kind::Data, b"old"), Ok(old));
            assert_eq!(cloud.count(Endpoint::Single).calls, uploads + 1, "refused");
            assert_eq!(server.remove(Kind::Data, old), Ok(()));
            assert_eq!(cloud.server().size(Kind::Data, old), Err(Cause::Absent));
        }
    }
}

/// Knowing which layout there is costs an upload nothing: it takes the list of `data` that making
/// its folder takes.
#[test]
fn an_upload_costs_no_call_more() {
    for layout in Layout::ALL {
        let cloud = Cloud::start();
        let pack = id(b"a pack");
        cloud.plant_folder(&format!("{BASE}/host/data/{}", layout.folder(&pack)));
        cloud.server().save(Kind::Data, b"a pack").unwrap();
        // The root, the folder of repositories, the repository's, `data`.
        assert_eq!(cloud.count(Endpoint::List).calls, 4, "{layout:?}");
        assert_eq!(cloud.count(Endpoint::Mkdir).calls, 0, "{layout:?}");
        assert_eq!(cloud.count(Endpoint::Infos).calls, 0, "{layout:?}");
    }
}

/// Both layouts in one repository: everything is read, each name once, new packs go into two-digit
/// folders, and a DELETE takes both of one name.
#[test]
fn both_are_one() {
    let cloud = Cloud::start();
    let (one, other, both) = (id(b"one"), id(b"other"), id(b"both"));
    cloud.plant(&at(Layout::Sixteen, one), b"one");
    cloud.plant(&at(Layout::Restic, other), b"other");
    for layout in Layout::ALL {
        cloud.plant(&at(layout, both), b"both");
    }
    let all = sorted([one, other, both]);
    let server = cloud.server();
    for (pack, bytes) in [(one, &b"one"[..]), (other, b"other"), (both, b"both")] {
        let cold = cloud.server();
        assert_eq!(cold.load(Kind::Data, pack).unwrap(), bytes);
        assert_eq!(cold.size(Kind::Data, pack), Ok(bytes.len() as u64));
    }
    assert_eq!(server.list(Kind::Data), Ok(all.clone()));
    // What is known isn't stored again under the other layout.
    for bytes in [&b"one"[..], b"other", b"both"] {
        server.save(Kind::Data, bytes).unwrap();
    }
    assert_eq!(cloud.tree().len(), 4);
    let new = server.save(Kind::Data, b"new").unwrap();
    assert!(cloud.file(&at(Layout::Restic, new)).is_some());
    for layout in Layout::ALL {
        assert!(cloud.file(&at(layout, both)).is_some());
    }
    assert_eq!(server.remove(Kind::Data, both), Ok(()));
    assert_eq!(cloud.tree().len(), 3);
    assert_eq!(server.list(Kind::Data), Ok(sorted([one, other, new])));
}

/// A DELETE takes both also by a server that has seen one of them alone.
#[test]
fn what_was_not_listed_goes_too() {
    for layout in Layout::ALL {
        let cloud = Cloud::start();
        let (pack, server) = (id(b"a pack"), cloud.server());
        cloud.plant(&at(layout, pack), b"a pack");
        assert_eq!(server.load(Kind::Data, pack).unwrap(), b"a pack");
        let other = Layout::ALL.into_iter().find(|other| *other != layout);
        cloud.plant(&at(other.unwrap(), pack), b"a pack");
        // Whatever it is that shows the other folder.
        assert_eq!(server.load(Kind::Data, id(b"none")), Err(Cause::Absent));
        assert_eq!(server.remove(Kind::Data, pack), Ok(()));
        assert_eq!(cloud.tree().len(), 0, "{layout:?}");
    }
}

/// A two-digit folder that another server makes meanwhile is found.
#[test]
fn a_layout_that_comes_later_is_read() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let one = server.save(Kind::Data, b"one").unwrap();
    assert_eq!(server.list(Kind::Data), Ok(vec![one]));
    let other = id(b"other");
    cloud.plant(&at(Layout::Restic, other), b"other");
    assert_eq!(server.load(Kind::Data, other).unwrap(), b"other");
    assert_eq!(server.list(Kind::Data), Ok(sorted([one, other])));
    let new = server.save(Kind::Data, b"new").unwrap();
    assert!(cloud.file(&at(Layout::Restic, new)).is_some());
}

/// A damaged pack is replaced where it lies.
#[test]
fn a_damaged_pack_is_mended_in_its_layout() {
    for layout in Layout::ALL {
        let cloud = Cloud::start();
        let pack = id(b"a pack");
        cloud.plant(&at(layout, pack), b"short");
        let server = cloud.server();
        assert_eq!(server.save(Kind::Data, b"a pack"), Ok(pack));
        assert_eq!(cloud.file(&at(layout, pack)).unwrap().size, 6, "{layout:?}");
        assert_eq!(cloud.tree().len(), 1, "{layout:?}");
        assert_eq!(cloud.server().load(Kind::Data, pack).unwrap(), b"a pack");
    }
}
