//! Safety rules 23 and 24: one token for every process on the machine, renewed when it must be and
//! no oftener; and no token in the clear.

use super::rig::{Cloud, Server, id, log_of};
use crate::fake::{Endpoint, How, When};
use restic_123pan::pan123::Clock;
use restic_123pan::restic::Kind;
use restic_123pan::settings::Secret;
use restic_123pan::store::Cause;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

const MINUTE: Duration = Duration::from_secs(60);

/// A process on the machine whose state is in the cloud's folder.
fn process(cloud: &Cloud) -> Server {
    cloud.server_with(|c| c.shared.state_dir = Some(cloud.folder().to_owned()))
}

/// One that keeps to a new token a minute.
fn patient(cloud: &Cloud) -> Server {
    cloud.server_with(|c| {
        c.shared.state_dir = Some(cloud.folder().to_owned());
        c.shared.timing.token_pause = MINUTE;
    })
}

fn works(server: &Server) -> Result<(), Cause> {
    match server.list(Kind::Keys) {
        Err(Cause::Absent) => Ok(()),
        listed => listed.map(drop),
    }
}

/// The token file.
fn file(cloud: &Cloud) -> PathBuf {
    let files = fs::read_dir(cloud.folder()).unwrap();
    let mut paths = files.map(|file| file.unwrap().path());
    let is_token = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("token-") && name.ends_with(".json")
    };
    paths.find(is_token).unwrap()
}

/// Rule 23: several processes, and those after them, use one token.
#[test]
fn one_token_for_all() {
    let cloud = Cloud::start();
    let servers: Vec<Server> = (0..5).map(|_| process(&cloud)).collect();
    std::thread::scope(|scope| {
        for server in &servers {
            scope.spawn(|| works(server).unwrap());
            scope.spawn(|| works(server).unwrap());
        }
    });
    assert_eq!(works(&process(&cloud)), Ok(()));
    assert_eq!(cloud.calls().tokens, 1);
}

