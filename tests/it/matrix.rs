//! The matrix of faults, whatever the cloud: every operation, at every call that it makes, with every
//! mishap, once and until it is mended. Whatever happens, nothing is lost or half there, nothing is
//! answered that isn't so, nothing hangs, and afterwards the same server works. Here stand the
//! operations that a store is asked for, what must be true of each answer, the mishaps of every
//! cloud, and cases that are tried side by side; what else can befall a cloud is its own matrix's.

use crate::cases::try_all;
use crate::cloud::rig::{Server, id, ms};
use crate::fake::{Fault, How, When};
use crate::tree::random;
use restic_123pan::cloud::Timing;
use restic_123pan::restic::{File, Id, Kind, Range};
use restic_123pan::store::Cause;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

/// Cases at a time: most of their time is waiting.
const WORKERS: usize = 12;
/// Longest time of an operation, whatever goes wrong: a few repetitions, and waits for the rate.
const LONGEST: Duration = Duration::from_secs(30);

/// What is there before an operation.
pub(crate) struct There {
    /// A server that has stored it.
    pub(crate) server: Server,
    pub(crate) pack: Id,
    pub(crate) lock: Id,
}

/// A cloud, and what is there before an operation.
pub(crate) trait World {
    /// The cloud's calls.
    type Call: Copy + Ord + Debug + Send;

    fn there(&self) -> &There;

    fn server(&self) -> &Server {
        &self.there().server
    }

    fn pack(&self) -> Id {
        self.there().pack
    }

    fn lock(&self) -> Id {
        self.there().lock
    }

    /// The bytes of all files that the cloud has under a name.
    fn stored(&self, kind: Kind, id: Id) -> Vec<Vec<u8>>;
    /// The calls that an operation makes.
    fn calls(&self, act: impl FnOnce()) -> Vec<Self::Call>;
    fn fail(&self, fault: Fault<Self::Call>);
    /// Nothing is wrong any more.
    fn mend(&self, how: &How);
    /// Whether what went wrong says that the cloud is full.
    fn is_full(how: &How) -> bool;

    /// Whether after this fault nobody could tell what is there.
    fn is_hopeless(_: &Fault<Self::Call>) -> bool {
        false
    }

    /// What was there before is there again when all is mended.
    fn check_rest(&self) {
        check_rest(self.server());
    }
}

/// The times of a server that soon gives up.
pub(crate) fn hasten(timing: &mut Timing) {
    (timing.retry, timing.rate_wait) = (ms(120), ms(1500));
    (timing.stall, timing.answer) = (ms(1000), ms(1000));
    timing.token_again = ms(5);
}

/// What an operation came to, and whether that may be.
pub(crate) type Act<W> = fn(&W) -> Result<(), Cause>;

/// Larger than what is always held, so that it is streamed.
fn large() -> Vec<u8> {
    random(7, (1 << 20) + 70_000)
}

/// Stores what is there before each operation.
pub(crate) fn fill(server: Server) -> There {
    server.create().unwrap();
    server.save_config(b"the config").unwrap();
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    server.save(Kind::Data, b"another pack").unwrap();
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    server.save(Kind::Keys, b"a key").unwrap();
    There { server, pack, lock }
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

/// What was there before is there again.
pub(crate) fn check_rest(server: &Server) {
    let key = server.load(Kind::Keys, id(b"a key"));
    assert_eq!(key.unwrap(), b"a key");
    let config = server.load_part(&File::Config, None);
    assert_eq!(config.unwrap(), b"the config");
}

/// What happens, and on which side of a call's effect.
pub(crate) type Mishap = (When, How);

/// What may befall any call on its way there and back.
pub(crate) fn way() -> Vec<Mishap> {
    let all = [How::Reset, How::Cut, How::Html(502), How::Hang(ms(1200))];
    let both = all.map(|how| [(When::Before, how.clone()), (When::After, how)]);
    both.into_iter().flatten().collect()
}

/// What may befall bytes on their way from the cloud, and what their host may say.
pub(crate) fn downloads(refusals: impl IntoIterator<Item = How>) -> Vec<Mishap> {
    let bytes = [How::OtherRange, How::OtherSize, How::Short];
    let all = bytes.into_iter().chain([How::Stall(ms(1200))]);
    let way = way().into_iter().filter(|(when, _)| *when == When::Before);
    way.chain(before(all.chain(refusals))).collect()
}

/// What a cloud may say instead of doing what it is asked.
pub(crate) fn before(hows: impl IntoIterator<Item = How>) -> impl Iterator<Item = Mishap> {
    hows.into_iter().map(|how| (When::Before, how))
}

/// Answers that can't be read.
pub(crate) fn nonsense() -> [Mishap; 4] {
    let all = [How::Empty, How::BadJson, How::WrongShape, How::NullData];
    all.map(|how| (When::After, how))
}

/// An operation in a world, and a fault of one of its calls.
pub(crate) struct Case<W: World> {
    name: String,
    world: fn() -> W,
    act: Act<W>,
    fault: Fault<W::Call>,
}

/// The cases of these operations in a world, by the calls that each makes when nothing is wrong.
pub(crate) fn cases<W: World>(
    way: &str,
    world: fn() -> W,
    operations: Vec<(&'static str, Act<W>)>,
    mishaps: fn(W::Call) -> Vec<Mishap>,
) -> Vec<Case<W>> {
    let mut all = Vec::new();
    for (operation, act) in operations {
        let mut counts = BTreeMap::new();
        let usual = world();
        for call in usual.calls(|| act(&usual).unwrap()) {
            *counts.entry(call).or_insert(0) += 1;
        }
        for (call, count) in counts {
            let mishaps = mishaps(call);
            let faults = faults(call, count, &mishaps);
            all.extend(faults.filter(|f| !W::is_hopeless(f)).map(|fault| Case {
                name: format!("{operation}{way} × {fault:?}"),
                world,
                act,
                fault,
            }));
        }
    }
    all
}

/// Everything that may befall the first and the second of so many calls, once or from then on.
fn faults<C: Copy>(endpoint: C, count: u32, mishaps: &[Mishap]) -> impl Iterator<Item = Fault<C>> {
    let orders = (0..count.min(2)).flat_map(|skip| [(skip, 1), (skip, 9999)]);
    orders.flat_map(move |(skip, times)| {
        mishaps.iter().map(move |(when, how)| Fault {
            endpoint,
            skip,
            times,
            when: *when,
            how: how.clone(),
        })
    })
}

/// What an operation answers is so (its own checks), it ends, and when all is mended the server
/// does what it couldn't.
fn run<W: World>(case: &Case<W>) {
    let world = (case.world)();
    world.fail(case.fault.clone());
    let start = Instant::now();
    let told = (case.act)(&world);
    let millis = start.elapsed().as_millis();
    assert!(start.elapsed() < LONGEST, "it took {millis} ms");
    assert_ne!(told, Err(Cause::Absent), "what is there isn't absent");
    let full = W::is_full(&case.fault.how);
    assert!(full || told != Err(Cause::Full), "nothing is full");
    world.mend(&case.fault.how);
    thread::sleep(ms(10));
    assert_eq!((case.act)(&world), Ok(()), "when all is mended");
    world.check_rest();
}

/// Tries the cases.
pub(crate) fn run_all<W: World>(cases: Vec<Case<W>>) {
    let name = |case: &Case<W>| case.name.clone();
    try_all("FAULTS", WORKERS, cases, name, |case| {
        run(case);
        Ok(())
    });
}
