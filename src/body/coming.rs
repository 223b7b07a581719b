//! A body that is still coming: read from its client as the store takes it, so that the client sees
//! its bytes move as long as the upload lives. What has come is kept if there is memory for all of
//! it, and can then be read again; and a little of it may be read ahead while the upload waits.

use super::budget::Budget;
use super::check::{Check, checked};
use super::{Held, SMALL};
use crate::error::Error;
use std::io::Read;

/// Bytes read ahead at once: so many that the client's side sees it. A receiver whose buffer is full
/// asks for more only when much of it has been read.
const STEP: usize = 256 << 10;
/// One in so many bytes is read ahead at most: the others show the client that the upload moves.
const AHEAD: u64 = 2;

/// A body whose end is still at the client.
pub(super) struct Coming<'a> {
    source: &'a mut dyn Read,
    check: Check,
    len: u64,
    /// What has come, from the start.
    held: Held<'a>,
    /// Whether all that comes is kept; otherwise only what was read ahead, until it is read.
    kept: bool,
}

impl<'a> Coming<'a> {
    /// A body of which nothing has come.
    pub(super) fn new(
        source: &'a mut dyn Read,
        check: Check,
        len: u64,
        budget: &'a Budget,
    ) -> Self {
        let held = Held::new(budget.lease());
        Self {
            source,
            check,
            len,
            held,
            kept: false,
        }
    }

    /// Whether it can be read from its start.
    pub(super) fn ready(&self) -> bool {
        self.held.len() == self.check.seen
    }

    /// Keeps all that comes, if it is small or the budget has room.
    pub(super) fn keep(&mut self) -> bool {
        let more = self.len.saturating_sub(self.held.lease.bytes);
        let possible = self.kept || self.ready();
        self.kept = possible && (self.kept || self.held.lease.grow(more, self.len <= SMALL));
        self.kept
    }

    /// Reads from this place; the end is passed on only if it is the right one.
    pub(super) fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        if at < self.held.len() {
            return Ok(self.held.read_at(at, buffer));
        }
        let n = checked(self.source, &mut self.check, buffer)?;
        match self.kept {
            true => self.held.push(&buffer[..n], self.len),
            // What was read ahead has been read, and nothing can be read again.
            false if n > 0 => drop(self.held.take()),
            false => {}
        }
        Ok(n)
    }

    /// Takes a little more from the client; false if nothing more may be taken before the upload
    /// goes on.
    pub(super) fn read_ahead(&mut self) -> Result<bool, Error> {
        let room = if self.kept { self.len } else { SMALL };
        let step = STEP as u64;
        if !self.ready() || self.held.len() + step > room.min(self.len / AHEAD) {
            return Ok(false);
        }
        if !self.kept {
            self.held.lease.grow(step, true);
        }
        let mut buffer = vec![0; STEP];
        let mut filled = 0;
        while filled < STEP {
            // Never the end, which is further away.
            filled += checked(self.source, &mut self.check, &mut buffer[filled..])?;
        }
        self.held.push(&buffer, self.len);
        Ok(true)
    }

    /// All of it, once its end was the right one.
    pub(super) fn complete(&mut self) -> Option<Held<'a>> {
        let all = self.kept && self.check.proven && self.held.len() == self.len;
        all.then(|| self.held.take())
    }
}

#[cfg(test)]
mod tests {
    use crate::body::{Body, Budget};
    use crate::error::Cause;
    use crate::restic::Id;
    use sha2::{Digest, Sha256};
    use std::cell::Cell;
    use std::io::{self, Read};

    /// A client that counts what is taken from it.
    struct Client<'a>(&'a [u8], &'a Cell<usize>);

    impl Read for Client<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.read(buffer)?;
            self.1.set(self.1.get() + n);
            Ok(n)
        }
    }

    fn bytes() -> (Vec<u8>, Id) {
        let bytes: Vec<u8> = (0..3 << 20).map(|n: u32| n.to_le_bytes()[1]).collect();
        let id = Id(Sha256::digest(&bytes).into());
        (bytes, id)
    }

    #[test]
    fn nothing_is_taken_before_the_store_takes_it_and_all_can_be_read_again() {
        let ((bytes, id), taken) = (bytes(), Cell::new(0));
        let budget = Budget::new(3 << 20, None);
        let mut client = Client(&bytes, &taken);
        let len = bytes.len() as u64;
        let mut body = Body::fixed(&mut client, len, Some(id), &budget).expect("room");
        assert_eq!((taken.get(), budget.used()), (0, len));
        let mut half = vec![0; 1 << 20];
        body.read_exact(&mut half).expect("a good body");
        assert_eq!(taken.get(), 1 << 20);
        assert!(body.ready() && !body.repeatable());
        for _ in 0..2 {
            body.rewind().expect("it is kept");
            let mut all = Vec::new();
            body.read_to_end(&mut all).expect("a good body");
            assert!(all == bytes && taken.get() == bytes.len());
            assert!(body.repeatable());
        }
        drop(body);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        let ((bytes, _), taken) = (bytes(), Cell::new(0));
        let budget = Budget::new(3 << 20, None);
        let mut client = Client(&bytes, &taken);
        let wrong = Some(Id([7; 32]));
        let mut body = Body::fixed(&mut client, 3 << 20, wrong, &budget).expect("room");
        for _ in 0..3 {
            assert!(body.read_to_end(&mut Vec::new()).is_err());
            assert!(!body.ready() && body.rewind().is_err() && body.buffer().is_err());
        }
        assert_eq!(body.fault().map(|fault| fault.cause), Some(Cause::BadBody));
    }

    #[test]
    fn half_of_it_may_be_read_ahead() {
        for (memory, ahead) in [(3 << 20, 3 << 19), (0, 1 << 20)] {
            let ((bytes, id), taken) = (bytes(), Cell::new(0));
            let budget = Budget::new(memory, None);
            let mut client = Client(&bytes, &taken);
            let mut body = Body::fixed(&mut client, 3 << 20, Some(id), &budget).expect("any");
            while body.read_ahead().expect("a good body") {}
            assert_eq!(taken.get(), ahead);
            assert!(body.ready() && body.untouched());
            let mut all = Vec::new();
            body.read_to_end(&mut all).expect("a good body");
            assert!(all == bytes);
            assert_eq!(body.ready(), memory > 0);
        }
    }
}
