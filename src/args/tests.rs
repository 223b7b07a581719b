//! Options from words and variables that are given here; the real environment isn't looked at.

mod beside;
mod commands;
mod listening;

use super::*;
use crate::settings::values::Bin;
use std::fs;

const ID: (&str, &str) = ("PAN123_CLIENT_ID", "id");
const KEY: (&str, &str) = ("PAN123_CLIENT_SECRET", "hidden");

/// Reads a line with these variables alone, and with a state directory that is there.
fn read_at(root: &Path, words: &[&str], variables: &[(&str, &str)]) -> Result<Read, Exit> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let temporary = std::env::temp_dir().display().to_string();
    let state = ("STATE_DIRECTORY", temporary.as_str());
    let all = std::iter::once(&state).chain(variables);
    let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    read(&words, &all.collect(), root)
}

/// The same where, whatever this machine has, no service has settings.
fn called(words: &[&str], variables: &[(&str, &str)]) -> Result<(Task, Vec<String>), Exit> {
    let read = read_at(Path::new("/dev/null"), words, variables)?;
    Ok((read.task, read.warnings))
}

/// The same for a line in one text, with credentials.
fn line(text: &str) -> Result<Task, Exit> {
    let words: Vec<&str> = text.split_whitespace().collect();
    called(&words, &[ID, KEY]).map(|(task, _)| task)
}

fn check(words: &[&str], variables: &[(&str, &str)]) -> Result<Config, Exit> {
    called(words, variables).map(|(task, _)| match task {
        Task::Serve(config) => config,
        other => unreachable!("{other:?}"),
    })
}

fn good(words: &[&str], variables: &[(&str, &str)]) -> Config {
    let all: Vec<_> = [&[ID, KEY], variables].concat();
    check(words, &all).unwrap_or_else(|exit| unreachable!("{words:?}: {exit:?}"))
}

/// What is wrong with a line.
fn wrong(text: &str) -> String {
    match line(text) {
        Err(Exit::Wrong(said)) => said,
        other => unreachable!("{text}: {other:?}"),
    }
}

/// What a line prints.
fn printed(text: &str) -> String {
    match line(text) {
        Err(Exit::Print(said)) => said,
        other => unreachable!("{text}: {other:?}"),
    }
}

#[test]
fn defaults() {
    let config = good(&[], &[]);
    let shared = &config.shared;
    assert_eq!(config.listening(), "127.0.0.1:8000");
    assert!(config.listen.is_empty() && config.tls.is_none() && config.proxy.is_none());
    assert_eq!(shared.repo_path.path(), "restic-backup");
    assert_eq!(shared.state_dir, Some(std::env::temp_dir()));
    assert_ne!(config.spool_dir, shared.state_dir, "which may be flash");
    assert_eq!(
        (config.memory, config.workers, shared.uploads),
        (32 << 20, 8, 8)
    );
    assert_eq!((shared.bin, shared.reserve), (Bin::Days(7), 1 << 30));
    assert!(shared.ipv6 && (shared.rate_share - 0.8).abs() < 1e-9);
    assert_eq!(config.cloud, "123pan");
    let summary = config.summary();
    assert!(
        summary.contains("/restic-backup at https://open-api.123pan.com, bin 7d, tier auto"),
        "{summary}"
    );
}

#[test]
fn the_option_wins_over_the_environment() {
    let env = [("PAN123_LISTEN", ":1"), ("PAN123_WORKERS", "")];
    let config = good(&["serve", "--listen=[::1]:2"], &env);
    let listening = config.listening();
    assert_eq!((listening.as_str(), config.workers), ("[::1]:2", 8));
    assert_eq!(good(&["--no-auth"], &env).listening(), ":1");
    let switches = [("PAN123_NO_IPV6", "yes"), ("PAN123_APPEND_ONLY", "no")];
    let config = good(&["--append-only"], &switches);
    assert!(!config.shared.ipv6 && config.rules.append_only);
}

#[test]
fn certificates_come_from_a_file() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fake/tls.pem");
    let none = concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE");
    assert!(good(&[], &[]).shared.ca.is_none());
    assert!(good(&["--ca-file", own], &[]).shared.ca.is_some());
    for (path, word) in [(none, "PEM"), ("/nowhere", "No such file")] {
        match check(&[], &[ID, KEY, ("PAN123_CA_FILE", path)]) {
            Err(Exit::Wrong(text)) => assert!(text.contains(word), "{text}"),
            other => unreachable!("{path}: {other:?}"),
        }
    }
}

#[test]
fn values() {
    assert_eq!(good(&["--memory", "5K"], &[]).memory, 5 << 10);
    let bins = [
        ("purge", Bin::Purge),
        ("keep", Bin::Keep),
        ("30d", Bin::Days(30)),
        ("7", Bin::Days(7)),
        ("0d", Bin::Purge),
    ];
    for (text, bin) in bins {
        assert_eq!(good(&["--bin", text], &[]).shared.bin, bin, "{text}");
    }
    for (text, path) in [("/", ""), ("/a/b/", "a/b"), ("x", "x")] {
        let config = good(&["--repo-path", text], &[]);
        assert_eq!(config.shared.repo_path.path(), path);
    }
}

