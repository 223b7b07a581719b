//! The program with an OAuth account: a real client over it, the login, the commands beside a
//! running server, and kills around renewals.

use crate::fake::{Endpoint, Fake, How, Options, Switches, When};
use crate::restic::{RESTIC, Restic, text};
use crate::rig::Rig;
use crate::tree::{self, TempDir};
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const REDIRECT: &str = "http://127.0.0.1/back?from=123";

fn cloud(change: impl FnOnce(&mut Switches)) -> Fake {
    let mut options = Options::default();
    change(&mut options.switches);
    Fake::with(options).unwrap()
}

/// Asks the server for something that it must ask the cloud; the status.
fn ask(rig: &Rig) -> String {
    let path = "/x/?create=true";
    let mut wire = crate::wire::Wire::open(rig.address());
    wire.ask("POST", path, "", b"").status.to_string()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Runs a command of the program's that reads this.
fn run(mut command: Command, input: &str) -> (String, Option<i32>) {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who has been refused doesn't read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    (said(&output), output.status.code())
}

/// A backup goes on while the token is renewed again and again, and nothing goes wrong.
#[test]
fn restic_works_through_renewals() {
    let cloud = cloud(|s| {
        s.oauth.life_told = Duration::from_secs(2);
        s.oauth.late_check = true;
        s.latency = Duration::from_millis(40);
    });
    let rig = Rig::by_oauth(cloud, &[]);
    let dir = TempDir::new();
    let files = dir.path().join("files");
    let Some(restic) = Restic::find(RESTIC, rig.url("/laptop/"), dir.path()) else {
        return;
    };
    restic.run(&["init"]);
    let end = Instant::now() + Duration::from_secs(120);
    for round in 0.. {
        tree::grow(&files.join(round.to_string()), round, 12 << 20);
        restic.run(&["backup", "--no-cache", text(&files)]);
        let renewals = rig.cloud().renewals();
        if renewals.0 >= 4 {
            break;
        }
        assert!(Instant::now() < end, "{renewals:?}");
    }
    restic.run(&["check", "--read-data"]);
    let renewals = rig.cloud().renewals();
    assert_eq!(renewals.1, 0, "{renewals:?}");
    rig.assert_clean(&[]);
}

/// kill -9 before the cloud has done anything, between its answer and the write, and after it.
#[test]
fn kills_around_a_renewal() {
    let rig = Rig::by_oauth(cloud(|_| {}), &[]);
    rig.cloud()
        .fail_next(Endpoint::Oauth, 1, When::Before, How::Reset);
    assert_eq!(ask(&rig), "503");
    rig.kill_and_restart();
    rig.wait_for(|line| {
        line.contains("renewal of the OAuth grant was under way")
            .then_some(())
    });
    assert_eq!(ask(&rig), "200", "nothing had happened");
    rig.kill_and_restart();
    assert_eq!(ask(&rig), "200", "all was written");
    assert_eq!(rig.cloud().renewals(), (1, 0));

    rig.cloud().end_access_tokens();
    let hang = How::Hang(Duration::from_secs(60));
    rig.cloud().fail_next(Endpoint::Oauth, 1, When::After, hang);
    // A token that was just issued isn't renewed for a minute: it must look older.
    let text = fs::read_to_string(rig.grant()).unwrap();
    let mut kept: serde_json::Value = serde_json::from_str(&text).unwrap();
    kept["issued"] = (kept["issued"].as_u64().unwrap() - 120).into();
    fs::write(rig.grant(), kept.to_string()).unwrap();
    rig.kill_and_restart();
    let mut socket = TcpStream::connect(rig.address()).unwrap();
    let request = "POST /y/?create=true HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    socket.write_all(request.as_bytes()).unwrap();
    rig.until("it is renewed", || rig.cloud().renewals().0 >= 2);
    rig.kill_and_restart();
    assert_eq!(ask(&rig), "503");
    let plain = |line: &str| {
        line.contains("with it the new refresh token is lost")
            .then_some(())
    };
    rig.wait_for(plain);
    let calls = rig.cloud().count(Endpoint::Oauth).calls;
    rig.kill_and_restart();
    assert_eq!(ask(&rig), "503");
    rig.wait_for(plain);
    assert_eq!(rig.cloud().count(Endpoint::Oauth).calls, calls, "no loop");

    log_in(&rig);
    rig.until("it works again", || ask(&rig) == "200");
}

/// Logs in by the command, beside the running server.
fn log_in(rig: &Rig) {
    let code = rig.cloud().authorize(REDIRECT);
    let command = rig.command(&["login", "--redirect-uri", REDIRECT]);
    let (text, exit) = run(command, &format!("{REDIRECT}&code={code}\n"));
    assert_eq!(exit, Some(0), "{text}");
}

#[test]
fn login() {
    let rig = Rig::by_oauth(cloud(|_| {}), &[]);
    let before = fs::read_to_string(rig.grant()).unwrap();
    let refused = [
        ("", "no code in it", 1),
        ("https://x/?error=denied\n", "no code in it", 1),
        ("https://x/?code=A&state=b\n", "another login", 1),
        ("WRONG\n", "answered 1", 1),
    ];
    for (input, words, code) in refused {
        let command = rig.command(&["login", "--redirect-uri", REDIRECT]);
        let (text, exit) = run(command, input);
        assert!(
            exit == Some(code) && text.contains(words),
            "{input:?}: {text}"
        );
    }
    let (text, exit) = run(rig.command(&["login"]), "");
    assert!(exit == Some(2) && text.contains("--redirect-uri"), "{text}");
    assert_eq!(fs::read_to_string(rig.grant()).unwrap(), before);

    let code = rig.cloud().authorize(REDIRECT);
    let command = rig.command(&["login", "--redirect-uri", REDIRECT]);
    let (text, exit) = run(command, &format!("{code}\n"));
    assert_eq!(exit, Some(0), "{text}");
    let address = "https://www.123pan.com/auth?client_id=demo\
                   &redirect_uri=http%3A%2F%2F127.0.0.1%2Fback%3Ffrom%3D123\
                   &scope=user:base,file:all:read,file:all:write&state=";
    assert!(text.contains(address), "{text}");
    assert!(!text.contains(&code), "{text}");
    let mode = fs::metadata(rig.grant()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(ask(&rig), "200");
    assert_eq!(
        rig.cloud().renewals(),
        (0, 0),
        "the login's own access token serves"
    );
}

/// One grant, one server; other commands go on beside it.
#[test]
fn a_second_server_is_told() {
    let rig = Rig::by_oauth(cloud(|_| {}), &[]);
    let (text, exit) = run(rig.command(&["--listen", "127.0.0.1:0"]), "");
    assert!(
        exit == Some(2) && text.contains("one OAuth grant serves one server"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    let (text, _) = run(rig.command(&["bin", "list"]), "");
    assert!(text.contains("another process holds the file"), "{text}");
    assert_eq!(ask(&rig), "200");
    let (text, exit) = run(rig.command(&["bin", "list"]), "");
    assert_eq!(exit, Some(0), "{text}");
    let (text, exit) = run(rig.command(&["doctor"]), "");
    assert!(
        exit == Some(0) && text.contains("an OAuth app needs none"),
        "{text}"
    );
    assert_eq!(rig.cloud().renewals(), (1, 0));
}

#[test]
fn what_is_configured_wrongly_is_told_at_the_start() {
    let rig = Rig::by_oauth(cloud(|_| {}), &[]);
    let start = |name: &str, value: &str| {
        let mut command = rig.command(&["check-config"]);
        run(
            {
                command.env(name, value);
                command
            },
            "",
        )
    };
    let (text, exit) = start("PAN123_TIER", "auto");
    assert!(exit == Some(0) && !text.contains("warning"), "{text}");
    assert!(text.contains("by the OAuth grant in"), "{text}");
    let (text, exit) = start("PAN123_OAUTH_TOKEN_FILE", "/dev/null/token");
    assert!(
        exit == Some(2) && text.contains("must be writable"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    let nowhere = rig.grant().with_file_name("none");
    let (text, exit) = start("PAN123_OAUTH_TOKEN_FILE", nowhere.to_str().unwrap());
    assert!(exit == Some(0) && text.contains("log in with"), "{text}");
    for name in ["PAN123_CLIENT_ID", "PAN123_CLIENT_SECRET_FILE"] {
        let (text, exit) = start(name, "x");
        assert!(exit == Some(2) && text.contains("not both"), "{text}");
    }
    let (text, exit) = start("PAN123_OAUTH_CLIENT_ID", "");
    assert!(
        exit == Some(2) && text.contains("wants --oauth-client-id"),
        "{text}"
    );
}
