//! The program's commands and its ways to end.

use super::{authorization, cheap};
use crate::tools::missing;
use crate::tree::TempDir;
use restic_123pan::access::{Access, Recognised, Rules};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

/// A user without any rights.
const NOBODY: u32 = 65534;

/// Runs the program to its end, with these lines as its input.
fn run(dir: &Path, words: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_restic-123pan"))
        .args(words)
        .env("PAN123_CLIENT_ID", "id")
        .env("PAN123_CLIENT_SECRET", "hidden")
        .env("PAN123_STATE_DIR", dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn misconfiguration_ends_with_one_line_and_code_2() {
    let dir = TempDir::new();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (users, roles) = (
        write("users", &cheap("anna")),
        write("roles", "anna / king\n"),
    );
    let (wrong, config) = (
        write("wrong", "\nanna:x\n"),
        write("config", "tier = gold\n"),
    );
    let table: [(&[&str], &str); 6] = [
        (&["--listen", ":0"], "--no-auth"),
        (&["--htpasswd-file", "/none/such"], "/none/such"),
        (&["--htpasswd-file", &wrong], "wrong:2: "),
        (&["--htpasswd-file", &users, "--roles", &roles], "roles:1: "),
        (&["--config", &config], "config:1: tier"),
        (&["check-config", "--listen", ":0"], "--no-auth"),
    ];
    for (words, named) in table {
        let output = run(dir.path(), words, "");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(
            said.contains(named) && said.lines().count() == 1,
            "{words:?}: {said}"
        );
    }
}

#[test]
fn a_right_configuration_is_told_in_one_line() {
    let dir = TempDir::new();
    let users = dir.path().join("users");
    fs::write(&users, cheap("anna")).unwrap();
    let users = users.display().to_string();
    let words = [
        "check-config",
        "--listen=:0",
        "--htpasswd-file",
        &users,
        "--append-only",
    ];
    let output = run(dir.path(), &words, "");
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.contains("passwords, append-only"), "{said}");
    assert!(
        !said.contains("hidden") && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn passwords_are_made_and_changed() {
    let dir = TempDir::new();
    let path = dir.path().join("users");
    let file = path.display().to_string();
    let passwd = |user: &str, password: &str| {
        run(
            dir.path(),
            &["passwd", user, "--htpasswd-file", &file],
            password,
        )
    };
    for (user, password) in [("anna", "first\n"), ("ben", "his\n"), ("anna", "second\n")] {
        let output = passwd(user, password);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let rules = Rules {
        htpasswd: Some(path.clone()),
        ..Rules::default()
    };
    let access = Access::new(&rules, Box::new(Instant::now)).unwrap();
    let comes_in = |user: &str, password: &str| {
        let header = authorization(user, password);
        let value = header.trim().split_once(": ").unwrap().1;
        match access.recognise(Some(value), [127, 0, 0, 1].into()) {
            Recognised::Unproven(claim) => access.prove(claim).is_ok(),
            other => unreachable!("{other:?}"),
        }
    };
    assert!(comes_in("anna", "second") && comes_in("ben", "his"));
    assert!(!comes_in("anna", "first"));
    let before = fs::read_to_string(&path).unwrap();
    assert_eq!(passwd("anna", "\n").status.code(), Some(2));
    // The last three would be read back as a comment, as everybody, and without their mark.
    for user in ["an:na", "", "#c", "*", "\u{feff}dora"] {
        assert_eq!(passwd(user, "x\n").status.code(), Some(2), "{user:?}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    let printed = run(dir.path(), &["passwd", "carl"], "x\n");
    assert!(text(&printed.stdout).starts_with("carl:$2y$10$"));
    let told = |words: &[&str]| {
        let output = run(
            dir.path(),
            &[words, &["--htpasswd-file", &file]].concat(),
            "x\n",
        );
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (_, _, said) = told(&["passwd", "dora"]);
    assert!(said.contains("dora was added to"), "{said}");
    let (_, _, said) = told(&["passwd", "dora"]);
    assert!(said.contains("password of dora was changed"), "{said}");
    let (_, _, said) = told(&["passwd", "dora", "--delete"]);
    assert!(said.contains("dora was removed from"), "{said}");
    let (code, _, said) = told(&["passwd", "dora", "--delete"]);
    assert!(code == Some(2) && said.contains("no user dora"), "{said}");
    let list = (Some(0), "anna\nben\n".to_owned(), String::new());
    assert_eq!(told(&["passwd", "--list"]), list);
    assert_eq!(told(&["passwd", "ben", "--delete"]).0, Some(0));
    let (code, _, said) = told(&["passwd", "anna", "--delete"]);
    assert!(code == Some(2) && said.contains("last user"), "{said}");
    let files = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(files, 1, "nothing else is left behind");
}

#[test]
fn what_is_wrong_is_told_before_the_server_starts() {
    let dir = TempDir::new();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let users = write("users", &cheap("anna"));
    let roles = write("roles", "anna / read\nbob /b write\nbob /c read\n");
    let words = ["check-config", "--htpasswd-file", &users, "--roles", &roles];
    let output = run(dir.path(), &words, "");
    let said = text(&output.stdout);
    assert_eq!(
        said.matches("roles are given to \"bob\"").count(),
        1,
        "{said}"
    );
    assert!(!said.contains("\"anna\""), "{said}");
    let two = write("two", "id\nsecret\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    let output = command
        .args(["check-config", "--state-dir"])
        .arg(dir.path())
        .env("PAN123_CLIENT_ID", "id")
        .env("PAN123_CLIENT_SECRET_FILE", &two)
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(
        output.status.code() == Some(2) && said.contains("several lines"),
        "{said}"
    );
}

/// Commands that stumble: their words, and what is said of it in a line.
#[test]
fn stumbles_have_their_sentence() {
    let dir = TempDir::new();
    let none = dir.path().join("none").display().to_string();
    #[rustfmt::skip]
    let table: [(&[&str], i32, &str); 5] = [
        (&["bin", "restore", "abc"], 2, "the first digits of an id, at least 8 of them"),
        (&["bin", "restore", "0123ABCDEF"], 2, "names nothing"),
        (&["status", "--listen", "127.0.0.1:9"], 1, "no server listens on 127.0.0.1:9; start it"),
        (&["status", "--listen", "unix:/none/such"], 1, "no server listens on unix:/none/such"),
        (&["import", &none], 1, "is no repository: there is no config"),
    ];
    for (words, code, named) in table {
        let output = run(dir.path(), words, "");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(named), "{words:?}: {said}");
        assert!(!said.contains("goes on where this one ended"), "{said}");
    }
    let output = run(dir.path(), &["import", &none], "");
    let said = text(&output.stderr);
    let first = said.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("copying ") && first.contains("Ctrl-C does no harm"),
        "{said}"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    let output = command
        .args(["import", &none, "--cloud=local", "--local-dir"])
        .arg(dir.path())
        .env("RUST_LOG", "bogus")
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(said.contains("RUST_LOG \"bogus\" is no level"), "{said}");
}

#[test]
fn a_low_port_wants_a_right() {
    let low = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    if low.is_ok_and(|low| low.trim() != "1024") {
        missing("every user may listen on every port here");
        return;
    }
    // Where nobody else can look the program can't be started by somebody else.
    let program = std::env::temp_dir().join(format!("restic-123pan-{}", std::process::id()));
    // By another process: what this one has open for writing, others that it starts have open too,
    // and then it can't be run.
    let mut copy = Command::new("cp");
    copy.arg(env!("CARGO_BIN_EXE_restic-123pan")).arg(&program);
    assert!(copy.status().unwrap().success());
    let mut command = Command::new(&program);
    command.args(["--listen", "127.0.0.1:80", "--cloud=local", "--local-dir=/"]);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output();
    fs::remove_file(&program).unwrap();
    let said = text(&output.unwrap().stderr);
    assert!(
        said.contains("ports below 1024") && said.contains("such as :8000"),
        "{said}"
    );
}

/// Chinese where the locale says so, and nowhere else.
#[test]
fn commands_speak_chinese() {
    let dir = TempDir::new();
    let said = |words: &[&str], locale: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
        command
            .args(words)
            .env_clear()
            .env("PAN123_STATE_DIR", dir.path());
        command
            .env("PAN123_CLIENT_ID", "id")
            .env("PAN123_CLIENT_SECRET", "hidden");
        let output = command.envs(locale.iter().copied()).output().unwrap();
        text(&[output.stdout, output.stderr].concat())
    };
    let chinese = [("LANG", "zh_CN.UTF-8")];
    #[rustfmt::skip]
    let table: [(&[&str], &str); 6] = [
        (&["--help"], "用法：restic-123pan [命令] [选项]"),
        (&["bin", "restore", "--help"], "从回收站恢复包和快照。"),
        (&["check-config"], "配置正确：监听 127.0.0.1:8000，无 TLS，不需要密码"),
        (&["--listn", ":80"], "没有选项 --listn (您是不是想写 --listen?)；参见 restic-123pan --help"),
        (&["status", "--listen", "127.0.0.1:9"], "没有服务器在监听"),
        (&["import", "/none"], "再次运行同一命令即可继续"),
    ];
    for (words, named) in table {
        let text = said(words, &chinese);
        assert!(text.contains(named), "{words:?}: {text}");
        assert!(!text.contains("the "), "{words:?}: {text}");
        let wide = |line: &str| restic_123pan::speech::width(line) > 80;
        let help = words.contains(&"--help");
        assert!(!help || !text.lines().any(wide), "{text}");
        let english = said(words, &[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")]);
        let is_chinese = |c| "用的请没置".contains(c);
        assert!(!english.contains(is_chinese), "{words:?}: {english}");
    }
    let manual = said(&["manual"], &chinese);
    assert_eq!(manual, said(&["manual"], &[]), "it is for man");
}
