//! What guessing costs, by a clock that tests set.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn peer(last: u8) -> Peer {
    IpAddr::from([192, 0, 2, last])
}

/// A guess of an address at a user that is no other guess.
fn guess(peer: Peer, user: u64) -> Guess {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut mark = [0; 32];
    mark[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Guess {
        peer,
        user,
        mark,
        known: false,
    }
}

#[test]
fn pauses_grow_up_to_a_bound_and_are_forgotten() {
    let slow = Slow::new(SECOND);
    let mut now = Instant::now();
    let mut pauses = Vec::new();
    for user in 0..10 {
        let attempt = slow
            .begin(guess(peer(1), user), now)
            .expect("one at a time");
        pauses.push(attempt.failed(now).as_secs());
        now += SECOND * 20;
    }
    assert_eq!(pauses, [0, 0, 0, 1, 2, 4, 8, 16, 16, 16]);
    now += MEMORY;
    let attempt = slow.begin(guess(peer(1), 0), now).expect("one at a time");
    assert_eq!(attempt.failed(now), Duration::ZERO);
}

#[test]
fn few_guesses_at_once_for_those_who_failed_alone() {
    let slow = Slow::new(SECOND);
    let now = Instant::now();
    let failed = |user| {
        let attempt = slow.begin(guess(peer(1), user), now);
        attempt.map(|attempt| attempt.failed(now))
    };
    let given = (0..20).filter_map(failed).count();
    assert_eq!(given, FREE + ATTEMPTS, "the rest isn't even tried");
    assert!(slow.begin(guess(peer(2), 9), now).is_some(), "others are");
    let later = now + SECOND * 20;
    assert!(
        slow.begin(guess(peer(1), 9), later).is_some(),
        "later again"
    );
}

/// Before any of them has been found to be wrong.
#[test]
fn guesses_count_when_they_begin() {
    let (slow, now) = (Slow::new(SECOND), Instant::now());
    let begin = |user| slow.begin(guess(peer(1), user), now);
    let begun: Vec<_> = (0..20).filter_map(begin).collect();
    assert_eq!(begun.len(), ATTEMPTS);
    begun[0].succeeded(now);
    assert!(begin(20).is_some(), "one was right, and is taken back");
    drop(begun);
    let again: Vec<_> = (0..20).filter_map(begin).collect();
    assert_eq!(again.len(), ATTEMPTS, "nobody learned of the others");
    drop(again);
    assert!(lock(&slow.counts).addresses.is_empty() && lock(&slow.counts).users.is_empty());
}

#[test]
fn one_guess_on_many_connections_counts_once() {
    let (slow, now) = (Slow::new(SECOND), Instant::now());
    let same = guess(peer(1), 1);
    let all: Vec<_> = (0..2 * SAME)
        .filter_map(|_| slow.begin(same, now))
        .collect();
    assert_eq!(all.len(), SAME);
    assert_eq!(all[0].decided(), None);
    for attempt in &all {
        assert_eq!(attempt.failed(now), Duration::ZERO);
        assert_eq!(attempt.decided(), Some(Err(Duration::ZERO)));
    }
    assert_eq!(lock(&slow.counts).addresses[&peer(1)].failures, 1);
}

#[test]
fn a_user_is_guessed_at_from_many_addresses_in_vain() {
    let (slow, now) = (Slow::new(SECOND), Instant::now());
    let failed = |last| {
        let attempt = slow.begin(guess(peer(last), 1), now);
        attempt.map(|attempt| attempt.failed(now))
    };
    let pauses: Vec<_> = (0..50).filter_map(failed).collect();
    assert_eq!(pauses.len(), FREE + USER_ATTEMPTS);
    assert_eq!(pauses.last(), Some(&(SECOND * 16)));
    let known = Guess {
        known: true,
        ..guess(peer(99), 1)
    };
    assert!(slow.begin(known, now).is_some(), "where he is known");
    assert!(slow.begin(guess(peer(99), 2), now).is_some(), "others");
}

#[test]
fn memory_is_bounded() {
    let slow = Slow::new(SECOND);
    let start = Instant::now();
    for number in 0..3000_u32 {
        let now = start + Duration::from_millis(number.into());
        let peer = IpAddr::from(number.to_be_bytes());
        let attempt = slow.begin(guess(peer, number.into()), now);
        attempt.expect("a new address").failed(now);
    }
    let sizes = |counts: &Counts| (counts.addresses.len(), counts.users.len());
    assert_eq!(sizes(&lock(&slow.counts)), (MOST, MOST));
    drop(slow.begin(guess(peer(1), 3000), start + MEMORY * 2));
    assert_eq!(sizes(&lock(&slow.counts)), (0, 0), "what is forgotten");
}

#[test]
fn networks_of_ipv6_count_as_one() {
    let parse = |text: &str| text.parse::<IpAddr>().expect("an address");
    let one = neighbourhood(parse("2001:db8:1:2::3"));
    assert_eq!(one, neighbourhood(parse("2001:db8:1:2:ffff::4")));
    assert_ne!(one, neighbourhood(parse("2001:db8:1:3::3")));
    assert_eq!(neighbourhood(parse("::ffff:192.0.2.1")), peer(1));
}
