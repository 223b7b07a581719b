//! The model test: random histories of several clients, with mishaps of the cloud and a server that
//! is killed and comes back, held against what may be true; in some the cloud lies about success.
//! Each history has a seed; SEED=n runs that one alone, SEEDS=n another number of them,
//! SOAK_MINUTES=n says how long `make soak` lasts.
//!
//! ```text
//! chance ─► plan, weather        what shall happen
//! stage ─► run ─► client         it happens
//! oracle, check                  what may be seen meanwhile, and what must be left
//! shrink                         the same with less
//! ```

mod chance;
mod check;
mod client;
mod oracle;
mod plan;
mod run;
mod shrink;
mod soak;
mod stage;
mod weather;

use plan::Plan;
use run::{Tally, Violation};
use stage::lock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use weather::Climate;
use weather::pan123::PAN123;
use weather::smh::SMH;

/// Histories of an ordinary run: seeds 1 to this.
const HISTORIES: u64 = 200;
/// The same on Tencent SMH, which has fewer ways to behave.
const HISTORIES_OF_SMH: u64 = 60;
/// Histories at once. They mostly wait: for rates, for lags, for pauses.
const AT_ONCE: usize = 64;
/// Lines of the log that are shown of a history that went wrong.
const LOG_LINES: usize = 120;

#[test]
fn histories() {
    happen(&PAN123, HISTORIES);
}

#[test]
fn histories_of_smh() {
    happen(&SMH, HISTORIES_OF_SMH);
}

/// So many histories of a cloud.
fn happen(climate: &'static Climate, count: u64) {
    let seeds = match (number("SEED"), number("SEEDS")) {
        (Some(seed), _) => seed..=seed,
        (None, more) => 1..=more.unwrap_or(count),
    };
    let (next, tally) = (AtomicU64::new(*seeds.start()), Mutex::new(Tally::default()));
    let failed = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while lock(&failed).is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) {
                        return;
                    }
                    match run::run(&Plan::new(climate, seed)) {
                        Ok(one) => lock(&tally).add(one),
                        Err(wrong) => *lock(&failed) = Some(wrong),
                    }
                }
            });
        }
    });
    if let Some(violation) = failed.into_inner().unwrap() {
        fail(violation);
    }
    println!("{:?}", lock(&tally));
}

/// Tells of a history that went wrong, shortened, and fails.
fn fail(violation: Box<Violation>) -> ! {
    let (seed, what, story) = (violation.plan.seed, &violation.what, &violation.story);
    println!("seed {seed} went wrong: {what}\n{story}\nit is made shorter now");
    let Violation {
        plan,
        what,
        story,
        logs,
    } = *shrink::shrink(violation);
    let lines: Vec<&str> = logs.lines().collect();
    let logs = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
    panic!("SEED={seed}: {what}\n\nthe plan: {plan}\nwhat happened:\n{story}\n{logs}");
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
