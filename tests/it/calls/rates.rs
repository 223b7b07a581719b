//! Rates: steady work is never refused for them, whatever the service's window looks like, and
//! servers that share an account without knowing of each other get along.
//!
//! The emulator counts when calls arrive, so a machine that stands still for a while bunches them
//! together, which is nobody's fault: such a run proves nothing and is repeated.

use super::{BASE, Client, config, plant};
use crate::fake::{Endpoint, Fake, Options, Shape, Switches};
use restic_123pan::cloud::layout::Layout;
use restic_123pan::pan123::Tier;
use restic_123pan::restic::Kind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Longest that a machine may stand still in milliseconds: 0.95 of a rate leaves 52 to its window.
const STILL: u64 = 20;
/// Runs until one is undisturbed.
const RUNS: u32 = 5;

fn account(tier: crate::fake::Tier, shape: Shape) -> Fake {
    let switches = Switches {
        tier,
        shape,
        ..Switches::default()
    };
    let cloud = Fake::with(Options {
        switches,
        ..Options::default()
    });
    let cloud = cloud.unwrap();
    plant(&cloud, Layout::Sixteen, 0);
    cloud
}

/// Runs something, and answers what it says and for how many milliseconds at most the machine
/// stood still meanwhile.
fn watched<T>(run: impl FnOnce() -> T) -> (T, u64) {
    let (over, longest) = (AtomicBool::new(false), AtomicU64::new(0));
    let beat = || {
        while !over.load(Ordering::Relaxed) {
            let start = Instant::now();
            thread::sleep(Duration::from_millis(2));
            let passed = u64::try_from(start.elapsed().as_millis()).unwrap();
            longest.fetch_max(passed.saturating_sub(2), Ordering::Relaxed);
        }
    };
    let done = thread::scope(|scope| {
        scope.spawn(beat);
        let done = run();
        over.store(true, Ordering::Relaxed);
        done
    });
    (done, longest.into_inner())
}

/// The calls of so many servers at once, each with this share, for some seconds: all made, and
/// those refused.
fn run(cloud: &Fake, tier: Tier, shares: &[f64], calls: usize) -> (u64, u64) {
    cloud.reset_counters();
    thread::scope(|scope| {
        for share in shares {
            let mut config = config(cloud, *share);
            config.tier = Some(tier);
            scope.spawn(move || {
                let client = Client::over(&config);
                for _ in 0..calls {
                    client.list(Kind::Keys);
                }
            });
        }
    });
    let count = cloud.count(Endpoint::List);
    assert_eq!(count.errors, 0);
    (count.calls, count.limited)
}

#[test]
fn steady_work_is_never_refused() {
    use crate::fake::Tier::{B, Free, Oauth, Vip};
    let cases = [
        (Free, Tier::Free, 10),
        (Vip, Tier::Vip, 20),
        (B, Tier::Vip, 20),
        (Oauth, Tier::Oauth, 20),
    ];
    let shapes = [Shape::Sliding, Shape::Fixed, Shape::Bucket];
    let all = cases
        .iter()
        .flat_map(|case| shapes.map(|shape| (case, shape)));
    thread::scope(|scope| {
        for ((theirs, ours, calls), shape) in all {
            for shares in [&[0.95][..], &[0.45, 0.45]] {
                scope.spawn(move || undisturbed(*theirs, shape, *ours, shares, *calls));
            }
        }
    });
}

fn undisturbed(theirs: crate::fake::Tier, shape: Shape, ours: Tier, shares: &[f64], calls: usize) {
    for _ in 0..RUNS {
        let cloud = account(theirs, shape);
        let ((_, limited), still) = watched(|| run(&cloud, ours, shares, calls));
        if limited == 0 {
            return;
        }
        let case = format!("{theirs:?}, {shape:?}, {shares:?}");
        assert!(still > STILL, "{case}: {limited} refused, in {BASE}");
        eprintln!("{case}: repeated, the machine stood still for {still} ms");
    }
}

/// Two servers that both take the whole rate are refused, and then share: nothing fails, and few
/// calls are in vain.
#[test]
fn two_greedy_servers_get_along() {
    let run = |shape| {
        let cloud = account(crate::fake::Tier::Vip, shape);
        let (calls, limited) = run(&cloud, Tier::Vip, &[1.0, 1.0], 30);
        assert!(limited > 0, "{shape:?}: the servers didn't meet");
        assert!(
            limited * 4 <= calls,
            "{shape:?}: {limited} of {calls} refused"
        );
    };
    thread::scope(|scope| {
        for shape in [Shape::Sliding, Shape::Fixed, Shape::Bucket] {
            scope.spawn(move || run(shape));
        }
    });
}
