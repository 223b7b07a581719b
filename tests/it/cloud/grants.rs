//! OAuth grants: a refresh token that is good for one use is never used twice, never lost by us,
//! and never asked for in vain.

use super::rig::{Cloud, Server, eventually, log_of, ms};
use crate::fake::{Endpoint, How, Oauth, Switches, When};
use restic_123pan::pan123::{Config, Grant};
use restic_123pan::restic::Kind;
use restic_123pan::settings::Secret;
use restic_123pan::store::Cause;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An account with a grant, whose refresh token was put into the file by hand.
fn granted(change: impl FnOnce(&mut Switches)) -> Cloud {
    let cloud = Cloud::with(change);
    log_in(&cloud);
    cloud
}

/// Puts a new refresh token into the file.
fn log_in(cloud: &Cloud) {
    fs::write(file(cloud), cloud.grant() + "\n").unwrap();
}

fn file(cloud: &Cloud) -> PathBuf {
    cloud.folder().join("grant")
}

/// What stands in the file.
fn kept(cloud: &Cloud) -> Value {
    serde_json::from_str(&fs::read_to_string(file(cloud)).unwrap()).unwrap()
}

fn app(cloud: &Cloud) -> Server {
    app_with(cloud, |_| {})
}

fn app_with(cloud: &Cloud, change: impl FnOnce(&mut Config)) -> Server {
    let grant = Arc::new(Grant::open(&file(cloud)).unwrap());
    cloud.server_with(|config| {
        config.grant = Some(grant);
        change(config);
    })
}

fn works(server: &Server) -> Result<(), Cause> {
    match server.list(Kind::Keys) {
        Err(Cause::Absent) => Ok(()),
        listed => listed.map(drop),
    }
}

fn calls(cloud: &Cloud) -> u64 {
    cloud.count(Endpoint::Oauth).calls
}

