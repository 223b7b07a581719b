//! What goes on, counted: requests, bytes, times, repositories, transfers, warnings. Whoever has
//! something to tell does so here; whoever wants to know takes a [`Snapshot`], which three pure
//! renderers turn into Prometheus' text, JSON and a page.
//!
//! Everything is bounded: tables of our own kinds and statuses, a few repositories, the requests
//! that the queues admit, a few warnings. All of it stands under one lock that is held for
//! moments: it gives one consistent picture, and the routers that this runs on have no atomic
//! numbers of 64 bits.

mod alarm;
mod histogram;
mod metrics;
mod page;
mod record;
mod repos;
mod snapshot;
mod text;
mod warnings;

pub use alarm::{Alarm, Notify};
pub use histogram::{BOUNDS, Histogram};
pub use metrics::{TYPE, metrics};
pub use page::{Language, POLICY, page};
pub use record::Record;
pub use repos::{HOURS, Repository};
pub use snapshot::{Lane, Latency, Requests, Snapshot, Transfer};
pub use text::{older, text};
pub use warnings::Warning;

use crate::civil::now;
use crate::restic::{self, File, Operation};
use crate::store::Health;
use crate::sync::lock;
use crate::warning::{Kind, Line};
use repos::{Deed, Repositories};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use warnings::Warnings;

/// The names of the lanes, in the order of their numbers.
pub const LANES: [&str; 6] = [
    "small",
    "large",
    "remove-large",
    "remove-small",
    "locks",
    "remove-locks",
];

/// What a request is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What it does.
    pub act: &'static str,
    /// The kind of files that it is about.
    pub kind: &'static str,
    /// The repository, with a slash before it; None for pages.
    pub repository: Option<String>,
    /// The start of the file's name, for transfers.
    pub file: String,
    /// The number of its lane.
    pub lane: usize,
}

/// Letters of a file's id that are shown, as restic shows them.
const SHORT: usize = 8;

impl Subject {
    /// An operation in a lane.
    pub fn operation(operation: &Operation, lane: usize) -> Self {
        let name = |file: &File| file.kind().map_or("config", restic::Kind::name);
        let (act, kind, file) = match operation {
            Operation::Create(_) => ("create", "repository", None),
            Operation::List(_, kind) => ("list", kind.name(), None),
            Operation::Stat(_, file) => ("stat", name(file), None),
            Operation::Load(_, file) => ("load", name(file), Some(file)),
            Operation::Save(_, file) => ("save", name(file), Some(file)),
            Operation::Remove(_, file) => ("remove", name(file), None),
        };
        let short = |file: &File| file.name().chars().take(SHORT).collect();
        Self {
            act,
            kind,
            repository: Some(operation.repo().to_string()),
            file: file.map_or(String::new(), short),
            lane,
        }
    }

    /// One of our own pages.
    pub fn page(lane: usize) -> Self {
        Self {
            act: "page",
            kind: "page",
            repository: None,
            file: String::new(),
            lane,
        }
    }
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Watch {
    /// By the clock that nobody sets: small machines start in 1970.
    started: Instant,
    inside: Mutex<Inside>,
    warnings: Mutex<Warnings>,
    max_age: Option<u64>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            inside: Mutex::default(),
            warnings: Mutex::default(),
            max_age: None,
        }
    }
}

#[derive(Debug, Default)]
struct Inside {
    /// Kind of file and status, both from our own tables.
    requests: BTreeMap<(&'static str, u16), u64>,
    latencies: BTreeMap<&'static str, Histogram>,
    cut: u64,
    received: u64,
    sent: u64,
    repositories: Repositories,
    running: BTreeMap<u64, Running>,
    next: u64,
}

/// A request under way.
#[derive(Debug)]
struct Running {
    subject: Option<Subject>,
    since: Instant,
    /// Whether a worker has it.
    begun: bool,
    total: Option<u64>,
    received: u64,
    sent: u64,
}

impl Watch {
    /// Takes note of a request; what it is about may be said later.
    pub fn arrive(self: &Arc<Self>) -> Track {
        let running = Running {
            subject: None,
            since: Instant::now(),
            begun: false,
            total: None,
            received: 0,
            sent: 0,
        };
        let mut inside = lock(&self.inside);
        inside.next += 1;
        let number = inside.next;
        inside.running.insert(number, running);
        Track {
            watch: Arc::clone(self),
            number,
        }
    }

    /// The same, expecting a snapshot of each repository at least so often, in seconds; without
    /// this, as often as it usually gets one.
    pub fn expecting(max_age: Option<u64>) -> Self {
        Self {
            max_age,
            ..Self::default()
        }
    }

    /// Remembers a line of the log if it is a warning, and forgets what is over. The cloud's
    /// troubles come with its health.
    pub fn log(&self, record: &log::Record<'_>) {
        let kind = match Line::of(record.target()) {
            Line::Over(kind, subject) => return lock(&self.warnings).end(kind, subject),
            // They are shown as long as they last.
            Line::Trouble | Line::Warning(Kind::Stale, _) => return,
            Line::Warning(kind, subject) => Some((kind, subject)),
            Line::Other => None,
        };
        if record.level() <= log::Level::Warn {
            let text = record.args().to_string();
            lock(&self.warnings).add(kind, &text, now());
        }
    }

