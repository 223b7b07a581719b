//! What is told and when, on a clock that the tests move.

use super::super::Repository;
use super::*;
use crate::store::{Account, Health, Trouble};
use std::fs;
use std::sync::mpsc::{Receiver, channel};

/// A repository that is stale or not, at a cloud that can be used or not.
fn seen(now: u64, stale: bool, up: bool) -> Snapshot {
    let repo = Repository {
        name: "/a".to_owned(),
        last_snapshot: Some(1),
        snapshot_every: Some(HOUR),
        stale,
        ..Repository::default()
    };
    let cloud = Health {
        cloud: "some cloud",
        reachable: Some(up),
        ..Health::default()
    };
    Snapshot {
        now,
        repositories: vec![repo],
        cloud,
        ..Snapshot::default()
    }
}

fn sink(works: bool) -> (Notify, Receiver<String>) {
    let (out, sent) = channel();
    let notify = move |text: &str| {
        let told: Value = serde_json::from_str(text).unwrap();
        out.send(told["event"].as_str().unwrap().to_owned())
            .unwrap();
        if works { Ok(()) } else { Err("no".to_owned()) }
    };
    (Box::new(notify), sent)
}

fn all(sent: &Receiver<String>) -> String {
    sent.try_iter().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_is_told_once_and_again_after_a_day() {
    let (notify, sent) = sink(true);
    let mut state = State::default();
    for (minute, stale, expected) in [
        (0, false, ""),
        (1, true, "stale"),
        (2, true, ""),
        (3, false, "recovered"),
        (4, false, ""),
        (5, true, ""), // within an hour
        (61, true, "stale"),
        (62, false, ""), // the same
        (63, false, "recovered"),
        (64, true, ""),
        (121, true, "stale"),
        (1000, true, ""),
        (1561, true, "stale"),
    ] {
        state.tell(&seen(DAY + minute * 60, stale, true), Some(&notify));
        assert_eq!(all(&sent), expected, "after {minute} minutes");
    }
}

#[test]
fn what_could_not_be_sent_is_sent_later() {
    let mut state = State::default();
    let (fails, sent) = sink(false);
    state.tell(&seen(DAY, true, true), Some(&fails));
    state.tell(&seen(DAY + 60, false, true), Some(&fails));
    assert_eq!(all(&sent), "stale recovered");
    let (works, sent) = sink(true);
    state.tell(&seen(DAY + 120, false, true), Some(&works));
    assert_eq!(all(&sent), "recovered");
}

#[test]
fn clouds_have_an_hour() {
    let (notify, sent) = sink(true);
    let mut state = State::default();
    for (minute, up, expected) in [
        (0, false, ""),
        (59, false, ""),
        (60, true, ""),
        (61, false, ""),
        (121, false, "cloud_down"),
        (122, false, ""),
    ] {
        state.tell(&seen(DAY + minute * 60, false, up), Some(&notify));
        assert_eq!(all(&sent), expected, "after {minute} minutes");
    }
}

#[test]
fn full_accounts_and_refused_credentials_are_told_of() {
    let (notify, sent) = sink(true);
    let mut bad = seen(DAY, false, true);
    bad.cloud.account = Some(Account {
        used: 95,
        total: 100,
        ..Account::default()
    });
    bad.cloud.troubles = vec![Trouble {
        refused: true,
        ..Trouble::default()
    }];
    State::default().tell(&bad, Some(&notify));
    assert_eq!(all(&sent), "token_refused nearly_full");
    bad.cloud.troubles[0].over = true;
    for (used, total) in [(94, 100), (94, 0)] {
        let account = bad.cloud.account.as_mut().unwrap();
        (account.used, account.total) = (used, total);
        State::default().tell(&bad, Some(&notify));
        assert_eq!(all(&sent), "");
    }
}

#[test]
fn what_was_told_outlives_a_restart() {
    let (notify, sent) = sink(true);
    let path = std::env::temp_dir().join(format!("told-{}", std::process::id()));
    for (minute, stale, expected) in [
        (0, true, "stale"),
        (61, true, ""), // it still stands
        (62, false, "recovered"),
        (63, true, "stale"),
        (64, false, ""), // within an hour
        (122, false, "recovered"),
    ] {
        let mut state: State = read(&path);
        state.tell(&seen(DAY + minute * 60, stale, true), Some(&notify));
        assert!(write(&path, &state));
        assert_eq!(all(&sent), expected, "after {minute} minutes");
    }
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_clock_that_was_ahead_silences_nothing() {
    let (notify, sent) = sink(true);
    let mut state = State::default();
    state.tell(&seen(99 * DAY, true, true), Some(&notify));
    state.tell(&seen(DAY, true, true), Some(&notify));
    assert_eq!(all(&sent), "stale");
    state.tell(&seen(2 * DAY, true, true), Some(&notify));
    assert_eq!(all(&sent), "stale");
}
