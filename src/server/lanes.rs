//! The lanes: bounded queues and the threads that empty them, so that nothing small waits behind
//! something large, DELETEs travel together, and a refused body is read away where nobody waits.

use super::Config;
use super::exchange::Exchange;
use crate::service::{Job, Lane, Reply, Service};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Threads that read refused bodies away.
const REFUSERS: usize = 2;
/// Most DELETEs that are done together: 123pan takes 100 ids in a call.
const BATCH: usize = 100;
/// How many times the time for which a DELETE waits for another one may pass while they keep
/// coming.
const GATHERED: u32 = 10;
/// Pause before another look at DELETEs that wait for an earlier request of the same name.
const TURN: Duration = Duration::from_millis(10);
/// A thread's stack in bytes. Most of it is never touched; TLS handshakes happen on it.
const STACK: usize = 512 << 10;

/// The queues' entrances.
pub(super) struct Lanes {
    open: Option<Queues>,
    refusals: Refusals,
    /// Ends when the last worker has.
    working: Receiver<Infallible>,
}

struct Queues {
    small: Sender<Work>,
    large: Sender<Work>,
    remove_small: Sender<Work>,
    remove_large: Sender<Work>,
}

/// An admitted request.
struct Work {
    exchange: Exchange,
    job: Job,
}

impl Lanes {
    /// Starts the threads of every lane.
    pub(super) fn start(config: &Config, service: &Arc<Service>) -> io::Result<Self> {
        let (alive, working) = bounded(0);
        let refusals = Refusals::start(config.queue)?;
        let worker = Worker {
            service: Arc::clone(service),
            refusals: refusals.clone(),
            most: config.queue,
            gather: config.gather,
            _alive: alive,
        };
        let queues = Queues {
            small: worker.start("small", config.small_workers, Worker::work)?,
            large: worker.start("large", config.workers, Worker::work)?,
            remove_small: worker.start("remove-small", 1, Worker::remove)?,
            remove_large: worker.start("remove-large", 1, Worker::remove)?,
        };
        Ok(Self {
            open: Some(queues),
            refusals,
            working,
        })
    }

    /// Queues an admitted request; a full queue refuses it.
    pub(super) fn send(&self, exchange: Exchange, job: Job) {
        let work = Work { exchange, job };
        let sent = match &self.open {
            None => Err(work),
            Some(queues) => {
                let queue = match work.job.lane() {
                    Lane::Small => &queues.small,
                    Lane::Large => &queues.large,
                    Lane::RemoveSmall => &queues.remove_small,
                    Lane::RemoveLarge => &queues.remove_large,
                };
                queue.try_send(work).map_err(|full| full.into_inner())
            }
        };
        if let Err(Work { exchange, job }) = sent {
            drop(job);
            self.refuse(exchange, Reply::empty(503));
        }
    }

    /// Has a request answered as soon as its body is read away.
    pub(super) fn refuse(&self, mut exchange: Exchange, reply: Reply) {
        exchange.reply(reply);
        self.refusals.send(exchange);
    }

    /// Lets no more work in.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Whether all work is done after [`Self::close`].
    pub(super) fn idle(&self) -> bool {
        self.working.try_recv() == Err(TryRecvError::Disconnected) && self.refusals.idle()
    }
}

/// Starts a thread.
pub(super) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.stack_size(STACK).spawn(body).map(drop)
}

/// The lane for requests with an answer whose body isn't read yet.
#[derive(Clone)]
struct Refusals {
    queue: Sender<Exchange>,
    waiting: Arc<AtomicUsize>,
}

impl Refusals {
    fn start(most: usize) -> io::Result<Self> {
        let (queue, exchanges) = bounded::<Exchange>(most);
        let waiting = Arc::new(AtomicUsize::new(0));
        for number in 0..REFUSERS {
            let (exchanges, waiting) = (exchanges.clone(), Arc::clone(&waiting));
            let body = move || {
                for mut exchange in exchanges {
                    guarded("reading a refused body", || {
                        exchange.drain();
                        exchange.finish();
                    });
                    waiting.fetch_sub(1, Ordering::Relaxed);
                }
            };
            spawn(&format!("refuse-{number}"), body)?;
        }
        Ok(Self { queue, waiting })
    }

    fn send(&self, exchange: Exchange) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(full) = self.queue.try_send(exchange) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            let error = io::Error::other("too many refused requests at once");
            full.into_inner().abort(&error);
        }
    }

    fn idle(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }
}

/// What a thread needs to empty a queue.
#[derive(Clone)]
struct Worker {
    service: Arc<Service>,
    refusals: Refusals,
    most: usize,
    gather: Duration,
    _alive: Sender<Infallible>,
}

impl Worker {
    fn start(
        &self,
        name: &str,
        threads: usize,
        empty: fn(&Self, &Receiver<Work>),
    ) -> io::Result<Sender<Work>> {
        let (sender, queue) = bounded(self.most);
        for number in 0..threads {
            let (worker, queue) = (self.clone(), queue.clone());
            spawn(&format!("{name}-{number}"), move || empty(&worker, &queue))?;
        }
        Ok(sender)
    }

    /// Does one job after the other.
    fn work(&self, queue: &Receiver<Work>) {
        for Work { mut exchange, job } in queue {
            let served = guarded("a request", || {
                exchange.serve(|body, answer| self.service.serve(&job, body, answer))
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
    fn remove(&self, queue: &Receiver<Work>) {
        let mut pending = Vec::new();
        while self.gather(queue, &mut pending) {
            let ready = pending.extract_if(.., |work| work.job.turn_has_come());
            let batch: Vec<Work> = ready.take(BATCH).collect();
            if !batch.is_empty() {
                self.remove_batch(batch);
            }
        }
    }

    /// Waits for DELETEs, and after the first one for more; false when there will be none.
    fn gather(&self, queue: &Receiver<Work>, pending: &mut Vec<Work>) -> bool {
        if pending.is_empty() {
            let Ok(first) = queue.recv() else {
                return false;
            };
            pending.push(first);
            let end = Instant::now() + self.gather * GATHERED;
            while pending.len() < BATCH && Instant::now() < end {
                match queue.recv_timeout(self.gather) {
                    Ok(work) => pending.push(work),
                    Err(_) => break,
                }
            }
        } else {
            match queue.recv_timeout(TURN) {
                Ok(work) => pending.push(work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => thread::sleep(TURN),
            }
        }
        let room = self.most.saturating_sub(pending.len());
        pending.extend(queue.try_iter().take(room));
        true
    }

    fn remove_batch(&self, batch: Vec<Work>) {
        let (exchanges, jobs): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|work| (work.exchange, work.job))
            .unzip();
        let replies = guarded("a batch of DELETEs", || self.service.remove(&jobs));
        drop(jobs);
        let mut replies = replies.unwrap_or_default().into_iter();
        for mut exchange in exchanges {
            exchange.reply(replies.next().unwrap_or_else(|| Reply::empty(500)));
            self.conclude(exchange);
        }
    }

    fn conclude(&self, exchange: Exchange) {
        match exchange.undrained() {
            true => self.refusals.send(exchange),
            false => drop(guarded("sending an answer", || exchange.finish())),
        }
    }
}

/// Runs something that may panic, so that the thread lives on.
fn guarded<T>(what: &str, run: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(run));
    done.inspect_err(|_| log::error!("{what} panicked; the line before says where"))
        .ok()
}

fn panicked() -> io::Error {
    io::Error::other("the server has a fault")
}
