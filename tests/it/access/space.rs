//! Space: what can't fit is refused before anything of it goes to the emulated cloud.

use super::{Guarded, authorization, cheap, id, with_roles};
use crate::account::{config, shared};
use crate::fake::{Endpoint, Fake};
use crate::waiting::eventually;
use restic_123pan::cloud::Shared;
use restic_123pan::pan123::{Bin, Config, Pan123, Timing};
use restic_123pan::store::Store;
use std::time::Duration;

const MIB: usize = 1 << 20;

/// An account with so many free MiB, and a store over it that knows them.
fn account(free: u64) -> (Fake, Pan123) {
    account_with(free, |_| {})
}

/// The same with a store that is configured otherwise.
fn account_with(free: u64, change: impl FnOnce(&mut Config)) -> (Fake, Pan123) {
    let fake = Fake::start();
    fake.set_space(1 << 40, (1 << 40) - (free << 20));
    let timing = Timing {
        purge: Duration::from_millis(10),
        ..Timing::default()
    };
    let mut config = Config {
        allow_http_upload: true,
        shared: Shared {
            rate_share: 1.0,
            ipv6: false,
            ..shared(timing)
        },
        ..config(&fake)
    };
    change(&mut config);
    let store = Pan123::new(&config);
    eventually("the space is known", || store.free_space().is_some());
    (fake, store)
}

/// Uploads that have reached the cloud.
fn uploads(fake: &Fake) -> u64 {
    fake.count(Endpoint::Single).calls
}

/// Sends a new file of a kind with so many MiB.
fn post(server: &Guarded, user: &str, folder: &str, (mib, seed): (usize, u8)) -> u16 {
    let content = vec![seed; mib * MIB];
    let path = format!("{folder}/{}", id(&content));
    server.ask(user, "POST", &path, &content).status
}

#[test]
fn the_reserve_is_for_those_who_make_room() {
    let (fake, store) = account(9);
    let users = [cheap("laptop"), cheap("nightly")].concat();
    let roles = with_roles("laptop / append\nnightly / write\n");
    let server = Guarded::over(store, 6 << 20, &users, roles);
    assert_eq!(post(&server, "laptop", "/data", (4, 1)), 507);
    assert_eq!(post(&server, "laptop", "/index", (4, 1)), 507);
    assert_eq!(uploads(&fake), 0, "nothing of it went to the cloud");
    assert_eq!(post(&server, "laptop", "/data", (2, 2)), 200);
    assert_eq!(
        post(&server, "laptop", "/data", (2, 3)),
        507,
        "what was stored counts"
    );
    assert_eq!(post(&server, "laptop", "/locks", (1, 4)), 200);
    assert_eq!(post(&server, "nightly", "/data", (4, 5)), 200);
    assert_eq!(post(&server, "nightly", "/data", (4, 6)), 507);
}

#[test]
fn without_roles_the_reserve_keeps_packs_out() {
    let (fake, store) = account(9);
    let server = Guarded::over(store, 6 << 20, "", |_, _| {});
    assert_eq!(post(&server, "", "/data", (4, 1)), 507);
    assert_eq!(uploads(&fake), 0, "nothing of it went to the cloud");
    assert_eq!(post(&server, "", "/index", (4, 1)), 200);
    let (_fake, store) = account(9);
    let server = Guarded::over(store, 0, "", |_, _| {});
    assert_eq!(post(&server, "", "/data", (4, 1)), 200);
    assert_eq!(
        post(&server, "", "/data", (6, 1)),
        507,
        "less than that is free"
    );
}

/// rustic sends packs so.
#[test]
fn bodies_without_a_length_count_too() {
    let (fake, store) = account(3);
    let server = Guarded::over(store, 0, "", |_, _| {});
    assert_eq!(post_chunked(&server, "", "/data", (4, 7)), 507);
    assert_eq!(uploads(&fake), 0);
}

