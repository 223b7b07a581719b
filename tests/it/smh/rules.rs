//! The safety rules of Tencent SMH, a test each. What is a rule for every call, such as that a
//! deletion says whether it is for good, the emulator complains of in every other test as well.

use super::rig::{BASE, Library, config, path};
use crate::cloud::rig::{Server, eventually, id, log_of, ms, sorted};
use crate::fake::smh::{Call, Kind as Entry, Marker};
use crate::fake::{How, When};
use crate::tree::random;
use restic_123pan::restic::{File, Id, Kind};
use restic_123pan::smh::Smh;
use restic_123pan::store::Cause;
use serde_json::json;
use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

/// An hour, which no test waits for.
const LONG: Duration = Duration::from_secs(3600);

fn code(status: i64, code: &str) -> How {
    How::Code(status, code.to_owned())
}

/// Rule 1. The default would store a second config as `config (1)`, which nobody reads.
#[test]
fn a_taken_name_is_never_stored_under_another() {
    let library = Library::with(|s| s.latency_of = [(Call::Confirm, 150)].into());
    let server = library.server();
    server.create().unwrap();
    // Taken at the start, and taken between the start and the confirmation.
    for stage in [Call::Start, Call::Put] {
        if library.file(&format!("{BASE}/host/config")).is_some() {
            library.delete_by_hand(&format!("{BASE}/host/config"));
        }
        library.reset_counters();
        let plant = || library.plant(&format!("{BASE}/host/config"), b"the first");
        if stage == Call::Start {
            plant();
        }
        thread::scope(|scope| {
            let saved = scope.spawn(|| server.save_config(b"the other"));
            if stage == Call::Put {
                eventually("the bytes are there", || library.made(Call::Put) == 1);
                plant();
            }
            assert_eq!(saved.join().unwrap(), Err(Cause::Exists), "{stage:?}");
        });
        assert_eq!(
            library.file("restic/host/config").unwrap().bytes(),
            b"the first"
        );
        let names = library.living(&format!("{BASE}/host"));
        assert!(
            names.iter().all(|name| !name.starts_with("config (")),
            "{names:?}"
        );
        assert_eq!(library.open_uploads(), 0);
    }
}

/// Rule 2. What was confirmed is compared, and what isn't as meant is taken back.
#[test]
fn what_was_confirmed_is_compared() {
    let library = Library::start();
    let server = library.server();
    server.create().unwrap();
    let renamed = format!("{BASE}/host/keys/a key (1)");
    for fields in [
        json!({ "path": renamed.split('/').collect::<Vec<_>>() }),
        json!({ "size": "1" }),
        json!({ "crc64": "1" }),
        json!({ "path": null }),
    ] {
        library.plant(&renamed, b"a copy under another name");
        library.fail_next(Call::Confirm, 1, When::After, How::Fields(fields.clone()));
        let id = server.save(Kind::Keys, b"a key").unwrap();
        assert_eq!(server.load(Kind::Keys, id).unwrap(), b"a key", "{fields}");
        assert_eq!(library.faults_left(), 0);
        let is_there = library.file(&renamed).is_some();
        assert_eq!(is_there, fields["path"].is_null(), "{fields}");
        server.remove(Kind::Keys, id).unwrap();
    }
}

/// Rule 3. The bytes alone are nothing; an answer that was lost is looked up.
#[test]
fn nothing_counts_that_was_not_confirmed() {
    let library = Library::start();
    let server = library.hasty_server();
    server.create().unwrap();
    library.fail_next(Call::Confirm, 100, When::Before, How::Reset);
    assert!(server.save(Kind::Keys, b"a key").is_err());
    library.clear_faults();
    let key = id(b"a key");
    assert_eq!(server.size(Kind::Keys, key), Err(Cause::Absent));
    for (call, puts) in [(Call::Confirm, 1), (Call::Start, 1), (Call::Put, 2)] {
        library.reset_counters();
        library.fail_next(call, 1, When::After, How::Reset);
        assert_eq!(
            library.server().save(Kind::Keys, b"a key"),
            Ok(key),
            "{call:?}"
        );
        assert_eq!(library.made(Call::Put), puts, "{call:?}");
        assert_eq!(server.list(Kind::Keys), Ok(vec![key]));
        server.remove(Kind::Keys, key).unwrap();
    }
}

