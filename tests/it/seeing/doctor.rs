//! `restic-123pan doctor` over the emulator: all is well, and many setups that are broken, each
//! with the sentence that says what to do.

use super::finish;
use crate::fake::{Endpoint, Fake, How, Switches, When};
use crate::tidy::speech::in_english;
use crate::tree::TempDir;
use std::process::Command;
use std::time::Duration;

/// A setup: what is done to the emulator, and options and variables that differ.
#[derive(Clone, Default)]
struct Setup<'a> {
    options: &'a [&'a str],
    secret: Option<&'a str>,
    locale: &'a str,
    proxy: Option<&'a str>,
}

/// What the doctor says, and its exit code.
fn doctor(cloud: &Fake, setup: &Setup<'_>) -> (String, i32) {
    let dir = TempDir::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    command
        .arg("doctor")
        .env_clear()
        .env("PAN123_API_URL", cloud.url());
    command
        .env("PAN123_STATE_DIR", dir.path())
        .env("PAN123_TIER", "vip");
    command.env("PAN123_CLIENT_ID", cloud.client_id());
    command.env("LANG", setup.locale);
    command.env(
        "PAN123_CLIENT_SECRET",
        setup.secret.unwrap_or(cloud.client_secret()),
    );
    let proxy = setup.proxy.map(|proxy| ("HTTPS_PROXY", proxy));
    let output = finish(command.args(setup.options).envs(proxy));
    let text = [output.stdout, output.stderr].concat();
    (
        String::from_utf8(text).unwrap(),
        output.status.code().unwrap(),
    )
}

#[test]
fn a_good_setup_is_all_green_and_nothing_is_left() {
    let cloud = Fake::start();
    let (text, code) = doctor(&cloud, &Setup::default());
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.matches('✓').count(), 15, "{text}");
    assert!(
        !text.contains('✗') && text.contains("All is well"),
        "{text}"
    );
    assert_eq!(cloud.complaints(), [""; 0]);
    assert_eq!(cloud.count(Endpoint::Delete).calls, 1, "{text}");
}

/// A broken setup: it must fail, at this step, with these words of advice.
fn check(step: &str, advice: &str, setup: &Setup<'_>, breaks: impl FnOnce(&Fake)) {
    let cloud = Fake::start();
    breaks(&cloud);
    let (text, code) = doctor(&cloud, setup);
    assert_eq!(code, 1, "{text}");
    let failed = text
        .lines()
        .position(|line| line.starts_with(&format!("✗ {step}")));
    let failed = failed.unwrap_or_else(|| panic!("{step} didn't fail:\n{text}"));
    let said = text.lines().nth(failed + 1).unwrap_or("");
    assert!(
        said.contains(advice),
        "{advice:?} is not the advice:\n{text}"
    );
    assert!(!text.contains(cloud.client_secret()) || cloud.client_secret() == "demo");
    let locale = "zh_CN.UTF-8";
    let (text, code) = doctor(
        &cloud,
        &Setup {
            locale,
            ..setup.clone()
        },
    );
    assert_eq!((code, in_english(&text)), (1, vec![]), "{text}");
}

/// A setup in which a switch is set.
fn switched(step: &str, advice: &str, change: impl FnOnce(&mut Switches)) {
    check(step, advice, &Setup::default(), |cloud| cloud.set(change));
}

/// A setup in which every call to an endpoint fails.
fn failing(step: &str, advice: &str, endpoint: Endpoint, code: i64, message: &str) {
    let how = How::Code(code, message.to_owned());
    check(step, advice, &Setup::default(), |cloud| {
        cloud.fail_next(endpoint, 1000, When::Before, how);
    });
}

#[test]
fn a_wrong_secret() {
    let setup = Setup {
        secret: Some("wrong"),
        ..Setup::default()
    };
    check(
        "credentials",
        "check PAN123_CLIENT_ID and PAN123_CLIENT_SECRET",
        &setup,
        |_| {},
    );
}

#[test]
fn nobody_listens() {
    let options = &["--api-url", "http://127.0.0.1:1"];
    let setup = Setup {
        options,
        ..Setup::default()
    };
    check("connection", "check this machine's network", &setup, |_| {});
}

#[test]
fn no_such_name() {
    let options = &["--api-url", "https://restic-123pan.invalid"];
    let setup = Setup {
        options,
        ..Setup::default()
    };
    check("DNS", "check this machine's DNS servers", &setup, |_| {});
}

/// It is the proxy that looks up names, so that its own failure is the first one.
#[test]
fn a_proxy_that_is_not_there() {
    let setup = Setup {
        options: &["--api-url", "https://restic-123pan.invalid"],
        proxy: Some("http://user:hidden@127.0.0.1:1"),
        ..Setup::default()
    };
    check("connection", "check this machine's network", &setup, |_| {});
    let (text, _) = doctor(&Fake::start(), &setup);
    assert!(
        text.contains("the proxy 127.0.0.1:1 finds restic-123pan.invalid"),
        "{text}"
    );
    assert!(!text.contains("hidden"), "{text}");
}

#[test]
fn the_benefit_has_ended() {
    let advice = "renew the developer benefit";
    switched("developer benefit", advice, |switches| {
        switches.front.benefit_ended = true
    });
}

#[test]
fn the_account_is_full() {
    let setup = Setup::default();
    check("space", "free some space", &setup, |cloud| {
        cloud.set_space(1 << 30, 1 << 30)
    });
}

#[test]
fn the_clock_is_wrong() {
    for skew in [3600, -3600] {
        switched("clock", "set this machine's clock", |switches| {
            switches.front.date_skew = skew
        });
    }
}

#[test]
fn the_address_is_blocked() {
    switched("connection", "nothing but waiting helps", |switches| {
        switches.blocked = true
    });
}

#[test]
fn the_account_may_not_write() {
    let setup = Setup::default();
    check("folder", "lower --uploads", &setup, |cloud| {
        cloud.ban(Duration::from_secs(600))
    });
}

#[test]
fn the_traffic_is_used_up() {
    let setup = Setup::default();
    check("download", "wait until it is renewed", &setup, |cloud| {
        cloud.set_traffic(Some(0))
    });
}

#[test]
fn others_use_up_the_rate() {
    failing(
        "account",
        "lower --rate-share",
        Endpoint::UserInfo,
        429,
        "请求太频繁",
    );
}

#[test]
fn others_push_the_token_out() {
    let message = "tokens number has exceeded the limit";
    failing(
        "account",
        "same client id",
        Endpoint::UserInfo,
        401,
        message,
    );
}

#[test]
fn the_bin_can_not_be_emptied() {
    switched("purge", "empty the account's recycle bin by hand", |s| {
        s.delete_missing = true
    });
}

#[test]
fn a_state_directory_that_can_not_be() {
    let cloud = Fake::start();
    let options = &["--state-dir", "/dev/null/state"];
    let (text, code) = doctor(
        &cloud,
        &Setup {
            options,
            ..Setup::default()
        },
    );
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("/dev/null/state") && text.contains("--state-dir"),
        "{text}"
    );
}

#[test]
fn no_credentials() {
    let cloud = Fake::start();
    let (text, code) = doctor(
        &cloud,
        &Setup {
            secret: Some(""),
            ..Setup::default()
        },
    );
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("PAN123_CLIENT_SECRET is missing"), "{text}");
}
