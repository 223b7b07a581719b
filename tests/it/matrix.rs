//! What matrices of faults share, whatever the cloud: the operations that a store is asked for, what
//! must be true of each answer, and cases that are tried side by side.

use crate::cloud::rig::{Server, id};
use crate::tree::random;
use restic_123pan::restic::{File, Id, Kind, Range};
use restic_123pan::store::Cause;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// Cases at a time: most of their time is waiting.
const WORKERS: usize = 12;
/// Longest time of an operation, whatever goes wrong: a few repetitions, and waits for the rate.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// What is there before an operation: what [`fill`] has stored.
pub(crate) trait World {
    /// A server that has stored it.
    fn server(&self) -> &Server;
    fn pack(&self) -> Id;
    fn lock(&self) -> Id;
    /// The bytes of all files that the cloud has under a name.
    fn stored(&self, kind: Kind, id: Id) -> Vec<Vec<u8>>;
}

/// What an operation came to, and whether that may be.
pub(crate) type Act<W> = fn(&W) -> Result<(), Cause>;

/// Larger than what is always held, so that it is streamed.
fn large() -> Vec<u8> {
    random(7, (1 << 20) + 70_000)
}

/// Stores what is there before each operation; the pack and the lock.
pub(crate) fn fill(server: &Server) -> (Id, Id) {
    server.create().unwrap();
    server.save_config(b"the config").unwrap();
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    server.save(Kind::Data, b"another pack").unwrap();
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    server.save(Kind::Keys, b"a key").unwrap();
    (pack, lock)
}

/// A stored file is there once and whole after Ok, and absent or whole after an Err.
pub(crate) fn saved(
    world: &impl World,
    bytes: &[u8],
    kind: Kind,
    told: Result<Id, Cause>,
) -> Result<(), Cause> {
    let there = world.stored(kind, id(bytes));
    assert!(there.iter().all(|file| file == bytes), "half a file");
    if told.is_ok() {
        assert_eq!(there.len(), 1, "acknowledged");
    }
    told.map(drop)
}

/// A removed file is gone after Ok.
pub(crate) fn removed(
    world: &impl World,
    kind: Kind,
    id: Id,
    told: Result<(), Cause>,
) -> Result<(), Cause> {
    let is_there = !world.stored(kind, id).is_empty();
    assert!(told.is_err() || !is_there, "acknowledged and still there");
    told
}

/// What any store can be asked for.
pub(crate) fn operations<W: World>() -> Vec<(&'static str, Act<W>)> {
    vec![
        ("create", |w| w.server().create()),
        ("list packs", |w| {
            let told = w.server().list(Kind::Data)?;
            assert_eq!(told.len(), 2, "a list that isn't whole");
            Ok(())
        }),
        ("list locks", |w| {
            let told = w.server().list(Kind::Locks)?;
            assert_eq!(told, [w.lock()], "a list that isn't whole");
            Ok(())
        }),
        ("stat", |w| {
            assert_eq!(w.server().size(Kind::Data, w.pack())?, 6);
            Ok(())
        }),
        ("load", |w| {
            assert_eq!(w.server().load(Kind::Data, w.pack())?, b"a pack");
            Ok(())
        }),
        ("load a part", |w| {
            let file = File::Hashed(Kind::Data, w.pack());
            let part = w.server().load_part(&file, Some(Range::Between(2, 3)))?;
            assert_eq!(part, b"pa");
            Ok(())
        }),
        ("load config", |w| {
            assert_eq!(w.server().load_part(&File::Config, None)?, b"the config");
            Ok(())
        }),
        ("save a pack", |w| {
            let told = w.server().save(Kind::Data, b"a new pack");
            saved(w, b"a new pack", Kind::Data, told)
        }),
        ("save a stream", |w| {
            let told = w.server().save(Kind::Data, &large());
            saved(w, &large(), Kind::Data, told)
        }),
        ("save it again", |w| {
            let told = w.server().save(Kind::Data, b"a pack");
            saved(w, b"a pack", Kind::Data, told)
        }),
        ("save an index", |w| {
            let told = w.server().save(Kind::Index, b"an index");
            saved(w, b"an index", Kind::Index, told)
        }),
        ("save a lock", |w| {
            let told = w.server().save(Kind::Locks, b"a new lock");
            saved(w, b"a new lock", Kind::Locks, told)
        }),
        ("save another config", |w| {
            let told = w.server().save_config(b"the other!");
            assert!(told.is_err(), "a config was replaced");
            match told {
                Err(Cause::Exists) => Ok(()),
                told => told,
            }
        }),
        ("remove a pack", |w| {
            let told = w.server().remove(Kind::Data, w.pack());
            removed(w, Kind::Data, w.pack(), told)
        }),
        ("remove a lock", |w| {
            let told = w.server().remove(Kind::Locks, w.lock());
            removed(w, Kind::Locks, w.lock(), told)
        }),
    ]
}

/// What was there before is there again when all is mended.
pub(crate) fn check_rest(server: &Server) {
    let key = server.load(Kind::Keys, id(b"a key"));
    assert_eq!(key.unwrap(), b"a key");
    let config = server.load_part(&File::Config, None);
    assert_eq!(config.unwrap(), b"the config");
}

/// Tries cases side by side, those whose names have the word `FAULTS`, if there is one.
pub(crate) fn try_all<C: Send>(mut cases: Vec<C>, name: fn(&C) -> &str, run: fn(&C)) {
    let filter = std::env::var("FAULTS").unwrap_or_default();
    cases.retain(|case| name(case).contains(&filter));
    let (start, count) = (Instant::now(), cases.len());
    let (next, failed) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let case = next.lock().unwrap().next();
                    let Some(case) = case else { return };
                    if catch_unwind(AssertUnwindSafe(|| run(&case))).is_err() {
                        println!("--- failed: {}", name(&case));
                        failed.lock().unwrap().push(name(&case).to_owned());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{count} cases in {} s", start.elapsed().as_secs());
    assert!(
        failed.is_empty(),
        "{} of {count} failed: {failed:#?}",
        failed.len()
    );
}
