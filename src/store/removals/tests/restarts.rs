//! The end of the process, and what the next one makes of what was left undone.

use super::*;

/// A pack that was just stored is most likely sent again.
#[test]
fn a_young_pack_is_spared_until_its_lock_goes() {
    let world = World::over(Rigged::default(), |timing| {
        (timing.quiet, timing.young) = (Duration::from_millis(1), PATIENCE);
    });
    let pack = world.save(Kind::Data, b"a pack");
    world.remove(Kind::Data, &[pack]);
    thread::sleep(Duration::from_millis(50));
    assert!(!world.has(pack) && world.store.has(pack));
    assert_eq!(world.lock(), Ok(()));
    assert!(!world.store.has(pack));
}

/// A pack that a killed server was to remove is there again: somebody may have begun to use it.
#[test]
fn a_restart_carries_nothing_out() {
    let world = World::new();
    let pack = world.save(Kind::Data, b"a pack");
    world.remove(Kind::Data, &[pack]);
    let world = World::over(world.kill(), |_| {});
    assert!(world.has(pack));
    assert_eq!((world.lock(), world.counts()), (Ok(()), (0, 0)));
    assert!(world.has(pack));
    assert_eq!(world.remove(Kind::Data, &[pack]), [Ok(())]);
    assert_eq!(world.lock(), Ok(()));
    assert!(!world.store.has(pack), "the next prune removes it");
}

#[test]
fn the_end_of_the_process_waits() {
    let mut world = World::over(Rigged::default(), |timing| timing.young = PATIENCE);
    let packs: Vec<Id> = (0..250)
        .map(|n: u32| world.save(Kind::Data, &n.to_be_bytes()))
        .collect();
    packs
        .iter()
        .for_each(|id| assert_eq!(world.remove(Kind::Data, &[*id]), [Ok(())]));
    world.layer = None;
    assert!(packs.iter().all(|id| !world.store.has(*id)));
    assert_eq!(world.store.calls(), [100, 100, 50]);
}
