//! What lies in the bin is purged when its time has come, by clocks that the test sets, or
//! earlier when the account gets full; and what 123pan refuses is lived with.

use super::rig::{Cloud, Server, eventually, log_of, ms, path};
use crate::fake::{Endpoint, How, When};
use crate::tree::random;
use restic_123pan::disk::log::sealed;
use restic_123pan::pan123::{Bin, Clock, Config};
use restic_123pan::restic::{Id, Kind};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A time at which the clock is right: some day in 2026.
pub(super) const NOW: u64 = 1_800_000_000;
/// Much longer than a test takes: what the cloud has told of its time goes on by the machine's.
const HOUR: u64 = 3600;
pub(super) const DAY: u64 = 24 * HOUR;
const SIZE: usize = 100_000;

/// A clock that stands still until it is set.
#[derive(Clone)]
pub(super) struct Hand(Arc<AtomicU64>);

impl Hand {
    pub(super) fn at(time: u64) -> Self {
        Self(Arc::new(AtomicU64::new(time)))
    }

    pub(super) fn set(&self, time: u64) {
        self.0.store(time, Ordering::SeqCst);
    }

    pub(super) fn clock(&self) -> Clock {
        Clock::new(self.read())
    }

    pub(super) fn read(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let hand = Arc::clone(&self.0);
        move || hand.load(Ordering::SeqCst)
    }
}

/// A server that keeps deleted files for a week; its clock and the cloud's agree.
fn weekly(cloud: &Cloud, hand: &Hand, change: impl FnOnce(&mut Config)) -> Server {
    cloud.tell_time_by(hand.read());
    cloud.server_with(|config| {
        config.shared.bin = Bin::Days(7);
        config.shared.timing.clock = hand.clock();
        config.shared.state_dir = Some(cloud.folder().to_owned());
        change(config);
    })
}

/// Saves packs and removes them an hour after the other; answers their numbers.
fn remove_some(cloud: &Cloud, server: &Server, hand: &Hand, count: u64) -> Vec<u64> {
    let remove = |n| {
        hand.set(NOW + n * HOUR);
        let name = server.save(Kind::Data, &random(n, SIZE)).unwrap();
        let number = number(cloud, Kind::Data, name);
        server.remove(Kind::Data, name).unwrap();
        number
    };
    (0..count).map(remove).collect()
}

fn number(cloud: &Cloud, kind: Kind, name: Id) -> u64 {
    cloud.file(&path(kind, name)).unwrap().id
}

/// Which of these still lie in the bin.
fn left(cloud: &Cloud, numbers: &[u64]) -> Vec<u64> {
    let left = cloud.bin().into_iter().map(|file| file.id);
    left.filter(|file| numbers.contains(file)).collect()
}

/// The log of the list.
pub(super) fn log_file(cloud: &Cloud) -> PathBuf {
    let files = fs::read_dir(cloud.folder()).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let is_log = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("bin-") && name.ends_with(".log")
    };
    files.find(is_log).expect("the log of the list")
}

/// The list as it is on disk.
pub(super) fn list(cloud: &Cloud) -> String {
    fs::read_to_string(log_file(cloud)).unwrap()
}

#[test]
fn files_stay_their_days() {
    let cloud = Cloud::start();
    let hand = Hand::at(NOW);
    let server = weekly(&cloud, &hand, |_| {});
    let files = remove_some(&cloud, &server, &hand, 2);
    for wrong in [NOW + 7 * DAY - HOUR, 0, 1000] {
        hand.set(wrong);
        server.hear();
        server.look_around();
        assert_eq!(left(&cloud, &files), files, "at {wrong}");
    }
    // The second one was removed an hour later, and this is a new process.
    drop(server);
    hand.set(NOW + 7 * DAY);
    let server = weekly(&cloud, &hand, |_| {});
    eventually("the first is purged", || left(&cloud, &files) == files[1..]);
    server.look_around();
    assert_eq!(left(&cloud, &files), files[1..]);
    hand.set(NOW + 7 * DAY + HOUR);
    server.hear();
    eventually("the second is purged", || {
        server.hear();
        cloud.bin().is_empty()
    });
}

/// What was deleted before stays for as long as is configured now, longer or shorter.
#[test]
fn another_time_counts_for_what_was_deleted_before() {
    let cloud = Cloud::start();
    let hand = Hand::at(NOW);
    let days = |days| weekly(&cloud, &hand, |config| config.shared.bin = Bin::Days(days));
    let server = days(1);
    let files = remove_some(&cloud, &server, &hand, 2);
    drop(server);
    hand.set(NOW + 3 * DAY);
    for bin in [Bin::Days(30), Bin::Keep] {
        let server = weekly(&cloud, &hand, |config| config.shared.bin = bin);
        server.hear();
        server.look_around();
        assert_eq!(left(&cloud, &files), files, "{bin:?}");
    }
    let _server = days(2);
    eventually("both are purged", || cloud.bin().is_empty());
}

