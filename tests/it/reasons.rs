//! What the real clients' users read when something is wrong: the reason stands in the status line,
//! which restic prints. Each case prints what its client says, for who looks.

use crate::fake::{Endpoint, How, When};
use crate::restic::{DEBIAN, RESTIC, RUSTIC, Restic, cases, text};
use crate::rig::Rig;
use crate::tree::{self, TempDir};
use crate::waiting::eventually;
use crate::wire::Wire;
use std::fs;
use std::path::Path;

/// What rustic says whenever it can't read a config, whatever the answer.
const NO_CONFIG: &str = "No repository config file found";

// One test a line: its name, the client, what is wrong.
cases! {
    try_client;
    debian_wrong_secret: DEBIAN, wrong_secret;
    debian_ended_benefit: DEBIAN, ended_benefit;
    debian_full: DEBIAN, full;
    debian_append_only: DEBIAN, append_only;
    debian_locked: DEBIAN, locked;
    debian_missing: DEBIAN, missing;
    restic_wrong_secret: RESTIC, wrong_secret;
    restic_ended_benefit: RESTIC, ended_benefit;
    restic_full: RESTIC, full;
    restic_append_only: RESTIC, append_only;
    restic_locked: RESTIC, locked;
    restic_missing: RESTIC, missing;
    rustic_wrong_secret: RUSTIC, wrong_secret;
    rustic_ended_benefit: RUSTIC, ended_benefit;
    rustic_full: RUSTIC, full;
    rustic_append_only: RUSTIC, append_only;
    rustic_locked: RUSTIC, locked;
    rustic_missing: RUSTIC, missing;
}

/// A client on a machine of its own.
struct Case<'a> {
    client: &'a str,
    dir: &'a Path,
}

impl Case<'_> {
    /// The client with a server's repository.
    fn client(&self, rig: &Rig) -> Option<Restic> {
        Restic::find(self.client, rig.url("/laptop/"), self.dir.join("home"))
    }

    /// Something to back up.
    fn files(&self) -> String {
        let files = self.dir.join("files");
        fs::create_dir_all(&files).unwrap();
        fs::write(files.join("a"), tree::random(1, 1 << 20)).unwrap();
        text(&files).to_owned()
    }

    /// What it says, which has these words; rustic has its own where it doesn't show the answer.
    fn check(&self, said: &str, words: &str, rustics: &str) {
        println!("{}: {words}\n{said}", self.client);
        let expected = if self.client == RUSTIC {
            rustics
        } else {
            words
        };
        assert!(said.contains(expected), "no {expected:?} in\n{said}");
    }
}

