//! The probe: its table is right whatever a library does, the server goes by it, and nothing that
//! it made stays.

use super::process::Process;
use super::rig::{BASE, Library, config};
use crate::cloud::rig::{Server, ms};
use crate::fake::smh::{Call, Oddly, Switches};
use crate::fake::{How, When};
use crate::probing::{Case, OTHER, Probed, check, each_call_fails, run, try_table};
use crate::tree::TempDir;
use restic_123pan::restic::Kind;
use restic_123pan::smh::{Config, Smh, probe};
use restic_123pan::store::Cause;

/// Calls of a probe where all is as documented, with the token.
const CALLS: u64 = 23;

#[rustfmt::skip]
const CASES: &[Case<Switches>] = &[
    (|_| {}, "life of a token", " s", true),
    (|_| {}, "life of an upload", "900 s", true),
    (|s| s.signature_life = ms(60_000), "life of an upload", "60 s", true),
    (|_| {}, "lag of lists", "a file shows at once", true),
    (|s| s.lag_new = ms(60), "lag of lists", "a file shows after ", true),
    (|_| {}, "name in other case", "another name", true),
    (|_| {}, "ranges and redirects", "ranges are obeyed; there is no redirect", true),
    (|s| s.storage_redirects = true, "ranges and redirects", "a redirect leads elsewhere", true),
    (|s| s.cuts_after = Some(9), "ranges and redirects", "broke off", false),
    (|_| {}, "two uploads of a name", "the second is refused", true),
    (|s| s.zero = Oddly::Stored, "file without bytes", "taken", true),
    (|s| s.zero = Oddly::Status400, "file without bytes", "refused", true),
    (|_| {}, "upload without a length", "not tried", true),
    (|_| {}, "deletion of many", "at once: 3 files", true),
    (|s| s.batch_task_from = Some(1), "deletion of many", "as a task: 3 files", true),
    (|s| s.lag_deleted = ms(60), "deletion of many", "at once: 3 files", true),
    (|s| s.bin = true, "deletion of many", "at once: 3 files", true),
    (|s| (s.bin, s.permanent_ignored) = (true, true), "deletion of many", "at once", true),
    (|_| {}, "deletion of a folder", "at once", true),
    (|s| s.folder_task = true, "deletion of a folder", "as a task", true),
    (|s| s.incomplete_times = 2, "two uploads of a name", "the second is refused", true),
    (|_| {}, "too many calls", "0 of 19 calls were refused", true),
];

fn probed(config: &Config) -> Probed {
    run(|tell| probe(config, tell))
}

/// A library in which somebody else's file lies beside the repositories.
fn library(change: impl FnOnce(&mut Switches)) -> Library {
    let library = Library::with(change);
    library.plant(&format!("{BASE}/{OTHER}"), b"not ours");
    library
}

#[test]
fn the_table_is_right_and_nothing_is_left() {
    try_table(CASES, |n, case| {
        let library = library(case.0);
        check(n, case, &probed(&config(&library)));
        assert_eq!(library.living(BASE), [OTHER], "{n}: left behind");
        assert!(library.bin().is_empty(), "{n}: {:?}", library.bin());
        assert_eq!(library.open_uploads(), 0, "{n}");
    });
}

#[test]
fn its_calls_are_counted() {
    let library = library(|_| {});
    let (findings, end) = probed(&config(&library));
    assert_eq!((findings.len(), end.is_ok()), (12, true));
    assert_eq!(library.calls().all(), CALLS, "{:?}", library.trail());
}

/// Whichever call fails, and however, nothing is left, and what is somebody else's is left alone.
#[test]
fn a_failing_call_leaves_nothing_behind() {
    let usual = library(|_| {});
    probed(&config(&usual)).1.unwrap();
    let no = How::Code(403, "NoPermission".to_owned());
    each_call_fails(&usual.trail(), &no, |fault| {
        let library = library(|_| {});
        library.fail(fault.clone());
        let (_, end) = probed(&config(&library));
        assert_eq!(library.faults_fired(), 1, "{fault:?}");
        assert_eq!(library.living(BASE), [OTHER], "{fault:?}: {end:?}");
    });
}

#[test]
fn what_can_not_be_removed_is_named() {
    let library = library(|_| {});
    let no = How::Code(403, "NoPermission".to_owned());
    library.fail_next(Call::DeleteFolder, 100, When::Before, no);
    let why = probed(&config(&library)).1.unwrap_err();
    assert!(why.contains("/restic/restic-123pan-probe-"), "{why}");
    assert!(why.contains("may be left behind"), "{why}");
}

#[test]
fn a_server_knows_how_late_lists_are() {
    for (told, stored) in [(false, Err(Cause::Busy)), (true, Ok(()))] {
        let (library, folder) = (library(|s| s.lag_new = ms(700)), TempDir::new());
        let mut config = config(&library);
        config.shared.state_dir = Some(folder.path().to_owned());
        if told {
            probed(&config).1.unwrap();
        }
        let server = Server::over(Smh::new(&config));
        let lock = server.save(Kind::Locks, b"lock").map(drop);
        assert_eq!(lock, stored, "told: {told}");
    }
}

#[test]
fn the_command_prints_a_table_or_json() {
    let process = Process::start(&[]);
    let told = process.run(&["doctor", "--probe"]);
    assert_eq!(told.matches('✓').count(), 12, "{told}");
    assert!(told.contains("\n\nrestic can use Tencent SMH; "), "{told}");
    let text = process.run(&["doctor", "--probe", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["usable"], true);
    let library = &process.cloud;
    for secret in [library.secret(), &library.storage_url(), "access_token"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    library.set(|s| s.cuts_after = Some(9));
    let told = process.refused(&["doctor", "--probe"]);
    assert!(told.contains("Tencent SMH can't be used: "), "{told}");
    let mut command = process.command(&["doctor", "--probe"]);
    let output = command.env("LC_ALL", "zh_CN.UTF-8").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    println!("{told}");
    for part in ["✓ 令牌的有效期", "立即：3 个文件", "未试验：始终发送长度"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(library.living(BASE).is_empty());
}
