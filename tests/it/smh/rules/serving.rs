//! What else a server does well: it goes on reading, makes folders once, renews its token, keeps to the
//! rate, knows its room.

use super::{LONG, code};
use crate::cloud::rig::{eventually, ms};
use crate::fake::smh::Call;
use crate::fake::{How, When};
use crate::smh::rig::{BASE, Library};
use crate::tree::random;
use restic_123pan::restic::Kind;
use restic_123pan::store::Cause;
use std::thread;
use std::time::Duration;

/// Reading goes on where a download breaks off, with a new address where the old one is over.
#[test]
fn downloads_go_on() {
    let library = Library::start();
    let server = library.server();
    let bytes = random(1, 300_000);
    let pack = server.save(Kind::Data, &bytes).unwrap();
    for how in [
        How::Cut,
        How::Reset,
        How::Html(503),
        code(403, "AccessDenied"),
    ] {
        library.fail_next(Call::Get, 2, When::Before, how.clone());
        assert_eq!(server.load(Kind::Data, pack).unwrap(), bytes, "{how:?}");
    }
    library.set(|s| s.cuts_after = Some(100_000));
    assert_eq!(server.load(Kind::Data, pack).unwrap(), bytes);
    library.set(|s| s.cuts_after = None);
    // Addresses are kept; those that are over are asked for anew.
    library.reset_counters();
    for _ in 0..3 {
        assert_eq!(server.load(Kind::Data, pack).unwrap(), bytes);
    }
    assert_eq!(library.made(Call::FileInfo), 0);
    library.advance(2 * LONG);
    assert_eq!(server.load(Kind::Data, pack).unwrap(), bytes);
    assert!(library.made(Call::FileInfo) > 0);
}

/// A folder that many uploads miss is made once.
#[test]
fn a_folder_is_made_once() {
    let library = Library::with(|s| s.latency = ms(15));
    let server = library.server_with(|c| c.shared.uploads = 12);
    thread::scope(|scope| {
        for n in 0..10_u64 {
            let server = &server;
            scope.spawn(move || server.save(Kind::Keys, &random(n, 20)).unwrap());
        }
    });
    assert_eq!(library.made(Call::Mkdir), 1);
    assert_eq!(library.living(&format!("{BASE}/host/keys")).len(), 10);
}

/// A token that the service takes back is replaced at once.
#[test]
fn a_token_is_renewed() {
    let library = Library::start();
    let server = library.server();
    let key = server.save(Kind::Keys, b"a key").unwrap();
    library.revoke_tokens();
    assert_eq!(server.size(Kind::Keys, key), Ok(5));
    assert_eq!(library.calls().tokens, 2);
}

/// Calls that are too many are made more slowly, and all are made.
#[test]
fn the_rate_is_learned() {
    for retry_after in [None, Some(1)] {
        let library = Library::with(|s| (s.rate, s.retry_after) = (Some(25.0), retry_after));
        let server = library.server_with(|c| c.shared.timing.rate_wait = Duration::from_secs(60));
        for n in 0..15 {
            server.save(Kind::Keys, &random(n, 20)).unwrap();
        }
        assert_eq!(server.list(Kind::Keys).unwrap().len(), 15);
    }
}

/// What is full is said to be full, and nothing is tried again and again.
#[test]
fn a_full_space_is_full() {
    let library = Library::start();
    let server = library.server();
    server.create().unwrap();
    library.set_quota(Some(100), 0);
    library.reset_counters();
    assert_eq!(server.save(Kind::Keys, &random(1, 200)), Err(Cause::Full));
    assert_eq!(library.made(Call::Start), 1);
    assert!(server.save(Kind::Keys, &random(1, 20)).is_ok());
}

/// Writes of others in the same folder are waited for.
#[test]
fn conflicts_are_waited_for() {
    let library = Library::with(|s| (s.path_conflict, s.latency) = (true, ms(3)));
    let server = library.server_with(|c| c.shared.uploads = 6);
    server.create().unwrap();
    thread::scope(|scope| {
        for n in 0..6_u64 {
            let server = &server;
            scope.spawn(move || server.save(Kind::Keys, &random(n, 20)).unwrap());
        }
    });
    assert_eq!(server.list(Kind::Keys).unwrap().len(), 6);
}

/// The space's room is asked for in the background, and known from then on.
#[test]
fn room_is_known() {
    let library = Library::start();
    library.set_quota(Some(1_000_000), 400_000);
    let server = library.server();
    let free = || server.store.free_space();
    eventually("somebody has asked", || {
        let _ = server.store.health();
        free() == Some(600_000)
    });
    server.save(Kind::Data, &random(1, 1000)).unwrap();
    assert!(free() <= Some(599_000));
    let used = server.store.used_space(&server.repo()).unwrap();
    assert_eq!(used, Some(1000));
    assert!(server.store.probe().is_ok());
    let account = server.store.health().account.unwrap();
    assert_eq!((account.tier, account.total >= 999_000), ("quota", true));
}
