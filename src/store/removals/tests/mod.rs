//! The layer over a store in memory that does what a test tells it.

mod failures;
mod restarts;
mod schedule;

use super::*;
use crate::body::Budget;
use crate::restic::Range;
use crate::store::memory::Memory;
use crate::store::{Found, Loaded};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Longest wait for something that must come to pass.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store whose removals can be held up and can fail; clones share everything.
#[derive(Clone, Default)]
struct Rigged(Arc<Inside>);

#[derive(Default)]
struct Inside {
    memory: Memory,
    /// How many files each call of `remove` had.
    calls: Mutex<Vec<usize>>,
    /// Whether removals wait.
    held: Mutex<bool>,
    let_go: Condvar,
    /// So many calls fail, with this.
    failing: AtomicUsize,
    cause: Mutex<Option<Cause>>,
}

impl Rigged {
    fn hold(&self, held: bool) {
        *self.0.held.lock().unwrap() = held;
        self.0.let_go.notify_all();
    }

    fn fail(&self, times: usize, cause: Cause) {
        *self.0.cause.lock().unwrap() = Some(cause);
        self.0.failing.store(times, Ordering::SeqCst);
    }

    fn calls(&self) -> Vec<usize> {
        self.0.calls.lock().unwrap().clone()
    }

    /// Whether a pack is in the store itself.
    fn has(&self, id: Id) -> bool {
        let file = File::Hashed(Kind::Data, id);
        self.0.memory.stat(&repo(), &file).is_ok()
    }
}

impl Store for Rigged {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        self.0.memory.create(repo)
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        self.0.memory.list(repo, kind, found)
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        self.0.memory.stat(repo, file)
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        self.0.memory.load(repo, file, range)
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        self.0.memory.save(repo, file, body)
    }

    fn holds(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        self.0.memory.holds(repo, file, body)
    }

    fn is_there(&self, repo: &Repo, file: &File) -> Result<bool, Error> {
        self.0.memory.is_there(repo, file)
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        self.0.calls.lock().unwrap().push(files.len());
        let held = self.0.held.lock().unwrap();
        drop(self.0.let_go.wait_while(held, |held| *held));
        let (order, less) = (Ordering::SeqCst, |n: usize| n.checked_sub(1));
        if self.0.failing.fetch_update(order, order, less).is_ok() {
            let cause = self.0.cause.lock().unwrap().unwrap();
            return files
                .iter()
                .map(|_| Err(Error::new(cause, "as it should")))
                .collect();
        }
        self.0.memory.remove(files)
    }
}

/// The layer and what is below it.
struct World {
    store: Rigged,
    layer: Option<Removals>,
    budget: Budget,
}

impl World {
    fn new() -> Self {
        Self::over(Rigged::default(), |_| {})
    }

    /// Nothing is sent before it is asked for, unless the test says otherwise.
    fn over(store: Rigged, change: impl Fn(&mut Timing)) -> Self {
        let long = Duration::from_secs(3600);
        let mut timing = Timing {
            quiet: long,
            oldest: long,
            young: Duration::ZERO,
            spared: long,
            pause: Duration::from_millis(1),
            give_up: Duration::from_secs(60),
            patience: PATIENCE,
            end: PATIENCE,
        };
        change(&mut timing);
        Self {
            layer: Some(Removals::start(Box::new(store.clone()), timing)),
            store,
            budget: Budget::new(1 << 20, None),
        }
    }

    fn layer(&self) -> &Removals {
        self.layer.as_ref().unwrap()
    }

    /// Kills the process: nothing is sent any more.
    fn kill(mut self) -> Rigged {
        sync::lock(&self.layer().shared.notes).stop(Instant::now() - 2 * PATIENCE);
        self.layer = None;
        self.store.clone()
    }

    fn try_save(&self, kind: Kind, bytes: &[u8], id: Id) -> Result<(), Error> {
        let (mut source, len) = (bytes, bytes.len() as u64);
        let mut body = Body::streamed(&mut source, len, Some(id), &self.budget);
        self.layer()
            .save(&repo(), &File::Hashed(kind, id), &mut body)
    }