/// An account that is full no more: whoever made room, and however lately, 123pan is asked once
/// more before anything is refused.
#[test]
fn what_was_freed_can_be_filled_at_once() {
    let one_minute = |config: &mut Config| config.shared.timing.glance = Duration::from_secs(60);
    for (bin, bin_counts, limit) in [
        // In the bin it takes up no space.
        (Bin::Keep, false, ""),
        // It does until it is purged, which would come some seconds later.
        (Bin::Purge, true, ""),
        // A user's limit.
        (Bin::Keep, false, " limit=8M"),
    ] {
        println!("{bin:?} {bin_counts} {limit}");
        let free = if limit.is_empty() { 9 } else { 1 << 10 };
        let (fake, store) = account_with(free, |config| {
            one_minute(config);
            config.shared.bin = bin;
            config.shared.timing.purge = Duration::from_secs(2);
        });
        fake.set(|s| s.bin_counts = bin_counts);
        let roles = format!("laptop /home admin{limit}\n");
        let server = Guarded::over(store, 0, &cheap("laptop"), with_roles(&roles));
        assert_eq!(post(&server, "laptop", "/home/data", (4, 1)), 200);
        assert_eq!(post(&server, "laptop", "/home/data", (4, 2)), 200);
        assert_eq!(post(&server, "laptop", "/home/data", (4, 3)), 507);
        let gone = format!("/home/data/{}", id(&vec![1; 4 * MIB]));
        assert_eq!(server.ask("laptop", "DELETE", &gone, b"").status, 200);
        assert_eq!(post(&server, "laptop", "/home/data", (4, 3)), 200);
        assert_eq!(post(&server, "laptop", "/home/data", (4, 4)), 507);
        assert_eq!(uploads(&fake), 3);
    }
}

/// By hand, or by another program.
#[test]
fn what_others_freed_counts() {
    let (fake, store) = account_with(3, |config| config.shared.timing.glance = Duration::ZERO);
    let server = Guarded::over(store, 0, "", |_, _| {});
    assert_eq!(post(&server, "", "/data", (4, 1)), 507);
    fake.set_space(1 << 40, 0);
    assert_eq!(post(&server, "", "/data", (4, 1)), 200);
}

/// The oldest in the bin goes before its time, but no sooner than the reserve is short.
#[test]
fn the_reserve_is_made_good_before_a_pack_is_refused() {
    let (fake, store) = account_with(9, |config| {
        config.shared.bin = Bin::Days(7);
        config.shared.reserve = 6 << 20;
        config.shared.timing.purge = Duration::from_secs(2);
    });
    let server = Guarded::over(store, 0, "", |_, _| {});
    assert_eq!(post(&server, "", "/data", (4, 1)), 200);
    let gone = format!("/data/{}", id(&vec![1; 4 * MIB]));
    assert_eq!(server.ask("", "DELETE", &gone, b"").status, 200);
    assert_eq!(post(&server, "", "/data", (8, 2)), 200);
    assert_eq!(fake.bin().len(), 0);
}

/// Also if it comes a second time, when there is no more room.
#[test]
fn limits_count_for_bodies_without_a_length() {
    let (fake, store) = account(1 << 20);
    let users = cheap("laptop");
    let roles = with_roles("laptop /home append limit=5M\n");
    let server = Guarded::over(store, 0, &users, roles);
    let post = |size| post_chunked(&server, "laptop", "/home/data", size);
    assert_eq!(post((6, 1)), 507);
    assert_eq!((post((3, 2)), uploads(&fake)), (200, 1));
    assert_eq!((post((3, 3)), uploads(&fake)), (507, 1));
    assert_eq!((post((3, 2)), uploads(&fake)), (200, 1), "it is there");
}

/// Sends a file as [`post`] does, but without a length.
fn post_chunked(server: &Guarded, user: &str, folder: &str, (mib, seed): (usize, u8)) -> u16 {
    let content = vec![seed; mib * MIB];
    let (path, headers) = (
        format!("{folder}/{}", id(&content)),
        authorization(user, "secret"),
    );
    let mut wire = server.open();
    let te = "Transfer-Encoding: chunked";
    wire.send(format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{te}\r\n\r\n"
    ));
    wire.send(format!("{:x}\r\n", content.len()));
    wire.send(&content).send("\r\n0\r\n\r\n");
    wire.answer(false).status
}

