//! The lane for requests that have their answer, but whose body isn't read yet; and the room in
//! which answers to wrong passwords wait until it is time for them.

use super::exchange::Exchange;
use super::fair::{Fair, Next};
use super::threads::{guarded, spawn};
use crate::service::Reply;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::io;
use std::time::{Duration, Instant};

/// Threads that read refused bodies away, and how many of them one party may have standing still.
const REFUSERS: usize = 6;
const EACH: usize = 4;
/// Pause between looks at the clock while nothing is kept back.
const IDLE: Duration = Duration::from_secs(60);

/// The lane's entrance.
#[derive(Clone)]
pub(super) struct Refusals {
    queue: Fair<Box<Exchange>>,
    kept: Sender<Box<(Instant, Exchange)>>,
}

impl Refusals {
    /// Starts its threads.
    pub(super) fn start(most: usize) -> io::Result<Self> {
        let queue = Fair::new(most, EACH);
        let (kept, room) = bounded(most);
        for number in 0..REFUSERS {
            let queue: Fair<Box<Exchange>> = Fair::clone(&queue);
            let body = move || {
                while let Next::Thing(mut exchange, running) = queue.next(None) {
                    exchange.give_way(running.wanted());
                    guarded("reading a refused body", || {
                        if exchange.undrained() {
                            exchange.drain();
                        }
                        exchange.finish();
                    });
                }
            };
            spawn(&format!("refuse-{number}"), body)?;
        }
        let refusals = Self { queue, kept };
        let keeper = refusals.clone();
        spawn("keep", move || keeper.keep(&room, most))?;
        Ok(refusals)
    }

    /// Has a request answered when it is time and its body is read away.
    pub(super) fn refuse(&self, mut exchange: Exchange, reply: Reply) {
        let pause = reply.pause;
        exchange.reply(reply);
        if pause.is_zero() {
            return self.send(exchange);
        }
        if let Err(full) = self
            .kept
            .try_send(Box::new((Instant::now() + pause, exchange)))
        {
            // An answer now would reward whoever fills the room.
            full.into_inner().1.abort(&io::Error::other(TOO_MANY));
        }
    }

    /// Has a request with an answer sent as soon as its body is read away.
    pub(super) fn send(&self, exchange: Exchange) {
        if let Err(full) = self.queue.push(exchange.party(), Box::new(exchange)) {
            full.abort(&io::Error::other(TOO_MANY));
        }
    }

    /// Whether nobody waits, except those who are kept waiting.
    pub(super) fn idle(&self) -> bool {
        self.queue.idle()
    }

    /// Keeps answers back, at most so many.
    fn keep(&self, room: &Receiver<Box<(Instant, Exchange)>>, most: usize) {
        let mut kept: Vec<Box<(Instant, Exchange)>> = Vec::new();
        loop {
            let next = kept.iter().map(|one| one.0).min();
            let wait = next.map_or(IDLE, |at| at.saturating_duration_since(Instant::now()));
            match room.recv_timeout(wait) {
                Ok(one) if kept.len() >= most => {
                    one.1.abort(&io::Error::other(TOO_MANY));
                }
                Ok(one) => kept.push(one),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = Instant::now();
            let due = kept.extract_if(.., |one| one.0 <= now);
            due.for_each(|one| self.send(one.1));
        }
    }
}

/// Why a connection is cut.
const TOO_MANY: &str = "too many refused requests at once";
