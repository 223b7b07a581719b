//! The server is killed at each call that it makes, before and after its effect. What it has
//! acknowledged is there, what it hasn't is whole or absent, and the next server goes on.

use super::process::Process;
use super::rig::BASE;
use crate::cases::try_all;
use crate::cloud::rig::id;
use crate::fake::When;
use crate::tree::random;
use restic_123pan::restic::Kind;
use std::collections::BTreeMap;

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
    let fails = |Step(method, path, body): &Step| {
        let status = process.ask(method, path, body);
        status.is_none_or(|status| status >= 300)
    };
    steps.iter().position(fails).unwrap_or(steps.len())
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
        let there = process.cloud.file(path).map(|file| file.bytes());
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
        && let Some(file) = process.cloud.file(&path)
    {
        assert_eq!(file.bytes(), *body, "{path} is there, but not whole");
    }
}

#[test]
fn a_server_that_is_killed_at_each_call() {
    let steps = steps();
    let process = Process::start(&["--bin", "purge"]);
    process.cloud.reset_counters();
    assert_eq!(work(&process, &steps), steps.len());
    let calls = process.cloud.trail().len();
    drop(process);
    assert!(calls > 25, "only {calls} calls");
    let cases = (0..calls).flat_map(|n| [(n, When::Before), (n, When::After)]);
    let name = |(n, when): &(usize, When)| format!("killed at call {n}, {when:?}");
    try_all("KILLS", 4, cases, name, |(n, when)| {
        kill_at(*n, *when, &steps);
        Ok(())
    });
}

fn kill_at(n: usize, when: When, steps: &[Step]) {
    let process = Process::start(&["--bin", "purge"]);
    process.cloud.hold(u32::try_from(n).unwrap(), when);
    let done = process.kill_when(|| process.cloud.holds(), || work(&process, steps));
    process.cloud.release();
    check(&process, steps, done);
    process.restart();
    // The client repeats what it wasn't answered.
    assert_eq!(
        work(&process, &steps[done..]),
        steps.len() - done,
        "after call {n}"
    );
    check(&process, steps, steps.len());
    let complaints = process.cloud.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
