//! The lanes: bounded queues and the threads that empty them, so that nothing small waits behind
//! something large or behind locks, DELETEs travel together, passwords are proven aside, and a
//! refused body is read away where nobody waits.

use super::Config;
use super::exchange::Exchange;
use super::fair::{Fair, Next, Running};
use super::refusals::Refusals;
use super::threads::{guarded, spawn};
use crate::service::{HELD_UP, Job, Lane, PendingAuth, Reply, Service};
use crate::sync::lock;
use crate::warning::Kind;
use crate::watch::LANES;
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Threads for new locks, and as many for DELETEs of locks: hosts that lock at the same time. They
/// wait for the cloud's lists, up to 20 s, and nobody else should.
const LOCKERS: usize = 6;
/// What clients are told when no lane takes their requests.
const STOPPING: &str = "the server stops";
const CROWDED: &str = "too many requests wait; try again";
/// Threads that prove passwords. They compute, so more of them would only take the processor away
/// from everybody else.
const PROVERS: usize = 2;
/// Threads of each lane that no single party gets, started when another one asks while it has all of
/// the others.
const SPARE: usize = 2;
/// How many times the time for which a DELETE waits for another one may pass while they keep
/// coming.
const GATHERED: u32 = 10;
/// Pause before another look at DELETEs that wait for an earlier request of the same name.
const TURN: Duration = Duration::from_millis(10);

/// The queues' entrances.
pub(super) struct Lanes {
    open: Option<Entrances>,
    refusals: Refusals,
    /// Ends when the last worker has.
    working: Receiver<Infallible>,
}

struct Entrances {
    queues: Arc<Queues>,
    doubts: Doubts,
}

/// Requests whose senders must prove who they are.
type Doubts = Fair<Box<(Exchange, PendingAuth)>>;

/// A queue whose things are boxed: it touches its memory when it grows.
type Queue = Fair<Box<Work>>;

/// Nothing comes in any more when they are dropped.
struct Queues {
    /// In the order of [`Lane`].
    lanes: Vec<Queue>,
    refusals: Refusals,
}

/// An admitted request.
struct Work {
    exchange: Exchange,
    job: Job,
}

/// One that is under way.
type Taken = (Work, Arc<Running<Box<Work>>>);

impl Lanes {
    /// Starts the threads of every lane.
    pub(super) fn start(config: &Config, service: &Arc<Service>) -> io::Result<Self> {
        let (alive, working) = bounded(0);
        let (refusals, now) = (Refusals::start(config.queue)?, Duration::ZERO);
        // How many threads one party gets, and how many there are.
        let several = |threads| (threads, threads + SPARE);
        // A gatherer takes whatever there is.
        let gatherer = (config.queue, 1);
        let crews: [(_, _, Empty); LANES.len()] = [
            (several(config.small_workers), now, Crew::work),
            (several(config.workers), now, Crew::work),
            // The store gathers packs behind the answer.
            (gatherer, now, Crew::remove),
            (gatherer, config.gather, Crew::remove),
            (several(LOCKERS), now, Crew::work),
            (several(LOCKERS), config.gather, Crew::remove),
        ];
        let start = |(name, ((each, most), gather, empty))| {
            let crew = Arc::new(Crew {
                name,
                service: Arc::clone(service),
                refusals: refusals.clone(),
                queue: Fair::new(config.queue, each),
                pending: config.queue,
                gather,
                turn: config.turn,
                most,
                empty,
                count: Mutex::default(),
                _alive: alive.clone(),
            });
            crew.grow().map(|()| crew.queue.clone())
        };
        let lanes = LANES.into_iter().zip(crews).map(start);
        let queues = Arc::new(Queues {
            lanes: lanes.collect::<io::Result<_>>()?,
            refusals: refusals.clone(),
        });
        let doubts = start_provers(config.queue, service, &queues)?;
        Ok(Self {
            open: Some(Entrances { queues, doubts }),
            refusals,
            working,
        })
    }

    /// Queues an admitted request.
    pub(super) fn send(&self, exchange: Exchange, job: Job) {
        match &self.open {
            Some(open) => open.queues.send(exchange, job),
            None => self.refuse(exchange, Reply::empty(503).because(STOPPING)),
        }
    }

