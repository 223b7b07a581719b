//! Where packs lie: over 16 folders in new repositories, over 256 where somebody has uploaded a
//! repository of restic's own, and both read as one.

use super::rig::{Account, BASE};
use crate::cloud::rig::{Server, id, sorted};
use crate::fake::kdocs::Call;
use restic_123pan::cloud::layout::Layout::{self, Restic, Sixteen};
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::Cause;

/// A pack as somebody puts it into a folder of this layout.
fn plant(account: &Account, layout: Layout, bytes: &[u8]) -> Id {
    let id = id(bytes);
    account.plant(&path(layout, id), bytes);
    id
}

fn path(layout: Layout, id: Id) -> String {
    format!("{BASE}/host/data/{}/{id}", layout.folder(&id))
}

/// Everything of a pack that is there can be had.
fn assert_there(server: &Server, bytes: &[u8]) {
    assert_eq!(server.load(Kind::Data, id(bytes)).unwrap(), bytes);
    let size = server.size(Kind::Data, id(bytes));
    assert_eq!(size, Ok(bytes.len() as u64));
}

#[test]
fn a_repository_is_written_on_in_the_layout_that_it_has() {
    for (has, written) in [
        (&[Sixteen][..], Sixteen),
        (&[Restic], Restic),
        (&[], Sixteen),
    ] {
        let account = Account::start();
        let old = has.iter().map(|layout| plant(&account, *layout, b"old"));
        let old: Vec<Id> = old.collect();
        let server = account.server();
        let new = server.save(Kind::Data, b"new").unwrap();
        assert_eq!(account.files(&path(written, new)).len(), 1, "{has:?}");
        let all = sorted(old.into_iter().chain([new]));
        assert_eq!(server.list(Kind::Data).unwrap(), all);
        assert_there(&account.server(), b"new");
        assert_eq!(server.remove(Kind::Data, new), Ok(()));
        assert_eq!(account.files(&path(written, new)).len(), 0, "{has:?}");
    }
}

#[test]
fn both_layouts_are_read_as_one() {
    let account = Account::start();
    let twice = plant(&account, Sixteen, b"twice");
    plant(&account, Restic, b"twice");
    let ids = [
        twice,
        plant(&account, Sixteen, b"one"),
        plant(&account, Restic, b"other"),
    ];
    let server = account.server();
    assert_eq!(server.list(Kind::Data).unwrap(), sorted(ids));
    for bytes in [&b"twice"[..], b"one", b"other"] {
        assert_there(&account.server(), bytes);
    }
    account.reset_counters();
    let removed = server.remove_all(Kind::Data, &ids);
    assert_eq!(removed, [Ok(()); 3]);
    assert_eq!(account.made(Call::DeleteMany), 1);
    assert_eq!(server.list(Kind::Data).unwrap(), []);
    for layout in Layout::ALL {
        assert_eq!(account.files(&path(layout, twice)).len(), 0, "{layout:?}");
    }
}

/// A pack isn't said to be absent, or gone, from memory of where packs lay.
#[test]
fn folders_that_come_later_are_seen() {
    let account = Account::start();
    let server = account.server();
    server.save(Kind::Data, b"new").unwrap();
    assert_eq!(server.list(Kind::Data).unwrap().len(), 1);
    let late = plant(&account, Restic, b"late");
    assert_there(&server, b"late");
    assert_eq!(server.remove(Kind::Data, late), Ok(()));
    assert_eq!(server.size(Kind::Data, late), Err(Cause::Absent));
    assert_eq!(account.files(&path(Restic, late)).len(), 0);
}

/// What lies in a folder that isn't its own is no pack: no client would find it there.
#[test]
fn packs_in_wrong_folders_are_left_alone() {
    let account = Account::start();
    let id = id(b"a pack");
    let wrong = if Restic.folder(&id) == "00" {
        "01"
    } else {
        "00"
    };
    let path = format!("{BASE}/host/data/{wrong}/{id}");
    account.plant(&path, b"a pack");
    let server = account.server();
    assert_eq!(server.list(Kind::Data).unwrap(), []);
    assert_eq!(server.size(Kind::Data, id), Err(Cause::Absent));
    assert_eq!(server.remove(Kind::Data, id), Ok(()));
    assert_eq!(account.files(&path).len(), 1);
}
