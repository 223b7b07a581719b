//! A request's body on its way to a store, taken from its client as the store takes it: a client
//! that sees no byte move for minutes gives up. There may be memory to keep what has come, so that
//! it can be sent again. Whatever becomes of it, its length and its SHA-256 are checked before its
//! reader ends, so that a store which sees the end has seen the right bytes.
//!
//! Kept bodies share one memory budget. A body whose length isn't known beforehand is always
//! held whole, in memory or in an unlinked spool file, because a cloud wants lengths.

mod budget;
mod check;
mod coming;
mod gather;

pub use budget::Budget;

use crate::error::{Cause, Error};
use crate::restic::Id;
use budget::{Lease, Spool, spool_error};
use check::Check;
use coming::Coming;
use gather::gather;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// Bodies up to this many bytes are held whatever the budget: locks, keys, snapshots and most
/// index files, which one wants to be able to send again.
pub const SMALL: u64 = 1 << 20;
/// Largest body in bytes that is taken without an announced length. It is spooled as a whole, and
/// no file of restic's is nearly as large.
pub const LARGEST: u64 = 10_000_000_000;
/// How often a client whose upload waits is shown that it lives, by [`Body::read_ahead`]; it may see
/// only every second time, by how its system counts. restic
/// gives up after five minutes without a byte, other clients and proxies after one.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(8);
/// Bytes of memory taken at once while a body of unknown length grows.
const SEGMENT: usize = 256 << 10;

/// What a request's head says about the body that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// There is none.
    None,
    /// It has so many bytes.
    Known(u64),
    /// It ends with its last chunk.
    Chunked,
}

/// A body of known length, read from its start like a file. The end comes only if all bytes were
/// right; otherwise reading fails, and [`Body::fault`] tells why.
pub struct Body<'a> {
    len: u64,
    at: u64,
    form: Form<'a>,
    budget: &'a Budget,
    fault: Option<Error>,
}