    /// Has somebody prove who they are before their request is queued.
    pub(super) fn prove(&self, exchange: Exchange, doubt: PendingAuth) {
        let Some(open) = &self.open else {
            return self.refuse(exchange, Reply::empty(503).because(STOPPING));
        };
        let party = exchange.party();
        if let Err(full) = open.doubts.push(party, Box::new((exchange, doubt))) {
            self.refuse(full.0, Reply::empty(503).because(CROWDED));
        }
    }

    /// Has a request answered as soon as its body is read away.
    pub(super) fn refuse(&self, exchange: Exchange, reply: Reply) {
        self.refusals.refuse(exchange, reply);
    }

    /// Lets no more work in.
    pub(super) fn close(&mut self) {
        if let Some(open) = self.open.take() {
            open.doubts.close();
        }
    }

    /// Whether all work is done after [`Self::close`].
    pub(super) fn idle(&self) -> bool {
        self.working.try_recv() == Err(TryRecvError::Disconnected) && self.refusals.idle()
    }
}

impl Queues {
    /// Queues an admitted request; a full queue refuses it.
    fn send(&self, exchange: Exchange, job: Job) {
        exchange.track().about(job.subject());
        let lane = job.lane();
        let removes = [Lane::RemoveLarge, Lane::RemoveSmall, Lane::RemoveLocks];
        // The few threads of these lanes must not wait for a body.
        if removes.contains(&lane) && job.has_body() {
            let reply = Reply::empty(400).because("a DELETE has no body");
            return self.refusals.refuse(exchange, reply);
        }
        let party = exchange.party();
        let queue = &self.lanes[lane as usize];
        if let Err(full) = queue.push(party, Box::new(Work { exchange, job })) {
            let reply = Reply::empty(503).because(CROWDED);
            self.refusals.refuse(full.exchange, reply);
        }
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        self.lanes.iter().for_each(Fair::close);
    }
}

/// Starts the threads that prove passwords, away from the thread that accepts requests.
fn start_provers(most: usize, service: &Arc<Service>, queues: &Arc<Queues>) -> io::Result<Doubts> {
    let doubts = Fair::new(most, most);
    for number in 0..PROVERS {
        // The other lanes stay open until the last doubt is resolved.
        let (service, queues) = (Arc::clone(service), Arc::clone(queues));
        let doubts: Doubts = doubts.clone();
        let body = move || {
            while let Next::Thing(work, _running) = doubts.next(None) {
                let (exchange, doubt) = *work;
                match guarded("proving a password", || service.prove(doubt)) {
                    // What its client has given up mustn't be done behind what it did next.
                    Some(Ok(_)) if exchange.deserted() => {
                        exchange.abort(&io::Error::other("the client has gone"));
                    }
                    Some(Ok(job)) => queues.send(exchange, job),
                    Some(Err(reply)) => queues.refusals.refuse(exchange, reply),
                    None => queues.refusals.refuse(exchange, Reply::empty(500)),
                }
            }
        };
        spawn(&format!("prove-{number}"), body)?;
    }
    Ok(doubts)
}

/// The threads of a lane, and what they need. The next one is started when the last idle one has
/// found work: a thread that nobody needs would take 24 KB, half of it in the kernel.
struct Crew {
    name: &'static str,
    service: Arc<Service>,
    refusals: Refusals,
    queue: Queue,
    /// Most DELETEs that are gathered.
    pending: usize,
    /// How long one of them waits for another.
    gather: Duration,
    /// How long one of them waits for its turn.
    turn: Duration,
    /// Most threads.
    most: usize,
    /// What each of them does.
    empty: Empty,
    /// Threads that have been started, and how many of them wait for work.
    count: Mutex<(usize, usize)>,
    /// Gone when the last thread is.
    _alive: Sender<Infallible>,
}

/// Empties a lane's queue.
type Empty = fn(&Arc<Crew>);

impl Crew {
    /// Starts another thread, unless one waits for work or there are enough.
    fn grow(self: &Arc<Self>) -> io::Result<()> {
        let mut count = lock(&self.count);
        let (started, idle) = *count;
        if idle > 0 || started >= self.most {
            return Ok(());
        }
        let crew = Arc::clone(self);
        let body = move || (crew.empty)(&crew);
        spawn(&format!("{}-{started}", self.name), body)?;
        count.0 += 1;
        Ok(())
    }