    /// How things are now; what the cloud and the memory have to say about it comes from outside.
    pub fn snapshot(&self, cloud: Health, memory: (u64, u64)) -> Snapshot {
        let warnings = lock(&self.warnings).all();
        let (inside, now) = (lock(&self.inside), now());
        Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            now,
            started: now.saturating_sub(self.started.elapsed().as_secs()),
            memory: memory.0,
            memory_most: memory.1,
            limit_upload: None,
            limit_download: None,
            requests: inside.requests(),
            latencies: inside.latencies(),
            cut: inside.cut,
            received: inside.received,
            sent: inside.sent,
            lanes: inside.lanes(),
            repositories: inside.repositories.all(now, self.max_age),
            transfers: inside.transfers(),
            warnings,
            cloud,
        }
    }
}

impl Inside {
    fn requests(&self) -> Vec<Requests> {
        let row = |((kind, status), count): (&(&'static str, u16), &u64)| Requests {
            kind,
            status: *status,
            count: *count,
        };
        self.requests.iter().map(row).collect()
    }

    fn latencies(&self) -> Vec<Latency> {
        let row = |(operation, times): (&&'static str, &Histogram)| Latency {
            operation,
            times: *times,
        };
        self.latencies.iter().map(row).collect()
    }

    fn lanes(&self) -> Vec<Lane> {
        let mut lanes = LANES.map(|name| Lane {
            name,
            waiting: 0,
            running: 0,
        });
        for running in self.running.values() {
            let lane = running.subject.as_ref().map(|subject| subject.lane);
            if let Some(lane) = lane.and_then(|lane| lanes.get_mut(lane)) {
                match running.begun {
                    true => lane.running += 1,
                    false => lane.waiting += 1,
                }
            }
        }
        lanes.to_vec()
    }

    /// Uploads and downloads that a worker has, in order of arrival.
    fn transfers(&self) -> Vec<Transfer> {
        let row = |running: &Running| {
            let subject = running.subject.as_ref().filter(|_| running.begun)?;
            let upload = match subject.act {
                "save" => true,
                "load" => false,
                _ => return None,
            };
            Some(Transfer {
                repository: subject.repository.clone().unwrap_or_default(),
                kind: subject.kind,
                file: subject.file.clone(),
                upload,
                done: if upload {
                    running.received
                } else {
                    running.sent
                },
                total: running.total,
                seconds: running.since.elapsed().as_secs(),
            })
        };
        self.running.values().filter_map(row).collect()
    }

    fn end(&mut self, number: u64, status: u16, cut: bool) {
        let Some(running) = self.running.remove(&number) else {
            return;
        };
        let Running { received, sent, .. } = running;
        self.cut += u64::from(cut);
        self.received += received;
        self.sent += sent;
        let subject = running.subject.as_ref();
        let (act, kind) = subject.map_or(("other", "other"), |s| (s.act, s.kind));
        *self.requests.entry((kind, status)).or_default() += 1;
        let took = running.since.elapsed();
        self.latencies.entry(act).or_default().add(took);
        if let Some(name) = running.subject.and_then(|subject| subject.repository) {
            let good = !cut && (200..300).contains(&status);
            let snapshot = (act, kind) == ("save", restic::Kind::Snapshots.name());
            let deed = Deed {
                received,
                sent,
                snapshot,
                good,
            };
            self.repositories.note(&name, deed, now());
        }
    }
}

/// A request's way through the server. Dropped before its end, it counts as cut off.
#[derive(Debug)]
pub struct Track {
    watch: Arc<Watch>,
    number: u64,
}

impl Track {
    /// Says what the request is about.
    pub fn about(&self, subject: Subject) {
        self.change(|running| running.subject = Some(subject));
    }

    /// Says that a worker has it, and how long its body is.
    pub fn begin(&self, total: Option<u64>) {
        self.change(|running| (running.begun, running.total) = (true, total));
    }

    /// Says how long the body of its answer is.
    pub fn answers(&self, total: Option<u64>) {
        self.change(|running| running.total = total.or(running.total));
    }

    /// Counts bytes of its body.
    pub fn received(&self, bytes: u64) {
        self.change(|running| running.received += bytes);
    }

    /// Counts bytes of its answer.
    pub fn sent(&self, bytes: u64) {
        self.change(|running| running.sent += bytes);
    }

    /// Says what was answered, and whether the answer was cut off.
    pub fn end(&self, status: u16, cut: bool) {
        lock(&self.watch.inside).end(self.number, status, cut);
    }

    fn change(&self, change: impl FnOnce(&mut Running)) {
        lock(&self.watch.inside)
            .running
            .get_mut(&self.number)
            .map(change);
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        self.end(0, true);
    }
}

#[cfg(test)]
mod tests;