/// The same for a body that can be read only once: its bytes have arrived, so that the
/// confirmation itself tells.
#[test]
fn a_lost_answer_to_a_stream_is_no_failure() {
    let library = Library::start();
    let server = library.server().memory(0, None);
    let bytes = random(1, 3 << 20);
    library.fail_next(Call::Put, 1, When::After, How::Reset);
    let id = server.save(Kind::Data, &bytes).unwrap();
    assert_eq!(server.load(Kind::Data, id).unwrap(), bytes);
    assert_eq!(library.made(Call::Put), 1);
}

/// Rule 4. A checksum that doesn't fit is a failed upload, which is begun anew.
#[test]
fn a_wrong_checksum_is_no_file() {
    let library = Library::start();
    let server = library.hasty_server();
    library.fail_next(Call::Confirm, 1, When::Before, code(400, "BadCrc64"));
    let key = library.server().save(Kind::Keys, b"a key").unwrap();
    assert_eq!(library.made(Call::Put), 2);
    library.fail_next(Call::Confirm, 100, When::Before, code(400, "BadCrc64"));
    let other = server.save(Kind::Keys, b"another key");
    assert_eq!(other, Err(Cause::Busy));
    assert_eq!(server.list(Kind::Keys), Ok(vec![key]));
    assert_eq!(library.open_uploads(), 0);
}

/// Rule 5. A body that ends too early isn't published, however it was announced.
#[test]
fn what_breaks_off_is_withdrawn() {
    let library = Library::start();
    let server = library.server().memory(0, None);
    let bytes = random(1, 3 << 20);
    let file = File::Hashed(Kind::Data, id(&bytes));
    let mut half = bytes[..1 << 20].chain(Broken);
    let saved = server.save_from(&file, bytes.len() as u64, &mut half);
    assert_eq!(saved, Err(Cause::BadBody));
    assert_eq!(
        (library.made(Call::Confirm), library.open_uploads()),
        (0, 0)
    );
    assert_eq!(server.size(Kind::Data, id(&bytes)), Err(Cause::Absent));
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

/// Rule 6. Of several servers that initialise one repository, one wins, and its config stays.
#[test]
fn one_config_of_many_wins() {
    let library = Library::with(|s| s.latency = ms(20));
    let servers: Vec<Server> = (0..4).map(|_| library.server()).collect();
    servers[0].create().unwrap();
    let configs: Vec<String> = (0..4)
        .map(|n| format!("the config of server {n}"))
        .collect();
    let saved: Vec<Result<(), Cause>> = thread::scope(|scope| {
        let each = servers.iter().zip(&configs);
        let each = each.map(|(s, c)| scope.spawn(|| s.save_config(c.as_bytes())));
        let running: Vec<_> = each.collect();
        running
            .into_iter()
            .map(|save| save.join().unwrap())
            .collect()
    });
    let won: Vec<usize> = (0..4).filter(|n| saved[*n] == Ok(())).collect();
    assert_eq!(won.len(), 1, "{saved:?}");
    assert!(
        saved
            .iter()
            .all(|s| matches!(s, Ok(()) | Err(Cause::Exists))),
        "{saved:?}"
    );
    let kept = servers[0].load_part(&File::Config, None).unwrap();
    assert_eq!(kept, configs[won[0]].as_bytes());
}

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
    let server = library.server_with(|c| c.keep_deleted = true);
    for kind in Kind::ALL {
        let id = server.save(kind, &random(kind as u64, 99)).unwrap();
        assert_eq!(server.remove(kind, id), Ok(()));
        assert_eq!(server.size(kind, id), Err(Cause::Absent));
    }
    let bin = library.bin();
    assert_eq!(bin.len(), 4, "{bin:?}");
    assert!(bin.values().all(|path| !path.contains("locks")), "{bin:?}");
}

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

