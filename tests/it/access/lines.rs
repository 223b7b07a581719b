//! What the log says of requests: who asked, nothing that could steer a terminal, and no more
//! lines than a minute of the same deserves.

use super::{authorization, cheap, dear};
use crate::rig::Rig;
use crate::tree::TempDir;
use crate::wire::Wire;
use std::fs;

/// A server with two users.
fn rig(dir: &TempDir) -> Rig {
    let users = dir.path().join("users");
    fs::write(&users, [dear("anna", "secret"), cheap("ben")].concat()).unwrap();
    Rig::start(&[
        "--htpasswd-file",
        users.to_str().unwrap(),
        "--private-repos",
    ])
}

/// The status of a request of somebody's.
fn ask(rig: &Rig, path: &str, headers: &str) -> u16 {
    Wire::open(rig.address())
        .ask("GET", path, headers, b"")
        .status
}

/// How many lines have these words.
fn count(rig: &Rig, words: &str) -> usize {
    let log = rig.log();
    log.lines().filter(|line| line.contains(words)).count()
}

#[test]
fn requests_name_their_users() {
    let dir = TempDir::new();
    let rig = rig(&dir);
    let [anna, ben] = ["anna", "ben"].map(|user| authorization(user, "secret"));
    assert_eq!(ask(&rig, "/anna/config", &anna), 404);
    assert_eq!(ask(&rig, "/anna/config", &ben), 403);
    assert_eq!(ask(&rig, "/anna/config", ""), 401);
    for words in [
        "127.0.0.1 \"anna\" GET /anna/config 404",
        "127.0.0.1 \"ben\" GET /anna/config 403",
        "127.0.0.1 GET /anna/config 401",
    ] {
        rig.wait_for(|line| line.contains(words).then_some(()));
    }
}

#[test]
fn what_is_refused_again_and_again_is_said_once() {
    let dir = TempDir::new();
    let rig = rig(&dir);
    let ben = authorization("ben", "secret");
    for _ in 0..20 {
        assert_eq!(ask(&rig, "/anna/config", &ben), 403);
        assert_eq!(ask(&rig, "/ben/config", &ben), 404);
        assert_eq!(ask(&rig, "/anna/config", ""), 401);
    }
    for _ in 0..3 {
        assert_eq!(ask(&rig, "/", &authorization("ben", "wrong")), 401);
    }
    // The last line, so that all others are there.
    assert_eq!(ask(&rig, "/-/healthz", ""), 200);
    rig.wait_for(|line| line.contains("/-/healthz").then_some(()));
    for words in [
        "\"ben\" GET /anna/config 403",
        "\"ben\" may not enter /anna",
        "\"ben\" GET /ben/config 404",
        "127.0.0.1 GET /anna/config 401",
        "login failed from 127.0.0.1: user \"ben\"",
    ] {
        assert_eq!(count(&rig, words), 1, "{words}:\n{}", rig.log());
    }
}

#[test]
fn foreign_texts_are_harmless() {
    let dir = TempDir::new();
    let rig = rig(&dir);
    let user = format!("x\n\u{1b}[31m{}", "y".repeat(300));
    assert_eq!(ask(&rig, "/", &authorization(&user, "z")), 401);
    let line = rig.wait_for(|line| line.contains("login failed").then(|| line.to_owned()));
    assert!(line.contains("user \"x\\n\\u{1b}[31myyy"), "{line}");
    assert!(line.contains("yyy...\", wrong name"), "{line}");
    assert!(line.len() < 400, "{line}");
    let path = format!("/{}", "p".repeat(1000));
    assert_eq!(ask(&rig, &path, ""), 401);
    let line = rig.wait_for(|line| line.contains("/ppp").then(|| line.to_owned()));
    assert!(line.contains("ppp... 401") && line.len() < 400, "{line}");
}