#[test]
fn what_is_wrong_is_one_line_that_names_it() {
    let table = [
        ("--nonsense", "--nonsense"),
        ("nonsense", "nonsense"),
        ("--listen=:8000", "--no-auth"),
        ("--listen=192.0.2.1:8000", "--htpasswd-file"),
        ("--roles=x", "--htpasswd-file"),
        ("--private-repos", "--htpasswd-file"),
        ("--config=/none/such", "/none/such"),
        ("--listen=8000", "--no-auth"),
        ("--listen=unix:run", "--listen"),
        ("--tls-cert=x", "--tls-key"),
        ("--tls-key=x", "--tls-cert"),
        ("--trusted-proxy=nas", "--trusted-proxy"),
        ("--spool-size=much", "--spool-size"),
        ("--listen=::1:8000", "--listen"),
        ("--listen=a:70000", "--listen"),
        ("--repo-path=", "write / for the account's root"),
        ("--repo-path=/a/data", "\"data\""),
        ("--repo-path=/a//b", "\"\""),
        ("--api-url=open-api.123pan.com", "--api-url"),
        ("--memory=1.5G", "--memory"),
        ("--workers=0", "1 to 256"),
        ("--uploads=21", "1 to 20"),
        ("--rate-share=0", "--rate-share"),
        ("--rate-share=1.1", "--rate-share"),
        ("--rate-share=NaN", "--rate-share"),
        ("--bin=7w", "7d"),
        ("--reserve=much", "--reserve"),
        ("--tier=gold", "auto, free, vip or oauth"),
        ("--spool-dir=/dev/null/x", "--spool-dir"),
        ("--cloud=heaven", "123pan, smh, local or kdocs"),
        ("--tier=vip --tier=free", "--tier"),
        ("--config=x --config=y", "--config"),
        ("--no-auth=1", "--no-auth takes no value"),
        ("-listen :1", "two hyphens"),
        ("--tier", "--tier wants a value"),
        ("import", "dir"),
        ("import a b c", "c"),
        ("import a data", "data"),
        ("import a --nonsense", "--nonsense"),
        ("import a --listen :1", "no option --listen for import"),
        ("export", "DIR"),
        ("export a b --dry-run=1", "--dry-run"),
        ("service", "systemd"),
        ("service windows", "systemd"),
        ("service systemd --tier vip", "--tier"),
        ("completions tcsh", "bash"),
        ("manual 8", "8"),
        ("verify a data", "data"),
        ("verify --json=1", "--json"),
        ("login", "--redirect-uri"),
        ("login --redirect-uri x y", "y"),
        ("passwd", "passwd USER"),
        ("passwd --list me", "passwd --list"),
        ("passwd --delete --list me", "passwd --list"),
        ("passwd --delete", "passwd --list"),
        ("passwd --list", "--htpasswd-file"),
        ("passwd --delete me", "--htpasswd-file"),
        ("status x", "x"),
        ("bin empty", "bin purge"),
        ("bin list --since soon", "soon"),
        ("bin purge --older-than 3w", "--older-than"),
        ("bin purge --partial", "bin purge --help"),
    ];
    for (text, named) in table {
        let (said, lines) = (wrong(text), wrong(text).lines().count());
        assert!(said.contains(named) && lines == 1, "{text}: {said}");
    }
}

#[test]
fn option_then_environment_then_file() {
    let path = std::env::temp_dir().join(format!("config-{}", std::process::id()));
    let text = "workers = 3\nuploads = 4\nmemory = 1M\nno-ipv6 = yes\nclient-id = filed\n\
                client-secret = hidden\nbin = sometimes\n";
    fs::write(&path, text).expect("a writable folder");
    let name = path.display().to_string();
    let env = [
        ("PAN123_UPLOADS", "5"),
        ("PAN123_MEMORY", "2M"),
        ("PAN123_BIN", "keep"),
    ];
    let words = ["--config", &name, "--memory", "3M"];
    let config = check(&words, &env).unwrap_or_else(|exit| unreachable!("{exit:?}"));
    let numbers = (config.workers, config.shared.uploads, config.memory >> 20);
    assert_eq!(numbers, (3, 5, 3), "file, environment, option");
    assert!(!config.shared.ipv6);
    let named = [("PAN123_CONFIG", name.as_str())];
    let Err(Exit::Wrong(said)) = check(&[], &named) else {
        unreachable!("a bin that is wrong");
    };
    assert!(said.starts_with(&format!("{name}:7: bin")), "{said}");
    fs::remove_file(&path).expect("it was written");
}

#[test]
fn secrets_are_not_shown() {
    let text = format!("{:?}", good(&[], &[]));
    assert!(text.contains("***") && !text.contains("hidden"), "{text}");
}

/// A disk that is full or read-only is no reason not to back up.
#[test]
fn a_state_directory_that_can_not_be_is_a_warning() {
    let config = check(&["--state-dir=/dev/null/x"], &[ID, KEY]).expect("a warning");
    assert_eq!(config.shared.state_dir, Some("/dev/null/x".into()));
    assert!(
        config
            .warnings
            .iter()
            .any(|w| w.text.contains("--state-dir"))
    );
}
