//! Safety rules of what is shown: 10, 12 to 15, 18 and 20.

use super::{LONG, code};
use crate::cloud::rig::{Server, id, log_of, ms, sorted};
use crate::fake::smh::{Call, Kind as Entry, Marker};
use crate::fake::{How, When};
use crate::smh::rig::{Library, config, path};
use crate::tree::random;
use restic_123pan::restic::{Id, Kind};
use restic_123pan::smh::Smh;
use restic_123pan::store::Cause;
use serde_json::json;
use std::time::{Duration, Instant};

/// Rule 10. A 404 has two meanings.
#[test]
fn only_three_codes_say_absent() {
    let library = Library::start();
    let server = library.hasty_server();
    let key = server.save(Kind::Keys, b"a key").unwrap();
    for (how, is_absent) in [
        (code(404, "FileNotFound"), true),
        (code(404, "PathNotFound"), true),
        (code(404, "DirectoryNotFound"), true),
        (code(404, "FileRemovedByQuota"), false),
        (code(404, "CosObjectNonexistent"), false),
        (code(404, "SpaceNotFound"), false),
        (code(404, "LibraryNotFound"), false),
        (code(404, "WrongLibraryIdOrSecret"), false),
        (code(404, "RouteNotFound"), false),
        (code(404, "SomethingNew"), false),
        (How::Html(404), false),
    ] {
        for call in [Call::Info, Call::FileInfo, Call::List] {
            library.fail_next(call, 99, When::Before, how.clone());
        }
        let told = [
            server.size(Kind::Keys, key).map(drop),
            server.load(Kind::Keys, key).map(drop),
            server.list(Kind::Keys).map(drop),
        ];
        for told in told {
            let absent = told == Err(Cause::Absent);
            assert_eq!(absent, is_absent, "{how:?}: {told:?}");
            assert!(told.is_err(), "{how:?}");
        }
        library.clear_faults();
        for call in [Call::DeleteFile, Call::Batch] {
            library.fail_next(call, 99, When::Before, how.clone());
        }
        let removed = server.remove(Kind::Keys, key);
        assert_eq!(removed.is_ok(), is_absent, "{how:?}");
        library.clear_faults();
    }
}

/// Rule 12. What a quota has removed isn't shown as if it were there, and is said aloud.
#[test]
fn removed_bytes_are_no_file() {
    let library = Library::start();
    let server = library.server();
    let save = |n: u64| server.save(Kind::Keys, &random(n, 99)).unwrap();
    let (lost, kept) = (save(1), save(2));
    library.remove_by_quota(&path(Kind::Keys, lost));
    let log = log_of(|| {
        assert_eq!(server.list(Kind::Keys), Ok(vec![kept]));
        assert_eq!(server.size(Kind::Keys, lost), Err(Cause::Cloud));
        assert_eq!(server.load(Kind::Keys, lost), Err(Cause::Cloud));
    });
    let name = lost.to_string();
    let said = |line: &&String| line.starts_with("ERROR") && line.contains(&name);
    assert!(log.iter().filter(said).count() >= 3, "{log:#?}");
    // The same file, sent again, takes its place.
    assert_eq!(server.save(Kind::Keys, &random(1, 99)), Ok(lost));
    assert_eq!(server.load(Kind::Keys, lost), Ok(random(1, 99)));
}

/// Rule 13. Links and the like have no bytes of their own.
#[test]
fn links_are_no_files() {
    let library = Library::start();
    let server = library.server();
    let odd = [Entry::Symlink, Entry::Virtual, Entry::Dir];
    for (kind, shown) in [(Kind::Keys, vec![]), (Kind::Data, vec![])] {
        server.create().unwrap();
        for entry in &odd {
            let id = id(format!("{entry:?}").as_bytes());
            library.plant_odd(&path(kind, id), *entry);
            assert_eq!(server.size(kind, id), Err(Cause::Absent), "{entry:?}");
        }
        assert_eq!(server.list(kind), Ok(shown));
    }
}

/// Rule 14. A list has entries or is none; that a folder is empty now, but wasn't, is asked twice.
#[test]
fn an_empty_list_is_doubted() {
    let library = Library::start();
    let server = library.hasty_server();
    let key = server.save(Kind::Keys, b"a key").unwrap();
    for how in [
        How::Empty,
        How::BadJson,
        How::NullData,
        How::WrongShape,
        How::Fields(json!({ "contents": null })),
        How::Fields(json!({ "contents": {} })),
    ] {
        library.fail_next(Call::List, 99, When::After, how.clone());
        let told = server.list(Kind::Keys);
        assert_eq!(told, Err(Cause::Cloud), "{how:?}");
        library.clear_faults();
    }
    assert_eq!(server.list(Kind::Keys), Ok(vec![key]));
    let other = library.server();
    assert_eq!(other.list(Kind::Keys), Ok(vec![key]));
    let empty = How::Fields(json!({ "contents": [] }));
    library.fail_next(Call::List, 1, When::After, empty.clone());
    assert_eq!(other.list(Kind::Keys), Ok(vec![key]), "it knew better");
    // Twice is no chance.
    library.delete_by_hand(&path(Kind::Keys, key));
    library.reset_counters();
    assert_eq!(other.list(Kind::Keys), Ok(vec![]));
    assert_eq!(library.made(Call::List), 2);
}

