//! A request's body on its way to a store: streamed once while it arrives, or held so that it can
//! be sent again. Whichever it is, its length and its SHA-256 are checked before its reader ends,
//! so that a store which sees the end has seen the right bytes.
//!
//! Held bodies share one memory budget. A body whose length isn't known beforehand is always
//! held, in memory or in an unlinked spool file, because a cloud wants lengths.

mod budget;
mod check;
mod gather;

pub use budget::Budget;

use crate::error::{Cause, Error};
use crate::restic::Id;
use budget::{Lease, spool_error};
use check::{Check, checked};
use gather::gather;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;

/// Bodies up to this many bytes are held whatever the budget: locks, keys, snapshots and most
/// index files, which one wants to be able to send again.
pub const SMALL: u64 = 1 << 20;
/// Largest body in bytes that is taken without an announced length. It is spooled as a whole, and
/// no file of restic's is nearly as large.
pub const LARGEST: u64 = 10_000_000_000;
/// Bytes of memory taken at once while a body of unknown length grows.
const SEGMENT: usize = 256 << 10;

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
    /// Still at the client; it can be read once.
    Stream {
        source: &'a mut dyn Read,
        check: Check,
    },
    /// In memory, and right.
    Held(Held<'a>),
    /// In a file, and right.
    Spooled(fs::File),
}

/// Bytes in memory, in pieces that are all of the same size but for the last.
struct Held<'a> {
    segments: Vec<Vec<u8>>,
    lease: Lease<'a>,
}

impl<'a> Body<'a> {
    /// A body of `len` bytes that must hash to `id`, if there is one. It is held at once when it
    /// is small or fits the budget, and streamed otherwise.
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
            form: Form::Stream { source, check },
            budget,
            fault: None,
        }
    }

    /// Holds it if it is small or fits the budget, and isn't held yet.
    pub fn keep(&mut self) -> Result<(), Error> {
        if self.repeatable() {
            return Ok(());
        }
        match self.budget.take(self.len, self.len <= SMALL) {
            Some(lease) => self.hold(lease),
            None => Ok(()),
        }
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

    /// Whether it can be read again, and is known to be right.
    pub fn repeatable(&self) -> bool {
        matches!(self.form, Form::Held(_) | Form::Spooled(_))
    }

    /// Whether it can be read from its start.
    pub fn ready(&self) -> bool {
        self.repeatable() || self.at == 0
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
        if self.repeatable() {
            return Ok(());
        }
        if let Some(lease) = self.budget.take(self.len, self.len <= SMALL) {
            return self.hold(lease);
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
            Form::Spooled(file) => file.read_at(buffer, at),
            Form::Stream { .. } => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// Why reading this body failed, for whoever saw only an I/O error.
    pub fn fault(&self) -> Option<&Error> {
        self.fault.as_ref()
    }

    fn why(&self, error: &io::Error) -> Error {
        self.fault.clone().unwrap_or_else(|| spool_error(error))
    }

    fn hold(&mut self, lease: Lease<'a>) -> Result<(), Error> {
        let mut segments = Vec::new();
        let mut left = self.len;
        while left > 0 {
            let size = left.min(SEGMENT as u64);
            let mut segment = vec![0; whole(size)];
            self.read_exact(&mut segment).map_err(|e| self.why(&e))?;
            segments.push(segment);
            left -= size;
        }
        // The end itself is what proves the hash.
        let end = self.read(&mut [0]);
        end.map_err(|e| self.why(&e))?;
        self.form = Form::Held(Held { segments, lease });
        self.at = 0;
        Ok(())
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.form {
            Form::Stream { source, check } => checked(*source, check, buffer).map_err(|error| {
                let seen = io::Error::new(ErrorKind::InvalidData, error.to_string());
                self.fault.get_or_insert(error);
                seen
            }),
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

impl Held<'_> {
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
