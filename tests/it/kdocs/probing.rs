//! The probe: its table is right whatever Kdocs does, and the server does as it says.

use super::process::Process;
use super::rig::{Account, LARGEST};
use crate::cloud::rig::{id, ms};
use crate::fake::kdocs::{Call, Clash, Switches, Task};
use crate::probing::{Case, Probed, check, run, try_table};
use crate::served::Served;
use restic_123pan::kdocs::{Config, probe};
use restic_123pan::restic::Kind;
use restic_123pan::store::Cause;

/// The largest file that is tried here: the least that does for restic's packs.
const PROBED: u64 = 24 << 20;

fn probed(account: &Account) -> Probed {
    let config = Config {
        largest: PROBED,
        ..account.config()
    };
    run(|tell| probe(&config, tell))
}

#[rustfmt::skip]
const CASES: &[Case<Switches>] = &[
    (|_| {}, "name without extension", "taken", true),
    (|s| s.bare_refused = true, "name without extension", "refused", true),
    (|s| s.bare_refused = true, "name with .bin", "taken", true),
    (|s| s.binary_refused = true, "name with .bin", "refused", false),
    (|_| {}, "new folders", "they are made", true),
    (|_| {}, "size in lists", "fsize 1048576", true),
    (|s| s.size_field = None, "size in lists", "no fsize", false),
    (|s| s.size_field = Some("bytes".to_owned()), "size in lists", "no fsize", false),
    (|s| s.clash = Clash::Rename, "a name that is taken", "another name", true),
    (|s| s.clash = Clash::Duplicate, "a name that is taken", "two of the name", true),
    (|s| s.clash = Clash::Overwrite, "a name that is taken", "replaced", true),
    (|s| s.clash = Clash::Error, "a name that is taken", "refused", true),
    (|_| {}, "ranges of downloads", "obeyed", true),
    (|s| s.ranges = false, "ranges of downloads", "ignored", true),
    (|_| {}, "size of a file", "24.0 MiB are taken", true),
    (|s| s.size_cap = Some(2 << 20), "size of a file", "aren't", false),
    (|s| s.task_from = Some(1), "deleting", "gone from lists", true),
    (|s| (s.task_from, s.task) = (Some(1), Task::Fails), "deleting", "still show", false),
    (|s| s.lag = ms(60), "new folders", "they are made", true),
];

#[test]
fn the_table_is_right_whatever_kdocs_does() {
    try_table(CASES, |n, case| {
        let account = Account::untried(case.0);
        check(n, case, &probed(&account));
        let is_task_lost = account.switches().task == Task::Fails;
        assert!(
            is_task_lost || account.living().is_empty(),
            "{n}: left behind"
        );
        let saved = account.server().save(Kind::Locks, b"a lock");
        assert_eq!(saved.is_ok(), case.3, "{n}: {saved:?}");
    });
}

#[test]
fn folders_that_nobody_makes_are_told() {
    let account = Account::untried(|s| s.makes_folders = false);
    let (_, end) = probed(&account);
    assert!(end.unwrap_err().contains("doesn't make its folder"));
}

#[test]
fn names_are_as_the_probe_has_found() {
    for (refused, suffix) in [(false, ""), (true, ".bin")] {
        let account = Account::with(|s| s.bare_refused = refused);
        let id = account.server().save(Kind::Keys, b"a key").unwrap();
        let expected = [format!("restic/host/keys/{id}{suffix}")];
        assert_eq!(account.living(), expected);
        assert_eq!(account.server().load(Kind::Keys, id).unwrap(), b"a key");
    }
}

#[test]
fn without_a_probe_files_are_read_and_deleted_but_not_stored() {
    let account = Account::untried(|_| {});
    let id = id(b"a snapshot");
    account.plant(&format!("restic/host/snapshots/{id}"), b"a snapshot");
    let server = account.server();
    assert_eq!(server.load(Kind::Snapshots, id).unwrap(), b"a snapshot");
    assert_eq!(server.save(Kind::Keys, b"a key"), Err(Cause::Busy));
    assert_eq!(account.made(Call::Upload), 0);
    let file = restic_123pan::restic::File::Hashed(Kind::Snapshots, id);
    let removed = server.store.remove(&[(server.repo(), file)]);
    assert!(removed.iter().all(Result::is_ok));
    // The server that runs learns of it.
    probed(&account).1.unwrap();
    server.save(Kind::Keys, b"a key").unwrap();
}