/// Rule 15. A list whose markers go wrong starts again once, and is broken off then.
#[test]
fn markers_that_go_wrong_end_a_list() {
    for marker in [Marker::Stuck, Marker::Back] {
        let library = Library::with(|s| (s.page_max, s.marker) = (2, marker));
        let server = library.hasty_server();
        let ids: Vec<Id> = (0..9)
            .map(|n: u64| server.save(Kind::Keys, &random(n, 20)).unwrap())
            .collect();
        library.set(|s| s.marker_times = 0);
        assert_eq!(server.list(Kind::Keys), Err(Cause::Cloud), "{marker:?}");
        library.set(|s| s.marker_times = 1);
        assert_eq!(
            server.list(Kind::Keys),
            Ok(sorted(ids.clone())),
            "{marker:?}"
        );
        library.set(|s| s.marker = Marker::Entry);
        let lost = |times| {
            let how = code(404, "MarkerNotFound");
            library.fail_after(2, Call::List, times, When::Before, how);
        };
        lost(1);
        assert_eq!(server.list(Kind::Keys), Ok(sorted(ids)), "once");
        lost(99);
        assert_eq!(
            server.list(Kind::Keys),
            Err(Cause::Cloud),
            "again and again"
        );
        library.clear_faults();
    }
}

/// Rule 18. Whatever fails, no log shows the secret, a token or a signature.
#[test]
fn secrets_are_not_told() {
    let library = Library::start();
    let config = config(&library);
    let (secret, host) = (config.secret.reveal().to_owned(), config.host.clone());
    let server = Server::over(Smh::new(&config));
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    let calls = [
        Call::Token,
        Call::Start,
        Call::Put,
        Call::Confirm,
        Call::FileInfo,
        Call::Get,
    ];
    let mut log = Vec::new();
    for call in calls {
        let hows = [
            How::Reset,
            How::Html(500),
            How::BadJson,
            How::Cut,
            code(403, "NoPermission"),
        ];
        for how in hows {
            library.fail_next(call, 99, When::Before, how);
            log.extend(log_of(|| {
                library.revoke_tokens();
                let server = library.hasty_server();
                let _ = server.save(Kind::Keys, b"a key");
                let _ = server.load(Kind::Data, pack);
            }));
            library.clear_faults();
        }
    }
    assert!(!log.is_empty());
    let words = [
        "acctk",
        "q-sign",
        "library_secret",
        "access_token",
        "?",
        secret.as_str(),
    ];
    for line in log.iter().map(|line| line.replace(&host, "")) {
        let told = words.iter().find(|word| line.contains(**word));
        assert!(told.is_none(), "{told:?} in {line}");
    }
}

/// Rule 20. A lock counts when others can see it, and one that they can't is taken back.
#[test]
fn a_lock_is_seen_before_it_counts() {
    let library = Library::with(|s| s.lag_new = ms(120));
    let server = library.server();
    let start = Instant::now();
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    assert!(start.elapsed() >= ms(120), "it was acknowledged too early");
    assert_eq!(library.server().list(Kind::Locks), Ok(vec![lock]));
    library.set(|s| s.lag_new = LONG);
    assert_eq!(server.save(Kind::Locks, b"another"), Err(Cause::Busy));
    assert!(library.file(&path(Kind::Locks, id(b"another"))).is_none());
}

/// Rule 9 of those for every cloud. A lock goes when others can see what was stored under it.
#[test]
fn work_is_seen_before_its_lock_goes() {
    for kind in [Kind::Index, Kind::Snapshots] {
        let library = Library::start();
        let server = library.server_with(|c| c.shared.timing.overlay = LONG);
        let lock = server.save(Kind::Locks, b"a lock").unwrap();
        library.set(|s| s.lag_new = LONG);
        let id = server.save(kind, b"work").unwrap();
        assert_eq!(
            server.remove(Kind::Locks, lock),
            Err(Cause::Busy),
            "{kind:?}"
        );
        assert_eq!(
            server.list(kind),
            Ok(vec![id]),
            "its own it lists all the same"
        );
        library.set(|s| s.lag_new = Duration::ZERO);
        assert_eq!(server.remove(Kind::Locks, lock), Ok(()));
    }
}
