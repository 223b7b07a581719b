//! The program's commands and its ways to end.

use super::{authorization, cheap};
use crate::tree::TempDir;
use restic_123pan::access::{Access, Recognised, Rules};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

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
    for (user, password) in [("anna", "\n"), ("an:na", "x\n"), ("", "x\n")] {
        assert_eq!(passwd(user, password).status.code(), Some(2), "{user:?}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    let printed = run(dir.path(), &["passwd", "carl"], "x\n");
    assert!(text(&printed.stdout).starts_with("carl:$2y$10$"));
    let files = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(files, 1, "nothing else is left behind");
}
