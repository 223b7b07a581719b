//! One request in, one answer out: the checks that belong to restic's protocol rather than to a
//! cloud, and the only place where a status is picked (`status`).
//!
//! Sockets and threads are `server`'s; here is only what can be tested with bytes in memory.

mod admit;
mod browsers;
mod gather;
mod head;
mod listing;
mod pages;
mod reads;
mod room;
mod save;
mod status;

pub use admit::{Admission, PendingAuth};
pub use head::Head;
pub use save::HELD_UP;

use crate::access::{Access, Grant, Peer, User};
use crate::body::{Budget, Length};
use crate::inits::Inits;
use crate::limit::Limits;
use crate::restic::{File, Kind, Operation, Range, Repo};
use crate::store::Store;
use crate::turns::{Ticket, Turns};
use crate::watch::{Subject, Watch};
use pages::View;
use room::InFlight;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

/// Characters of a reason in the status line; terminals have lines of about that length.
const LONGEST_REASON: usize = 120;
/// Bytes copied at once from the cloud to the client.
const BUFFER: usize = 64 << 10;

/// Which queue a job belongs to, so that nothing small waits behind something large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Keys, snapshots, config, reading locks, and lists of everything but packs.
    Small,
    /// Packs and index files, and the list of packs.
    Large,
    /// DELETEs of packs, which the store gathers into batches behind the answer.
    RemoveLarge,
    /// DELETEs of everything else, which are gathered before it.
    RemoveSmall,
    /// New locks, which wait until lists show them.
    Locks,
    /// DELETEs of locks, which wait until lists show what they protected.
    RemoveLocks,
}

/// An admitted request. Writing ones hold their place in the order of their name until they are
/// dropped.
#[derive(Debug)]
pub struct Job {
    task: Task,
    range: Option<Range>,
    v2: bool,
    length: Length,
    grant: Grant,
    turn: Option<Ticket>,
    user: User,
    peer: Peer,
}

/// What an admitted request asks for.
#[derive(Debug)]
enum Task {
    /// Something of restic's.
    Operation(Operation),
    /// A page of our own.
    Page(View),
}

impl Job {
    /// Whose it is.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Its client, as far as it can be told from others: the user and the address.
    fn client(&self) -> String {
        format!("{} {}", self.user, self.peer)
    }

    /// The queue that it belongs to.
    pub fn lane(&self) -> Lane {
        let large = |kind: Option<Kind>| matches!(kind, Some(Kind::Data | Kind::Index));
        let Task::Operation(operation) = &self.task else {
            return Lane::Small;
        };
        match operation {
            Operation::Remove(_, file) if file.kind() == Some(Kind::Data) => Lane::RemoveLarge,
            Operation::Remove(_, file) if file.kind() == Some(Kind::Locks) => Lane::RemoveLocks,
            Operation::Remove(..) => Lane::RemoveSmall,
            Operation::Save(_, file) if file.kind() == Some(Kind::Locks) => Lane::Locks,
            Operation::Load(_, file) | Operation::Save(_, file) if large(file.kind()) => {
                Lane::Large
            }
            Operation::List(_, Kind::Data) => Lane::Large,
            _ => Lane::Small,
        }
    }

    /// What it is about, for whoever watches.
    pub fn subject(&self) -> Subject {
        let lane = self.lane() as usize;
        match &self.task {
            Task::Operation(operation) => Subject::operation(operation, lane),
            Task::Page(..) => Subject::page(lane),
        }
    }

    /// How long its body is, if that is known.
    pub fn total(&self) -> Option<u64> {
        match self.length {
            Length::Known(len) => Some(len),
            _ => None,
        }
    }

    /// Whether a body follows.
    pub fn has_body(&self) -> bool {
        !matches!(self.length, Length::None | Length::Known(0))
    }

    /// Whether nothing that came earlier for the same name is still under way.
    pub fn turn_has_come(&self) -> bool {
        self.turn.as_ref().is_none_or(Ticket::has_come)
    }
}

/// Status and headers of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// What the status line says instead of the usual phrase; restic shows it to its user.
    /// And its body says the same, for browsers and curl.
    pub reason: Option<String>,
    /// Headers besides those that every answer has.
    pub headers: Vec<(&'static str, String)>,
    /// Bytes that follow, also for HEAD, where they don't; None when nobody knows yet.
    pub length: Option<u64>,
    /// How long it is kept back.
    pub pause: Duration,
    /// Whom it is for, once that is known.
    pub user: User,
}