    fn save(&self, kind: Kind, bytes: &[u8]) -> Id {
        let id = id(bytes);
        self.try_save(kind, bytes, id).unwrap();
        id
    }

    fn remove(&self, kind: Kind, ids: &[Id]) -> Vec<Result<(), Cause>> {
        let files: Vec<_> = ids
            .iter()
            .map(|id| (repo(), File::Hashed(kind, *id)))
            .collect();
        let removed = self.layer().remove(&files).into_iter();
        removed
            .map(|done| done.map_err(|error| error.cause))
            .collect()
    }

    /// A lock comes and goes.
    fn lock(&self) -> Result<(), Cause> {
        let lock = self.save(Kind::Locks, b"a lock");
        self.remove(Kind::Locks, &[lock]).pop().unwrap()
    }

    fn list(&self) -> Vec<Id> {
        let mut ids = Vec::new();
        let listed = self.layer().list(&repo(), Kind::Data, &mut |entry| {
            ids.push(entry.id);
            Ok(())
        });
        listed.unwrap();
        ids
    }

    fn has(&self, id: Id) -> bool {
        let file = File::Hashed(Kind::Data, id);
        let found = self.layer().load(&repo(), &file, None).map(drop);
        assert_eq!(found.is_ok(), self.layer().stat(&repo(), &file).is_ok());
        assert!(found.is_ok_and(|()| true) == self.list().contains(&id));
        self.list().contains(&id)
    }

    fn counts(&self) -> (usize, u64) {
        let health = self.layer().health();
        (health.removing, health.unremoved)
    }