/// restic prints the status line.
#[test]
fn a_client_reads_why_nothing_is_uploaded() {
    let account = Account::untried(|s| s.binary_refused = true);
    let server = Served::over(account.store_with(|_| {}));
    let path = format!("/host/keys/{}", id(b"a key"));
    let said = || {
        let answer = server.open().ask("POST", &path, "", b"a key");
        (answer.status, answer.reason)
    };
    let before = "nothing is uploaded before restic-123pan doctor --probe";
    assert_eq!(said(), (503, before.to_owned()));
    probed(&account).1.unwrap_err();
    let after = "Kdocs takes no files of restic's; see restic-123pan doctor";
    assert_eq!(said(), (503, after.to_owned()));
}

#[test]
fn what_is_too_large_is_refused() {
    let account = Account::start();
    let server = account.server();
    assert_eq!(server.store.limits().largest, LARGEST);
}

/// The command, as lines and as JSON, and its exit code.
#[test]
fn the_command_prints_a_table_or_json() {
    let process = Process::start(&[]);
    let told = process.run(&["doctor", "--probe"]);
    assert!(
        told.contains("✓ ranges of downloads") && told.contains("Kdocs can be used"),
        "{told}"
    );
    let json = process.run(&["doctor", "--probe", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["usable"], true);
    assert!(json["findings"].as_array().is_some_and(|all| all.len() > 6));
    let secret = [process.cloud.app_key(), "refresh", "access_token"];
    assert!(
        secret[1..]
            .iter()
            .all(|word| !json.to_string().contains(word))
    );
    process.cloud.set(|s| s.binary_refused = true);
    let told = process.refused(&["doctor", "--probe"]);
    assert!(told.contains("takes no binary files"), "{told}");
    let told = process.refused(&["doctor"]);
    assert!(
        told.contains("✓ list") && told.contains("✗ probe"),
        "{told}"
    );
}

/// What is found is said in Chinese where that is spoken; JSON is for programs.
#[test]
fn the_command_speaks_chinese() {
    let process = Process::start(&[]);
    let told = |words: &[&str]| {
        let mut command = process.command(words);
        let output = command.env("LC_ALL", "zh_CN.UTF-8").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let lines = told(&["doctor", "--probe"]);
    for part in [
        "✓ 分段下载",
        "文档：无说明；预设：不支持",
        "\n\n金山文档可以使用：文件最大 ",
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    assert!(lines.ends_with("删除不释放空间。\n"), "{lines}");
    let json = told(&["doctor", "--probe", "--json"]);
    assert!(json.contains("ranges of downloads"), "{json}");
    process.cloud.set(|s| s.binary_refused = true);
    let lines = told(&["doctor", "--probe"]);
    assert!(lines.contains("金山文档无法使用：不接受此应用"), "{lines}");
    let lines = told(&["doctor"]);
    for part in ["已用：列表 ", "无法上传任何内容：不接受此应用"] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
}

/// A user logs in with the code that the browser brings back.
#[test]
fn a_user_logs_in() {
    use std::io::Write;
    use std::process::Stdio;
    let process = Process::start(&[]);
    process.cloud.revoke_grants();
    let mut command = process.command(&["login", "--redirect-uri", "https://example.com/back"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut login = command.spawn().unwrap();
    let code = process.cloud.authorize();
    writeln!(login.stdin.take().unwrap(), "{code}").unwrap();
    let output = login.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(
        output.status.success() && told.contains("logged in"),
        "{told}"
    );
    assert!(
        told.contains("/h5/auth?app_id=AKdemo&scope=access_personal_files,")
            && told.contains(",remove_personal_files&"),
        "{told}"
    );
    process.run(&["doctor"]);
}
