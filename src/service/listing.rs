//! A list on its way to the client, as JSON, sent in pieces while it is read.

use super::{Answer, Reply};
use crate::restic;
use crate::store::{Cause, Entry, Error};
use std::fmt::Write as _;
use std::io;

/// Bytes of a list that are gathered before they are sent: about a hundred entries, one page of
/// the cloud's list. Until the first are sent, a failure still gets its own status.
const LIST_BUFFER: usize = 10 << 10;
/// A list on its way to the client, as JSON.
pub(super) struct Listing<'a> {
    text: String,
    v2: bool,
    started: bool,
    answer: &'a mut dyn Answer,
}

impl<'a> Listing<'a> {
    /// A list with nothing in it yet.
    pub(super) fn new(v2: bool, answer: &'a mut dyn Answer) -> Self {
        let text = String::from("[");
        Self {
            text,
            v2,
            started: false,
            answer,
        }
    }

    /// Whether something of it has been sent, so that its status can't be changed any more.
    pub(super) fn started(&self) -> bool {
        self.started
    }

    /// Answers with a failure instead.
    pub(super) fn refuse(&mut self, reply: Reply) -> io::Result<()> {
        self.answer.start(reply)
    }

    /// Adds a file.
    pub(super) fn add(&mut self, Entry { id, size }: Entry) -> Result<(), Error> {
        if !self.text.ends_with('[') || self.started {
            self.text.push(',');
        }
        // Writing to a String can't fail.
        let _ = match self.v2 {
            true => write!(self.text, "{{\"name\":\"{id}\",\"size\":{size}}}"),
            false => write!(self.text, "\"{id}\""),
        };
        if self.text.len() < LIST_BUFFER {
            return Ok(());
        }
        self.send()
            .map_err(|e| Error::new(Cause::Client, format!("sending the list: {e}")))
    }

    /// Closes it.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.text.push(']');
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        if !self.started {
            self.started = true;
            let kind = if self.v2 { restic::V2 } else { restic::V1 };
            let reply = Reply {
                length: None,
                ..Reply::empty(200)
            };
            self.answer.start(reply.with("Content-Type", kind))?;
        }
        self.answer.write(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }
}
