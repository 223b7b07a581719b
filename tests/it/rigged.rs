//! A store in memory with faults: a repository's name says what goes wrong in it.

use crate::waiting::eventually;
use restic_123pan::body::Body;
use restic_123pan::restic::{File, Id, Kind, Range, Repo};
use restic_123pan::store::memory::Memory;
use restic_123pan::store::{Cause, Entry, Error, Found, Loaded, Store};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Entries that a list in `cut` shows before it fails; more than are sent at once.
const SHOWN: u8 = 200;

/// The store; clones share everything.
#[derive(Clone, Default)]
pub(crate) struct Rigged(Arc<Inside>);

#[derive(Default)]
struct Inside {
    memory: Memory,
    open: AtomicBool,
    waiting: AtomicUsize,
    batches: Mutex<Vec<usize>>,
}

impl Rigged {
    /// Lets what waits in `slow` go on.
    pub(crate) fn open(&self) {
        self.0.open.store(true, Ordering::SeqCst);
    }

    /// Waits until so many operations wait in `slow`.
    pub(crate) fn wait_for(&self, count: usize) {
        eventually("so many operations come", || {
            self.0.waiting.load(Ordering::SeqCst) >= count
        });
    }

    /// How many files each call of `remove` had.
    pub(crate) fn batches(&self) -> Vec<usize> {
        self.0.batches.lock().unwrap().clone()
    }

    fn enter(&self, repo: &Repo) {
        match repo.path() {
            "slow" => {
                self.0.waiting.fetch_add(1, Ordering::SeqCst);
                eventually("it is opened", || self.0.open.load(Ordering::SeqCst));
            }
            "panic" => panic!("as it should"),
            _ => {}
        }
    }
}

impl Store for Rigged {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        self.enter(repo);
        self.0.memory.create(repo)
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        if repo.path() == "cut" {
            for n in 0..SHOWN {
                found(Entry {
                    id: Id([n; 32]),
                    size: 1,
                })?;
            }
            return Err(Error::new(Cause::Cloud, "the list broke off, as it should"));
        }
        self.0.memory.list(repo, kind, found)
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        self.enter(repo);
        self.0.memory.stat(repo, file)
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        let mut loaded = self.0.memory.load(repo, file, range)?;
        if repo.path() == "cut" {
            let half = loaded.part.len / 2;
            loaded.reader = Box::new(loaded.reader.take(half).chain(Broken));
        }
        Ok(loaded)
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        match repo.path() {
            // Before the body is read.
            "busy" => return Err(Error::new(Cause::Busy, "busy, as it should be")),
            _ => self.enter(repo),
        }
        self.0.memory.save(repo, file, body)
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        self.0.batches.lock().unwrap().push(files.len());
        files.iter().for_each(|(repo, _)| self.enter(repo));
        self.0.memory.remove(files)
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the download broke off, as it should"))
    }
}
