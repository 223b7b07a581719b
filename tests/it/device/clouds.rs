//! The program with another cloud than the first: a folder of this machine, served and examined, and
//! what it can't do.

use super::{PROGRAM, said};
use crate::process::Process;
use crate::tree::TempDir;
use crate::wire::Wire;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// The program for a folder, in an environment that says nothing else.
fn local(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(words)
        .env_clear()
        .env("PAN123_CLOUD", "local")
        .env("PAN123_LOCAL_DIR", dir.join("repos"))
        .env("PAN123_STATE_DIR", dir.join("state"));
    command
}

fn run(dir: &Path, words: &[&str]) -> (Output, String) {
    let output = local(dir, words).output().unwrap();
    let text = said(&output);
    (output, text)
}

fn serve(dir: &Path) -> Process {
    fs::create_dir_all(dir.join("repos")).unwrap();
    let owned = dir.to_owned();
    Process::start(move |words| local(&owned, words), dir.join("log"), &[])
}

#[test]
fn a_folder_is_served() {
    let dir = TempDir::new();
    let server = serve(dir.path());
    let mut wire = Wire::open(server.address());
    let created = wire.ask("POST", "/laptop/?create=true", "", b"");
    assert_eq!(created.status, 200);
    let config = [7; 155];
    assert_eq!(wire.ask("POST", "/laptop/config", "", &config).status, 200);
    let stored = fs::read(dir.path().join("repos/laptop/config")).unwrap();
    assert_eq!(stored, config);
    let read = wire.ask("GET", "/laptop/config", "", b"");
    assert_eq!((read.status, read.body), (200, Some(config.to_vec())));
}

#[test]
fn what_a_folder_can_not_do_is_one_sentence() {
    let dir = TempDir::new();
    #[rustfmt::skip]
    let cases = [
        (&["bin", "list"][..], "the local cloud has no recycle bin"),
        (&["verify"], "the local cloud has no verify; run restic check"),
        (&["login", "--redirect-uri=x"], "the local cloud has no login"),
        (&["--tier=vip"], "--tier is an option of --cloud 123pan, not of --cloud local"),
    ];
    for (words, sentence) in cases {
        let (output, text) = run(dir.path(), words);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert_eq!(text, format!("restic-123pan: {sentence}\n"));
    }
}

#[test]
fn a_folder_is_examined() {
    let dir = TempDir::new();
    let (output, text) = run(dir.path(), &["doctor"]);
    assert_eq!(output.status.code(), Some(1), "no such folder: {text}");
    fs::create_dir(dir.path().join("repos")).unwrap();
    let (output, text) = run(dir.path(), &["doctor"]);
    assert!(
        output.status.success() && text.contains("✓ folder"),
        "{text}"
    );
    assert_eq!(fs::read_dir(dir.path().join("repos")).unwrap().count(), 0);
    let (output, text) = run(dir.path(), &["doctor", "--local-dir=/dev/null/x"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("✗ folder") && text.contains("--local-dir."),
        "{text}"
    );
}

#[test]
fn repositories_are_copied_between_folders() {
    let dir = TempDir::new();
    let server = serve(dir.path());
    let mut wire = Wire::open(server.address());
    wire.ask("POST", "/a/?create=true", "", b"");
    wire.ask("POST", "/a/config", "", &[7; 155]);
    let out = dir.path().join("out").display().to_string();
    let (output, text) = run(dir.path(), &["export", "/a", &out]);
    assert!(
        output.status.success() && text.contains("copied 1 files"),
        "{text}"
    );
    let (output, text) = run(dir.path(), &["import", &out, "b"]);
    assert!(output.status.success(), "{text}");
    assert_eq!(
        fs::read(dir.path().join("repos/b/config")).unwrap(),
        [7; 155]
    );
}

/// A mistyped variable is told by every command, also by the one that asks the running server.
#[test]
fn a_mistyped_variable_is_told() {
    let dir = TempDir::new();
    for words in [&["healthcheck"][..], &["doctor"], &["check-config"]] {
        let mut command = local(dir.path(), words);
        let text = said(&command.env("PAN123_LISTN", ":1").output().unwrap());
        let told = "PAN123_LISTN means nothing (did you mean PAN123_LISTEN?)";
        assert_eq!(text.matches(told).count(), 1, "{words:?}: {text}");
    }
}
