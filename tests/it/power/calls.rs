//! A kill at each call of an operation to the cloud, before its effect and after it. The steps
//! aren't listed: the n-th call is stopped, for n from 0 until the operation ends without a kill.

use super::machine::{Machine, ask, name};
use crate::fake::When;
use std::fs::{self, File};
use std::thread;
use std::time::{Duration, SystemTime};

/// Fewest kills, so that a test that stops nothing fails.
const FEWEST: u32 = 1;

/// An operation that is killed.
struct Operation {
    /// What comes before, without a kill; the number tells the rounds apart.
    before: fn(&mut Machine, u32),
    /// The requests, which are made at the same time: method, path, body.
    requests: fn(u32) -> Vec<Request>,
    /// What must be so after the next start.
    after: fn(&mut Machine, u32),
}

struct Request(&'static str, String, Vec<u8>);

/// Runs each operation with a kill at each of its calls, before its effect and after it.
fn kill_at_each_call(operations: &[Operation]) {
    thread::scope(|scope| {
        for operation in operations {
            for when in [When::Before, When::After] {
                scope.spawn(move || kill_at_calls(operation, when));
            }
        }
    });
}

fn kill_at_calls(operation: &Operation, when: When) {
    let Some(mut machine) = Machine::new(&["--bin", "purge"]) else {
        return;
    };
    machine.start();
    let mut kills = 0;
    for (round, skip) in (1..).zip(0..) {
        (operation.before)(&mut machine, round);
        machine.cloud.hold(skip, when);
        let is_killed = run(&mut machine, (operation.requests)(round));
        machine.cloud.release();
        if !is_killed {
            break;
        }
        kills += 1;
        machine.start();
        check_state(&machine);
        (operation.after)(&mut machine, round);
    }
    machine.wait_for("the bin to be purged", |m| m.cloud.bin().is_empty());
    println!("{kills} kills, {when:?}");
    assert!(kills >= FEWEST, "{kills} kills");
}

/// Makes the requests; whether the server was killed before all of them were answered.
fn run(machine: &mut Machine, requests: Vec<Request>) -> bool {
    let port = machine.port().unwrap();
    let clients: Vec<_> = requests
        .into_iter()
        .map(|Request(method, path, body)| thread::spawn(move || ask(port, method, &path, &body)))
        .collect();
    machine.wait_for("an answer or the call", |machine| {
        machine.cloud.holds() || clients.iter().all(|client| client.is_finished())
    });
    let is_killed = machine.cloud.holds();
    if is_killed {
        machine.kill();
    }
    machine.cloud.release();
    for client in clients {
        let answer = client.join().unwrap();
        let fine = is_killed || matches!(answer, Some((200, _)));
        assert!(fine, "{answer:?}\n{}", machine.log());
    }
    is_killed
}

/// Nothing on disk is half, nothing is left over, and the server has nothing to say about it.
fn check_state(machine: &Machine) {
    for file in machine.state_files() {
        if file.extension().is_some_and(|end| end == "json") {
            let text = fs::read(&file).unwrap();
            let whole = serde_json::from_slice::<serde_json::Value>(&text);
            assert!(whole.is_ok(), "{}", file.display());
        }
    }
    let alone = ["ledger", "probe"].len();
    let most = ["token", "bin"].len() * ["itself", "lock", "new"].len() + alone;
    let files = machine.state_files();
    assert!(files.len() <= most, "{files:?}");
    for word in ["WARN", "ERROR"] {
        assert_eq!(machine.lines(word), [""; 0]);
    }
}

fn bytes(round: u32) -> Vec<u8> {
    format!("the bytes of round {round}").into_bytes()
}

fn pack(round: u32) -> String {
    format!("/r/data/{}", name(&bytes(round)))
}

/// The name is absent or whole; sent again, it is there once.
fn check_saved(machine: &mut Machine, path: &str, folder: &str, round: u32) {
    let (name, whole) = (name(&bytes(round)), bytes(round));
    let place = format!("/restic-backup{folder}/{name}");
    let there = machine.cloud.file(&place);
    let answer = machine.get(path).unwrap();
    match &there {
        Some(file) => {
            assert_eq!(file.bytes(), whole);
            assert_eq!(answer, (200, whole.clone()));
        }
        None => assert_eq!(answer.0, 404, "{}", machine.log()),
    }
    assert_eq!(machine.ask("POST", path, &whole), Some(200));
    assert_eq!(machine.cloud.file(&place).unwrap().bytes(), whole);
    let mut living = machine.cloud.living(&format!("/restic-backup{folder}"));
    living.retain(|other| other.starts_with(&name));
    assert_eq!(living, [name]);
    assert_eq!(machine.cloud.calls().tokens, 1);
}

/// The POST of round `n` in a folder of the repository.
fn post(kind: &str, n: u32) -> Vec<Request> {
    let path = format!("/r/{kind}/{}", name(&bytes(n)));
    vec![Request("POST", path, bytes(n))]
}

fn made(machine: &mut Machine, round: u32) {
    if round == 1 {
        assert_eq!(machine.ask("POST", "/r/?create=true", b""), Some(200));
    }
}

#[test]
fn the_first_save_in_a_repository() {
    let operation = Operation {
        before: |machine, n| {
            if n == 1 {
                // Kills of the renewal of a token are another test's.
                assert_eq!(machine.ask("GET", "/none/config", b""), Some(404));
            }
        },
        requests: |n| {
            let path = format!("/r{n}/keys/{}", name(&bytes(n)));
            vec![Request("POST", path, bytes(n))]
        },
        after: |machine, n| {
            let path = format!("/r{n}/keys/{}", name(&bytes(n)));
            check_saved(machine, &path, &format!("/r{n}/keys"), n);
        },
    };
    kill_at_each_call(&[operation]);
}

#[test]
fn saves() {
    let operations: [Operation; 3] = [
        Operation {
            before: made,
            requests: |n| post("data", n),
            after: |machine, n| {
                let shard = format!("/r/data/{}", &name(&bytes(n))[..1]);
                check_saved(machine, &pack(n), &shard, n);
            },
        },
        Operation {
            before: made,
            requests: |n| post("locks", n),
            after: |machine, n| {
                let path = format!("/r/locks/{}", name(&bytes(n)));
                check_saved(machine, &path, "/r/locks", n);
            },
        },
        Operation {
            before: |machine, n| {
                made(machine, n);
                // So that there is something to be confirmed.
                let pack = format!("a pack of round {n}").into_bytes();
                let path = format!("/r/data/{}", name(&pack));
                assert_eq!(machine.ask("POST", &path, &pack), Some(200));
            },
            requests: |n| post("index", n),
            after: |machine, n| {
                let path = format!("/r/index/{}", name(&bytes(n)));
                check_saved(machine, &path, "/r/index", n);
            },
        },
    ];
    kill_at_each_call(&operations);
}

/// Round `n` removes these.
fn several(n: u32) -> Vec<u32> {
    (0..5).map(|part| 100 * n + part).collect()
}

/// A pack that stays in round `n`.
fn kept(n: u32) -> u32 {
    100 * n + 99
}

fn lock(n: u32) -> String {
    format!("/r/locks/{}", name(&lock_bytes(n)))
}

fn lock_bytes(n: u32) -> Vec<u8> {
    format!("the lock of round {n}").into_bytes()
}

/// Stores packs and a lock, and has the packs removed, but for one, by a server that hasn't just
/// stored them. The cloud doesn't know of it yet.
fn removed(machine: &mut Machine, n: u32) {
    made(machine, n);
    for n in several(n).into_iter().chain([kept(n)]) {
        assert_eq!(machine.ask("POST", &pack(n), &bytes(n)), Some(200));
    }
    assert_eq!(machine.ask("POST", &lock(n), &lock_bytes(n)), Some(200));
    machine.restart();
    assert_eq!(machine.ask("GET", "/r/data/", b""), Some(200));
    for n in several(n) {
        assert_eq!(machine.ask("DELETE", &pack(n), b""), Some(200));
    }
}

fn has_pack(machine: &Machine, n: u32) -> bool {
    let name = name(&bytes(n));
    let place = format!("/restic-backup/r/data/{}/{name}", &name[..1]);
    machine.cloud.file(&place).is_some()
}

/// What was removed isn't missed, is gone or whole, goes when it is asked for again, and the bin is
/// purged of it in the end.
fn check_removed(machine: &mut Machine, numbers: &[u32]) {
    let index = format!("an index after {numbers:?}").into_bytes();
    let path = format!("/r/index/{}", name(&index));
    assert_eq!(
        machine.ask("POST", &path, &index),
        Some(200),
        "{}",
        machine.log()
    );
    for n in numbers {
        let (status, body) = machine.get(&pack(*n)).unwrap();
        let fine = status == 404 || (status, body) == (200, bytes(*n));
        assert!(fine, "{}", machine.log());
        assert_eq!(machine.ask("DELETE", &pack(*n), b""), Some(200));
        assert_eq!(machine.ask("GET", &pack(*n), b""), Some(404));
    }
    assert_eq!(machine.unlock(), Some(200));
    assert!(!numbers.iter().any(|n| has_pack(machine, *n)));
    assert_eq!(machine.cloud.calls().tokens, 1);
}

#[test]
fn removals() {
    let operations = [
        Operation {
            before: |machine, n| {
                made(machine, n);
                assert_eq!(machine.ask("POST", &pack(n), &bytes(n)), Some(200));
                // One that knows nothing yet must find it first.
                machine.restart();
            },
            requests: |n| vec![Request("DELETE", pack(n), Vec::new())],
            after: |machine, n| check_removed(machine, &[n]),
        },
        // Acknowledged, but not gone yet: that happens before the lock goes, unless a kill comes
        // first. Then the next one removes them.
        Operation {
            before: removed,
            requests: |n| vec![Request("DELETE", lock(n), Vec::new())],
            after: |machine, n| {
                let left: Vec<u32> = several(n)
                    .into_iter()
                    .filter(|n| has_pack(machine, *n))
                    .collect();
                assert_eq!(machine.ask("DELETE", &lock(n), b""), Some(200));
                for n in left {
                    assert!(has_pack(machine, n), "nobody has removed it since");
                }
                assert!(has_pack(machine, kept(n)), "nothing else goes");
                check_removed(machine, &several(n));
            },
        },
        // One of them is taken back.
        Operation {
            before: removed,
            requests: |n| vec![Request("POST", pack(100 * n), bytes(100 * n))],
            after: |machine, n| {
                let back = 100 * n;
                assert_eq!(machine.ask("POST", &pack(back), &bytes(back)), Some(200));
                assert_eq!(machine.ask("DELETE", &lock(n), b""), Some(200));
                machine.restart();
                assert_eq!(machine.get(&pack(back)), Some((200, bytes(back))));
                check_removed(machine, &several(n));
            },
        },
    ];
    kill_at_each_call(&operations);
}

/// A purge begins seconds after a removal, in the background.
#[test]
fn purges() {
    thread::scope(|scope| {
        for when in [When::Before, When::After] {
            scope.spawn(move || kill_purges(when));
        }
    });
}

fn kill_purges(when: When) {
    let Some(mut machine) = Machine::new(&["--bin", "purge"]) else {
        return;
    };
    machine.start();
    made(&mut machine, 1);
    let mut kills = 0;
    for (round, skip) in (1..).zip(0..) {
        assert_eq!(machine.ask("POST", &pack(round), &bytes(round)), Some(200));
        assert_eq!(machine.ask("DELETE", &pack(round), b""), Some(200));
        assert_eq!(machine.unlock(), Some(200));
        machine.cloud.hold(skip, when);
        machine.wait_for("a call or the end", |m| {
            m.cloud.holds() || m.cloud.bin().is_empty()
        });
        // The answer to the purge is stopped a moment after the bin is empty.
        thread::sleep(Duration::from_millis(200));
        let is_killed = machine.cloud.holds();
        machine.kill();
        machine.cloud.release();
        machine.start();
        check_state(&machine);
        machine.wait_for("the purge to go on", |m| m.cloud.bin().is_empty());
        if !is_killed {
            break;
        }
        kills += 1;
    }
    println!("{kills} kills, {when:?}");
    assert!(kills >= FEWEST, "{kills} kills");
    assert_eq!(machine.cloud.calls().tokens, 1);
}

/// A kill while a token is renewed: whoever has asked for one waits a minute, also after a start,
/// because it may have been given; then there is one token more.
#[test]
fn renewals_of_the_token() {
    let Some(mut machine) = Machine::new(&[]) else {
        return;
    };
    machine.start();
    made(&mut machine, 1);
    let mut kills = 0;
    for when in [When::Before, When::After] {
        for skip in 0.. {
            machine.kill();
            let file = machine.state_file("token-", ".json").unwrap();
            let text = fs::read_to_string(&file).unwrap();
            let mut token: serde_json::Value = serde_json::from_str(&text).unwrap();
            (token["issued"], token["expires"]) = (1000.into(), 2000.into());
            fs::write(&file, token.to_string()).unwrap();
            machine.start();
            machine.cloud.reset_counters();
            machine.cloud.hold(skip, when);
            let list = Request("GET", "/r/keys/".to_owned(), Vec::new());
            if !run(&mut machine, vec![list]) {
                assert_eq!(machine.cloud.calls().tokens, 1);
                break;
            }
            kills += 1;
            let given = machine.cloud.calls().tokens;
            for _ in 0..3 {
                machine.restart();
                check_state(&machine);
                let status = machine.ask("GET", "/r/keys/", b"");
                let is_kept = given == 1 && status == Some(200);
                assert!(is_kept || status == Some(503), "{status:?}, {given} tokens");
                assert_eq!(machine.cloud.calls().tokens, given, "none is burned");
            }
            pass_a_minute(&machine);
            machine.restart();
            assert_eq!(machine.ask("GET", "/r/keys/", b""), Some(200));
            assert!(machine.cloud.calls().tokens <= given + 1);
        }
    }
    println!("{kills} kills");
    assert!(kills >= 2 * FEWEST, "{kills} kills");
}

/// Puts the time at which a token was asked for a minute back.
fn pass_a_minute(machine: &Machine) {
    let lock = machine.state_file("token-", ".lock").unwrap();
    let file = File::options().write(true).open(lock).unwrap();
    let before = SystemTime::now() - Duration::from_secs(61);
    file.set_modified(before).unwrap();
}