    fn eventually(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "it never came to pass: {what}");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn repo() -> Repo {
    Repo::new("host").unwrap()
}

fn id(bytes: &[u8]) -> Id {
    Id(Sha256::digest(bytes).into())
}

#[test]
fn a_pack_is_hidden_at_once_and_gone_before_its_lock() {
    let world = World::new();
    let (one, other) = (
        world.save(Kind::Data, b"one"),
        world.save(Kind::Data, b"other"),
    );
    assert_eq!(world.remove(Kind::Data, &[one]), [Ok(())]);
    assert!(!world.has(one) && world.has(other));
    assert!(world.store.has(one), "nothing is sent yet");
    assert_eq!((world.counts(), world.store.calls()), ((1, 0), vec![]));
    assert_eq!(world.lock(), Ok(()));
    assert!(!world.store.has(one) && world.store.has(other));
    assert_eq!((world.counts(), world.store.calls()), ((0, 0), vec![1, 1]));
    // What isn't there, goes the old way.
    assert_eq!(world.remove(Kind::Data, &[one]), [Ok(())]);
    assert_eq!(world.store.calls(), [1, 1, 1]);
}

#[test]
fn everything_else_is_removed_before_the_answer() {
    for kind in [Kind::Keys, Kind::Snapshots, Kind::Index, Kind::Locks] {
        let world = World::new();
        let name = world.save(kind, b"content");
        assert_eq!(world.remove(kind, &[name]), [Ok(())]);
        let there = world.store.stat(&repo(), &File::Hashed(kind, name));
        assert_eq!(there.unwrap_err().cause, Cause::Absent, "{kind:?}");
    }
    let world = World::new();
    let mut source = &[7; 155][..];
    let mut body = Body::streamed(&mut source, 155, None, &world.budget);
    world
        .layer()
        .save(&repo(), &File::Config, &mut body)
        .unwrap();
    assert!(world.layer().remove(&[(repo(), File::Config)])[0].is_ok());
    assert!(world.store.stat(&repo(), &File::Config).is_err());
}

/// A failure of one is told to that one, in the order in which they were asked for.
#[test]
fn a_mixed_batch_is_answered_in_order() {
    let world = World::new();
    let (pack, key) = (
        world.save(Kind::Data, b"pack"),
        world.save(Kind::Keys, b"key"),
    );
    world.store.fail(1, Cause::Busy);
    let files = [
        (repo(), File::Hashed(Kind::Keys, key)),
        (repo(), File::Hashed(Kind::Data, pack)),
    ];
    let done = world.layer().remove(&files);
    assert!(done[0].is_err() && done[1].is_ok());
    assert!(!world.has(pack));
}

#[test]
fn many_share_a_call() {
    let world = World::over(Rigged::default(), |timing| {
        timing.quiet = Duration::from_millis(100);
    });
    let ids: Vec<Id> = (0..650)
        .map(|n: u32| world.save(Kind::Data, &n.to_be_bytes()))
        .collect();
    thread::scope(|scope| {
        for some in ids.chunks(130) {
            scope.spawn(|| {
                some.iter()
                    .for_each(|id| assert_eq!(world.remove(Kind::Data, &[*id]), [Ok(())]))
            });
        }
    });
    world.eventually("all gone", || world.counts() == (0, 0));
    let calls = world.store.calls();
    assert_eq!(calls.iter().sum::<usize>(), 650);
    assert!(
        calls.len() <= 8 && calls.iter().all(|n| *n <= 100),
        "{calls:?}"
    );
}

/// Safety rule 25: the pack is there, and nothing is sent.
#[test]
fn a_post_takes_the_note_back() {
    let world = World::new();
    let pack = world.save(Kind::Data, b"a pack");
    world.remove(Kind::Data, &[pack]);
    assert_eq!(world.save(Kind::Data, b"a pack"), pack);
    assert!(world.has(pack));
    assert_eq!((world.counts(), world.lock()), ((0, 0), Ok(())));
    assert!(world.has(pack), "its note is forgotten");
}

/// A body that isn't what its name says takes nothing back, and the removal goes on.
#[test]
fn only_the_right_bytes_take_a_note_back() {
    let world = World::new();
    let pack = world.save(Kind::Data, b"a pack");
    for wrong in [&b"A pack"[..], b"another length"] {
        world.remove(Kind::Data, &[pack]);
        let saved = world.try_save(Kind::Data, wrong, pack);
        assert_eq!(saved.unwrap_err().cause, Cause::BadBody);
        assert_eq!(world.lock(), Ok(()));
        assert!(!world.store.has(pack));
        world.save(Kind::Data, b"a pack");
    }
}

/// What is there under the name, but isn't what is sent now, goes first.
#[test]
fn a_post_of_another_size_waits_for_the_removal() {
    let world = World::new();
    let (pack, name) = (b"what the name says", id(b"what the name says"));
    // A damaged one.
    let mut source = &b"damaged"[..];
    let mut body = Body::streamed(&mut source, 7, None, &world.budget);
    world
        .store
        .save(&repo(), &File::Hashed(Kind::Data, name), &mut body)
        .unwrap();
    world.remove(Kind::Data, &[name]);
    assert_eq!(world.save(Kind::Data, pack), name);
    let mut loaded = world
        .layer()
        .load(&repo(), &File::Hashed(Kind::Data, name), None)
        .unwrap();
    let mut bytes = Vec::new();
    loaded.reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(
        (bytes.as_slice(), world.store.calls()),
        (&pack[..], vec![1])
    );
}

/// A POST, a second DELETE and a lock's DELETE that come while the removal is under way.
#[test]
fn what_is_under_way_is_waited_for() {
    let world = World::new();
    let pack = world.save(Kind::Data, b"a pack");
    world.store.hold(true);
    world.remove(Kind::Data, &[pack]);
    thread::scope(|scope| {
        sync::lock(&world.layer().shared.notes).hurry(|_| true);
        world.layer().shared.changed.notify_all();
        world.eventually("sent", || world.store.calls().len() == 1);
        assert_eq!(world.remove(Kind::Data, &[pack]), [Ok(())]);
        let saved = scope.spawn(|| world.save(Kind::Data, b"a pack"));
        let locked = scope.spawn(|| world.lock());
        thread::sleep(Duration::from_millis(30));
        assert!(!saved.is_finished() && !locked.is_finished());
        world.store.hold(false);
        saved.join().unwrap();
        assert_eq!(locked.join().unwrap(), Ok(()));
    });
    assert!(world.has(pack), "it was stored anew");
}
