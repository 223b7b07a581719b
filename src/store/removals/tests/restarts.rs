//! The end of the process, what stands on disk then, and what the next one makes of it.

use super::*;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("removals-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn log(&self) -> PathBuf {
        self.0.join("removals.log")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A pack that was just stored is most likely sent again.
#[test]
fn a_young_pack_is_spared_until_its_lock_goes() {
    let folder = Folder::new("young");
    let world = World::over(Rigged::default(), Some(&folder.log()), |timing| {
        (timing.quiet, timing.young) = (Duration::from_millis(1), PATIENCE);
    });
    let pack = world.save(Kind::Data, b"a pack");
    world.remove(Kind::Data, &[pack]);
    thread::sleep(Duration::from_millis(50));
    assert!(!world.has(pack) && world.store.has(pack));
    assert_eq!(folder.text(), "", "another process mustn't remove it");
    assert_eq!(world.lock(), Ok(()));
    assert!(!world.store.has(pack));
}

/// A killed server's notes are carried out by the next one, and hidden there from the first moment.
#[test]
fn a_restart_carries_out_what_is_noted() {
    let folder = Folder::new("restart");
    let world = World::over(Rigged::default(), Some(&folder.log()), |_| {});
    let [gone, back, other] =
        [b"gone", b"back", b"same"].map(|bytes| world.save(Kind::Data, bytes));
    world.remove(Kind::Data, &[gone, back, other]);
    // One is taken back before the kill, and one is another file after it.
    world.save(Kind::Data, b"back");
    let store = world.kill();
    let renewed = [(repo(), File::Hashed(Kind::Data, other))];
    store.0.memory.remove(&renewed);
    let mut source = &b"same"[..];
    let budget = Budget::new(1 << 20, None);
    let mut body = Body::streamed(&mut source, 4, Some(other), &budget);
    store.save(&repo(), &renewed[0].1, &mut body).unwrap();
    assert!(store.has(gone));
    let world = World::over(store, Some(&folder.log()), |_| {});
    assert!(!world.has(gone) && world.has(back) && world.has(other));
    assert_eq!(world.lock(), Ok(()));
    assert!(!world.store.has(gone) && world.has(back) && world.has(other));
    assert_eq!(folder.text(), "", "nothing is left to be done");
}

/// A note that can't be taken back on disk isn't taken back: the pack goes and is stored anew.
#[test]
fn a_note_is_taken_back_on_disk_too() {
    let folder = Folder::new("full");
    let world = World::over(Rigged::default(), Some(&folder.log()), |_| {});
    let pack = world.save(Kind::Data, b"a pack");
    world.remove(Kind::Data, &[pack]);
    let before = world
        .store
        .identity(&repo(), &File::Hashed(Kind::Data, pack));
    std::fs::remove_file(folder.log()).unwrap();
    std::fs::create_dir(folder.log()).unwrap();
    // Its body is still at hand.
    let (mut source, len) = (&b"a pack"[..], 6);
    let mut body = Body::fixed(&mut source, len, Some(pack), &world.budget).unwrap();
    world
        .layer()
        .save(&repo(), &File::Hashed(Kind::Data, pack), &mut body)
        .unwrap();
    let after = world
        .store
        .identity(&repo(), &File::Hashed(Kind::Data, pack));
    assert!(world.has(pack));
    assert_ne!(before.unwrap(), after.unwrap());
}

/// A removal that has failed for good is forgotten on disk before its pack counts as stored again.
#[test]
fn a_failure_for_good_is_forgotten_on_disk_too() {
    let folder = Folder::new("failed");
    let world = World::over(Rigged::default(), Some(&folder.log()), |_| {});
    let pack = world.save(Kind::Data, b"a pack");
    world.remove(Kind::Data, &[pack]);
    let text = folder.text();
    std::fs::remove_file(folder.log()).unwrap();
    std::fs::create_dir(folder.log()).unwrap();
    world.store.fail(1, Cause::Lost);
    world.layer().shared.settle(&repo()).unwrap();
    let saved = world.try_save(Kind::Data, b"a pack", pack);
    assert_eq!(saved.map_err(|error| error.cause), Err(Cause::Busy));
    std::fs::remove_dir(folder.log()).unwrap();
    std::fs::write(folder.log(), text).unwrap();
    world.save(Kind::Data, b"a pack");
    let world = World::over(world.kill(), Some(&folder.log()), |_| {});
    assert_eq!(world.lock(), Ok(()));
    assert!(world.has(pack), "it was acknowledged");
}

/// What another process that lives has noted is its own to carry out.
#[test]
fn one_process_keeps_a_log() {
    let folder = Folder::new("two");
    let one = World::over(Rigged::default(), Some(&folder.log()), |_| {});
    let pack = one.save(Kind::Data, b"a pack");
    one.remove(Kind::Data, &[pack]);
    let other = World::over(one.store.clone(), Some(&folder.log()), |_| {});
    assert!(other.has(pack) && !one.has(pack));
    other.remove(Kind::Data, &[pack]);
    assert_eq!(other.counts(), (1, 0));
}

#[test]
fn the_end_of_the_process_waits() {
    let mut world = World::over(Rigged::default(), None, |timing| timing.young = PATIENCE);
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
