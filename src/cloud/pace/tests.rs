//! Rates by a clock of the test's own, and threads that wait by the real one.

use super::*;

/// A rate of so many calls a second.
fn per_second(calls: f64) -> Rate {
    Rate::new(calls)
}

/// Nothing at all.
fn nothing(act: &mut dyn FnMut()) -> Meanwhile<'_> {
    let every = Duration::MAX;
    Meanwhile { every, act }
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn calls_are_spaced_evenly() {
    let mut rate = per_second(4.0);
    assert_eq!(rate.take(at(1000)), Duration::ZERO);
    assert_eq!(rate.take(at(1000)), at(250));
    assert_eq!(rate.take(at(1200)), at(50));
    assert_eq!(rate.take(at(1250)), Duration::ZERO);
    assert_eq!(
        rate.take(at(5000)),
        Duration::ZERO,
        "unused time is not saved up"
    );
    assert_eq!(rate.take(at(5000)), at(250));
}

#[test]
fn a_refusal_lowers_the_rate_and_it_creeps_back() {
    let mut rate = per_second(10.0);
    assert!(rate.take(at(0)).is_zero());
    assert!(rate.take(at(100)).is_zero());
    rate.refused(at(100), at(120));
    assert_eq!(rate.take(at(120)), at(890), "a refused endpoint pauses");
    for (now, apart) in [(1010, 200), (60_000, 200), (75_120, 133), (150_000, 100)] {
        assert!(rate.take(at(now)).is_zero());
        let wait = rate.take(at(now)).as_millis();
        assert_eq!(wait, apart, "at {now} ms");
    }
}

/// Limits that nobody knows are found by few refusals, whatever second they count in.
#[test]
fn limits_are_found() {
    for (limit, full, most) in [(2, 9.5, 3), (5, 9.5, 1), (9, 9.5, 1), (3, 20.0, 4)] {
        let (mut rate, mut now) = (per_second(full), Duration::ZERO);
        let (mut let_through, mut refused) = (VecDeque::new(), 0);
        while now < at(50_000) {
            let wait = rate.take(now);
            now += wait;
            if !wait.is_zero() {
                continue;
            }
            let recent = let_through.iter().filter(|t| **t + WINDOW > now).count();
            if recent < limit {
                let_through.push_back(now);
            } else {
                refused += 1;
                rate.refused(now, now);
            }
        }
        assert!(refused <= most, "{limit}: {refused} refused");
        let expected = 50 * limit;
        let all = let_through.len();
        assert!(all * 100 >= expected * 97, "{limit}: {all} let through");
    }
}

#[test]
fn many_refusals_leave_a_little() {
    let mut rate = per_second(32.0);
    for second in 0..20 {
        rate.refused(at(1000 * second), at(1000 * second));
    }
    assert!(rate.take(at(30_000)).is_zero());
    assert!(rate.take(at(30_000)) <= at(1000));
}

#[test]
fn small_shares_are_rounded_down() {
    for (per_second, part, expected) in [
        (5.0, 0.95, 4.75),
        (5.0, 0.45, 1.96),
        (10.0, 0.45, 3.92),
        (1.0, 0.45, 0.45),
        (1.0, 1.0, 1.0),
    ] {
        assert!(
            (share(per_second, part) - expected).abs() < 1e-9,
            "{per_second} {part}"
        );
    }
}

#[test]
fn small_files_go_first() {
    let pacer = Pacer::new(&[2.0]);
    let order = Mutex::new(Vec::new());
    let (pacer, seen) = (&pacer, &order);
    assert!(
        pacer
            .wait(0, Priority::Packs, at(0), &mut nothing(&mut || ()))
            .is_some()
    );
    std::thread::scope(|scope| {
        for priority in [Priority::Background, Priority::Packs, Priority::Small] {
            scope.spawn(move || {
                assert!(
                    pacer
                        .wait(0, priority, at(5000), &mut nothing(&mut || ()))
                        .is_some()
                );
                seen.lock().unwrap().push(priority);
            });
            // All of them are waiting before the first may go.
            std::thread::sleep(at(5));
        }
    });
    let order = order.into_inner().unwrap();
    assert_eq!(
        order,
        [Priority::Small, Priority::Packs, Priority::Background]
    );
}

#[test]
fn one_turn_in_four_is_for_who_has_waited_longest() {
    let mut queue = Queue {
        rate: per_second(1.0),
        count: 0,
        gone: 1,
        waiting: BTreeSet::from([(Priority::Background, 0), (Priority::Packs, 1)]),
    };
    let mut order = Vec::new();
    for count in 2..10 {
        queue.waiting.insert((Priority::Small, count));
        queue.waiting.insert((Priority::Packs, count + 100));
        let next = queue.next().expect("some wait");
        queue.waiting.remove(&next);
        queue.gone += 1;
        order.push(next.1);
    }
    assert_eq!(order, [2, 3, 4, 1, 5, 6, 7, 8]);
    queue.waiting = BTreeSet::from([(Priority::Background, 0)]);
    assert!(queue.next().is_some(), "nobody else waits");
}

#[test]
fn nobody_waits_longer_than_he_wants() {
    let pacer = Pacer::new(&[0.1, 0.1]);
    let goes = |queue, most| {
        let gone = pacer.wait(queue, Priority::Small, at(most), &mut nothing(&mut || ()));
        gone.is_some()
    };
    assert!(goes(0, 0));
    assert!(!goes(0, 20));
    assert!(goes(1, 0), "another rate");
}

/// Who does something while it waits keeps its place, but nobody from going meanwhile.
#[test]
fn what_is_done_meanwhile_holds_up_nobody() {
    let pacer = Pacer::new(&[10.0]);
    let (mut times, mut others) = (0, 0);
    assert!(
        pacer
            .wait(0, Priority::Small, at(0), &mut nothing(&mut || ()))
            .is_some()
    );
    let mut act = || {
        times += 1;
        let gone = pacer.wait(0, Priority::Packs, at(5000), &mut nothing(&mut || ()));
        others += usize::from(gone.is_some());
    };
    let meanwhile = &mut Meanwhile {
        every: at(1),
        act: &mut act,
    };
    assert!(pacer.wait(0, Priority::Small, at(400), meanwhile).is_none());
    assert!(times > 1 && others == times, "{others} of {times}");
}
