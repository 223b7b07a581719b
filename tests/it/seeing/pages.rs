//! The pages below `/-/` through real connections.

use super::finish;
use crate::fake::{Fake, When};
use crate::rig::Rig;
use crate::tools::tool;
use crate::tree::TempDir;
use crate::waiting::awaited;
use crate::wire::{Answer, Wire};
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn get(rig: &Rig, path: &str, headers: &str) -> Answer {
    Wire::open(rig.address()).ask("GET", path, headers, b"")
}

fn fails(cloud: &Fake) {
    cloud.set(|switches| switches.blocked = true);
}

#[test]
fn the_process_is_healthy_whatever_the_cloud_does() {
    let rig = Rig::start(&[]);
    fails(rig.cloud());
    let answer = get(&rig, "/-/healthz", "");
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok\n"));
    let head = Wire::open(rig.address()).ask("HEAD", "/-/healthz", "", b"");
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("3"))
    );
    let post = Wire::open(rig.address()).ask("POST", "/-/healthz", "", b"");
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD"))
    );
    assert_eq!(get(&rig, "/-/nonsense", "").status, 404);
}

#[test]
fn ready_means_that_the_cloud_answers() {
    let rig = Rig::start(&[]);
    assert_eq!(get(&rig, "/-/readyz", "").status, 200);
    let calls = rig.cloud().calls().all();
    for _ in 0..20 {
        assert_eq!(get(&rig, "/-/readyz", "").status, 200);
    }
    let after = rig.cloud().calls().all();
    assert!(after <= calls + 1, "{calls} calls, then {after}");
}

#[test]
fn not_ready_says_why() {
    let rig = Rig::broken(&[], fails);
    let answer = get(&rig, "/-/readyz", "");
    let text = answer.text();
    assert_eq!(answer.status, 503, "{text}");
    assert!(
        text.contains("403") || text.contains("no answer within"),
        "{text}"
    );
}

/// Whoever asks isn't held up by a cloud that says nothing.
#[test]
fn not_ready_without_an_answer() {
    let rig = Rig::broken(&[], |cloud| cloud.hold(0, When::Before));
    let answer = get(&rig, "/-/readyz", "");
    let text = answer.text();
    assert_eq!(answer.status, 503, "{text}");
    assert!(text.contains("no answer within"), "{text}");
    assert!(rig.cloud().holds(), "the call still stands");
    rig.cloud().release();
}

#[test]
fn a_browser_at_the_root_is_led_to_the_page() {
    let rig = Rig::start(&[]);
    let browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    let answer = get(&rig, "/", browser);
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("-/"))
    );
    assert_eq!(get(&rig, "/", "").status, 200, "a monitor asks so");
    let page = get(&rig, "/-/", browser);
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap().to_owned();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'unsafe-inline'"),
        "{policy}"
    );
    let text = page.text();
    assert!(
        !text.contains("<script") && text.contains("http-equiv=\"refresh\""),
        "{text}"
    );
    let chinese = get(&rig, "/-/", "Accept-Language: zh-CN,zh;q=0.9\r\n").text();
    assert!(chinese.contains("备份仓库"), "{chinese}");
}

/// The status, once it tells of a snapshot: a request is counted when its answer has been sent.
fn status_with_snapshot(rig: &Rig) -> serde_json::Value {
    awaited(|| {
        let text = get(rig, "/-/status", "").text();
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        let is_told = status["repositories"][0]["last_snapshot"].is_u64();
        if is_told { Ok(status) } else { Err(text) }
    })
}

#[test]
fn status_tells_of_what_was_done() {
    let rig = Rig::start(&[]);
    let mut wire = Wire::open(rig.address());
    assert_eq!(
        wire.ask("POST", "/laptop/?create=true", "", b"").status,
        200
    );
    let body = b"not really a snapshot";
    let path = format!("/laptop/snapshots/{}", hex(&Sha256::digest(body)));
    assert_eq!(wire.ask("POST", &path, "", body).status, 200);
    assert_eq!(wire.ask("GET", "/nobody/config", "", b"").status, 404);
    let status = status_with_snapshot(&rig);
    let repos = status["repositories"].as_array().unwrap();
    assert_eq!(repos.len(), 1, "{status:#}");
    assert_eq!(repos[0]["name"], "/laptop");
    assert!(repos[0]["last_snapshot"].as_u64().is_some(), "{status:#}");
    assert_eq!(repos[0]["received"], body.len());
    assert_eq!(status["cloud"]["reachable"], true);
    assert!(
        !status.to_string().contains("fake."),
        "a token shows: {status:#}"
    );
}

#[test]
fn the_commands_ask_the_running_server() {
    let rig = Rig::start(&[]);
    let run = |word: &str, listen: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
        finish(command.env_clear().args([word, "--listen", listen]))
    };
    let here = rig.address().to_string();
    assert!(run("healthcheck", &here).status.success());
    let output = run("status", &here);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("uploads"),
        "{text}"
    );
    for word in ["healthcheck", "status"] {
        assert_eq!(run(word, "127.0.0.1:1").status.code(), Some(1));
    }
}