/// A machine without a battery starts in 1970, or with the time of its last shutdown, and gets its
/// time later: ages are counted by the cloud's.
#[test]
fn a_wrong_clock_purges_nothing_early() {
    for wrong in [0, 5000, NOW - 10 * DAY, NOW + 365 * DAY, NOW + 3000 * DAY] {
        let cloud = Cloud::start();
        let (theirs, ours) = (Hand::at(NOW), Hand::at(wrong));
        cloud.tell_time_by(theirs.read());
        let server = weekly(&cloud, &ours, |_| {});
        let pack = server.save(Kind::Data, b"a pack").unwrap();
        let files = [number(&cloud, Kind::Data, pack)];
        server.remove(Kind::Data, pack).unwrap();
        let noted = format!("trashed\t{NOW}\tconfigured\t");
        assert!(list(&cloud).contains(&noted), "{}", list(&cloud));
        for (ours_now, theirs_now) in [(NOW, NOW), (NOW + 7 * DAY - HOUR, NOW + 7 * DAY - HOUR)] {
            ours.set(ours_now);
            theirs.set(theirs_now);
            server.hear();
            server.look_around();
            assert_eq!(left(&cloud, &files), files, "removed at {wrong}");
        }
        theirs.set(NOW + 7 * DAY);
        eventually("purged", || {
            server.hear();
            cloud.bin().is_empty()
        });
    }
}

/// After the machine's clock and the cloud's differed nothing is purged for an hour, whichever of
/// them was wrong and whatever seems to be due.
#[test]
fn nothing_is_purged_soon_after_clocks_differed() {
    for (ours_then, theirs_then) in [
        (NOW - 10 * DAY, NOW),
        (NOW + 365 * DAY, NOW),
        (NOW, NOW - 10 * DAY),
        (NOW, NOW + 365 * DAY),
    ] {
        let cloud = Cloud::start();
        let (theirs, ours) = (Hand::at(NOW), Hand::at(NOW));
        cloud.tell_time_by(theirs.read());
        let change = |config: &mut Config| config.shared.timing.agreed = Duration::from_secs(3600);
        let server = weekly(&cloud, &ours, change);
        ours.set(ours_then);
        theirs.set(theirs_then);
        let said = log_of(|| {
            for kind in [Kind::Data, Kind::Locks] {
                let name = server.save(kind, b"a file").unwrap();
                server.remove(kind, name).unwrap();
            }
        });
        let is_said = |line: &&String| line.contains("set this machine's clock");
        assert_eq!(said.iter().filter(is_said).count(), 1, "{said:#?}");
        // For a moment all is right, and then a month has gone by.
        for now in [NOW, NOW + 30 * DAY] {
            ours.set(now);
            theirs.set(now);
            server.hear();
            server.look_around();
            assert_eq!(cloud.bin().len(), 2, "{ours_then} {theirs_then} {now}");
        }
        // A later process doesn't know of it, and counts from the cloud's time.
        drop(server);
        theirs.set(NOW + DAY);
        ours.set(NOW + DAY);
        let _server = weekly(&cloud, &ours, change);
        eventually("the lock is purged", || {
            cloud.bin().len() == 1 || theirs_then < NOW
        });
    }
}

/// A cloud that doesn't tell its time: what goes at once goes, and nothing else ever does.
#[test]
fn without_the_clouds_time_no_age_is_counted() {
    let cloud = Cloud::with(|s| s.front.dateless = true);
    let hand = Hand::at(NOW);
    let server = weekly(&cloud, &hand, |config| {
        config.shared.timing.space = ms(60_000)
    });
    for kind in [Kind::Data, Kind::Locks] {
        let name = server.save(kind, b"a file").unwrap();
        server.remove(kind, name).unwrap();
    }
    eventually("the lock is purged", || cloud.bin().len() == 1);
    hand.set(NOW + 3000 * DAY);
    server.hear();
    server.look_around();
    assert_eq!(cloud.bin().len(), 1);
    let asked = cloud.count(Endpoint::UserInfo).calls;
    assert!(asked <= 1, "asked {asked} times what time it is");
    // When it tells at last, the days begin.
    cloud.set(|s| s.front.dateless = false);
    server.hear();
    server.look_around();
    assert_eq!(cloud.bin().len(), 1);
    hand.set(NOW + 3007 * DAY);
    eventually("purged", || {
        server.hear();
        cloud.bin().is_empty()
    });
}

