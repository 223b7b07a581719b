//! Two hosts that lock one repository through two servers at the same time, while the cloud's
//! lists lag behind: at most one of them may believe to be alone.

use super::super::rig::{BASE, Cloud, Server, fast, ms};
use crate::tree;
use restic_123pan::pan123::Timing;
use restic_123pan::restic::Kind;
use std::thread;
use std::time::Duration;

/// How often the race is run; all at once, each in a repository of its own.
const RACES: u64 = 20;
/// How far the lists are behind.
const LAG: Duration = Duration::from_secs(1);
/// Latest that the second lock comes after the first.
const APART: u64 = 50;
/// How long restic waits after its POST before it lists the locks again.
const SECOND_LOOK: Duration = Duration::from_millis(200);

#[test]
fn two_hosts_never_both_get_their_lock() {
    race(false);
}

/// Not even when each makes folders of its own, which the cloud lets stand side by side.
#[test]
fn nor_when_they_are_the_first() {
    race(true);
}

fn race(first_use: bool) {
    let cloud = Cloud::with(|s| {
        s.lag_files = LAG;
        (s.lag_mkdir, s.mkdir_twins) = if first_use {
            (LAG, true)
        } else {
            (ms(0), false)
        };
        // Each of them is a machine with a token of its own.
        (s.tokens_live, s.tokens_allowed, s.tokens_most) = (100, 100, 100);
    });
    // The races share it, and forty servers aren't the first at once.
    cloud.plant_folder(BASE);
    cloud.advance(LAG);
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let won = thread::scope(|scope| {
        let race = |race| {
            let cloud = &cloud;
            scope.spawn(move || run(cloud, race, seed + race, first_use))
        };
        let races: Vec<_> = (0..RACES).map(race).collect();
        let won = races.into_iter().map(|race| race.join().unwrap());
        won.collect::<Vec<usize>>()
    });
    println!("how many got their lock: {won:?}");
    assert!(won.iter().all(|count| *count <= 1), "{won:?}");
}

/// Has two hosts lock a repository; answers how many of them got what they wanted.
fn run(cloud: &Cloud, race: u64, seed: u64, first_use: bool) -> usize {
    let [one, other] = [(), ()].map(|()| {
        let mut server = cloud.server_with(|config| {
            config.shared.timing = Timing {
                visible: ms(60_000),
                overlay: ms(60_000),
                ..fast()
            };
        });
        server.turn_to(&format!("race{race}"));
        server
    });
    if !first_use {
        one.create().unwrap();
    }
    // Both have looked before either leaves its lock: the worst that can happen.
    for server in [&one, &other] {
        assert_eq!(server.list(Kind::Locks).unwrap_or_default(), []);
    }
    let late = u64::from(tree::random(seed, 1)[0]) * APART / 255;
    let got = thread::scope(|scope| {
        let first = scope.spawn(|| gets_its_lock(&one, b"one"));
        let second = scope.spawn(|| {
            thread::sleep(ms(late));
            gets_its_lock(&other, b"other")
        });
        [first.join().unwrap(), second.join().unwrap()]
    });
    if got == [false; 2] {
        assert!(gets_its_lock(&one, b"one again"), "a lock is left");
    }
    got.into_iter().filter(|got| *got).count()
}

/// Locks as restic does when it has found no other's: leaves its own lock, waits, looks again, and
/// gives up if there is another's. One of the two wants the repository for itself, so that either
/// bars the other.
fn gets_its_lock(server: &Server, name: &[u8]) -> bool {
    let own = server.save(Kind::Locks, name).unwrap();
    thread::sleep(SECOND_LOOK);
    let locks = server.list(Kind::Locks).unwrap();
    assert!(locks.contains(&own), "its own is gone");
    let alone = locks == [own];
    if !alone {
        server.remove(Kind::Locks, own).unwrap();
    }
    alone
}