#[test]
fn a_pasted_refresh_token_is_enough() {
    let cloud = granted(|_| {});
    let pasted = fs::read_to_string(file(&cloud)).unwrap();
    assert_eq!(works(&app(&cloud)), Ok(()));
    let kept = kept(&cloud);
    assert_ne!(kept["refresh_token"].as_str().unwrap(), pasted.trim());
    assert_eq!(
        (&kept["renewing"], &kept["refused"]),
        (&json!(0), &json!(0))
    );
    let mode = fs::metadata(file(&cloud)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(works(&app(&cloud)), Ok(()), "after a restart");
    assert_eq!(cloud.renewals(), (1, 0));
}

/// What no document tells: every way in which the service may answer will do.
#[test]
fn answers_may_vary() {
    let table: [fn(&mut Oauth); 5] = [
        |o| o.enveloped = true,
        |o| o.life_as_text = true,
        |o| o.old_token_lives = true,
        |o| o.plain_errors = true,
        |o| o.echoes = true,
    ];
    for (number, change) in table.iter().enumerate() {
        let cloud = granted(|s| change(&mut s.oauth));
        let server = app(&cloud);
        assert_eq!(works(&server), Ok(()), "{number}");
        cloud.end_access_tokens();
        assert_eq!(works(&server), Ok(()), "{number}");
        cloud.revoke_grants();
        let secret = kept(&cloud)["refresh_token"].as_str().unwrap().to_owned();
        let log = log_of(|| {
            for _ in 0..5 {
                assert_eq!(works(&server), Err(Cause::Busy), "{number}");
            }
        });
        assert!(!log.concat().contains(&secret), "{number}: {log:?}");
        assert_eq!((calls(&cloud), cloud.renewals()), (3, (2, 0)), "{number}");
        assert_ne!(kept(&cloud)["refused"], json!(0), "{number}");
    }
    let cloud = granted(|s| s.oauth.needs_secret = false);
    let server = app_with(&cloud, |config| config.client_secret = Secret::default());
    assert_eq!(works(&server), Ok(()), "without a secret");
}

/// Eight at once, a new token every other second, and each renewal ends the old one at once, even
/// for uploads whose body is on its way: nobody notices, and no refresh token is used twice.
#[test]
fn renewals_disturb_nobody() {
    let cloud = granted(|s| {
        s.oauth.life_told = ms(2000);
        s.oauth.late_check = true;
        s.latency = ms(5);
    });
    let server = app(&cloud).memory(0, None);
    let end = Instant::now() + Duration::from_secs(60);
    std::thread::scope(|scope| {
        for worker in 0..8_u32 {
            let (cloud, server) = (&cloud, &server);
            scope.spawn(move || {
                for number in 0_u32.. {
                    let pack = [worker.to_le_bytes(), number.to_le_bytes()]
                        .concat()
                        .repeat(200_000);
                    server.save(Kind::Data, &pack).unwrap();
                    works(server).unwrap();
                    assert!(
                        Instant::now() < end,
                        "too few renewals: {:?}",
                        cloud.renewals()
                    );
                    if cloud.renewals().0 >= 4 {
                        return;
                    }
                }
            });
        }
    });
    assert_eq!(cloud.renewals().1, 0, "no refresh token came twice");
    assert_eq!(cloud.count(Endpoint::Single).errors, 0);
}

/// Without a place for the next refresh token, none is asked for; the old token serves as long as
/// it lives.
#[test]
fn a_file_that_cannot_be_written_ends_nothing() {
    let cloud = granted(|_| {});
    works(&app(&cloud)).unwrap();
    let mut old = kept(&cloud);
    let now = old["issued"].as_u64().unwrap();
    (old["issued"], old["expires"]) = ((now - 5000).into(), (now + 400).into());
    fs::write(file(&cloud), old.to_string()).unwrap();
    let server = app(&cloud);
    seal(cloud.folder(), 0o500);
    let log = log_of(|| assert_eq!(works(&server), Ok(()), "the old one lives"));
    let told = |line: &String| line.contains("can't be written") && line.contains("make room");
    assert!(log.iter().any(told), "{log:?}");
    cloud.end_access_tokens();
    assert_eq!(works(&server), Err(Cause::Busy));
    assert_eq!(calls(&cloud), 1, "the first");
    assert!(Grant::open(&file(&cloud)).is_ok_and(|grant| !grant.is_ours()));
    drop(server);
    let refused = Grant::open(&file(&cloud)).err().unwrap();
    assert!(
        refused.contains("can't write the OAuth token file"),
        "{refused}"
    );
    seal(cloud.folder(), 0o700);
    assert_eq!(works(&app(&cloud)), Ok(()));
    assert_eq!(cloud.renewals(), (2, 0));
}

/// Lets a folder's owner write there or not. Root may write anything, but only as the owner.
fn seal(folder: &Path, mode: u32) {
    const NOBODY: Option<u32> = Some(65_534);
    if rustix::process::geteuid().is_root() {
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files.for_each(|file| chown(file, NOBODY, NOBODY).unwrap());
        chown(folder, NOBODY, NOBODY).unwrap();
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

/// A new refresh token that can't be written isn't lost, and the access token with it isn't used.
#[test]
fn nothing_is_used_before_it_is_on_disk() {
    let cloud = granted(|_| {});
    let server = app(&cloud);
    cloud.fail_next(Endpoint::Oauth, 1, When::After, How::Hang(ms(500)));
    let path = file(&cloud);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("the exchange", || cloud.renewals().0 == 1);
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
        });
        assert_eq!(works(&server), Err(Cause::Busy));
    });
    assert_eq!(cloud.count(Endpoint::List).calls, 0);
    fs::remove_dir(&path).unwrap();
    eventually("the file is written", || works(&server).is_ok());
    assert_eq!((calls(&cloud), cloud.renewals()), (1, (1, 0)));
    assert_eq!(works(&app_after(&cloud, server)), Ok(()), "from the file");
}

/// A server after this one has ended.
fn app_after(cloud: &Cloud, server: Server) -> Server {
    drop(server);
    app(cloud)
}

/// A refused refresh token isn't sent again, not even by the next process; a new login is taken up
/// without a restart.
#[test]
fn a_refusal_is_final_until_somebody_logs_in() {
    let cloud = granted(|_| {});
    cloud.revoke_grants();
    let server = app(&cloud);
    let log = log_of(|| assert_eq!(works(&server), Err(Cause::Busy)));
    let told = |line: &String| line.starts_with("ERROR") && line.contains("refuses the refresh");
    assert!(log.iter().any(told), "{log:?}");
    assert!(
        log.iter().any(|line| line.contains("restic-123pan login")),
        "{log:?}"
    );
    let server = app_after(&cloud, server);
    for _ in 0..5 {
        assert_eq!(works(&server), Err(Cause::Busy));
    }
    assert_eq!(calls(&cloud), 1);
    log_in(&cloud);
    eventually("the new login", || works(&server).is_ok());
    assert_eq!(cloud.renewals(), (1, 0));
}