#[test]
fn limits_of_users() {
    let (fake, store) = account(1 << 20);
    fake.plant_sized("/restic/home/old/data/00/file", 3 << 20);
    let users = [cheap("laptop"), cheap("other")].concat();
    let roles = with_roles("laptop /home append limit=6M\nother / write\n");
    let server = Guarded::over(store, 0, &users, roles);
    assert_eq!(post(&server, "laptop", "/home/new/data", (4, 1)), 507);
    assert_eq!(uploads(&fake), 0, "nothing of it went to the cloud");
    assert_eq!(post(&server, "laptop", "/home/new/data", (2, 2)), 200);
    assert_eq!(post(&server, "other", "/home/new/data", (1, 3)), 200);
    assert_eq!(post(&server, "laptop", "/home/new/data", (1, 4)), 507);
    assert_eq!(
        fake.count(Endpoint::Detail).calls,
        1,
        "asked once, then counted"
    );
    assert_eq!(
        post(&server, "other", "/home/new/data", (4, 5)),
        200,
        "who has no limit"
    );
}

/// A client whose answer was lost sends again what has taken the room.
#[test]
fn what_is_there_already_needs_no_room() {
    let (fake, store) = account(9);
    let users = [cheap("laptop"), cheap("tight")].concat();
    let roles = with_roles("laptop / admin\ntight /home admin limit=3M\n");
    let server = Guarded::over(store, 0, &users, roles);
    for (user, folder, mib) in [
        ("tight", "/home/data", 2),
        ("laptop", "/index", 1),
        ("laptop", "/data", 4),
    ] {
        assert_eq!(post(&server, user, folder, (mib, 1)), 200, "{folder}");
    }
    let (sent, lists) = (uploads(&fake), fake.count(Endpoint::List).calls);
    // 2 MiB are free, of which the limit leaves 1 to its user.
    assert_eq!(post(&server, "laptop", "/data", (4, 1)), 200);
    assert_eq!(post(&server, "laptop", "/data", (4, 2)), 507, "another");
    assert_eq!(post(&server, "tight", "/home/data", (2, 1)), 200);
    assert_eq!(post(&server, "tight", "/home/data", (2, 2)), 507, "another");
    let lists = fake.count(Endpoint::List).calls - lists;
    assert!(lists <= 8, "{lists} lists for four questions");
    assert_eq!(uploads(&fake), sent, "nothing went to the cloud");
    // Full without our knowing it: the cloud says so.
    fake.set_space(1 << 40, 1 << 40);
    assert_eq!(post(&server, "laptop", "/index", (1, 1)), 200);
    assert_eq!(post(&server, "laptop", "/index", (1, 2)), 507, "another");
}

/// What another connection is sending counts as if it were there.
#[test]
fn uploads_in_flight_count_against_a_limit() {
    let (_fake, store) = account(1 << 20);
    let users = [cheap("laptop"), cheap("other")].concat();
    let roles = with_roles("laptop /home append limit=6M\nother / write\n");
    let server = Guarded::over(store, 0, &users, roles);
    let content = vec![1; 4 * MIB];
    let (path, length) = (format!("/home/a/data/{}", id(&content)), content.len());
    let headers = authorization("other", "secret");
    let mut wire = server.open();
    wire.send(format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n"
    ));
    wire.send(&content[..MIB]);
    eventually("bytes are read, when the body has been counted", || {
        let status = server.ask("other", "GET", "/-/status", b"").text();
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status["transfers"][0]["done"].as_u64() > Some(0)
    });
    assert_eq!(post(&server, "laptop", "/home/b/data", (4, 2)), 507);
    assert_eq!(post(&server, "laptop", "/home/b/data", (1, 3)), 200);
    wire.send(&content[MIB..]);
    assert_eq!(wire.answer(false).status, 200);
    assert_eq!(post(&server, "laptop", "/home/b/data", (2, 4)), 507);
    assert_eq!(post(&server, "laptop", "/home/b/data", (1, 5)), 200);
}
