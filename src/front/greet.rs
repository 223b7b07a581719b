//! Greetings of TLS: they are computed by threads of their own, which wait for nobody.

use super::crowd::{Phase, Waiting};
use super::hall::Hall;
use super::head::{self, GREETING, LONGEST};
use crossbeam_channel::Receiver;
use std::io::ErrorKind;
use std::sync::{Arc, Weak};
use std::time::Instant;

impl Hall {
    /// Begins or goes on to greet, which is computing and so belongs to a thread of its own.
    pub(super) fn greet(&self, mut waiting: Waiting) {
        if !waiting.conn.stream.is_secure() {
            match waiting.conn.stream.first() {
                Ok(Some(GREETING)) => {}
                Ok(Some(_)) => return self.refuse(waiting.conn, head::HTTP),
                _ => return,
            }
            let Some(session) = self.config.tls.as_ref().and_then(|tls| tls.session()) else {
                return;
            };
            waiting.conn.stream.secure(session);
        }
        if let Some(greeters) = &self.greeters {
            // When too many come at once, some must come again.
            let _ = greeters.try_send(Box::new(waiting));
        }
    }

    fn greeted(self: &Arc<Self>, mut waiting: Waiting, buffer: &mut [u8]) {
        match waiting.conn.stream.greet() {
            Ok(()) => {
                waiting.phase = Phase::Idle;
                waiting.since = Instant::now();
                self.go_on(waiting, false, buffer);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.park(waiting),
            Err(error) => {
                log::debug!("{}: no TLS came to be: {error}", waiting.conn.peer);
                self.linger(waiting.conn);
            }
        }
    }
}

/// Greets one client after the other, as long as there is a hall.
pub(super) fn greet_all(hall: &Weak<Hall>, queue: &Receiver<Box<Waiting>>) {
    let mut buffer = vec![0; LONGEST];
    for waiting in queue {
        if let Some(hall) = hall.upgrade() {
            hall.greeted(*waiting, &mut buffer);
        }
    }
}