    /// Waits for work; none comes any more when the lanes are closed.
    fn next(self: &Arc<Self>) -> Option<Taken> {
        lock(&self.count).1 += 1;
        let Next::Thing(work, running) = self.queue.next(None) else {
            return None;
        };
        lock(&self.count).1 -= 1;
        if let Err(error) = self.grow() {
            log::warn!(
                target: &Kind::Resources.about(self.name),
                "the lane {} gets no further thread: {error}",
                self.name
            );
        }
        Some((*work, running))
    }

    /// Does one job after the other.
    fn work(self: &Arc<Self>) {
        while let Some((Work { mut exchange, job }, running)) = self.next() {
            exchange.give_way(running.wanted());
            exchange.track().begin(job.total());
            let served = guarded("a request", || {
                exchange.serve(job.user(), |body, answer| {
                    self.service.serve(&job, body, answer)
                })
            });
            // The next one of the same name may start before this one's answer is sent.
            drop(job);
            match served {
                Some(Ok(())) => self.conclude(exchange),
                Some(Err(error)) => exchange.abort(&error),
                None if exchange.started() => exchange.abort(&panicked()),
                None => {
                    exchange.reply(Reply::empty(500));
                    self.conclude(exchange);
                }
            }
        }
    }

    /// Does DELETEs, many at once.
    fn remove(self: &Arc<Self>) {
        let mut pending = Vec::new();
        while self.gather(&mut pending) {
            self.give_up(&mut pending);
            let ready = pending.extract_if(.., |(work, _)| work.job.turn_has_come());
            let batch: Vec<Taken> = ready.take(self.service.limits().batch).collect();
            if !batch.is_empty() {
                self.remove_batch(batch);
            }
        }
    }

    /// Waits for DELETEs, and after the first one for more; false when there will be none.
    fn gather(self: &Arc<Self>, pending: &mut Vec<Taken>) -> bool {
        if pending.is_empty() {
            let Some(first) = self.next() else {
                return false;
            };
            pending.push(first);
            let end = Instant::now() + self.gather * GATHERED;
            while pending.len() < self.service.limits().batch && Instant::now() < end {
                match self.queue.next(Some(self.gather)) {
                    Next::Thing(work, running) => pending.push((*work, running)),
                    _ => break,
                }
            }
        } else {
            match self.queue.next(Some(TURN)) {
                Next::Thing(work, running) => pending.push((*work, running)),
                Next::Nothing => {}
                Next::Closed => thread::sleep(TURN),
            }
        }
        while pending.len() < self.pending
            && let Next::Thing(work, running) = self.queue.next(Some(Duration::ZERO))
        {
            pending.push((*work, running));
        }
        true
    }

    /// Answers DELETEs that wait too long for their turn, and leaves those whose clients have gone:
    /// what they did next may be about the same name.
    fn give_up(&self, pending: &mut Vec<Taken>) {
        let is_over = |(work, _): &mut Taken| {
            let waits = !work.job.turn_has_come();
            waits && (work.exchange.waited() > self.turn || work.exchange.deserted())
        };
        for (mut work, _) in pending.extract_if(.., is_over) {
            match work.exchange.deserted() {
                true => work.exchange.abort(&io::Error::other(HELD_UP)),
                false => {
                    work.exchange.reply(Reply::empty(503).because(HELD_UP));
                    self.conclude(work.exchange);
                }
            }
        }
    }

    fn remove_batch(&self, batch: Vec<Taken>) {
        let (works, running): (Vec<Work>, Vec<_>) = batch.into_iter().unzip();
        let works = works.into_iter().map(|work| (work.exchange, work.job));
        let (exchanges, jobs): (Vec<Exchange>, Vec<_>) = works.unzip();
        exchanges
            .iter()
            .for_each(|exchange| exchange.track().begin(None));
        let replies = guarded("a batch of DELETEs", || self.service.remove(&jobs));
        drop(jobs);
        let mut replies = replies.unwrap_or_default().into_iter();
        for mut exchange in exchanges {
            exchange.reply(replies.next().unwrap_or_else(|| Reply::empty(500)));
            self.conclude(exchange);
        }
        drop(running);
    }

    fn conclude(&self, exchange: Exchange) {
        match exchange.undrained() {
            true => self.refusals.send(exchange),
            false => drop(guarded("sending an answer", || exchange.finish())),
        }
    }
}

fn panicked() -> io::Error {
    io::Error::other("the server has a fault")
}
