//! Safety rules of storing: 1 to 6 and 17.

use super::{LONG, code};
use crate::cloud::rig::{Server, eventually, id, ms};
use crate::fake::smh::Call;
use crate::fake::{How, When};
use crate::smh::rig::{BASE, Library, path};
use crate::tree::random;
use restic_123pan::restic::{File, Kind};
use restic_123pan::store::Cause;
use serde_json::json;
use std::io::{self, Read};
use std::thread;
use std::time::Duration;

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
                    .living(&format!("{BASE}/host/data/{}", &pack.to_string()[..1]))
                    .len(),
                1
            );
        }
    }
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
