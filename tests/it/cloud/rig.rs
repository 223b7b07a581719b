//! An emulated cloud and servers over it, without a socket of our own: tests say what a client
//! would ask and look at what is in the cloud then. Times that are seconds in earnest are
//! milliseconds here.

use crate::account;
pub(crate) use crate::account::BASE;
use crate::fake::{Fake, Options, Switches};
use crate::tree::TempDir;
pub(crate) use crate::waiting::eventually;
use restic_123pan::body::{Body, Budget};
use restic_123pan::cloud::layout::Layout;
use restic_123pan::cloud::timing::Looks;
use restic_123pan::pan123::{Clock, Config, Pan123, Timing};
use restic_123pan::restic::{File, Id, Kind, Range, Repo};
use restic_123pan::store::{Cause, Error, Store};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::io::Read;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

/// Looks of the background after which what it would do would be done: before a purge of a few files
/// it looks thirty times whether more come.
const LOOKS: usize = 35;

/// Milliseconds.
pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An emulated account. When it goes, nothing of what its servers did may have broken a rule of
/// 123pan's.
pub(crate) struct Cloud {
    fake: Fake,
    folder: TempDir,
}

impl Cloud {
    /// An account as documented.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// An account that behaves otherwise.
    pub(crate) fn with(change: impl FnOnce(&mut Switches)) -> Self {
        let mut switches = Switches {
            poll_pause: ms(10),
            appears_after: ms(10),
            ..Switches::default()
        };
        change(&mut switches);
        let options = Options {
            switches,
            ..Options::default()
        };
        Self {
            fake: Fake::with(options).unwrap(),
            folder: TempDir::new(),
        }
    }

    /// A folder for what servers keep on disk.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A server on a machine of its own.
    pub(crate) fn server(&self) -> Server {
        self.server_with(|_| {})
    }

    /// One that soon stops repeating.
    pub(crate) fn hasty_server(&self) -> Server {
        self.server_with(|c| c.shared.timing.retry = ms(20))
    }

    /// One that is configured otherwise.
    pub(crate) fn server_with(&self, change: impl FnOnce(&mut Config)) -> Server {
        let mut config = self.config();
        change(&mut config);
        let looks = config.shared.timing.looks.clone();
        Server {
            looks,
            ..Server::over(Pan123::new(&config))
        }
    }

    /// How a server is configured for it.
    pub(crate) fn config(&self) -> Config {
        Config {
            shared: account::shared(fast()),
            ..account::config(self)
        }
    }
}

impl Deref for Cloud {
    type Target = Fake;

    fn deref(&self) -> &Fake {
        &self.fake
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let complaints = self.fake.complaints();
        let fine = std::thread::panicking() || complaints.is_empty();
        assert!(fine, "{complaints:#?}");
    }
}

/// Every time that is seconds in earnest, in milliseconds.
pub(crate) fn fast() -> Timing {
    Timing {
        clock: Clock::default(),
        looks: Looks::default(),
        // Who is about it sets it.
        agreed: Duration::ZERO,
        connect: ms(2000),
        answer: ms(3000),
        stall: ms(2000),
        idle: ms(10_000),
        rate_wait: ms(3000),
        // Longer than a busy machine lets a thread wait; tests of faults that stay take less.
        retry: ms(1500),
        pause: ms(4),
        poll: ms(15),
        polls: 20,
        look: ms(4),
        lately: ms(0),
        visible: ms(400),
        overlay: ms(500),
        token_pause: Duration::ZERO,
        token_again: Duration::from_secs(5),
        ban: ms(200),
        traffic: ms(300),
        address: ms(60_000),
        lost: ms(60_000),
        purge: ms(4),
        tier: ms(30),
        proof: Duration::from_secs(60),
        glance: Duration::from_secs(1),
        space: ms(30),
        store: ms(20),
    }
}

/// A store as a client of the server uses it, in one repository. Failures are told by their
/// cause; their sentences are printed.
pub(crate) struct Server {
    pub(crate) store: Box<dyn Store>,
    budget: Budget,
    repo: Repo,
    /// Those of 123pan's background.
    looks: Looks,
}

impl Server {
    /// A server over a store, which holds all bodies in memory.
    pub(crate) fn over(store: impl Store + 'static) -> Self {
        Self {
            store: Box::new(store),
            budget: Budget::new(64 << 20, None),
            repo: Repo::new("host").unwrap(),
            looks: Looks::default(),
        }
    }

    /// The same, with so much memory for bodies: those over 1 MiB that don't fit are streamed.
    pub(crate) fn memory(mut self, bytes: u64, spool: Option<&Path>) -> Self {
        self.budget = Budget::new(bytes, spool.map(Path::to_owned));
        self
    }

    /// Goes to another repository.
    pub(crate) fn turn_to(&mut self, repo: &str) {
        self.repo = Repo::new(repo).unwrap();
    }

    /// The repository.
    pub(crate) fn repo(&self) -> Repo {
        self.repo.clone()
    }

    /// Has the cloud answer something, and with it tell its time.
    pub(crate) fn hear(&self) {
        let _ = self.list(Kind::Keys);
    }

    /// Waits until the background has had its looks, the first of which begins now: what it leaves
    /// alone then, it leaves alone.
    pub(crate) fn look_around(&self) {
        let wanted = self.looks.made() + LOOKS;
        eventually("the background looks", || self.looks.made() >= wanted);
    }

