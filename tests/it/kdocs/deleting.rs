//! The vendor's document about deletions of many, a test for each of its sentences, by which it is
//! called; then what follows from them.

use super::budgets::{in_the_morning, test_app};
use super::rig::{Account, path};
use crate::cloud::rig::{Server, id, ms};
use crate::fake::kdocs::{Call, Task};
use crate::fake::{How, When};
use restic_123pan::restic::{File, Id, Kind};
use restic_123pan::store::Cause;
use std::sync::Arc;

/// Files that the probe leaves in the bin.
const PROBED: usize = 4;

/// So many snapshots, which all lie in one folder.
fn stored(server: &Server, count: u8) -> Vec<Id> {
    let one = |n| server.save(Kind::Snapshots, &[n; 20]).unwrap();
    (0..count).map(one).collect()
}

/// What becomes of each of these.
fn removed(server: &Server, ids: &[Id]) -> Vec<Result<(), Cause>> {
    let file = |id: &Id| (server.repo(), File::Hashed(Kind::Snapshots, *id));
    let files: Vec<_> = ids.iter().map(file).collect();
    let results = server.store.remove(&files).into_iter();
    results.map(|r| r.map_err(|error| error.cause)).collect()
}

fn left(server: &Server) -> usize {
    let mut count = 0;
    let listed = server
        .store
        .list(&server.repo(), Kind::Snapshots, &mut |_| {
            count += 1;
            Ok(())
        });
    listed.unwrap();
    count
}

/// The emulator takes nothing else, and notes what else is tried.
#[test]
fn it_is_a_post_with_the_token_in_the_query_and_the_ids_in_its_body() {
    let account = Account::start();
    let server = account.server();
    let ids = stored(&server, 1);
    assert_eq!(removed(&server, &ids), [Ok(())]);
    assert_eq!(account.made(Call::DeleteMany), 1);
    assert_eq!(account.complaints(), [""; 0]);
    account.end_access_tokens();
    let ids = stored(&server, 1);
    assert_eq!(removed(&server, &ids), [Ok(())], "with a new token");
}

#[test]
fn it_needs_the_scope_to_remove() {
    let account = Account::start();
    let server = account.server();
    let ids = stored(&server, 1);
    account.set(|s| s.scopes = s.scopes.replace(",remove_personal_files", ""));
    assert_eq!(removed(&server, &ids), [Err(Cause::Cloud)]);
    assert_eq!((left(&server), account.binned()), (1, PROBED));
}

#[test]
fn at_most_a_hundred_go_in_a_call() {
    let account = Account::start();
    let server = account.server();
    let ids = stored(&server, 120);
    assert!(removed(&server, &ids).iter().all(Result::is_ok));
    assert_eq!(account.made(Call::DeleteMany), 2);
    assert_eq!(left(&server), 0);
}

#[test]
fn an_empty_task_id_is_done() {
    let account = Account::start();
    let server = account.server();
    let ids = stored(&server, 3);
    account.reset_counters();
    assert_eq!(removed(&server, &ids), [Ok(()); 3]);
    let made = (account.made(Call::AppList), account.made(Call::DeleteMany));
    assert_eq!(made, (1, 1), "the list that finds them, and nothing after");
}

#[test]
fn what_is_deleted_lies_in_the_bin() {
    let account = Account::start();
    let server = account.server();
    let ids = stored(&server, 3);
    assert_eq!(removed(&server, &ids), [Ok(()); 3]);
    assert_eq!(account.binned(), PROBED + 3);
    let troubles = server.store.health().troubles;
    assert!(troubles.is_empty(), "it is said at the start: {troubles:?}");
}

#[test]
fn what_lies_in_the_bin_can_be_restored() {
    let account = Account::start();
    let server = account.server_with(|c| c.shared.timing.overlay = ms(0));
    let ids = stored(&server, 1);
    assert_eq!(removed(&server, &ids), [Ok(())]);
    assert_eq!(left(&server), 0);
    account.recover();
    assert_eq!(left(&server), 1);
    assert_eq!(server.load(Kind::Snapshots, ids[0]).unwrap(), [0; 20]);
}

