//! Hostile and clumsy clients against the server's own binary. While each goes on, an honest
//! client makes a backup; then the server must be as it was. What the attackers do stands in
//! `attacks`; how many connections cost nothing, in `crowds`.

mod attacker;
mod attacks;
mod crowds;
mod honest;
mod process;

use crate::cases::try_all;
use crate::fake::Fake;
use crate::rig::Rig;
use crate::tree::TempDir;
use attacker::Attacker;
use attacks::{CASES, Case};
use honest::Seen;
use process::Process;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Cases at a time: their clients wait more than they compute.
const AT_ONCE: usize = 8;
/// How long the server may take until it is as it was: what broke off within a body is read away for
/// 30 s, and what stands still is borne for 100 s.
const CALM: Duration = Duration::from_secs(150);
/// Threads of a server at rest: the lanes have so many when all were needed.
const THREADS: usize = 56;
/// Descriptors that may be more than before: connections to the cloud are kept.
const MORE_DESCRIPTORS: usize = 24;
/// Megabytes that the process may grow by, whatever comes.
const GROWTH: u64 = 16;
/// How often `init` may be repeated where descriptors run out.
const FEW_INITS: usize = 10;
/// Megabytes for bodies.
const MEMORY: u64 = 4;

#[test]
fn an_honest_client_finishes_whatever_others_do() {
    println!("case | attacker | honest client | RSS in MiB | descriptors | threads");
    let name = |case: &&Case| case.name.to_owned();
    try_all("CASE", AT_ONCE, CASES, name, |case| {
        println!("{}", try_case(case));
        Ok(())
    });
}

/// Runs a case; its line in the table.
fn try_case(case: &Case) -> String {
    let rig = start(case.descriptors);
    let process = Process::of(rig.pid());
    let before = process.look();
    let stop = AtomicBool::new(false);
    let attacker = Attacker {
        target: rig.address(),
        from: case.from,
        stop: &stop,
    };
    let inits = case.descriptors.map_or(1, |_| FEW_INITS);
    let (came, seen, peak) = thread::scope(|scope| {
        let attack = scope.spawn(|| (case.attack)(&attacker));
        let watch = scope.spawn(|| process.most_descriptors(&stop));
        let seen = catch_unwind(AssertUnwindSafe(|| honest::back_up(&rig, inits)));
        stop.store(true, Ordering::SeqCst);
        (attack.join(), seen, watch.join().unwrap())
    });
    let told = || format!("{}\n{}", case.name, rig.log());
    let came = came.unwrap_or_else(|_| panic!("the attack failed: {}", told()));
    let seen = seen.unwrap_or_else(|_| panic!("the honest client failed: {}", told()));
    let after = calm(&rig, &process, &before, case.name);
    let grown = after.peak.saturating_sub(before.memory);
    assert!(grown < GROWTH, "grown by {grown} MiB: {}", told());
    clean(&rig, case);
    line(case, &came, &seen, [before, after], peak)
}

/// A server, maybe with few descriptors.
fn start(descriptors: Option<u32>) -> Rig {
    let memory = format!("{MEMORY}M");
    let options = ["--memory", &memory];
    let Some(count) = descriptors else {
        return Rig::start(&options);
    };
    let dir = TempDir::new();
    let script = dir.path().join("limited");
    let program = env!("CARGO_BIN_EXE_restic-123pan");
    let text = format!("#!/bin/sh\nulimit -n {count}\nexec '{program}' \"$@\"\n");
    // Written by another process: what this one has open for writing, others that it starts have
    // open too, and then it can't be run.
    let mut writer = Command::new("sh");
    writer.args(["-c", "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\""]);
    assert!(writer.arg(&script).arg(text).status().unwrap().success());
    let cloud = Fake::start();
    let url = cloud.url();
    Rig::with(&script, cloud, &url, &options)
}

/// Waits until the server answers, and is as it was.
fn calm(rig: &Rig, process: &Process, before: &process::Look, name: &str) -> process::Look {
    let end = Instant::now() + CALM;
    let answers = honest::answers(rig.address());
    loop {
        let now = process.look();
        let threads = now.threads <= THREADS;
        let descriptors = now.descriptors <= before.descriptors + MORE_DESCRIPTORS;
        if answers && threads && descriptors {
            return now;
        }
        assert!(
            Instant::now() < end,
            "{name}, answers: {answers}, {before:?}, {now:?}\n{}",
            rig.log()
        );
        thread::sleep(Duration::from_millis(100));
    }
}

/// The log has no secrets, and no warnings but those that belong to the case.
fn clean(rig: &Rig, case: &Case) {
    let log = rig.log();
    let cloud = rig.cloud();
    assert!(!log.contains(cloud.client_secret()), "{log}");
    assert!(!log.contains("fake."), "a token shows: {log}");
    rig.assert_clean(case.warnings);
}

fn line(case: &Case, came: &str, seen: &Seen, looks: [process::Look; 2], peak: usize) -> String {
    let [before, after] = looks;
    let mut text = format!("{} from {} | {came} | {seen}", case.name, case.from);
    let _ = write!(
        text,
        " | {}, {}, {}",
        before.memory, after.peak, after.memory
    );
    let _ = write!(
        text,
        " | {}, {peak}, {}",
        before.descriptors, after.descriptors
    );
    let _ = write!(text, " | {}, {}", before.threads, after.threads);
    text
}
