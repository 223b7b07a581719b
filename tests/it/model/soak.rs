//! The model test for a long time: histories one after the other on new seeds, and a server that
//! lives through many of them, whose memory and descriptors are watched.

use super::plan::Plan;
use super::run::{self, Tally, Violation};
use super::stage::{Stage, lock};
use super::weather::pan123::PAN123;
use super::{fail, number};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long it lasts, unless the environment variable SOAK_MINUTES says otherwise.
const MINUTES: u64 = 30;
/// Histories at once, besides those of the server that lives on.
const AT_ONCE: usize = 24;
/// More descriptors than a server has with all its workers, connections and clients.
const MOST_OPEN: usize = 200;

/// `make soak` runs it; START=n names the first seed.
#[test]
#[ignore = "takes half an hour"]
fn soak() {
    let minutes = number("SOAK_MINUTES").unwrap_or(MINUTES);
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let first = number("START").unwrap_or(clock.unwrap().as_secs() << 20);
    let soak = Soak {
        end: Instant::now() + Duration::from_secs(60 * minutes),
        next: AtomicU64::new(first),
        tally: Mutex::default(),
        failed: Mutex::default(),
        old: Stage::start(&PAN123, &["--rate-share", "1"], 1),
    };
    println!("soak: {minutes} minutes from seed {first}");
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| soak.work());
        }
        scope.spawn(|| soak.live_on());
        soak.watch();
    });
    if let Some(violation) = soak.failed.into_inner().unwrap() {
        fail(violation);
    }
    println!("soak: no violation. {:?}", lock(&soak.tally));
}

struct Soak {
    end: Instant,
    next: AtomicU64,
    tally: Mutex<Tally>,
    failed: Mutex<Option<Box<Violation>>>,
    /// The server that lives on.
    old: Stage,
}

impl Soak {
    fn goes_on(&self) -> bool {
        Instant::now() < self.end && lock(&self.failed).is_none()
    }

    fn seed(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn note(&self, done: Result<Tally, Box<Violation>>) {
        match done {
            Ok(tally) => lock(&self.tally).add(tally),
            Err(wrong) => {
                lock(&self.failed).get_or_insert(wrong);
            }
        }
    }

    /// Histories with servers of their own.
    fn work(&self) {
        while self.goes_on() {
            self.note(run::run(&Plan::new(&PAN123, self.seed())));
        }
    }

    /// Histories on one server, each in a repository of its own.
    fn live_on(&self) {
        while self.goes_on() {
            let seed = self.seed();
            let plan = Plan::new(&PAN123, seed).without_kills();
            self.note(run::run_on(&self.old, &plan, &format!("/soak/{seed}/")));
            let (_, open) = self.old.servers[0].weight();
            assert!(open < MOST_OPEN, "{open} descriptors are open");
        }
    }

    /// Tells every minute how it goes.
    fn watch(&self) {
        let mut told = Instant::now();
        let begun = told;
        while self.goes_on() {
            thread::sleep(Duration::from_millis(200));
            if told.elapsed() >= Duration::from_secs(60) {
                told = Instant::now();
                let (memory, open) = self.old.servers[0].weight();
                let minutes = begun.elapsed().as_secs() / 60;
                let (seed, tally) = (self.next.load(Ordering::Relaxed), *lock(&self.tally));
                println!(
                    "minute {minutes}: seed {seed}, {tally:?}; the server that lives on: \
                     {memory} KiB, {open} descriptors"
                );
            }
        }
    }
}
