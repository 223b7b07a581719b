//! A whole repository from one store to another, in an order that is safe to break off anywhere.
//!
//! The source is listed from what refers to what is referred to: snapshots, index, packs. So a
//! backup that goes on meanwhile can't bring a snapshot into the copy without its packs. Copied
//! is in the order: keys, packs, index, snapshots, config. The keys come first because they
//! tell whose half copy this is; the config comes last because without it no client takes the
//! copy for a repository. Nothing is removed, and nothing that is there is replaced unless its
//! size shows that it is damaged.

use super::progress::{Progress, Screen};
use crate::body::{Body, Budget};
use crate::error::{Cause, Error};
use crate::restic::{File, Kind, Repo};
use crate::store::{Entry, Store};
use crate::sync::lock;
use std::collections::HashMap;
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The order of the lists: what refers stands before what it refers to.
const LISTED: [Kind; 4] = [Kind::Keys, Kind::Snapshots, Kind::Index, Kind::Data];
/// The order of the copies. Locks are no part of a copy.
const COPIED: [Kind; 4] = [Kind::Keys, Kind::Data, Kind::Index, Kind::Snapshots];
/// Largest config in bytes; a real one has about 155.
const CONFIG: u64 = 64 << 10;

/// One end of a copy.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// Where the repository is kept.
    pub store: &'a dyn Store,
    /// Which one it is.
    pub repo: &'a Repo,
    /// What messages call it.
    pub name: &'a str,
}

/// How a copy is made.
pub struct CopyOptions<'a> {
    /// Files copied at the same time.
    pub threads: usize,
    /// Memory for what is held.
    pub budget: &'a Budget,
    /// How long a file is tried for.
    pub patience: Patience,
    /// Copy nothing.
    pub dry_run: bool,
}

/// How passing failures are met.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first pause before a repetition; it doubles.
    pub pause: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How long a file is tried for; restic itself gives up after 15 minutes.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            pause: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            total: Duration::from_secs(15 * 60),
        }
    }
}

/// What a copy did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files that were there already.
    pub there: u64,
    /// Files copied, or to be copied.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Copies what is missing. `screen` is told how it goes; an error says why the copy isn't complete.
pub fn copy(
    from: End<'_>,
    to: End<'_>,
    options: &CopyOptions<'_>,
    screen: Screen<'_>,
) -> Result<Copied, String> {
    let Some(config) = config(from)? else {
        return Err(format!(
            "{} is no repository: there is no config; see whether it is called so",
            from.name
        ));
    };
    if !list(from, Kind::Locks)?.is_empty() {
        let text = "is locked: don't prune it while it is copied";
        let _ = writeln!(screen.out, "{} {text}", from.name);
    }
    let source = lists(from)?;
    let target = lists(to)?;
    let complete = refuse_other(to, &config, &source, &target)?;
    let plan = plan(&source, &target);
    let mut copied = count(&source, &plan);
    match complete {
        true => copied.there += 1,
        false => {
            copied.files += 1;
            copied.bytes += config.len() as u64;
        }
    }
    if options.dry_run || copied.files == 0 {
        return Ok(copied);
    }
    let created = to.store.create(to.repo);
    created.map_err(|error| error.to_string())?;
    let progress = Progress::new(copied.files, copied.bytes);
    let work = Work {
        from,
        to,
        options,
        progress: &progress,
        fault: Mutex::default(),
    };
    let config = (!complete).then_some(config);
    let done = progress.shown(screen, || work.run(&plan, config.as_deref()));
    done.map_err(|why| format!("{why}; the same command goes on where this one ended"))?;
    Ok(copied)
}

fn count(source: &Lists, plan: &[(Kind, Entry)]) -> Copied {
    let all: usize = source.values().map(Vec::len).sum();
    Copied {
        there: (all - plan.len()) as u64,
        files: plan.len() as u64,
        bytes: plan.iter().map(|(_, entry)| entry.size).sum(),
    }
}

/// The files of each kind.
type Lists = HashMap<Kind, Vec<Entry>>;

fn lists(end: End<'_>) -> Result<Lists, String> {
    let read = |kind| Ok((kind, list(end, kind)?));
    LISTED.into_iter().map(read).collect()
}

