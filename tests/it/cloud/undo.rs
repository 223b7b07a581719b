//! The commands `bin list`, `bin purge` and `bin restore`, run as the program itself beside what a
//! server has left in the bin.

use super::rig::{Cloud, Server, id, path, shard};
use super::waste::log_file;
use crate::fake::{MissingFolder, Switches};
use restic_123pan::civil::rfc3339;
use restic_123pan::pan123::{Bin, Clock};
use restic_123pan::restic::{Id, Kind};
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

const HOUR: u64 = 3600;

/// An account, and the clock of its server.
struct Desk {
    cloud: Cloud,
    clock: Arc<AtomicU64>,
    now: u64,
}

/// What a command came to.
#[derive(Debug)]
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    fn new(change: impl FnOnce(&mut Switches)) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = now.as_secs();
        Self {
            cloud: Cloud::with(change),
            clock: Arc::new(AtomicU64::new(now)),
            now,
        }
    }

    fn server(&self) -> Server {
        let clock = Arc::clone(&self.clock);
        let theirs = Arc::clone(&self.clock);
        self.cloud
            .tell_time_by(move || theirs.load(Ordering::SeqCst));
        self.cloud.server_with(|config| {
            config.shared.bin = Bin::Days(7);
            config.shared.state_dir = Some(self.cloud.folder().to_owned());
            config.shared.timing.clock = Clock::new(move || clock.load(Ordering::SeqCst));
        })
    }

    /// Sets the server's clock to so many hours ago.
    fn ago(&self, hours: u64) {
        self.clock.store(self.now - hours * HOUR, Ordering::SeqCst);
    }

    /// Saves a file, and removes it so many hours ago.
    fn removed(&self, server: &Server, kind: Kind, bytes: &[u8], hours: u64) -> Id {
        let name = server.save(kind, bytes).unwrap();
        self.ago(hours);
        server.remove(kind, name).unwrap();
        name
    }

    /// Runs `restic-123pan bin …`, now.
    fn bin(&self, words: &[&str]) -> Told {
        self.ago(0);
        let (command, options) = words.split_first().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_restic-123pan"))
            .args(["bin", command, "--api-url", &self.cloud.url()])
            .args(["--rate-share", "1", "--tier", "vip"])
            .arg("--state-dir")
            .arg(self.cloud.folder())
            .args(options)
            .env("PAN123_CLIENT_ID", self.cloud.client_id())
            .env("PAN123_CLIENT_SECRET", self.cloud.client_secret())
            .env("PAN123_REPO_PATH", "/restic")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Told {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// The same, which must go well; what it prints.
    fn good(&self, words: &[&str]) -> String {
        let told = self.bin(words);
        assert_eq!(told.code, Some(0), "{words:?}: {told:?}");
        assert_eq!(told.err, "", "{words:?}");
        told.out
    }

    fn lives(&self, kind: Kind, name: Id) -> bool {
        self.cloud.file(&path(kind, name)).is_some()
    }
}

#[test]
fn list_shows_what_lies_there() {
    let desk = Desk::new(|_| {});
    let server = desk.server();
    server.save_config(b"a config").unwrap();
    server.save(Kind::Data, b"stays").unwrap();
    let old = desk.removed(&server, Kind::Data, b"an old pack", 30);
    let snapshot = desk.removed(&server, Kind::Snapshots, b"a snapshot", 5);
    let by_hand = server.save(Kind::Data, b"by hand").unwrap();
    desk.cloud.trash_by_hand(&path(Kind::Data, by_hand));
    desk.cloud.plant("restic/host/data/notes", b"not restic's");
    desk.cloud.trash_by_hand("restic/host/data/notes");
    server.remove_config().unwrap();
    drop(server);

    let text = desk.good(&["list"]);
    for part in [
        "/host\n",
        "  config           1 file          8 B  deleted at an unknown time; stays",
        "  data            2 files         18 B  deleted ",
        &format!("    {snapshot}  deleted "),
        "    notes  deleted at an unknown time; stays",
        "total: 5 files, 48 B",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let json = |words: &[&str]| -> Vec<Value> { serde_json::from_str(&desk.good(words)).unwrap() };
    let all = json(&["list", "--json"]);
    assert_eq!(all.len(), 5);
    let of = |name: Id| {
        all.iter()
            .find(|one| one["name"] == name.to_string())
            .unwrap()
    };
    let (row, at) = (of(old), desk.now - 30 * HOUR);
    assert_eq!(row["repository"], "/host");
    assert_eq!((&row["kind"], &row["size"]), (&"data".into(), &11.into()));
    assert_eq!(row["deleted"], rfc3339(at));
    assert_eq!(row["purged"], rfc3339(at + 7 * 24 * HOUR));
    // What a server would do that is configured otherwise.
    for (option, due) in [
        ("30d", rfc3339(at + 30 * 24 * HOUR).into()),
        ("keep", Value::Null),
    ] {
        let all = json(&["list", "--json", "--bin", option]);
        let row = all.iter().find(|one| one["name"] == old.to_string());
        assert_eq!(row.unwrap()["purged"], due, "{option}");
    }
    assert_eq!(of(by_hand)["deleted"], Value::Null);

    let text = desk.good(&["list", "--since", "6h"]);
    assert!(text.contains("total: 1 file, 10 B"), "{text}");
    assert!(text.contains("left out: 3 files"), "{text}");
    let since = rfc3339(desk.now - 31 * HOUR);
    assert_eq!(json(&["list", "--json", "--since", &since]).len(), 2);
    // It is the cloud's clock that tells how long ago something was.
    desk.cloud.set(|s| s.front.date_skew = 2 * 3600);
    let told = desk.bin(&["list", "--since", "6h"]);
    assert!(told.out.contains("total: 0 files"), "{told:?}");
    desk.cloud.set(|s| s.front.date_skew = 0);
    let told = desk.bin(&["list", "--repo-path", "/nowhere"]);
    assert_eq!(told.code, Some(1));
    assert!(told.err.contains("/nowhere doesn't exist"), "{told:?}");
}

#[test]
fn purge_frees_what_is_meant() {
    let desk = Desk::new(|_| {});
    let server = desk.server();
    server.save_config(b"a config").unwrap();
    let stays = server.save(Kind::Data, b"stays").unwrap();
    desk.removed(&server, Kind::Data, b"an old pack", 30);
    desk.removed(&server, Kind::Snapshots, b"a snapshot", 5);
    server.remove_config().unwrap();
    drop(server);

    let told = desk.bin(&["purge"]);
    assert_eq!(told.code, Some(2), "{told:?}");
    assert!(told.err.contains("--yes"), "{told:?}");
    assert_eq!(desk.cloud.bin().len(), 3);
    #[rustfmt::skip]
    let cases = [
        (&["purge", "--yes", "--older-than", "1d"][..], "purged 1 file, 11 B\n", 2),
        (&["purge", "--yes", "--older-than", "1d"], "there is nothing to purge\n", 2),
        (&["purge", "--yes", "--since", "6h"], "purged 1 file, 10 B\n", 1),
        (&["purge", "--yes"], "there is nothing to purge\n", 1),
        (&["purge", "--yes", "--with-configs"], "purged 1 file, 8 B\n", 0),
    ];
    for (words, said, left) in cases {
        assert_eq!(desk.good(words), said, "{words:?}");
        assert_eq!(desk.cloud.bin().len(), left, "{words:?}");
    }
    assert!(desk.lives(Kind::Data, stays));
}

#[test]
fn purge_says_when_it_cannot() {
    let desk = Desk::new(|s| s.delete_missing = true);
    let server = desk.server();
    desk.removed(&server, Kind::Data, b"a pack", 1);
    drop(server);
    let told = desk.bin(&["purge", "--yes"]);
    assert_eq!(told.code, Some(1));
    assert!(told.err.contains("empty it on its website"), "{told:?}");
    assert_eq!(told.out, "purged 0 files, 0 B\n");
}

#[test]
fn restore_brings_back_packs_and_snapshots() {
    let desk = Desk::new(|_| {});
    let server = desk.server();
    let keep = |kind: Kind| desk.removed(&server, kind, format!("a {kind:?}").as_bytes(), 2);
    let names = Kind::ALL.map(|kind| (kind, keep(kind)));
    drop(server);
    let back = || {
        let living = names.iter().filter(|(kind, name)| desk.lives(*kind, *name));
        living.map(|(kind, _)| *kind).collect::<Vec<Kind>>()
    };
    let key = id(b"a Keys").to_string();
    #[rustfmt::skip]
    let cases = [
        (&["restore", "--dry-run"][..], "2 files would be brought back", &[][..]),
        (&["restore", "--since", "1h"], "nothing to bring back", &[]),
        (&["restore", "other/*"], "nothing to bring back", &[]),
        (&["restore", "host/keys/*", "host/index/*"], "nothing to bring back", &[]),
        (&["restore", "/host/snapshots/*"], "brought back: 1 file\n", &[Kind::Snapshots]),
        (&["restore", "--since", "3h"], "`restic repair index`", &[Kind::Data, Kind::Snapshots]),
        (
            &["restore", &key[..8]],
            "brought back: 1 file\n",
            &[Kind::Data, Kind::Keys, Kind::Snapshots],
        ),
    ];
    for (words, said, expected) in cases {
        let text = desk.good(words);
        assert!(text.contains(said), "{words:?}: {text}");
        assert_eq!(back(), expected, "{words:?}");
    }
}

/// Beside the server, and after one that was killed before it knew what has become of them.
#[test]
fn restore_knows_at_once_what_was_deleted() {
    let desk = Desk::new(|_| {});
    let server = desk.server();
    for is_killed in [false, true] {
        let pack = desk.removed(&server, Kind::Data, b"a pack", 0);
        if is_killed {
            let log = log_file(&desk.cloud);
            let text = fs::read_to_string(&log).unwrap();
            let going = text.lines().filter(|line| !line.contains("trashed"));
            fs::write(&log, going.collect::<Vec<&str>>().join("\n")).unwrap();
        }
        let text = desk.good(&["restore", "--since", "1h"]);
        assert!(
            text.contains("brought back: 1 file\n"),
            "{is_killed} {text}"
        );
        assert!(desk.lives(Kind::Data, pack), "{is_killed}");
    }
}

/// A name that is taken again isn't given twice, and of two files of a name the newer one counts.
#[test]
fn restore_gives_each_name_once() {
    let desk = Desk::new(|_| {});
    let server = desk.server();
    let pack = desk.removed(&server, Kind::Data, b"a pack", 3);
    assert_eq!(server.save(Kind::Data, b"a pack"), Ok(pack));
    let text = desk.good(&["restore"]);
    assert!(
        text.contains("left out: 1 file, whose names exist again"),
        "{text}"
    );
    server.remove(Kind::Data, pack).unwrap();
    drop(server);
    assert_eq!(desk.cloud.bin().len(), 2);
    let text = desk.good(&["restore"]);
    assert!(text.contains("brought back: 1 file\n"), "{text}");
    assert_eq!(desk.cloud.bin().len(), 1);
    assert!(desk.lives(Kind::Data, pack));
}

/// What lay in folders that are gone comes into new ones.
#[test]
fn restore_makes_folders_anew() {
    for rows in [MissingFolder::Rows, MissingFolder::Error] {
        let desk = Desk::new(|s| s.missing_folder = rows);
        let server = desk.server();
        let packs = [b"one pack", b"two pack"];
        let packs = packs.map(|bytes| desk.removed(&server, Kind::Data, bytes, 3));
        drop(server);
        let folder = format!("restic/host/data/{}", shard(packs[0]));
        desk.cloud.trash_by_hand(&folder);
        let listed = desk.good(&["list"]);
        assert!(listed.contains("folders are brought back"), "{listed}");
        let told = desk.bin(&["restore"]);
        let all = rows == MissingFolder::Rows;
        assert_eq!(told.code, Some(0), "{told:?}");
        assert_eq!(desk.lives(Kind::Data, packs[0]), all, "{told:?}");
        assert!(desk.lives(Kind::Data, packs[1]), "{told:?}");
    }
}

/// A removal that can't be undone as a whole isn't undone without being asked twice.
#[test]
fn restore_refuses_halves() {
    // By the server: one of two packs of a prune has been purged before its time.
    let desk = Desk::new(|_| {});
    let server = desk.server();
    desk.removed(&server, Kind::Data, b"first", 168);
    let other = server.save(Kind::Data, b"second").unwrap();
    desk.clock.fetch_add(300, Ordering::SeqCst);
    server.remove(Kind::Data, other).unwrap();
    let much_later = desk.removed(&server, Kind::Data, b"of another prune", 48);
    desk.clock.store(desk.now + 100, Ordering::SeqCst);
    server.hear();
    super::rig::eventually("one is purged", || desk.cloud.bin().len() == 2);
    drop(server);
    let told = desk.bin(&["restore"]);
    assert_eq!(told.code, Some(1));
    assert!(
        told.err.contains("1 of the packs and snapshots"),
        "{told:?}"
    );
    assert!(told.err.contains("--partial"), "{told:?}");
    assert_eq!(desk.cloud.bin().len(), 2);
    desk.good(&["restore", "--since", "3d"]);
    assert!(desk.lives(Kind::Data, much_later) && !desk.lives(Kind::Data, other));
    desk.good(&["restore", "--partial"]);
    assert!(desk.lives(Kind::Data, other));

    // By hand: nobody has told the server.
    let desk = Desk::new(|_| {});
    let server = desk.server();
    desk.removed(&server, Kind::Snapshots, b"a snapshot", 10);
    let pack = server.save(Kind::Data, b"its pack").unwrap();
    desk.clock.fetch_add(60, Ordering::SeqCst);
    server.remove(Kind::Data, pack).unwrap();
    drop(server);
    let between = rfc3339(desk.now - 10 * HOUR + 30);
    desk.good(&["purge", "--yes", "--older-than", &between]);
    assert_eq!(desk.bin(&["restore"]).code, Some(1));
    desk.good(&["restore", "--partial"]);
    assert!(desk.lives(Kind::Data, pack));
}

/// The commands work without the server's list, and say so where it is broken.
#[test]
fn a_lost_list_is_no_obstacle() {
    let desk = Desk::new(|_| {});
    let server = desk.server();
    let pack = desk.removed(&server, Kind::Data, b"a pack", 3);
    drop(server);
    let log = log_file(&desk.cloud);
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    let told = desk.bin(&["list"]);
    assert_eq!(told.code, Some(0));
    assert!(told.err.contains("can't be read"), "{told:?}");
    assert!(told.out.contains("deleted at an unknown time"), "{told:?}");
    assert_eq!(desk.bin(&["restore"]).code, Some(0));
    assert!(desk.lives(Kind::Data, pack));
}
