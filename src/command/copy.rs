//! A whole repository from one store to another, in an order that is safe to break off anywhere.
//!
//! The source is listed from what refers to what is referred to: snapshots, index, packs. So a
//! backup that goes on meanwhile can't bring a snapshot into the copy without its packs. Copied
//! is in the order: keys, packs, index, snapshots, config. The keys come first because they
//! tell whose half copy this is; the config comes last because without it no client takes the
//! copy for a repository. Nothing is removed, and nothing that is there is replaced unless it is
//! damaged. What is damaged at the source is left out: its store says which file that is.

use super::progress::{Progress, Screen};
use crate::body::{Body, Budget};
use crate::error::{Cause, Error};
use crate::restic::{File, Kind, Repo};
use crate::store::{Entry, Store};
use crate::sync::{into_inner, lock};
use crate::warning;
use std::collections::HashMap;
use std::io::{self, Read};
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
    /// Read what is there already, instead of judging it by its size, which is all that a list
    /// tells.
    pub rereads: bool,
    /// Copy nothing, and read nothing.
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
    /// Files that are damaged at the source, and were left out.
    pub damaged: u64,
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
    let mut plan = plan(&source, &target);
    let config = (!complete).then_some(config);
    let copied = count(&plan, config.as_deref());
    plan.retain(|step| !step.is_there || options.rereads);
    if options.dry_run || (plan.is_empty() && complete) {
        return Ok(copied);
    }
    let created = to.store.create(to.repo);
    created.map_err(|error| error.to_string())?;
    let sizes = plan.iter().map(|step| step.entry.size);
    let sizes = sizes.chain(config.as_ref().map(|config| config.len() as u64));
    let progress = Progress::new(sizes.clone().count() as u64, sizes.sum());
    let work = Work {
        from,
        to,
        options,
        progress: &progress,
        copied: Mutex::new(copied),
        fault: Mutex::default(),
    };
    let done = progress.shown(screen, || work.run(&plan, config.as_deref()));
    done.map_err(|why| format!("{why}; the same command goes on where this one ended"))?;
    Ok(into_inner(work.copied))
}

/// What there is to do, if what is there is as it should be.
fn count(plan: &[Step], config: Option<&[u8]>) -> Copied {
    let there = plan.iter().filter(|step| step.is_there).count() as u64;
    let missing = plan.iter().filter(|step| !step.is_there);
    let bytes: u64 = missing.map(|step| step.entry.size).sum();
    Copied {
        there: there + u64::from(config.is_none()),
        files: plan.len() as u64 - there + u64::from(config.is_some()),
        bytes: bytes + config.map_or(0, <[u8]>::len) as u64,
        damaged: 0,
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

/// A file that is to be in the copy.
struct Step {
    kind: Kind,
    entry: Entry,
    /// Whether it is there already, by its name and size.
    is_there: bool,
}

/// The files of the source, in the order in which they are copied.
fn plan(source: &Lists, target: &Lists) -> Vec<Step> {
    let of_kind = |kind| {
        source[&kind].iter().map(move |entry| Step {
            kind,
            entry: *entry,
            is_there: target[&kind].binary_search(entry).is_ok(),
        })
    };
    COPIED.into_iter().flat_map(of_kind).collect()
}

/// A copy under way.
struct Work<'a> {
    from: End<'a>,
    to: End<'a>,
    options: &'a CopyOptions<'a>,
    progress: &'a Progress,
    /// What it does, corrected as it learns what is damaged.
    copied: Mutex<Copied>,
    /// Why it is broken off.
    fault: Mutex<Option<String>>,
}

impl Work<'_> {
    /// Copies everything, the config last.
    fn run(&self, plan: &[Step], config: Option<&[u8]>) -> Result<(), String> {
        for kind in COPIED {
            self.all(plan, kind)?;
        }
        config.map_or(Ok(()), |config| self.config(config))
    }

    /// Copies all files of a kind, several at a time. The next kind begins when all are there but
    /// the damaged ones.
    fn all(&self, plan: &[Step], kind: Kind) -> Result<(), String> {
        let files: Vec<&Step> = plan.iter().filter(|step| step.kind == kind).collect();
        let next = AtomicUsize::new(0);
        let take = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            files.get(at).copied().filter(|_| self.fault().is_none())
        };
        thread::scope(|scope| {
            for _ in 0..self.options.threads.min(files.len()) {
                scope.spawn(|| {
                    while let Some(step) = take() {
                        let file = File::Hashed(kind, step.entry.id);
                        if let Err(error) = self.file(&file, step) {
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

    /// Copies a file, unless it is there and whole, and leaves it out if its bytes aren't those of
    /// its name.
    fn file(&self, file: &File, step: &Step) -> Result<(), Error> {
        let size = step.entry.size;
        if step.is_there {
            if self.is_whole(file, size)? {
                self.progress.bytes(size);
                self.progress.file();
                return Ok(());
            }
            let mut copied = lock(&self.copied);
            copied.there -= 1;
            copied.files += 1;
            copied.bytes += size;
        }
        match self.patiently(|counted| self.load(file, counted)) {
            Err(error) if error.kind() == warning::Kind::BadBody => {
                let mut copied = lock(&self.copied);
                copied.damaged += 1;
                copied.files -= 1;
                copied.bytes -= size;
                Ok(())
            }
            copied => copied,
        }
    }

    /// Whether the target has the right bytes of a file.
    fn is_whole(&self, file: &File, size: u64) -> Result<bool, Error> {
        // Where the name is the hash of the bytes, no others are needed to compare them with.
        let mut none = io::empty();
        let mut body = Body::streamed(&mut none, size, file.id(), self.options.budget);
        self.to.store.holds(self.to.repo, file, &mut body)
    }

    fn load(&self, file: &File, counted: &mut u64) -> Result<(), Error> {
        let loaded = self.from.store.load(self.from.repo, file, None)?;
        self.save(file, loaded.size, loaded.reader, counted)
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

    /// Does it again and again while what fails may pass.
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
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        *self.counted += n as u64;
        self.progress.bytes(n as u64);
        Ok(n)
    }
}