#[test]
fn a_test_app_makes_five_hundred_of_them_a_day() {
    let account = in_the_morning();
    let server = account.server_with(|config| test_app(config, &Arc::default()));
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    let begun = account.used(Call::DeleteMany);
    for n in 0..400_u32 {
        let pack = n.to_le_bytes();
        let path = path(Kind::Data, id(&pack));
        account.plant(&path, &pack);
        let told = server.remove(Kind::Data, id(&pack));
        let is_over = u64::from(n) + begun >= 400;
        let expected = if is_over { Err(Cause::Busy) } else { Ok(()) };
        assert_eq!(told, expected, "{n}");
        assert_eq!(account.files(&path).len(), usize::from(is_over), "{n}");
    }
    // What is left is kept for locks.
    assert_eq!(server.remove(Kind::Locks, lock), Ok(()));
    assert_eq!(account.count(Call::DeleteMany).limited, 0);
}

#[test]
fn another_task_id_is_accepted_and_lists_say_when_it_is_done() {
    let account = Account::with(|s| (s.task_from, s.task_time) = (Some(1), ms(100)));
    let server = account.server();
    let ids = stored(&server, 3);
    account.reset_counters();
    assert_eq!(removed(&server, &ids), [Ok(()); 3]);
    assert!(account.made(Call::AppList) > 2, "it was asked again");
    assert_eq!((left(&server), account.made(Call::DeleteMany)), (0, 1));
}

#[test]
fn a_task_that_never_ends_is_never_believed() {
    let account = Account::start();
    let server = account.server();
    let ids = stored(&server, 3);
    account.set(|s| (s.task_from, s.task) = (Some(1), Task::Fails));
    assert_eq!(removed(&server, &ids), [Err(Cause::Busy); 3]);
    assert_eq!(left(&server), 3);
    account.set(|s| s.task = Task::Ends);
    assert_eq!(removed(&server, &ids), [Ok(()); 3]);
}

#[test]
fn of_a_task_that_is_half_done_each_file_is_told() {
    let account = Account::start();
    let server = account.server();
    let ids = stored(&server, 3);
    account.set(|s| (s.task_from, s.task) = (Some(1), Task::Half));
    let results = removed(&server, &ids);
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 2);
    assert_eq!(left(&server), 1);
}

#[test]
fn another_code_than_zero_is_a_failure() {
    let account = Account::start();
    let server = account.server();
    let ids = stored(&server, 3);
    let no = How::Code(40_001, "as it should".to_owned());
    account.fail_next(Call::DeleteMany, 1, When::Before, no);
    assert_eq!(
        removed(&server, &ids),
        [Err(Cause::Cloud); 3],
        "with HTTP 200"
    );
    account.set(|s| s.scopes = s.scopes.replace(",remove_personal_files", ""));
    assert_eq!(
        removed(&server, &ids),
        [Err(Cause::Cloud); 3],
        "with HTTP 403"
    );
    assert_eq!(left(&server), 3);
}

#[test]
fn when_the_answer_is_lost_lists_tell() {
    let account = Account::start();
    let server = account.server();
    let ids = stored(&server, 3);
    for (when, expected) in [(When::Before, Err(Cause::Cloud)), (When::After, Ok(()))] {
        account.fail_next(Call::DeleteMany, 1, when, How::Reset);
        let results = removed(&server, &ids);
        let fits = |r: &Result<(), Cause>| r.is_ok() == expected.is_ok();
        assert!(results.iter().all(fits), "{when:?}: {results:?}");
    }
    assert_eq!(left(&server), 0);
}

#[test]
fn what_is_gone_already_costs_no_deletion() {
    let account = Account::start();
    let server = account.server();
    stored(&server, 1);
    account.reset_counters();
    assert_eq!(removed(&server, &[id(b"never there")]), [Ok(())]);
    assert_eq!(account.made(Call::DeleteMany), 0);
}
