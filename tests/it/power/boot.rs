//! The minutes after a machine is switched on: no route, no names, a clock in 1970. The server
//! listens at once, says what is missing once, and works as soon as it can, without a restart.

use super::machine::Machine;
use std::thread;

/// What the system says of a route that isn't there, and of a port where nobody listens.
const UNREACHABLE: u64 = 101;
const REFUSED: u64 = 111;
/// Lines about a trouble that may come within two minutes: one a minute.
const LINES: usize = 2;

/// Starts a machine on which something is missing, and brings that.
fn boots(machine: &mut Machine, missing: &str) {
    machine.start();
    assert_eq!(machine.ask("GET", "/-/healthz", b""), Some(200));
    assert_eq!(machine.ask("POST", "/r/?create=true", b""), Some(503));
    assert_eq!(machine.ask("GET", "/r/config", b""), Some(503));
    let said = machine.lines("check this machine's network, DNS and clock");
    assert!((1..=LINES).contains(&said.len()), "{}", machine.log());
    assert!(said[0].contains("WARN"), "{said:?}");
    assert_eq!(machine.cloud.calls().tokens, 0);
    machine.unset(missing);
    machine.wait_for("it to work", |m| {
        m.ask("POST", "/r/?create=true", b"") == Some(200)
    });
    assert_eq!(machine.lines("123pan answers again").len(), 1);
    assert_eq!(machine.cloud.calls().tokens, 1);
}

#[test]
fn no_route() {
    thread::scope(|scope| {
        for fault in [UNREACHABLE, REFUSED] {
            scope.spawn(move || {
                let Some(mut machine) = Machine::new(&[]) else {
                    return;
                };
                machine.set("route", fault);
                boots(&mut machine, "route");
            });
        }
    });
}

#[test]
fn no_names() {
    let Some(mut machine) = Machine::new(&["--no-ipv6"]) else {
        return;
    };
    machine.url = machine.url.replace("127.0.0.1", "localhost");
    machine.set("names", 1);
    boots(&mut machine, "names");
}

/// In 1970 no certificate is valid yet.
#[test]
fn no_time() {
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fake/tls.pem");
    let Some(mut machine) = Machine::new(&["--ca-file", authority]) else {
        return;
    };
    machine.url = machine.url.replace("http://", "https://");
    machine.begin_in_1970();
    boots(&mut machine, "behind");
    // The next boot begins in 1970 again, with a token of today.
    machine.begin_in_1970();
    machine.restart();
    assert_eq!(machine.ask("GET", "/r/keys/", b""), Some(503));
    machine.unset("behind");
    machine.wait_for("it to work", |m| m.ask("GET", "/r/keys/", b"") == Some(200));
    assert_eq!(machine.cloud.calls().tokens, 1);
}

/// Where TLS doesn't mind, a token of 1970 is good today, and one of today is good in 1970.
#[test]
fn tokens_outlast_the_clock() {
    let Some(mut machine) = Machine::new(&[]) else {
        return;
    };
    machine.begin_in_1970();
    machine.start();
    assert_eq!(machine.ask("POST", "/r/?create=true", b""), Some(200));
    machine.unset("behind");
    assert_eq!(machine.ask("GET", "/r/keys/", b""), Some(200));
    for _ in 0..2 {
        machine.restart();
        assert_eq!(machine.ask("GET", "/r/keys/", b""), Some(200));
        machine.begin_in_1970();
        machine.restart();
        assert_eq!(machine.ask("GET", "/r/keys/", b""), Some(200));
        machine.unset("behind");
    }
    assert_eq!(machine.cloud.calls().tokens, 1);
    // The page doesn't take the jump for a long life.
    machine.begin_in_1970();
    machine.restart();
    machine.unset("behind");
    let (_, page) = machine.get("/-/status").unwrap();
    let status: serde_json::Value = serde_json::from_slice(&page).unwrap();
    let time = |name: &str| status[name].as_u64().unwrap();
    assert!(time("now") - time("started") < 24 * 3600, "{status:#}");
}
