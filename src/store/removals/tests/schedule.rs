//! When what is sent, by a clock that the tests turn.

use super::super::notes::{Entry, Next};
use super::*;

/// Notes with the usual times, and the moment at which they begin.
fn start() -> (Notes, Instant) {
    (Notes::new(100, Timing::default()), Instant::now())
}

fn add(notes: &mut Notes, number: u32, spared: bool, now: Instant) {
    notes.add(&repo(), id(&number.to_be_bytes()), spared, now);
}

/// What is sent at a moment.
fn sent(notes: &mut Notes, now: Instant) -> Vec<Entry> {
    match notes.next(now) {
        Next::Send(batch) => batch,
        next => {
            assert!(matches!(next, Next::Wait(_)), "{next:?}");
            Vec::new()
        }
    }
}

fn waits_until(notes: &mut Notes, now: Instant) -> Option<Instant> {
    match notes.next(now) {
        Next::Wait(until) => until,
        next => {
            assert!(!matches!(next, Next::Send(_)), "{next:?}");
            None
        }
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_second_after_the_last_one() {
    let (mut notes, now) = start();
    assert_eq!(waits_until(&mut notes, now), None);
    add(&mut notes, 1, false, now);
    assert_eq!(waits_until(&mut notes, now), Some(now + ms(1000)));
    add(&mut notes, 2, false, now + ms(900));
    assert_eq!(
        waits_until(&mut notes, now + ms(1899)),
        Some(now + ms(1900))
    );
    assert_eq!(sent(&mut notes, now + ms(1900)).len(), 2);
    assert_eq!(waits_until(&mut notes, now + ms(9000)), None);
}

#[test]
fn not_for_ever_while_others_come() {
    let (mut notes, now) = start();
    let each = (0..).map(|n| (n, now + n * ms(900)));
    for (number, at) in each {
        add(&mut notes, number, false, at);
        let batch = sent(&mut notes, at);
        if !batch.is_empty() {
            assert!(at <= now + ms(5900) && batch.len() == number as usize + 1);
            return;
        }
    }
}

#[test]
fn at_once_when_a_call_is_full() {
    let (mut notes, now) = start();
    (0..250).for_each(|number| add(&mut notes, number, false, now));
    let batches = [(); 3].map(|()| sent(&mut notes, now).len());
    assert_eq!(batches, [100, 100, 0]);
    assert_eq!(sent(&mut notes, now + ms(1000)).len(), 50);
    assert_eq!(notes.len(), 250, "none has gone yet");
}

#[test]
fn what_is_spared_waits_two_minutes_or_for_its_lock() {
    let (mut notes, now) = start();
    add(&mut notes, 1, true, now);
    add(&mut notes, 2, false, now);
    assert_eq!(sent(&mut notes, now + ms(1000)).len(), 1);
    assert_eq!(
        waits_until(&mut notes, now + ms(1000)),
        Some(now + ms(120_000))
    );
    add(&mut notes, 3, true, now);
    notes.hurry(|entry| entry.id == id(&1u32.to_be_bytes()));
    assert_eq!(sent(&mut notes, now + ms(1000)).len(), 1);
    notes.hurry(|entry| entry.repo != repo());
    assert_eq!(sent(&mut notes, now + ms(1000)).len(), 0);
    notes.hurry(|entry| entry.repo == repo());
    assert_eq!(sent(&mut notes, now + ms(1000)).len(), 1);
}

/// Pauses grow from one to 32 seconds, and after two minutes it fails for good.
#[test]
fn failures_have_growing_pauses_and_an_end() {
    let (mut notes, start) = start();
    add(&mut notes, 1, false, start);
    let mut now = start + ms(1000);
    let mut pauses = Vec::new();
    loop {
        let entry = sent(&mut notes, now).pop().unwrap();
        if !notes.retry(entry, true, now) {
            break;
        }
        // A lock's DELETE doesn't make it any faster.
        notes.hurry(|entry| entry.repo == repo());
        let until = waits_until(&mut notes, now).unwrap();
        pauses.push((until - now).as_secs());
        now = until;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 32, 32]);
    assert_eq!(notes.failed, 1);
}