/// What was brought back and removed again stays its full time.
#[test]
fn a_second_removal_begins_anew() {
    let cloud = Cloud::start();
    let hand = Hand::at(NOW);
    let server = weekly(&cloud, &hand, |config| config.shared.timing.overlay = ms(1));
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    let files = [number(&cloud, Kind::Data, pack)];
    server.remove(Kind::Data, pack).unwrap();
    cloud.restore_by_hand(files[0]);
    std::thread::sleep(ms(5));
    assert_eq!(server.list(Kind::Data), Ok(vec![pack]));
    hand.set(NOW + 5 * DAY);
    server.remove(Kind::Data, pack).unwrap();
    hand.set(NOW + 8 * DAY);
    server.hear();
    server.look_around();
    assert_eq!(left(&cloud, &files), files);
    hand.set(NOW + 12 * DAY);
    eventually("purged", || {
        server.hear();
        cloud.bin().is_empty()
    });
}

/// A kill loses nothing, and a removal costs a line or two, however long the list is.
#[test]
fn the_list_is_added_to_at_once() {
    let cloud = Cloud::start();
    let hand = Hand::at(NOW);
    let server = weekly(&cloud, &hand, |_| {});
    let mut before = String::new();
    for _ in 0..5 {
        let files = remove_some(&cloud, &server, &hand, 1);
        let now = list(&cloud);
        let added = now.strip_prefix(&before).expect("nothing is written anew");
        let lines: Vec<&str> = added.lines().filter(|line| !line.is_empty()).collect();
        let names = |line: &&str| line.contains(&format!("\t{}\t", files[0]));
        assert!(lines.len() == 2 && lines.iter().all(names), "{lines:?}");
        before = now;
    }
}

/// What is done with goes from the log now and then.
#[test]
fn the_list_stays_short() {
    let cloud = Cloud::start();
    let hand = Hand::at(NOW);
    let server = weekly(&cloud, &hand, |_| {});
    remove_some(&cloud, &server, &hand, 1);
    for n in 0..40 {
        let name = server.save(Kind::Locks, &random(n, 10)).unwrap();
        server.remove(Kind::Locks, name).unwrap();
    }
    // Less than 1 KiB besides twice what stood open at most: the pack, and 40 numbers of locks.
    eventually("it is written anew", || {
        cloud.bin().len() == 1 && list(&cloud).len() < 2300
    });
}