/// Both passwords are "secret".
const USERS: &str =
    "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";

#[test]
fn status_takes_a_users_password_but_never_as_a_word() {
    let dir = TempDir::new();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (users, password) = (file("users", USERS), file("password", "secret\n"));
    let rig = Rig::start(&["--htpasswd-file", &users]);
    let listen = rig.address().to_string();
    let status = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
        command.env_clear().args(["status", "--listen", &listen]);
        let output = finish(command.args(words).envs(variables.iter().copied()));
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    };
    let alice = ["--user", "alice"];
    #[rustfmt::skip]
    let cases = [
        (&alice[..], &[("PAN123_PASSWORD", "secret")][..], 0, "uploads"),
        (&alice, &[("PAN123_PASSWORD_FILE", &password)], 0, "uploads"),
        (&[], &[("PAN123_USER", "bob"), ("PAN123_PASSWORD", "secret")], 0, "uploads"),
        (&alice, &[("PAN123_PASSWORD", "Secret")], 1, "wrong name or password"),
        // Standard input is no terminal here, and empty.
        (&alice, &[], 1, "wrong name or password"),
        (&[], &[("PAN123_PASSWORD", "secret")], 1, "name a user with --user"),
        (&alice, &[("PAN123_PASSWORD_FILE", "/none/such")], 2, "/none/such"),
        (&["--password", "secret"], &[], 2, "--help"),
    ];
    for (words, variables, code, said) in cases {
        let (ended, text) = status(words, variables);
        assert!(
            ended == code && text.contains(said),
            "{words:?}: {ended} {text}"
        );
    }
}

#[test]
fn snapshots_and_traffic_outlive_a_restart() {
    let rig = Rig::start(&[]);
    let body = b"not really a snapshot";
    let path = format!("/laptop/snapshots/{}", hex(&Sha256::digest(body)));
    let mut wire = Wire::open(rig.address());
    assert_eq!(wire.ask("POST", &path, "", body).status, 200);
    drop(wire);
    let laptop = || {
        let status = status_with_snapshot(&rig);
        let laptop = &status["repositories"][0];
        let hours = laptop["hours"].as_array().unwrap().iter();
        let day: u64 = hours.map(|hour| hour.as_u64().unwrap()).sum();
        (laptop["last_snapshot"].as_u64(), day)
    };
    let before = laptop();
    assert_eq!(before.1, body.len() as u64);
    rig.stop_and_restart();
    assert_eq!(laptop(), before);
    rig.assert_clean(&[]);
}

#[test]
fn promtool_takes_the_metrics() {
    let Some(promtool) = tool("promtool") else {
        return;
    };
    let rig = Rig::start(&[]);
    let mut wire = Wire::open(rig.address());
    assert_eq!(
        wire.ask("POST", "/a%20%22b/?create=true", "", b"").status,
        404,
        "no such name"
    );
    assert_eq!(wire.ask("POST", "/a b/?create=true", "", b"").status, 400);
    assert_eq!(
        Wire::open(rig.address())
            .ask("POST", "/ab/?create=true", "", b"")
            .status,
        200
    );
    assert_eq!(get(&rig, "/-/readyz", "").status, 200);
    // The first look at the metrics has the account looked at.
    let text = awaited(|| {
        let text = get(&rig, "/-/metrics", "").text();
        let is_looked_at = text.contains("restic_123pan_space_total_bytes 2199023255552");
        if is_looked_at { Ok(text) } else { Err(text) }
    });
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(
        output.status.success() && said.trim().is_empty(),
        "{said}\n{text}"
    );
}

#[test]
fn pages_need_credentials_and_tell_of_ones_own_repositories() {
    let dir = TempDir::new();
    let file = dir.path().join("htpasswd");
    std::fs::write(&file, USERS).unwrap();
    let (alice, bob) = (
        "Authorization: Basic YWxpY2U6c2VjcmV0\r\n",
        "Authorization: Basic Ym9iOnNlY3JldA==\r\n",
    );
    let rig = Rig::start(&["--htpasswd-file", file.to_str().unwrap(), "--private-repos"]);
    for page in ["", "status", "metrics", "readyz"] {
        let answer = get(&rig, &format!("/-/{page}"), "");
        assert_eq!(answer.status, 401, "{page}");
        assert!(answer.header("www-authenticate").is_some(), "{page}");
    }
    assert_eq!(get(&rig, "/-/healthz", "").status, 200);
    let made = Wire::open(rig.address()).ask("POST", "/alice/laptop/?create=true", alice, b"");
    assert_eq!(made.status, 200);
    let shown = |user: &str| {
        let answer = get(&rig, "/-/status", user);
        assert_eq!(answer.status, 200, "{user}");
        answer.text().contains("/alice/laptop")
    };
    // Clients have their answer before the page knows of it.
    let end = Instant::now() + Duration::from_secs(60);
    while !shown(alice) {
        assert!(Instant::now() < end, "it isn't shown");
    }
    assert!(!shown(bob));
    assert!(!get(&rig, "/-/", bob).text().contains("alice"));
    assert!(!get(&rig, "/-/metrics", bob).text().contains("alice"));
}