fn try_client(client: &str, wrong: fn(&Case<'_>, &Restic) -> Option<()>) {
    let dir = TempDir::new();
    let case = Case {
        client,
        dir: dir.path(),
    };
    // None where the client isn't there.
    let probe = Restic::find(client, "rest:http://127.0.0.1:9/", case.dir.join("probe"));
    let _ = probe.and_then(|probe| wrong(&case, &probe));
}

/// 123pan gives no token, with a message of its own.
fn no_token(case: &Case<'_>, message: &str) -> Option<()> {
    let rig = Rig::broken(&[], |cloud| {
        let code = 1;
        let how = How::Code(code, message.to_owned());
        cloud.fail_next(Endpoint::Token, 9999, When::Before, how);
    });
    let words =
        "123pan refuses the client secret (or the benefit has ended); see restic-123pan doctor";
    let running = case.client(&rig)?.start(&["snapshots"]);
    let said = running.until(&[words]);
    case.check(&said, words, NO_CONFIG);
    Some(())
}

fn wrong_secret(case: &Case<'_>, _: &Restic) -> Option<()> {
    no_token(case, "clientID 或 clientSecret 错误")
}

fn ended_benefit(case: &Case<'_>, _: &Restic) -> Option<()> {
    no_token(case, "开发者权益已到期")
}

fn full(case: &Case<'_>, _: &Restic) -> Option<()> {
    let rig = Rig::start(&["--reserve", "1M"]);
    let client = case.client(&rig)?;
    client.run(&["init"]);
    rig.cloud().set_space(1 << 20, 1 << 20);
    rig.kill_and_restart();
    let client = client.with(rig.url("/laptop/"));
    let words = "the account is full";
    let said = client.start(&["backup", &case.files()]).until(&[words]);
    case.check(&said, words, words);
    Some(())
}

fn append_only(case: &Case<'_>, _: &Restic) -> Option<()> {
    let rig = Rig::start(&["--append-only"]);
    let client = case.client(&rig)?;
    client.run(&["init"]);
    let files = case.files();
    client.run(&["backup", &files]);
    fs::write(Path::new(&files).join("a"), b"changed").unwrap();
    client.run(&["backup", &files]);
    let words = "403 anybody may only append in /laptop";
    let prune: &[&str] = match case.client {
        RUSTIC => &["forget", "--keep-last", "1"],
        _ => &["forget", "--keep-last", "1", "--prune"],
    };
    let said = client.start(prune).until(&[words]);
    case.check(&said, words, words);
    Some(())
}

/// A lock that its owner left behind; rustic makes none and looks for none.
fn locked(case: &Case<'_>, _: &Restic) -> Option<()> {
    let rig = Rig::start(&[]);
    let client = case.client(&rig)?;
    client.run(&["init"]);
    if case.client == RUSTIC {
        println!("rustic has no locks");
        return Some(());
    }
    let mut backup = client.command(&["backup", "--stdin"]);
    backup.stdin(std::process::Stdio::piped());
    let mut running = client.start_as(backup, &["backup", "--stdin"]);
    let mut wire = Wire::open(rig.address());
    eventually("there is a lock", || {
        wire.ask("GET", "/laptop/locks/", "", b"").text() != "[]"
    });
    running.child.kill().unwrap();
    drop(running);
    let said = client.refused(&["forget", "--keep-last", "1", "--prune"]);
    case.check(&said, "already locked", "");
    Some(())
}

fn missing(case: &Case<'_>, _: &Restic) -> Option<()> {
    let rig = Rig::start(&[]);
    let client = case.client(&rig)?;
    let words = "there is no repository in /laptop";
    let said = client.start(&["snapshots"]).until(&[words]);
    case.check(
        &said,
        "Is there a repository at the following location",
        NO_CONFIG,
    );
    Some(())
}

#[test]
fn the_root_answers_monitors() {
    let rig = Rig::start(&[]);
    let mut wire = Wire::open(rig.address());
    let get = wire.ask("GET", "/", "", b"");
    assert_eq!(
        (get.status, get.text().as_str()),
        (200, "restic-123pan works; see /-/\n")
    );
    let head = wire.ask("HEAD", "/", "", b"");
    assert_eq!((head.status, head.body.unwrap_or_default().len()), (200, 0));
    let browser = wire.ask("GET", "/", "Accept: text/html\r\n", b"");
    assert_eq!(
        (browser.status, browser.header("location")),
        (302, Some("-/")),
        "relative, below a proxy's path"
    );
}

#[test]
fn the_body_says_what_the_status_line_says() {
    let rig = Rig::start(&["--append-only"]);
    let mut wire = Wire::open(rig.address());
    let name = "0".repeat(64);
    let refused = wire.ask("DELETE", &format!("/a/data/{name}"), "", b"");
    let reason = "anybody may only append in /a";
    assert_eq!((refused.status, refused.reason.as_str()), (403, reason));
    assert_eq!(refused.text(), format!("{reason}\n"));
    let kind = refused.header("content-type");
    assert_eq!(kind, Some("text/plain; charset=utf-8"));
    // The connection goes on, also after an answer to HEAD, which has no body.
    let head = wire.ask("HEAD", "/a/config", "", b"");
    assert_eq!(
        (head.status, head.reason.as_str()),
        (404, "there is no repository in /a")
    );
    assert_eq!(wire.ask("GET", "/-/healthz", "", b"").status, 200);
}