/// What an earlier version has listed, and what it was about to put into the bin, is taken over;
/// only of what went at once or never it is known that it still does.
#[test]
fn an_earlier_list_is_taken_over() {
    let cloud = Cloud::start();
    let hand = Hand::at(NOW);
    let server = weekly(&cloud, &hand, |_| {});
    let [listed, at_once, never, noted, hurried] = remove_some(&cloud, &server, &hand, 5)[..]
    else {
        unreachable!()
    };
    let alive = server.save(Kind::Data, b"not removed").unwrap();
    let alive = number(&cloud, Kind::Data, alive);
    drop(server);
    let log = log_file(&cloud);
    let due = NOW + DAY;
    // Of packs that were to be purged at once it counts what is said now.
    let files = [
        (listed, due, 'd'),
        (at_once, 0, 'l'),
        (never, u64::MAX, 'd'),
        (hurried, 0, 'd'),
    ];
    let files = files.map(|(file, due, kind)| format!(r#"[{file},{due},{NOW},0,"{kind}"]"#));
    let files = files.join(",");
    let json = format!(r#"{{"repos":["a"],"files":[{files}],"past":[]}}"#);
    fs::write(log.with_extension("json"), json).unwrap();
    let journal = sealed(&format!("{NOW}\tdata\tconfigured\t{noted} {alive}\ta"));
    fs::write(log.with_extension("journal"), journal).unwrap();
    let server = weekly(&cloud, &hand, |_| {});
    let is_known = || list(&cloud).contains(&format!("left\t{alive}"));
    eventually("what was under way is known", is_known);
    for end in ["json", "journal"] {
        assert!(!log.with_extension(end).exists(), "{end}");
    }
    hand.set(due);
    eventually("what goes at once is purged", || {
        server.hear();
        left(&cloud, &[at_once]).is_empty()
    });
    server.look_around();
    let stays = [listed, never, noted, hurried];
    assert_eq!(left(&cloud, &stays), stays);
    hand.set(NOW + 7 * DAY);
    eventually("the others are purged", || {
        server.hear();
        cloud.bin().len() == 1
    });
    assert_eq!(left(&cloud, &[never]), [never]);
    assert!(!cloud.by_id(alive).unwrap().trashed);
}

#[test]
fn a_broken_list_is_lived_with() {
    let garbage = ["", "{", "[1, 2]", "{\"repos\": 7}"];
    for (end, garbage) in garbage
        .iter()
        .flat_map(|text| ["log", "json"].map(|end| (end, text)))
    {
        let cloud = Cloud::start();
        let hand = Hand::at(NOW);
        let server = weekly(&cloud, &hand, |_| {});
        remove_some(&cloud, &server, &hand, 1);
        drop(server);
        let log = log_file(&cloud);
        fs::remove_file(&log).unwrap();
        fs::write(log.with_extension(end), garbage).unwrap();
        let server = weekly(&cloud, &hand, |_| {});
        remove_some(&cloud, &server, &hand, 2);
        hand.set(NOW + 8 * DAY);
        server.hear();
        // What stood in the list stays; what came onto it since goes.
        eventually("the new are purged", || {
            server.hear();
            cloud.bin().len() == 1
        });
    }
}

/// The oldest go first, and no more of them than needed.
#[test]
fn a_reserve_of_space_is_kept() {
    let cloud = Cloud::start();
    let hand = Hand::at(NOW);
    let size = SIZE as u64;
    cloud.set_space(100 * size, 0);
    let server = weekly(&cloud, &hand, |config| config.shared.reserve = 10 * size);
    let files = remove_some(&cloud, &server, &hand, 5);
    server.look_around();
    assert_eq!(left(&cloud, &files), files, "there is room");
    // Five in the bin, 3.5 free: 6.5 short is more than there is, 1.5 takes two.
    cloud.set_space(100 * size, 100 * size - 5 * size - size * 17 / 2);
    eventually("two are purged", || left(&cloud, &files) == files[2..]);
    server.look_around();
    assert_eq!(left(&cloud, &files), files[2..]);
    drop(server);
    // With "keep" nothing is ever purged.
    let server = weekly(&cloud, &hand, |config| {
        (config.shared.bin, config.shared.reserve) = (Bin::Keep, 90 * size);
    });
    server.look_around();
    assert_eq!(left(&cloud, &files), files[2..]);
}

/// The account isn't asked about when there is nothing to purge.
#[test]
fn an_empty_bin_costs_no_call() {
    let cloud = Cloud::start();
    let server = weekly(&cloud, &Hand::at(NOW), |config| {
        config.shared.reserve = 1 << 60
    });
    server.save(Kind::Data, b"a pack").unwrap();
    server.look_around();
    assert_eq!(cloud.count(Endpoint::UserInfo).calls, 0);
}

/// Where the bin takes up no space it isn't emptied for nothing.
#[test]
fn no_purge_in_vain() {
    let cloud = Cloud::with(|s| s.bin_counts = false);
    let hand = Hand::at(NOW);
    let server = weekly(&cloud, &hand, |config| config.shared.reserve = 100 << 20);
    let files = remove_some(&cloud, &server, &hand, 6);
    cloud.set_space(1000 << 20, (900 << 20) + 1);
    eventually("some were tried", || left(&cloud, &files).len() == 3);
    server.look_around();
    assert_eq!(left(&cloud, &files), files[3..]);
}

/// A service that refuses every purge is asked a few times, and not any more.
#[test]
fn a_lasting_refusal_is_lived_with() {
    let cloud = Cloud::start();
    let hand = Hand::at(NOW);
    cloud.fail_next(
        Endpoint::Delete,
        1000,
        When::Before,
        How::Code(1, "?".to_owned()),
    );
    let server = weekly(&cloud, &hand, |config| config.shared.bin = Bin::Purge);
    let files = remove_some(&cloud, &server, &hand, 8);
    eventually("asked", || cloud.count(Endpoint::Delete).calls >= 5);
    server.look_around();
    let asked = cloud.count(Endpoint::Delete).calls;
    assert!(asked <= 15, "{asked} calls");
    server.look_around();
    assert_eq!(cloud.count(Endpoint::Delete).calls, asked, "and not again");
    assert_eq!(left(&cloud, &files), files);
    assert_eq!(server.list(Kind::Data), Ok(vec![]));
    // A refusal that ends spoils nothing.
    let cloud = Cloud::start();
    cloud.fail_next(
        Endpoint::Delete,
        3,
        When::Before,
        How::Code(1, "?".to_owned()),
    );
    let server = weekly(&cloud, &hand, |config| config.shared.bin = Bin::Purge);
    remove_some(&cloud, &server, &hand, 8);
    // What was refused is tried again a day later.
    eventually("all purged", || {
        hand.0.fetch_add(DAY, Ordering::SeqCst);
        server.hear();
        cloud.bin().is_empty()
    });
}