impl Reply {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            reason: None,
            headers: Vec::new(),
            length: Some(0),
            pause: Duration::ZERO,
            user: User::nobody(),
        }
    }

    /// The same, saying why: in printable ASCII, and not endless.
    #[must_use]
    pub fn because(mut self, why: &str) -> Self {
        let plain = |c: char| {
            if c == ' ' || c.is_ascii_graphic() {
                c
            } else {
                '?'
            }
        };
        self.reason = Some(why.chars().take(LONGEST_REASON).map(plain).collect());
        self
    }

    /// The same for somebody.
    #[must_use]
    pub fn to(self, user: &User) -> Self {
        let user = user.clone();
        Self { user, ..self }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Where an answer goes. It is complete when [`Service::serve`] returns Ok; after an Err it must
/// be cut off, so that a short body or list can't look whole.
pub trait Answer {
    /// Sends status and headers.
    fn start(&mut self, reply: Reply) -> io::Result<()>;
    /// Sends bytes of the body; what they are may stay buffered until the end.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Sends what is buffered.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The protocol over a store.
pub struct Service {
    store: Box<dyn Store>,
    budget: Budget,
    turns: Arc<Turns>,
    inits: Inits,
    in_flight: InFlight,
    access: Arc<Access>,
    reserve: u64,
    limits: Limits,
    hosts: Vec<String>,
    watch: Arc<Watch>,
}

impl Service {
    /// A service that keeps its files in `store` and holds bodies within `budget`. Everybody may
    /// do everything, up to the last byte.
    pub fn new(store: Box<dyn Store>, budget: Budget) -> Self {
        Self {
            store,
            budget,
            turns: Arc::default(),
            inits: Inits::default(),
            in_flight: InFlight::default(),
            access: Arc::new(Access::open()),
            reserve: 0,
            limits: Limits::default(),
            hosts: Vec::new(),
            watch: Arc::default(),
        }
    }

    /// The same, counting into `watch`.
    #[must_use]
    pub fn watched(self, watch: Arc<Watch>) -> Self {
        Self { watch, ..self }
    }

    /// Where everything is counted.
    pub fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// The same, with rules about who may do what.
    #[must_use]
    pub fn guarded(self, access: Arc<Access>) -> Self {
        Self { access, ..self }
    }

    /// The same, keeping so many bytes of the store free for what makes room again.
    #[must_use]
    pub fn reserving(self, reserve: u64) -> Self {
        Self { reserve, ..self }
    }

    /// The same, moving no more bytes than this.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same, also asked by these names where no passwords are asked for.
    #[must_use]
    pub fn named(self, hosts: Vec<String>) -> Self {
        Self { hosts, ..self }
    }

    /// Does the job and answers it. An Err after [`Answer::start`] means that the answer isn't
    /// whole and can't become so.
    pub fn serve(&self, job: &Job, body: &mut dyn Read, answer: &mut dyn Answer) -> io::Result<()> {
        let operation = match &job.task {
            Task::Operation(operation) => operation,
            Task::Page(page) => return self.show(*page, &job.user, answer),
        };
        let done = match operation {
            Operation::List(repo, kind) => return self.list(repo, *kind, job.v2, answer),
            Operation::Load(repo, file) => return self.load(repo, file, job, answer),
            Operation::Stat(repo, file) => return self.stat(repo, file, &job.client(), answer),
            Operation::Create(repo) => self.store.create(repo),
            Operation::Save(repo, file) => self.save(repo, file, job, body),
            Operation::Remove(repo, file) => {
                let mut results = self.remove_all(vec![(repo.clone(), *file)]);
                results.pop().unwrap_or(Ok(()))
            }
        };
        answer.start(self.reply_to(operation, done))
    }

    /// Does a batch of DELETEs, whose turns have come, and answers for each of them in order.
    pub fn remove(&self, jobs: &[Job]) -> Vec<Reply> {
        let name = |job: &Job| match &job.task {
            Task::Operation(Operation::Remove(repo, file)) => Some((repo.clone(), *file)),
            _ => None,
        };
        let files: Vec<(Repo, File)> = jobs.iter().filter_map(name).collect();
        let results = self.remove_all(files);
        let reply = |(job, done): (&Job, _)| match &job.task {
            Task::Operation(operation) => self.reply_to(operation, done).to(&job.user),
            Task::Page(..) => Reply::empty(500),
        };
        jobs.iter().zip(results).map(reply).collect()
    }
}
