//! Safety rules of removing: 7 to 9, 16 and 19.

use super::LONG;
use crate::fake::smh::Call;
use crate::smh::rig::Library;
use crate::tree::random;
use restic_123pan::restic::{Id, Kind, Repo};
use restic_123pan::settings::values::Bin;
use restic_123pan::store::Cause;

/// Rule 7. A deletion in the background counts when it has happened.
#[test]
fn what_goes_on_in_the_background_is_not_done() {
    let library = Library::with(|s| (s.batch_task_from, s.task_time) = (Some(1), LONG));
    let server = library.hasty_server();
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    assert_eq!(server.remove(Kind::Data, pack), Err(Cause::Busy));
    assert_eq!(server.list(Kind::Data), Ok(vec![pack]), "it is still there");
    // Locks never go that way.
    let batches = library.made(Call::Batch);
    assert_eq!(server.remove(Kind::Locks, lock), Ok(()));
    assert_eq!(library.made(Call::Batch), batches);
    library.advance(LONG);
    assert_eq!(server.list(Kind::Data), Ok(vec![]));
    assert_eq!(library.pending_tasks(), 0);
}

/// Rule 8. One of many that fails fails alone.
#[test]
fn every_item_is_read() {
    let library = Library::start();
    let server = library.server();
    let save = |n: u64| server.save(Kind::Data, &random(n, 20)).unwrap();
    let ids: Vec<Id> = (0..8).map(save).collect();
    let failing = (ids[5].to_string(), 500, "InternalServerError".to_owned());
    for background in [None, Some(1)] {
        library.set(|s| {
            (s.item_fails, s.batch_task_from) = (Some(failing.clone()), background);
        });
        let removed = server.remove_all(Kind::Data, &ids);
        for (n, removed) in removed.iter().enumerate() {
            assert_eq!(removed.is_ok(), n != 5, "number {n}: {removed:?}");
        }
        assert_eq!(server.list(Kind::Data), Ok(vec![ids[5]]));
    }
    library.set(|s| s.item_fails = None);
    assert_eq!(server.remove(Kind::Data, ids[5]), Ok(()));
}

/// Rule 9. What is deleted for good is not in the bin, and what others put there stays.
#[test]
fn for_good_is_for_good() {
    for ignored in [false, true] {
        let library = Library::with(|s| (s.bin, s.permanent_ignored) = (true, ignored));
        library.plant("elsewhere/a file", b"of somebody else");
        let foreign = library.trash_by_hand("elsewhere/a file");
        let server = library.server();
        for kind in Kind::ALL {
            let id = server.save(kind, &random(kind as u64, 99)).unwrap();
            assert_eq!(server.remove(kind, id), Ok(()));
        }
        assert_eq!(library.bin().into_keys().collect::<Vec<_>>(), [foreign]);
    }
}

/// The operator may have it otherwise; locks are never kept.
#[test]
fn deleted_files_are_kept_where_they_are_to_be() {
    let library = Library::with(|s| s.bin = true);
    let server = library.server_with(|c| c.shared.bin = Bin::Keep);
    for kind in Kind::ALL {
        let id = server.save(kind, &random(kind as u64, 99)).unwrap();
        assert_eq!(server.remove(kind, id), Ok(()));
        assert_eq!(server.size(kind, id), Err(Cause::Absent));
    }
    let bin = library.bin();
    assert_eq!(bin.len(), 4, "{bin:?}");
    assert!(bin.values().all(|path| !path.contains("locks")), "{bin:?}");
}

/// Rules 16 and 19. Of a repository in the space's root only its own files go; what lies outside
/// the folder of the repositories is left alone.
#[test]
fn nothing_else_is_removed() {
    let library = Library::start();
    library.plant("elsewhere/a file", b"of somebody else");
    let mut server = library.server_with(|c| c.shared.repo_path = Repo::new("").unwrap());
    server.turn_to("");
    server.create().unwrap();
    server.save_config(b"a config").unwrap();
    let save = |kind| server.save(kind, &random(kind as u64, 20)).unwrap();
    let ids: Vec<Id> = Kind::ALL.into_iter().map(save).collect();
    let before = library.tree().len();
    for (kind, id) in Kind::ALL.into_iter().zip(ids) {
        assert_eq!(server.remove(kind, id), Ok(()));
    }
    assert_eq!(server.remove_config(), Ok(()));
    assert_eq!(library.tree().len(), before - 6);
    assert!(library.file("elsewhere/a file").is_some());
}
