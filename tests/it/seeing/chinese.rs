//! Commands in Chinese, as they are run: whatever they say, no English sentence is left in it. What
//! the log and the cloud say stays as it is.

use super::finish;
use crate::rig::Rig;
use crate::tidy::speech::in_english;
use crate::tree::TempDir;
use crate::wire::Wire;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::fs;
use std::process::Command;

/// Something in a repository.
fn store(rig: &Rig, path: &str, content: &[u8]) -> String {
    let path = match path.ends_with('/') {
        true => format!("{path}{}", hex(&Sha256::digest(content))),
        false => path.to_owned(),
    };
    let answer = Wire::open(rig.address()).ask("POST", &path, "", content);
    assert_eq!(answer.status, 200);
    path
}

/// What a command says in Chinese has no English in it.
fn check(command: &mut Command) {
    command.env("LC_ALL", "").env("LANG", "zh_CN.UTF-8");
    let output = finish(command.env("RUST_LOG", "error"));
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(in_english(&text), [""; 0], "{command:?}\n{text}");
    let hanzi = |c| matches!(c, '\u{4e00}'..='\u{9fff}');
    assert!(text.contains(hanzi), "{command:?}\n{text}");
}

#[test]
fn commands_at_work() {
    let rig = Rig::start(&[]);
    store(&rig, "/laptop/config", &[7; 100]);
    store(&rig, "/laptop/keys/", b"a key");
    store(&rig, "/laptop/data/", b"a pack");
    let snapshot = store(&rig, "/laptop/snapshots/", b"a snapshot");
    let answer = Wire::open(rig.address()).ask("DELETE", &snapshot, "", b"");
    assert_eq!(answer.status, 200);
    let dir = TempDir::new();
    let folder = dir.path().join("copy");
    let copy = folder.to_str().unwrap();
    let all: [&[&str]; 17] = [
        &["verify"],
        &["verify", "nothing"],
        &["bin", "list"],
        &["bin", "list", "--since", "1m"],
        &["bin", "restore", "--dry-run"],
        &["bin", "restore", "abc"],
        &["bin", "restore", "abcdefabcdef"],
        &["bin", "restore"],
        &["bin", "purge", "--yes"],
        &["export", "--dry-run", "laptop", copy],
        &["export", "nothing", copy],
        &["export", "laptop", copy],
        &["import", "--dry-run", copy, "other"],
        &["import", copy, "other"],
        &["import", "/nowhere", "other"],
        &["check-config", "--online"],
        &["login", "--redirect-uri", "https://some.where"],
    ];
    for words in all {
        check(&mut rig.command(words));
    }
    let listen = format!("127.0.0.1:{}", rig.port());
    for listen in [listen.as_str(), "127.0.0.1:9", "unix:/nowhere"] {
        check(&mut rig.command(&["status", "--max-age", "1h", "--listen", listen]));
    }
}

#[test]
fn mistakes() {
    let dir = TempDir::new();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let roles = file("roles", "laptop /laptop nothing\n");
    let unknown = file("more roles", "laptop /laptop read\n");
    let users = file("users", "a line without a colon\n");
    let good = file("good", "anna:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n");
    let config = file("config", "lissten = :8000\n");
    let pem = file("pem", "no certificate\n");
    let all: [&[&str]; 25] = [
        &["check-config", "--roles", &roles, "--htpasswd-file", &good],
        &[
            "check-config",
            "--roles",
            &unknown,
            "--htpasswd-file",
            &good,
        ],
        &["check-config", "--htpasswd-file", &users],
        &["check-config", "--htpasswd-file", "/nowhere"],
        &["check-config", "--config", &config],
        &["check-config", "--config", "/nowhere"],
        &["check-config", "--listen", ":99999"],
        &["check-config", "--listen", ":8000"],
        &["check-config", "--repo-path", ""],
        &["check-config", "--memory", "much"],
        &["check-config", "--bin", "some"],
        &["check-config", "--limit-upload", "1"],
        &["check-config", "--limit-upload", "08:00,1M 08:00,2M"],
        &["check-config", "--max-age", "old"],
        &["check-config", "--notify", "nowhere"],
        &["check-config", "--cloud", "nine"],
        &["check-config", "--smh-library", "x"],
        &["check-config", "--tls-cert", &pem],
        &["check-config", "--tls-cert", &pem, "--tls-key", &pem],
        &["check-config", "--lissten", ":8000"],
        &["check-config", "--listen"],
        &["nothing"],
        &["passwd"],
        &["passwd", "--delete", "bob", "--htpasswd-file", &good],
        &["passwd", "--delete", "anna", "--htpasswd-file", &good],
    ];
    for words in all {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
        command.args(words).env("PAN123_STATE_DIR", dir.path());
        check(
            command
                .env("PAN123_CLIENT_ID", "id")
                .env("PAN123_CLIENT_SECRET", "secret"),
        );
    }
}