enum Form<'a> {
    /// Still at the client, at least its end.
    Coming(Coming<'a>),
    /// In memory, and right.
    Held(Held<'a>),
    /// In a file, and right.
    Spooled(Spool<'a>),
}

/// Bytes in memory, in pieces that are all of the same size but for the last.
struct Held<'a> {
    segments: Vec<Vec<u8>>,
    lease: Lease<'a>,
}

impl<'a> Body<'a> {
    /// A body of `len` bytes that must hash to `id`, if there is one. It is held at once when it
    /// is small, kept while it comes when it fits the budget, and read once otherwise.
    pub fn fixed(
        source: &'a mut dyn Read,
        len: u64,
        id: Option<Id>,
        budget: &'a Budget,
    ) -> Result<Self, Error> {
        let mut body = Self::streamed(source, len, id, budget);
        body.keep().map(|()| body)
    }

    /// The same, with nothing of it read yet.
    pub fn streamed(
        source: &'a mut dyn Read,
        len: u64,
        id: Option<Id>,
        budget: &'a Budget,
    ) -> Self {
        let check = Check::new(id, Some(len));
        Self {
            len,
            at: 0,
            form: Form::Coming(Coming::new(source, check, len, budget)),
            budget,
            fault: None,
        }
    }

    /// Holds it if it is small, and keeps what comes of it if it fits the budget.
    pub fn keep(&mut self) -> Result<(), Error> {
        let Form::Coming(coming) = &mut self.form else {
            return Ok(());
        };
        match coming.keep() && self.len <= SMALL {
            true => self.await_end(),
            false => Ok(()),
        }
    }

    /// Takes a little of it from a client that would otherwise see nothing move while the upload
    /// waits; false if nothing more may be taken before the upload goes on.
    pub fn read_ahead(&mut self) -> Result<bool, Error> {
        let ahead = match &mut self.form {
            Form::Coming(coming) if self.fault.is_none() => coming.read_ahead(),
            _ => return Ok(false),
        };
        ahead.inspect_err(|error| self.fault = Some(error.clone()))
    }

    /// A body that ends when its reader ends. `fits` is asked while it comes whether so many bytes
    /// may be taken, before there are many more.
    pub fn chunked(
        source: &'a mut dyn Read,
        id: Option<Id>,
        budget: &'a Budget,
        fits: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let (form, len) = gather(source, id, budget, fits)?;
        Ok(Self {
            len,
            at: 0,
            form,
            budget,
            fault: None,
        })
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether all of it is here, and is known to be right.
    pub fn repeatable(&self) -> bool {
        matches!(self.form, Form::Held(_) | Form::Spooled(_))
    }

    /// Whether it can be read from its start.
    pub fn ready(&self) -> bool {
        match &self.form {
            Form::Coming(coming) => self.fault.is_none() && coming.ready(),
            _ => true,
        }
    }

    /// Whether nothing of it has been read since its start.
    pub fn untouched(&self) -> bool {
        self.at == 0
    }

    /// Goes back to its start.
    pub fn rewind(&mut self) -> Result<(), Error> {
        if !self.ready() {
            return Err(Error::new(
                Cause::Busy,
                "the body can't be sent a second time",
            ));
        }
        self.at = 0;
        Ok(())
    }

    /// Makes it repeatable, in memory if it fits the budget and in the spool otherwise.
    pub fn buffer(&mut self) -> Result<(), Error> {
        self.rewind()?;
        let Form::Coming(coming) = &mut self.form else {
            return Ok(());
        };
        if coming.keep() {
            return self.await_end();
        }
        let mut file = self.budget.spool_file()?;
        io::copy(self, &mut file).map_err(|e| self.why(&e))?;
        self.form = Form::Spooled(file);
        self.at = 0;
        Ok(())
    }

    /// Reads from anywhere in a repeatable body.
    pub fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.form {
            Form::Held(held) => Ok(held.read_at(at, buffer)),
            Form::Spooled(spool) => spool.file.read_at(buffer, at),
            Form::Coming(_) => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// Why reading this body failed, for whoever saw only an I/O error.
    pub fn fault(&self) -> Option<&Error> {
        self.fault.as_ref()
    }

    /// Why it couldn't be read: its own reason, or this error.
    pub fn unread(&self, error: &io::Error) -> Error {
        let other = || Error::new(Cause::Busy, format!("reading the body: {error}"));
        self.fault.clone().unwrap_or_else(other)
    }

    fn why(&self, error: &io::Error) -> Error {
        self.fault.clone().unwrap_or_else(|| spool_error(error))
    }

    /// Reads what is kept to its end.
    fn await_end(&mut self) -> Result<(), Error> {
        io::copy(self, &mut io::sink()).map_err(|e| self.why(&e))?;
        self.at = 0;
        Ok(())
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.form {
            Form::Coming(coming) => {
                // What was wrong once stays wrong, however often it is read again.
                let read = match &self.fault {
                    Some(fault) => Err(fault.clone()),
                    None => coming.read(self.at, buffer),
                };
                let read = read.map_err(|error| {
                    let seen = io::Error::new(ErrorKind::InvalidData, error.to_string());
                    self.fault.get_or_insert(error);
                    seen
                });
                if let Some(held) = coming.complete() {
                    self.form = Form::Held(held);
                }
                read
            }
            _ => {
                let most = buffer.len().min(whole(self.len - self.at));
                match self.read_at(self.at, &mut buffer[..most]) {
                    // The spool file has been cut, by whatever.
                    Ok(0) if most > 0 => Err(ErrorKind::UnexpectedEof.into()),
                    read => read,
                }
            }
        }?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<'a> Held<'a> {
    fn new(lease: Lease<'a>) -> Self {
        let segments = Vec::new();
        Self { segments, lease }
    }

    fn len(&self) -> u64 {
        let before = self.segments.len().saturating_sub(1) * SEGMENT;
        (before + self.segments.last().map_or(0, Vec::len)) as u64
    }

    /// Adds to it; it will have so many bytes in the end.
    fn push(&mut self, mut bytes: &[u8], end: u64) {
        while !bytes.is_empty() {
            let left = end - self.len();
            if self
                .segments
                .last()
                .is_none_or(|last| last.len() == SEGMENT)
            {
                let size = whole(left.min(SEGMENT as u64));
                self.segments.push(Vec::with_capacity(size));
            }
            let Some(last) = self.segments.last_mut() else {
                return;
            };
            let (now, later) = bytes.split_at(bytes.len().min(SEGMENT - last.len()));
            last.extend_from_slice(now);
            bytes = later;
        }
    }

    /// Takes everything out, with its share of the budget.
    fn take(&mut self) -> Self {
        Self {
            segments: std::mem::take(&mut self.segments),
            lease: self.lease.take(),
        }
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> usize {
        let at = whole(at);
        let Some(segment) = self.segments.get(at / SEGMENT) else {
            return 0;
        };
        let rest = segment.get(at % SEGMENT..).unwrap_or_default();
        let n = buffer.len().min(rest.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        n
    }
}

/// A size that is known to be small, as the length of something in memory.
fn whole(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}