fn list(end: End<'_>, kind: Kind) -> Result<Vec<Entry>, String> {
    let mut found = Vec::new();
    let listed = end.store.list(end.repo, kind, &mut |entry| {
        found.push(entry);
        Ok(())
    });
    match listed {
        Ok(()) => {}
        Err(error) if error.cause == Cause::Absent => {}
        Err(error) => return Err(format!("listing {} of {}: {error}", kind.name(), end.name)),
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The bytes of a repository's config, if it has one.
fn config(end: End<'_>) -> Result<Option<Vec<u8>>, String> {
    let failed = |why: String| format!("reading the config of {}: {why}", end.name);
    let loaded = match end.store.load(end.repo, &File::Config, None) {
        Ok(loaded) => loaded,
        Err(error) if error.cause == Cause::Absent => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    if loaded.size == 0 || loaded.size > CONFIG {
        return Err(failed(format!("it has {} bytes", loaded.size)));
    }
    let mut bytes = Vec::new();
    let read = loaded.reader.take(CONFIG).read_to_end(&mut bytes);
    read.map_err(|error| failed(error.to_string()))?;
    match bytes.len() as u64 == loaded.size {
        true => Ok(Some(bytes)),
        false => Err(failed("it broke off".to_owned())),
    }
}

/// Refuses to mix two repositories; tells whether the target is a repository already.
fn refuse_other(
    to: End<'_>,
    config_: &[u8],
    source: &Lists,
    target: &Lists,
) -> Result<bool, String> {
    let other = |what: &str| {
        Err(format!(
            "{} {what}; choose another place, or remove it there first",
            to.name
        ))
    };
    if let Some(there) = config(to)? {
        return match there == config_ {
            true => Ok(true),
            false => other("is another repository"),
        };
    }
    let keys = &source[&Kind::Keys];
    let is_ours = |there: &Entry| keys.iter().any(|key| key.id == there.id);
    let ours = target[&Kind::Keys].iter().any(is_ours);
    let mut telling = [Kind::Keys, Kind::Index, Kind::Snapshots].into_iter();
    match !ours && telling.any(|kind| !target[&kind].is_empty()) {
        true => other("holds part of another repository"),
        false => Ok(false),
    }
}

/// What is to be copied: what isn't there with the same size.
fn plan(source: &Lists, target: &Lists) -> Vec<(Kind, Entry)> {
    let mut plan = Vec::new();
    for kind in COPIED {
        let there = &target[&kind];
        let missing = source[&kind]
            .iter()
            .filter(|entry| there.binary_search(entry).is_err());
        plan.extend(missing.map(|entry| (kind, *entry)));
    }
    plan
}

/// A copy under way.
struct Work<'a> {
    from: End<'a>,
    to: End<'a>,
    options: &'a CopyOptions<'a>,
    progress: &'a Progress,
    /// Why it is broken off.
    fault: Mutex<Option<String>>,
}

impl Work<'_> {
    /// Copies everything, the config last.
    fn run(&self, plan: &[(Kind, Entry)], config: Option<&[u8]>) -> Result<(), String> {
        for kind in COPIED {
            self.all(plan, kind)?;
        }
        config.map_or(Ok(()), |config| self.config(config))
    }

    /// Copies all files of a kind, several at a time. The next kind begins when all are there.
    fn all(&self, plan: &[(Kind, Entry)], kind: Kind) -> Result<(), String> {
        let files = plan.iter().filter(|(its, _)| *its == kind);
        let files: Vec<&Entry> = files.map(|(_, entry)| entry).collect();
        let next = AtomicUsize::new(0);
        let take = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            files.get(at).copied().filter(|_| self.fault().is_none())
        };
        thread::scope(|scope| {
            for _ in 0..self.options.threads.min(files.len()) {
                scope.spawn(|| {
                    while let Some(entry) = take() {
                        let file = File::Hashed(kind, entry.id);
                        if let Err(error) = self.file(&file, entry.size) {
                            self.fault().get_or_insert(format!("{file}: {error}"));
                        }
                    }
                });
            }
        });
        self.fault().take().map_or(Ok(()), Err)
    }

    fn fault(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        lock(&self.fault)
    }

    /// Copies a file, again and again while what fails may pass.
    fn file(&self, file: &File, size: u64) -> Result<(), Error> {
        self.patiently(|counted| {
            let loaded = self.from.store.load(self.from.repo, file, None)?;
            if loaded.size != size {
                let text = format!("{} has changed while it was copied", self.from.name);
                return Err(Error::new(Cause::BadBody, text));
            }
            self.save(file, size, loaded.reader, counted)
        })
    }

    fn config(&self, config: &[u8]) -> Result<(), String> {
        let size = config.len() as u64;
        let copied = self.patiently(|counted| self.save(&File::Config, size, config, counted));
        copied.map_err(|error| format!("config: {error}"))
    }

    fn save(
        &self,
        file: &File,
        size: u64,
        reader: impl Read,
        counted: &mut u64,
    ) -> Result<(), Error> {
        let progress = self.progress;
        let mut source = Counted {
            reader,
            counted,
            progress,
        };
        let mut body = Body::fixed(&mut source, size, file.id(), self.options.budget)?;
        let saved = self.to.store.save(self.to.repo, file, &mut body);
        saved.map_err(|error| body.fault().cloned().unwrap_or(error))
    }

    fn patiently(&self, mut act: impl FnMut(&mut u64) -> Result<(), Error>) -> Result<(), Error> {
        let Patience {
            mut pause,
            longest,
            total,
        } = self.options.patience;
        let end = Instant::now() + total;
        loop {
            let mut counted = 0;
            let error = match act(&mut counted) {
                Ok(()) => {
                    self.progress.file();
                    return Ok(());
                }
                Err(error) => error,
            };
            self.progress.undo(counted);
            let passing = matches!(error.cause, Cause::Busy | Cause::Cloud);
            if !passing || Instant::now() + pause > end || self.fault().is_some() {
                return Err(error);
            }
            log::warn!("{error}; trying again in {} s", pause.as_secs());
            thread::sleep(pause);
            pause = (pause * 2).min(longest);
        }
    }
}

/// A reader whose bytes count as progress.
struct Counted<'a, R> {
    reader: R,
    counted: &'a mut u64,
    progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.reader.read(buffer)?;
        *self.counted += n as u64;
        self.progress.bytes(n as u64);
        Ok(n)
    }
}
