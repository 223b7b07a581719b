//! The lane of those who must prove who they are, which takes time. Addresses take turns in it, so
//! that somebody who guesses passwords doesn't delay a stranger's first login.

use super::exchange::Exchange;
use super::fair::{Fair, Place, Places};
use super::lanes::{guarded, spawn};
use crate::access::neighbourhood;
use crate::service::{Doubt, Job, Reply, Service};
use std::io;
use std::sync::Arc;

/// Threads that prove passwords. They compute, so more of them would only take the processor away
/// from everybody else.
const PROVERS: usize = 2;

/// The lane's entrance; it is closed when this is dropped. One network takes three quarters of the
/// places at most.
pub(super) struct Doubts {
    line: Fair<Box<Doubted>>,
    places: Places,
}

/// Somebody who must prove who they are.
struct Doubted {
    exchange: Exchange,
    doubt: Doubt,
    _place: Place,
}

impl Doubts {
    /// Starts the threads, away from the one that accepts requests; `then` is told what came of it.
    pub(super) fn start(
        most: usize,
        service: &Arc<Service>,
        then: impl Fn(Exchange, Result<Job, Reply>) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let line = Fair::<Box<Doubted>>::new(most);
        for number in 0..PROVERS {
            let (line, service, then) = (Fair::clone(&line), Arc::clone(service), then.clone());
            let body = move || while line.take(|doubted| prove(&service, *doubted, &then)) {};
            spawn(&format!("prove-{number}"), body)?;
        }
        let places = Places::new((most * 3).div_ceil(4));
        Ok(Self { line, places })
    }

    /// Lets somebody wait for the proof, or gives the request back.
    pub(super) fn enter(&self, exchange: Exchange, doubt: Doubt) -> Option<Exchange> {
        let from = neighbourhood(exchange.address());
        let Some(_place) = self.places.take(from) else {
            return Some(exchange);
        };
        let doubted = Doubted {
            exchange,
            doubt,
            _place,
        };
        let full = self.line.push(from, Box::new(doubted)).err()?;
        Some(full.exchange)
    }
}

impl Drop for Doubts {
    fn drop(&mut self) {
        self.line.close();
    }
}

fn prove(service: &Service, doubted: Doubted, then: impl Fn(Exchange, Result<Job, Reply>)) {
    let (mut exchange, doubt) = (doubted.exchange, doubted.doubt);
    match guarded("proving a password", || service.prove(doubt)) {
        // What its client has given up mustn't be done behind what it did next.
        Some(Ok(_)) if exchange.deserted() => {
            exchange.abort(&io::Error::other("the client has gone"));
        }
        Some(proven) => then(exchange, proven),
        None => then(exchange, Err(Reply::empty(500))),
    }
}
