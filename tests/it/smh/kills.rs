//! The server is killed at each call that it makes, before and after its effect. What it has
//! acknowledged is there, what it hasn't is whole or absent, and the next server goes on.

use super::process::Process;
use super::rig::BASE;
use crate::cloud::rig::id;
use crate::fake::When;
use crate::tree::random;
use crate::wire::Wire;
use restic_123pan::restic::Kind;
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

/// Longest until a call stands or the work is done.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request, with its body.
#[derive(Clone)]
struct Step(&'static str, String, Vec<u8>);

/// What a client does in a repository's life.
fn steps() -> Vec<Step> {
    let file = |kind: Kind, bytes: &[u8]| {
        let path = format!("/host/{}/{}", kind.name(), id(bytes));
        Step("POST", path, bytes.to_vec())
    };
    let gone = |kind: Kind, bytes: &[u8]| Step("DELETE", file(kind, bytes).1, Vec::new());
    vec![
        Step("POST", "/host/?create=true".to_owned(), Vec::new()),
        Step("POST", "/host/config".to_owned(), random(1, 155)),
        file(Kind::Keys, b"a key"),
        file(Kind::Locks, b"a lock"),
        file(Kind::Data, &random(2, 40_000)),
        file(Kind::Index, b"an index"),
        file(Kind::Snapshots, b"a snapshot"),
        gone(Kind::Data, &random(2, 40_000)),
        gone(Kind::Locks, b"a lock"),
    ]
}

/// Makes the requests one after the other; how many of them were answered well.
fn work(process: &Process, steps: &[Step]) -> usize {
    let address = ([127, 0, 0, 1], process.port()).into();
    for (n, Step(method, path, body)) in steps.iter().enumerate() {
        let Ok(mut wire) = Wire::try_open(address, PATIENCE) else {
            return n;
        };
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wire.ask(method, path, "Connection: close\r\n", body).status
        }));
        if !asked.is_ok_and(|status| status < 300) {
            return n;
        }
    }
    steps.len()
}

/// What must be in the space when so many steps are done; those that have begun may be as well.
fn check(process: &Process, steps: &[Step], done: usize) {
    let name = |path: &str| match path.split('/').collect::<Vec<_>>()[..] {
        ["", repo, "data", name] => format!("{BASE}/{repo}/data/{}/{name}", &name[..1]),
        _ => format!("{BASE}{path}"),
    };
    let mut expected: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
    for Step(method, path, body) in steps[..done].iter().filter(|s| !s.1.contains('?')) {
        let body = (*method == "POST").then(|| body.clone());
        expected.insert(name(path), body);
    }
    let open = steps
        .get(done)
        .map(|Step(_, path, body)| (name(path), body));
    for (path, body) in &expected {
        let there = process.library.file(path).map(|file| file.bytes());
        let may_go = open.as_ref().is_some_and(|(open, _)| open == path);
        // A pack's DELETE is acknowledged before it is carried out; what a kill prevents, the next
        // prune does.
        let may_stay = body.is_none() && path.contains("/data/");
        assert!(
            there == *body || (may_go && there.is_none()) || may_stay,
            "{path} after {done}"
        );
    }
    if let Some((path, body)) = open
        && !body.is_empty()
        && let Some(file) = process.library.file(&path)
    {
        assert_eq!(file.bytes(), *body, "{path} is there, but not whole");
    }
}

#[test]
fn a_server_that_is_killed_at_each_call() {
    let steps = steps();
    let process = Process::start(&["--bin", "purge"]);
    process.library.reset_counters();
    assert_eq!(work(&process, &steps), steps.len());
    let calls = process.library.trail().len();
    drop(process);
    assert!(calls > 25, "only {calls} calls");
    let cases = (0..calls).flat_map(|n| [(n, When::Before), (n, When::After)]);
    let cases = std::sync::Mutex::new(cases);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let case = cases.lock().unwrap().next();
                    let Some((n, when)) = case else { return };
                    kill_at(n, when, &steps);
                }
            });
        }
    });
    println!("{} kills", calls * 2);
}

fn kill_at(n: usize, when: When, steps: &[Step]) {
    println!("--- killed at call {n}, {when:?}");
    let process = Process::start(&["--bin", "purge"]);
    process.library.hold(u32::try_from(n).unwrap(), when);
    let done = thread::scope(|scope| {
        let server = &process;
        let pid = server.pid();
        let working = scope.spawn(move || work(server, steps));
        let end = Instant::now() + PATIENCE;
        while !process.library.holds() && !working.is_finished() {
            assert!(Instant::now() < end, "call {n} never came");
            thread::sleep(Duration::from_millis(2));
        }
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        working.join().unwrap()
    });
    process.library.release();
    process.kill();
    check(&process, steps, done);
    process.restart();
    // The client repeats what it wasn't answered.
    assert_eq!(
        work(&process, &steps[done..]),
        steps.len() - done,
        "after call {n}"
    );
    check(&process, steps, steps.len());
    let complaints = process.library.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
