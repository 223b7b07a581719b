//! Removals that fail, once or for good.

use super::*;

#[test]
fn a_failure_that_passes_is_tried_again() {
    let world = World::new();
    let pack = world.save(Kind::Data, b"a pack");
    world.remove(Kind::Data, &[pack]);
    world.store.fail(3, Cause::Busy);
    assert_eq!(world.lock(), Ok(()));
    assert!(!world.store.has(pack));
    assert_eq!(world.counts(), (0, 0));
}

/// It is counted, and the pack shows again; its lock goes.
#[test]
fn a_failure_for_good_is_told() {
    for (cause, give_up) in [(Cause::Lost, 60_000), (Cause::Cloud, 20)] {
        let world = World::over(Rigged::default(), |timing| {
            timing.give_up = Duration::from_millis(give_up);
        });
        let pack = world.save(Kind::Data, b"a pack");
        world.remove(Kind::Data, &[pack]);
        world.store.fail(usize::MAX, cause);
        world.layer().shared.settle(&repo()).unwrap();
        assert_eq!(world.counts(), (0, 1));
        assert!(world.has(pack));
        world.store.fail(0, cause);
        assert_eq!(world.remove(Kind::Data, &[pack]), [Ok(())]);
        assert_eq!(world.lock(), Ok(()));
        assert!(!world.store.has(pack), "{cause:?}");
    }
}

/// A lock stays while what it protects can't be removed.
#[test]
fn a_lock_waits_only_so_long() {
    let world = World::over(Rigged::default(), |timing| {
        timing.patience = Duration::from_millis(30);
    });
    let (pack, lock) = (
        world.save(Kind::Data, b"a pack"),
        world.save(Kind::Locks, b"a lock"),
    );
    world.remove(Kind::Data, &[pack]);
    world.store.hold(true);
    assert_eq!(world.remove(Kind::Locks, &[lock]), [Err(Cause::Busy)]);
    assert!(
        world
            .store
            .stat(&repo(), &File::Hashed(Kind::Locks, lock))
            .is_ok()
    );
    world.store.hold(false);
}

/// A client for whose pack there is no room is told that it is there, and so it stays.
#[test]
fn what_is_said_to_be_there_stays() {
    let world = World::new();
    let pack = world.save(Kind::Data, b"a pack");
    let file = File::Hashed(Kind::Data, pack);
    world.remove(Kind::Data, &[pack]);
    let mut source = &b"a pack"[..];
    let mut body = Body::streamed(&mut source, 6, Some(pack), &world.budget);
    assert!(matches!(
        world.layer().holds(&repo(), &file, &mut body),
        Ok(true)
    ));
    assert_eq!(world.lock(), Ok(()));
    assert!(world.has(pack));
}

/// The end of the process waits no longer than it may for a call that doesn't end.
#[test]
fn a_call_that_does_not_end_keeps_nobody() {
    let mut world = World::over(Rigged::default(), |timing| {
        (timing.quiet, timing.end) = (Duration::ZERO, Duration::from_millis(20));
    });
    let pack = world.save(Kind::Data, b"a pack");
    world.store.hold(true);
    assert_eq!(world.remove(Kind::Data, &[pack]), [Ok(())]);
    while world.store.calls().is_empty() {
        thread::yield_now();
    }
    world.layer = None;
    assert!(world.store.has(pack), "the call still stands");
    world.store.hold(false);
}