/// A file whose content isn't what its name says is replaced by one that is; a config never.
#[test]
fn what_is_damaged_is_replaced() {
    for memory in [64 << 20, 0] {
        for (damage, name) in [(&b"short"[..], "size"), (&[7; 3 << 20], "content")] {
            let library = Library::start();
            let folder = crate::tree::TempDir::new();
            let server = library.server().memory(memory, Some(folder.path()));
            let bytes = random(1, 3 << 20);
            let pack = server.save(Kind::Data, &bytes).unwrap();
            library.damage(&path(Kind::Data, pack), damage);
            assert_eq!(server.save(Kind::Data, &bytes), Ok(pack), "{name}");
            assert_eq!(server.load(Kind::Data, pack).unwrap(), bytes, "{name}");
            assert_eq!(
                library
                    .living(&format!("{BASE}/host/data/{}", pack.prefix()))
                    .len(),
                1
            );
        }
    }
}

/// Rule 13. Links and the like have no bytes of their own.
#[test]
fn links_are_no_files() {
    let library = Library::start();
    let server = library.server();
    let odd = [Entry::Symlink, Entry::Virtual, Entry::Dir];
    for (kind, shown) in [(Kind::Keys, vec![]), (Kind::Data, vec![])] {
        server.create().unwrap();
        for (n, entry) in odd.iter().enumerate() {
            let id = id(&[n as u8]);
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
        library.fail_next(Call::List, 0, When::Before, code(404, "MarkerNotFound"));
        let lost = |times| {
            library.fail(crate::fake::Fault {
                endpoint: Call::List,
                skip: 2,
                times,
                when: When::Before,
                how: code(404, "MarkerNotFound"),
            });
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

/// Rules 16 and 19. Of a repository in the space's root only its own files go; what lies outside
/// the folder of the repositories is left alone.
#[test]
fn nothing_else_is_removed() {
    let library = Library::start();
    library.plant("elsewhere/a file", b"of somebody else");
    let mut server = library.server_with(|c| c.repo_path = String::new());
    server.turn_to("");
    server.create().unwrap();
    server.save_config(b"a config").unwrap();
    let save = |kind| server.save(kind, &random(kind as u64, 20)).unwrap();
    let ids: Vec<Id> = Kind::ALL.into_iter().map(save).collect();
    let before = library.tree().len();
    for (kind, id) in Kind::ALL.into_iter().zip(ids) {
        assert_eq!(server.remove(kind, id), Ok(()));
    }
    assert!(server.store.remove(&[(server.repo(), File::Config)])[0].is_ok());
    assert_eq!(library.tree().len(), before - 6);
    assert!(library.file("elsewhere/a file").is_some());
}

/// Rule 17. A signature that is over is replaced by a whole new upload; the old one is withdrawn.
#[test]
fn an_expired_upload_is_begun_anew() {
    let library = Library::with(|s| s.signature_life = Duration::ZERO);
    let hasty = library.hasty_server();
    assert!(hasty.save(Kind::Keys, b"a key").is_err());
    assert_eq!(library.open_uploads(), 0);
    library.set(|s| s.signature_life = LONG);
    for refusal in [
        "AccessDenied",
        "ExpiredToken",
        "SignatureDoesNotMatch",
        "BadDigest",
    ] {
        library.reset_counters();
        library.fail_next(Call::Put, 1, When::Before, code(403, refusal));
        let id = library
            .server()
            .save(Kind::Keys, refusal.as_bytes())
            .unwrap();
        assert_eq!(hasty.load(Kind::Keys, id).unwrap(), refusal.as_bytes());
        let made = [Call::Start, Call::Abort, Call::Confirm].map(|call| library.made(call));
        assert_eq!(made, [2, 1, 1], "{refusal}");
        assert_eq!(library.open_uploads(), 0);
    }
}

/// Rule 18. Whatever fails, no log shows the secret, a token or a signature.
#[test]
fn secrets_are_not_told() {
    let library = Library::start();
    let config = config(&library);
    let (secret, host) = (config.secret.clone(), config.host.clone());
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
        let server = library.server();
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
    let server = library.server_with(|c| c.uploads = 12);
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
        let server = library.server_with(|c| c.timing.rate_wait = Duration::from_secs(60));
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
    let server = library.server_with(|c| c.uploads = 6);
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