/// Rule 23: the file is its owner's alone.
#[test]
fn the_token_file_is_private() {
    let cloud = Cloud::start();
    works(&process(&cloud)).unwrap();
    let mode = fs::metadata(file(&cloud)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Rule 23: when the token is refused, one of all that notice renews it.
#[test]
fn a_refused_token_is_renewed_once() {
    for pushed_out in [false, true] {
        for http_status in [false, true] {
            let cloud = Cloud::with(|s| s.http_status = http_status);
            let servers: Vec<Server> = (0..4).map(|_| process(&cloud)).collect();
            for server in &servers {
                works(server).unwrap();
            }
            match pushed_out {
                true => cloud.push_out_tokens(),
                false => cloud.revoke_tokens(),
            }
            std::thread::scope(|scope| {
                for server in &servers {
                    scope.spawn(|| works(server).unwrap());
                    scope.spawn(|| server.save(Kind::Data, b"a pack").unwrap());
                }
            });
            assert_eq!(cloud.calls().tokens, 2, "{pushed_out} {http_status}");
        }
    }
}

/// Rule 23: a token that another process has renewed is read again, not renewed again, also
/// within the minute.
#[test]
fn the_file_is_read_before_a_renewal() {
    let cloud = Cloud::start();
    let (one, other) = (process(&cloud), patient(&cloud));
    works(&one).unwrap();
    works(&other).unwrap();
    cloud.revoke_tokens();
    works(&one).unwrap();
    assert_eq!(works(&other), Ok(()));
    assert_eq!(cloud.calls().tokens, 2);
}

/// Rule 23: at most one new token a minute; the client is asked to come again meanwhile.
#[test]
fn a_second_token_waits_a_minute() {
    for restarted in [false, true] {
        let cloud = Cloud::start();
        let server = patient(&cloud);
        works(&server).unwrap();
        cloud.revoke_tokens();
        let server = if restarted { patient(&cloud) } else { server };
        for _ in 0..5 {
            assert_eq!(works(&server), Err(Cause::Busy));
            assert_eq!(server.save(Kind::Data, b"a pack"), Err(Cause::Busy));
        }
        assert_eq!(cloud.calls().tokens, 1, "restarted: {restarted}");
    }
}

/// Rule 23: being pushed out twice means too many programs, and the log says so.
#[test]
fn a_crowd_is_logged() {
    let cloud = Cloud::start();
    let server = cloud.server();
    works(&server).unwrap();
    let crowded = |log: Vec<String>| {
        let told = |line: &String| line.contains("more than three programs use this client id");
        log.into_iter().filter(told).collect::<Vec<_>>()
    };
    cloud.push_out_tokens();
    let log = log_of(|| works(&server).unwrap());
    assert_eq!(crowded(log), [""; 0]);
    cloud.push_out_tokens();
    let log = crowded(log_of(|| works(&server).unwrap()));
    assert!(log.len() == 1 && log[0].starts_with("ERROR"), "{log:?}");
}

/// A token that is over, or nearly so, is renewed before it is used.
#[test]
fn an_old_token_is_not_tried() {
    let cloud = Cloud::start();
    works(&process(&cloud)).unwrap();
    let path = file(&cloud);
    let text = fs::read_to_string(&path).unwrap();
    let token: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (issued, expires) in [(1_000, 2_000), (1_000, 90_000_000)] {
        let mut old = token.clone();
        (old["issued"], old["expires"]) = (issued.into(), expires.into());
        fs::write(&path, old.to_string()).unwrap();
        cloud.reset_counters();
        works(&process(&cloud)).unwrap();
        assert_eq!(cloud.calls().tokens, 1);
        assert_eq!(cloud.count(Endpoint::List).errors, 0);
    }
}

/// A file that can't be read, or is no token, is no reason to stop, and is replaced if it can be.
#[test]
fn a_bad_file_is_survived() {
    let damaged = r#"{"token":"two\nlines","issued":0,"expires":9999999999}"#;
    for text in [
        "",
        "{",
        "null",
        "[]",
        "{\"token\":1}",
        "\u{0}\u{0}",
        damaged,
    ] {
        let cloud = Cloud::start();
        works(&process(&cloud)).unwrap();
        fs::write(file(&cloud), text).unwrap();
        assert_eq!(works(&process(&cloud)), Ok(()), "{text:?}");
        assert_eq!(works(&process(&cloud)), Ok(()), "{text:?}");
        assert_eq!(cloud.calls().tokens, 2, "{text:?}");
    }
    // Something else has its name.
    let cloud = Cloud::start();
    works(&process(&cloud)).unwrap();
    let path = file(&cloud);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(works(&process(&cloud)), Ok(()));
    // There is no such folder.
    let nowhere = cloud.folder().join("nowhere");
    let server = cloud.server_with(|c| c.shared.state_dir = Some(nowhere));
    assert_eq!(works(&server), Ok(()));
}

/// Wrong credentials, and a service that gives no tokens: the client comes again, and each try
/// isn't another request for a token.
#[test]
fn without_a_token_there_is_no_storm() {
    let cloud = Cloud::start();
    let server = cloud.server_with(|c| c.client_secret = Secret::new("wrong"));
    for _ in 0..10 {
        assert_eq!(works(&server), Err(Cause::Busy));
        assert_eq!(server.save(Kind::Keys, b"a key"), Err(Cause::Busy));
    }
    assert_eq!(cloud.count(Endpoint::Token).calls, 1);
    assert_eq!(cloud.count(Endpoint::List).calls, 0);
    for how in [
        How::Html(500),
        How::NullData,
        How::WrongShape,
        How::Code(401, "developer benefit is over".to_owned()),
        How::Code(1, "?".to_owned()),
    ] {
        let cloud = Cloud::start();
        cloud.fail_next(Endpoint::Token, 1000, When::Before, how.clone());
        let server = cloud.hasty_server();
        for _ in 0..10 {
            let works = works(&server);
            assert!(
                matches!(works, Err(Cause::Busy | Cause::Cloud)),
                "{works:?}"
            );
        }
        let calls = cloud.count(Endpoint::Token).calls;
        assert!(calls < 10, "{how:?}: {calls} calls");
    }
}

/// Neither the token nor the secret is told by an error or a log line.
#[test]
fn secrets_are_not_told() {
    let cloud = Cloud::start();
    let server = process(&cloud);
    works(&server).unwrap();
    let text = fs::read_to_string(file(&cloud)).unwrap();
    let token: serde_json::Value = serde_json::from_str(&text).unwrap();
    let token = token["token"].as_str().unwrap().to_owned();
    let log = log_of(|| {
        for (endpoint, how) in [
            (
                Endpoint::List,
                How::Code(401, "token is expired".to_owned()),
            ),
            (Endpoint::Token, How::WrongShape),
            (Endpoint::DownloadInfo, How::Html(500)),
        ] {
            cloud.fail_next(endpoint, 20, When::Before, how);
            let _ = works(&server);
            let _ = server.load(Kind::Keys, id(b"x"));
            cloud.clear_faults();
        }
    });
    let text = log.join("\n");
    assert!(
        !text.contains(&token) && !text.contains("clientSecret"),
        "{text}"
    );
}

/// 123pan gives tokens and refuses each of them: its reason is kept, and new ones are asked for ever
/// more rarely, because each would push out another program's.
#[test]
fn a_reason_for_refusing_every_token_is_kept() {
    for http_status in [false, true] {
        let cloud = Cloud::with(|s| {
            s.http_status = http_status;
            s.tokens_allowed = 100;
        });
        let server = cloud.server_with(|c| {
            c.shared.timing.token_pause = Duration::from_millis(40);
            c.shared.timing.token_again = Duration::from_millis(1);
        });
        let reason = "the developer benefit has ended";
        let refuse = || How::Code(401, reason.to_owned());
        for endpoint in [Endpoint::List, Endpoint::Infos, Endpoint::UserInfo] {
            cloud.fail_next(endpoint, u32::MAX, When::Before, refuse());
        }
        let start = Instant::now();
        let log = log_of(|| {
            while cloud.calls().tokens < 6 {
                let refused = server
                    .store
                    .list(&server.repo(), Kind::Keys, &mut |_| Ok(()));
                let said = refused.unwrap_err();
                assert_eq!(said.cause, Cause::Busy);
                assert!(said.to_string().contains(reason), "{said}");
                assert!(start.elapsed() < Duration::from_secs(60));
            }
        });
        // The second after 40 ms; then 80, 160, 320, 640.
        assert!(start.elapsed() >= Duration::from_millis(1_240));
        let is_said = |line: &String| line.starts_with("WARN") && line.contains(reason);
        assert!(log.iter().any(is_said), "{log:#?}");
        // When it is over, all is well with the last one.
        cloud.clear_faults();
        assert_eq!(works(&server), Ok(()));
        assert_eq!(cloud.calls().tokens, 6);
    }
}

/// The same within the minute in which no second token is asked for: the reason isn't lost.
#[test]
fn a_reason_outlives_the_minutes_pause() {
    let cloud = Cloud::start();
    let server = patient(&cloud);
    works(&server).unwrap();
    let reason = "this token is not wanted";
    cloud.fail_next(
        Endpoint::List,
        100,
        When::Before,
        How::Code(401, reason.to_owned()),
    );
    for _ in 0..3 {
        let refused = server
            .store
            .list(&server.repo(), Kind::Keys, &mut |_| Ok(()));
        let said = refused.unwrap_err().to_string();
        assert!(said.contains(reason), "{said}");
    }
    assert_eq!(cloud.calls().tokens, 1);
}

/// Who has just set a wrong clock right, or starts with one, needs no new token for it.
#[test]
fn a_wrong_clock_costs_no_token() {
    for (then, now) in [
        (0, 4_070_908_800),
        (4_070_908_800, 0),
        (4_070_908_800, 4_070_908_800),
    ] {
        let cloud = Cloud::start();
        let at = |time: u64| {
            cloud.server_with(|c| {
                c.shared.state_dir = Some(cloud.folder().to_owned());
                // 0 stands for the present.
                if time > 0 {
                    c.shared.timing.clock = Clock::new(move || time);
                }
                c.shared.timing.token_pause = MINUTE;
            })
        };
        assert_eq!(works(&at(then)), Ok(()));
        let server = at(now);
        assert_eq!(works(&server), Ok(()));
        assert_eq!(cloud.calls().tokens, 1, "{then} {now}");
        let expires = server.store.health().token_expires.unwrap();
        let text = fs::read_to_string(file(&cloud)).unwrap();
        assert!(text.contains(&expires.to_string()));
        assert!(
            !text.contains("4070908800"),
            "noted by the cloud's time: {text}"
        );
    }
}

/// A token that an earlier process noted in 2099, and a lock of its that is from tomorrow, are in
/// nobody's way.
#[test]
fn the_future_is_no_reason_to_wait() {
    let cloud = Cloud::start();
    works(&process(&cloud)).unwrap();
    let path = file(&cloud);
    let text = fs::read_to_string(&path).unwrap();
    let issued = text.find("\"issued\":").unwrap();
    fs::write(&path, format!("{}\"issued\":4070908800}}", &text[..issued])).unwrap();
    let lock = path.with_extension("lock");
    fs::write(&lock, "1").unwrap();
    let tomorrow = SystemTime::now() + 1440 * MINUTE;
    fs::File::options()
        .write(true)
        .open(&lock)
        .unwrap()
        .set_modified(tomorrow)
        .unwrap();
    let server = patient(&cloud);
    assert_eq!(works(&server), Ok(()));
    assert_eq!(cloud.calls().tokens, 1);
    cloud.revoke_tokens();
    assert_eq!(works(&server), Ok(()));
    assert_eq!(cloud.calls().tokens, 2);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("4070908800"), "{text}");
}