    pub(crate) fn create(&self) -> Result<(), Cause> {
        told(self.store.create(&self.repo))
    }

    /// Stores a file under its hash.
    pub(crate) fn save(&self, kind: Kind, bytes: &[u8]) -> Result<Id, Cause> {
        let id = id(bytes);
        self.save_as(&File::Hashed(kind, id), bytes).map(|()| id)
    }

    /// Stores a config.
    pub(crate) fn save_config(&self, bytes: &[u8]) -> Result<(), Cause> {
        self.save_as(&File::Config, bytes)
    }

    /// Stores what comes with its length.
    pub(crate) fn save_as(&self, file: &File, bytes: &[u8]) -> Result<(), Cause> {
        self.save_from(file, bytes.len() as u64, &mut &*bytes)
    }

    /// Stores what a client sends that has announced `len` bytes.
    pub(crate) fn save_from(
        &self,
        file: &File,
        len: u64,
        source: &mut dyn Read,
    ) -> Result<(), Cause> {
        let mut body = told(Body::fixed(source, len, file.id(), &self.budget))?;
        let saved = self.store.save(&self.repo, file, &mut body);
        told(saved.map_err(|error| body.fault().cloned().unwrap_or(error)))
    }

    /// Stores what a client sends in chunks, as rustic does.
    pub(crate) fn save_chunked(&self, file: &File, source: &mut dyn Read) -> Result<(), Cause> {
        let mut body = told(Body::chunked(source, file.id(), &self.budget, &mut |_| {
            Ok(())
        }))?;
        told(self.store.save(&self.repo, file, &mut body))
    }

    /// A file's bytes.
    pub(crate) fn load(&self, kind: Kind, id: Id) -> Result<Vec<u8>, Cause> {
        self.load_part(&File::Hashed(kind, id), None)
    }

    /// A part of a file's bytes; [`Cause::Client`] if the reader broke off.
    pub(crate) fn load_part(&self, file: &File, range: Option<Range>) -> Result<Vec<u8>, Cause> {
        let mut loaded = told(self.store.load(&self.repo, file, range))?;
        let mut bytes = Vec::new();
        if let Err(error) = loaded.reader.read_to_end(&mut bytes) {
            println!("a download broke off: {error}");
            return Err(Cause::Client);
        }
        assert_eq!(bytes.len() as u64, loaded.part.len, "a short download");
        Ok(bytes)
    }

    pub(crate) fn size(&self, kind: Kind, id: Id) -> Result<u64, Cause> {
        told(self.store.stat(&self.repo, &File::Hashed(kind, id)))
    }

    /// The names of a kind, sorted.
    pub(crate) fn list(&self, kind: Kind) -> Result<Vec<Id>, Cause> {
        let mut ids = Vec::new();
        told(self.store.list(&self.repo, kind, &mut |entry| {
            ids.push(entry.id);
            Ok(())
        }))?;
        ids.sort();
        Ok(ids)
    }

    /// Removes one file.
    pub(crate) fn remove(&self, kind: Kind, id: Id) -> Result<(), Cause> {
        self.remove_all(kind, &[id]).pop().unwrap()
    }

    /// Removes the config.
    pub(crate) fn remove_config(&self) -> Result<(), Cause> {
        let removed = self.store.remove(&[(self.repo(), File::Config)]);
        removed.into_iter().try_for_each(told)
    }

    /// Removes many, in one batch.
    pub(crate) fn remove_all(&self, kind: Kind, ids: &[Id]) -> Vec<Result<(), Cause>> {
        let name = |id: &Id| (self.repo.clone(), File::Hashed(kind, *id));
        let names: Vec<(Repo, File)> = ids.iter().map(name).collect();
        self.store.remove(&names).into_iter().map(told).collect()
    }
}

fn told<T>(result: Result<T, Error>) -> Result<T, Cause> {
    result.map_err(|error| {
        println!("{:?}: {error}", error.cause);
        error.cause
    })
}

/// What a file with these bytes is called.
pub(crate) fn id(bytes: &[u8]) -> Id {
    Id(Sha256::digest(bytes).into())
}

/// The ids, sorted, as lists are.
pub(crate) fn sorted(ids: impl IntoIterator<Item = Id>) -> Vec<Id> {
    let mut ids: Vec<Id> = ids.into_iter().collect();
    ids.sort();
    ids
}

/// Where a file of the usual repository is in the account.
pub(crate) fn path(kind: Kind, id: Id) -> String {
    match kind {
        Kind::Data => format!("{BASE}/host/data/{}/{id}", shard(id)),
        _ => format!("{BASE}/host/{}/{id}", kind.name()),
    }
}

/// The folder of a pack below `data` in a new repository.
pub(crate) fn shard(id: Id) -> String {
    Layout::Sixteen.folder(&id)
}

/// The folder of a kind in the usual repository.
pub(crate) fn folder(kind: Kind) -> String {
    format!("{BASE}/host/{}", kind.name())
}

/// What this thread logs while something is done, line by line.
pub(crate) fn log_of(act: impl FnOnce()) -> Vec<String> {
    // It fails when another test was first, which is as good.
    let _ = log::set_logger(&Log);
    log::set_max_level(log::LevelFilter::Info);
    LINES.take();
    act();
    LINES.take()
}

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps each thread's lines for itself, so that tests don't hear each other.
struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        LINES.with_borrow_mut(|lines| lines.push(line));
    }

    fn flush(&self) {}
}