/// A login beside a running server wins, also over a renewal that is under way.
#[test]
fn a_new_login_wins() {
    let cloud = granted(|_| {});
    let server = app(&cloud);
    cloud.fail_next(Endpoint::Oauth, 1, When::After, How::Hang(ms(500)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("the exchange", || cloud.renewals().0 == 1);
            log_in(&cloud);
        });
        assert_eq!(works(&server), Err(Cause::Busy));
    });
    eventually("the new login", || works(&server).is_ok());
    assert_eq!(cloud.renewals(), (2, 0));
}

/// When the answer to a renewal is lost, it is asked once more; what comes of it is told plainly.
#[test]
fn a_lost_answer_is_told() {
    for (when, how) in [
        (When::Before, How::Reset),
        (When::Before, How::Html(502)),
        (When::Before, How::Code(1, "内部错误".to_owned())),
        (When::After, How::Reset),
        (When::After, How::BadJson),
        (When::After, How::Fields(json!({"refresh_token": ""}))),
        (
            When::After,
            How::Fields(json!({"access_token": "two\nlines"})),
        ),
    ] {
        let cloud = granted(|_| {});
        cloud.fail_next(Endpoint::Oauth, 1, when, how.clone());
        let server = app(&cloud);
        assert_eq!(works(&server), Err(Cause::Busy), "{how:?}");
        assert_ne!(kept(&cloud)["renewing"], json!(0), "{how:?}");
        let server = app_after(&cloud, server);
        let log = log_of(|| assert_eq!(works(&server).is_ok(), when == When::Before));
        let told = |line: &String| line.contains("renewal that was under way at 20");
        match when {
            When::Before => assert_eq!(works(&server), Ok(()), "{how:?}"),
            When::After => assert!(log.iter().any(told), "{how:?}: {log:?}"),
        }
        assert_eq!(calls(&cloud), 2, "{how:?}");
    }
}

/// Where nothing can have happened, no doubt is noted, and a cloud that can't be reached costs no
/// write.
#[test]
fn certain_failures_leave_no_doubt() {
    let cloud = granted(|s| s.blocked = true);
    let server = app(&cloud);
    let before = fs::read_to_string(file(&cloud)).unwrap();
    assert_eq!(works(&server), Err(Cause::Busy));
    assert_eq!(fs::read_to_string(file(&cloud)).unwrap(), before);
    assert_eq!(calls(&cloud), 0);
}

/// Commands beside a running server use its token and never renew it.
#[test]
fn who_does_not_hold_the_file_never_renews() {
    let cloud = granted(|_| {});
    let (server, guest) = (app(&cloud), app(&cloud));
    assert_eq!(works(&guest), Err(Cause::Busy), "no token yet");
    assert_eq!(works(&server), Ok(()));
    let guest = app_after(&cloud, guest);
    assert_eq!(works(&guest), Ok(()));
    cloud.end_access_tokens();
    assert_eq!(works(&server), Ok(()));
    assert_eq!(works(&guest), Ok(()), "the server's new one");
    cloud.end_access_tokens();
    let log = log_of(|| assert_eq!(works(&guest), Err(Cause::Busy)));
    assert!(
        log.iter()
            .any(|line| line.contains("another process holds")),
        "{log:?}"
    );
    assert_eq!(cloud.renewals(), (2, 0));
}

/// Whatever the endpoints for tokens answer, 401 among them, nothing stands still.
#[test]
fn a_401_instead_of_a_token_is_no_reason_to_renew() {
    for endpoint in [Endpoint::Oauth, Endpoint::Token] {
        let cloud = granted(|_| {});
        cloud.fail_next(endpoint, 100, When::Before, How::Html(401));
        let server = match endpoint {
            Endpoint::Oauth => app(&cloud),
            _ => cloud.server(),
        };
        assert_eq!(works(&server), Err(Cause::Busy), "{endpoint:?}");
        assert_eq!(cloud.count(endpoint).calls, 1, "{endpoint:?}");
    }
}
