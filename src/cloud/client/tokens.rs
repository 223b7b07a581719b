//! What the client asks of whoever keeps tokens, and the uploads that their renewal waits for.

use super::Client;
use crate::cloud::outcome::{Fault, Reason};
use crate::sync::{lock, wait_while};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Keeps the token, and gets new ones through the client.
pub trait Tokens: Send + Sync {
    /// A token that isn't the one that has just failed for this reason.
    fn token(&self, client: &Client, failing: Option<(&str, Reason)>) -> Result<Arc<str>, Fault>;

    /// The cloud has refused a token; why it says it did, as a sentence.
    fn refused(&self, _token: &str, _why: &str) {}

    /// A call with this token went well.
    fn accepted(&self, _token: &str) {}

    /// Brings a token up to date for an upload that can't be sent again, and counts the upload
    /// among `streams`, both before the next renewal begins.
    fn stream<'s>(&self, token: &mut Option<Arc<str>>, streams: &'s Streams) -> Stream<'s>;

    /// Writes to disk what couldn't be when it came; tells whether there was anything.
    fn keep(&self) -> bool;

    /// When the token ends, in seconds since 1970; None also while it is being renewed.
    fn expires(&self) -> Option<u64>;
}

/// Uploads under way that can't be sent again. Where a renewal ends the old token, it would end
/// them too.
#[derive(Default)]
pub struct Streams {
    count: Mutex<usize>,
    none: Condvar,
}

impl Streams {
    /// One more is under way until the answer is dropped.
    pub fn begin(&self) -> Stream<'_> {
        *lock(&self.count) += 1;
        Stream(self)
    }

    /// Waits until there are none, at most so long.
    pub fn wait(&self, most: Duration) {
        drop(wait_while(&self.none, lock(&self.count), most, |n| *n > 0));
    }
}

/// An upload under way.
pub struct Stream<'a>(&'a Streams);

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        *lock(&self.0.count) -= 1;
        self.0.none.notify_all();
    }
}
