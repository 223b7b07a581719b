//! A day of a test app with the real restic: it ends before a pack is touched, restic's user reads
//! why, nothing is half, and the next day goes on.

use super::budgets::{DAY, in_the_morning, test_app};
use super::rig::Account;
use crate::cloud::rig::{id, ms};
use crate::fake::kdocs::Call;
use crate::restic::{RESTIC, Restic, text};
use crate::served::Served;
use crate::tree::{self, TempDir};
use restic_123pan::restic::Kind;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Uploads of a day after which no pack is taken.
const PACKS_UNTIL: u64 = 400;
/// Uploads that a backup finds left for its packs.
const LEFT: u64 = 8;
/// What is backed up: more packs of restic's smallest size than are left.
const SIZE: usize = 60 << 20;
/// What restic's user reads.
const REASON: &str = "503 no calls to Kdocs are left for this today; see restic-123pan doctor";

/// A test app on a day of which most is used up, a server over it, and restic.
struct Day {
    _server: Served,
    account: Account,
    ahead: Arc<AtomicU64>,
    restic: Restic,
    files: PathBuf,
    _dir: TempDir,
}

impl Day {
    /// None where there is no restic.
    fn begin() -> Option<Self> {
        let (account, ahead) = (in_the_morning(), Arc::default());
        let mut other = account.server_with(|config| test_app(config, &ahead));
        other.turn_to("another");
        for n in account.used(Call::Upload)..PACKS_UNTIL - LEFT - 2 {
            other.save(Kind::Data, &n.to_le_bytes()).unwrap();
        }
        drop(other);
        let store = account.store_with(|config| {
            config.shared.timing = restic_123pan::cloud::Timing {
                token_pause: ms(1),
                ..Default::default()
            };
            test_app(config, &ahead);
        });
        let (server, dir) = (Served::over(store), TempDir::new());
        let restic = Restic::find(RESTIC, server.url("/"), dir.path())?;
        restic.run(&["init"]);
        assert_eq!(account.used(Call::Upload), PACKS_UNTIL - LEFT);
        let files = dir.path().join("files");
        fs::create_dir(&files).unwrap();
        fs::write(files.join("large"), tree::random(1, SIZE)).unwrap();
        Some(Self {
            _server: server,
            account,
            ahead,
            restic,
            files,
            _dir: dir,
        })
    }

    /// Backs up, until the day has no call left for a pack.
    fn back_up(&self) -> crate::restic::Running {
        let words = ["backup", "--pack-size", "4", text(&self.files)];
        let mut backup = self.restic.start(&words);
        let said = backup.hear(&[REASON]);
        assert!(said.contains(REASON), "{said}");
        assert_eq!(self.account.used(Call::Upload), PACKS_UNTIL);
        self.assert_whole();
        backup
    }

    /// The next day begins.
    fn turn(&self) {
        self.ahead.fetch_add(1, Ordering::SeqCst);
        self.account.advance(Duration::from_secs(DAY));
    }

    /// Whatever is there is whole, and there once; and no call was made for which there was none.
    fn assert_whole(&self) {
        for path in self.account.living() {
            let files = self.account.files(&path);
            assert_eq!(files.len(), 1, "{path}");
            let name = path.rsplit('/').next().unwrap();
            let is_named = name == "config" || name == id(&files[0].bytes()).to_string();
            assert!(is_named, "{path} is half");
        }
        for call in [Call::AppList, Call::Upload, Call::Link, Call::DeleteMany] {
            assert_eq!(self.account.count(call).limited, 0, "{call:?}");
        }
    }

    /// All of it can be read, and nothing else is there.
    fn check(&self) {
        let said = self.restic.run(&["check", "--read-data"]);
        assert!(said.contains("no errors were found"), "{said}");
        self.assert_whole();
        self.restic.restore_and_compare(&self.files);
    }
}

/// restic repeats for a quarter of an hour: if the next day begins meanwhile, the backup is completed.
#[test]
fn a_backup_goes_on_when_the_next_day_begins() {
    let Some(day) = Day::begin() else { return };
    let backup = day.back_up();
    day.turn();
    backup.succeed();
    day.check();
}

/// A backup that is given up ends in good order, by calls that were kept for it, and what it has
/// stored harms nobody. The next day's is complete.
#[test]
fn a_backup_that_is_given_up_is_repeated_the_next_day() {
    let Some(day) = Day::begin() else { return };
    let backup = day.back_up();
    let pid = i32::try_from(backup.child.id()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
    backup.fail();
    let of_kind = |kind: Kind| {
        let part = format!("restic/{}/", kind.name());
        let paths = day.account.living();
        paths.iter().filter(|path| path.starts_with(&part)).count()
    };
    assert_eq!(of_kind(Kind::Locks), 0, "the lock is gone");
    assert_eq!(of_kind(Kind::Data) as u64, LEFT - 1, "packs beside a lock");
    let said = day.restic.run(&["check", "--read-data"]);
    assert!(said.contains("no errors were found"), "{said}");
    day.assert_whole();
    day.turn();
    let words = ["backup", "--pack-size", "4", text(&day.files)];
    day.restic.run(&words);
    day.restic.run(&["prune"]);
    let said = day.restic.run(&["check", "--read-data"]);
    assert!(!said.contains("additional files"), "{said}");
    day.check();
}
