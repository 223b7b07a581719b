//! A request's body on its way to a store: streamed once while it arrives, or held so that it can
//! be sent again. Whichever it is, its length and its SHA-256 are checked before its reader ends,
//! so that a store which sees the end has seen the right bytes.
//!
//! Held bodies share one memory budget. A body whose length isn't known beforehand is always
//! held, in memory or in an unlinked spool file, because a cloud wants lengths.

use crate::restic::Id;
use crate::store::{Cause, Error};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Bodies up to this many bytes are held whatever the budget: locks, keys, snapshots and most
/// index files, which one wants to be able to send again.
pub const SMALL: u64 = 1 << 20;
/// Largest body in bytes: 123pan's documented limit for a file is 10 GB (API reference 3.5).
pub const LARGEST: u64 = 10_000_000_000;
/// Bytes of memory taken at once while a body of unknown length grows.
const SEGMENT: usize = 256 << 10;

/// How much memory held bodies may take together, and where the others may be spooled.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    used: AtomicU64,
    /// Held by the one body of unknown length that may grow in memory, so that several can't
    /// take the budget from each other with none of them fitting.
    growing: Mutex<()>,
    spool: Option<PathBuf>,
}

impl Budget {
    /// A budget of `limit` bytes; `spool` is the folder for what doesn't fit.
    pub fn new(limit: u64, spool: Option<PathBuf>) -> Self {
        Self {
            limit,
            used: AtomicU64::new(0),
            growing: Mutex::new(()),
            spool,
        }
    }

    /// Bytes held now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64, always: bool) -> Option<Lease<'_>> {
        let grown = |used: u64| Some(used + bytes).filter(|sum| always || *sum <= self.limit);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
            .ok()?;
        Some(Lease {
            budget: self,
            bytes,
        })
    }
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
struct Lease<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Lease<'_> {
    fn grow(&mut self, bytes: u64, always: bool) -> bool {
        let Some(mut more) = self.budget.take(bytes, always) else {
            return false;
        };
        self.bytes += std::mem::take(&mut more.bytes);
        true
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
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
        let form = Form::Stream {
            source,
            check: Check::new(id, Some(len)),
        };
        let mut body = Self {
            len,
            at: 0,
            form,
            budget,
            fault: None,
        };
        if let Some(lease) = budget.take(len, len <= SMALL) {
            body.hold(lease)?;
        }
        Ok(body)
    }

    /// A body that ends when its reader ends.
    pub fn chunked(
        source: &'a mut dyn Read,
        id: Option<Id>,
        budget: &'a Budget,
    ) -> Result<Self, Error> {
        let (form, len) = gather(source, id, budget)?;
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
    pub fn settle(&mut self) -> Result<(), Error> {
        self.rewind()?;
        if self.repeatable() {
            return Ok(());
        }
        if let Some(lease) = self.budget.take(self.len, self.len <= SMALL) {
            return self.hold(lease);
        }
        let mut file = spool_file(self.budget.spool.as_deref())?;
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

/// Reads on, and lets the end pass only if it is right.
fn checked(source: &mut dyn Read, check: &mut Check, buffer: &mut [u8]) -> Result<usize, Error> {
    let left = check.len.map_or(u64::MAX, |len| len - check.seen);
    // Beyond the announced length nothing is read: it would belong to the next request.
    let most = buffer.len().min(whole(left));
    let n = match most {
        0 => 0,
        _ => source
            .read(&mut buffer[..most])
            .map_err(|e| client_gone(&e))?,
    };
    check.take(&buffer[..n])?;
    if n == 0 && !buffer.is_empty() {
        check.end()?;
    }
    Ok(n)
}

/// A size that is known to be small, as the length of something in memory.
fn whole(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// Reads a body of unknown length into memory as far as the budget goes, then into the spool.
fn gather<'a>(
    source: &mut dyn Read,
    id: Option<Id>,
    budget: &'a Budget,
) -> Result<(Form<'a>, u64), Error> {
    let mut check = Check::new(id, None);
    let mut held = Held {
        segments: Vec::new(),
        lease: Lease { budget, bytes: 0 },
    };
    let mut turn = None;
    let mut ended = false;
    while !ended {
        let small = check.seen + SEGMENT as u64 <= SMALL;
        if !small && turn.is_none() {
            turn = try_turn(&budget.growing);
        }
        if !(small || turn.is_some()) || !held.lease.grow(SEGMENT as u64, small) {
            break;
        }
        let mut segment = vec![0; SEGMENT];
        let filled = fill(source, &mut segment).map_err(|e| client_gone(&e))?;
        segment.truncate(filled);
        segment.shrink_to_fit();
        check.take(&segment)?;
        held.segments.push(segment);
        ended = filled < SEGMENT;
    }
    drop(turn);
    if ended {
        check.end()?;
        let len = check.seen;
        return Ok((Form::Held(held), len));
    }
    let mut file = spool_file(budget.spool.as_deref())?;
    for segment in held.segments.drain(..) {
        file.write_all(&segment).map_err(|e| spool_error(&e))?;
    }
    drop(held);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let filled = fill(source, &mut buffer).map_err(|e| client_gone(&e))?;
        check.take(&buffer[..filled])?;
        file.write_all(&buffer[..filled])
            .map_err(|e| spool_error(&e))?;
        if filled < buffer.len() {
            check.end()?;
            let len = check.seen;
            return Ok((Form::Spooled(file), len));
        }
    }
}

fn try_turn(growing: &Mutex<()>) -> Option<MutexGuard<'_, ()>> {
    match growing.try_lock() {
        Ok(turn) => Some(turn),
        Err(TryLockError::Poisoned(poisoned)) => Some(PoisonError::into_inner(poisoned)),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

fn client_gone(error: &io::Error) -> Error {
    Error::new(
        Cause::BadBody,
        format!("the client broke its body off ({error})"),
    )
}

fn spool_error(error: &io::Error) -> Error {
    Error::new(
        Cause::Busy,
        format!("the spool file can't be used ({error}); see --spool-dir"),
    )
}

/// A file that has no name any more, so that nothing is left behind whatever happens.
fn spool_file(folder: Option<&Path>) -> Result<fs::File, Error> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(folder) = folder else {
        let text = "the body doesn't fit the memory budget and there is no folder to spool it in: \
                    raise --memory or name a --spool-dir";
        return Err(Error::new(Cause::TooLarge, text));
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("spool-{}-{count}", std::process::id()));
    // What an earlier process with our number left behind between these two calls.
    let _ = fs::remove_file(&path);
    let file = private_file(&path).map_err(|e| spool_error(&e))?;
    fs::remove_file(&path).map_err(|e| spool_error(&e))?;
    Ok(file)
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Counts and hashes bytes, and says at the end whether they were right.
struct Check {
    id: Option<Id>,
    hash: Sha256,
    seen: u64,
    len: Option<u64>,
}

impl Check {
    fn new(id: Option<Id>, len: Option<u64>) -> Self {
        Self {
            id,
            hash: Sha256::new(),
            seen: 0,
            len,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.seen += bytes.len() as u64;
        if self.id.is_some() {
            self.hash.update(bytes);
        }
        match self.seen > self.len.unwrap_or(LARGEST) {
            true => Err(Error::new(
                Cause::TooLarge,
                "the body is larger than announced or allowed",
            )),
            false => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        if let Some(len) = self.len.filter(|len| *len != self.seen) {
            let text = format!("the body ended after {} of {len} bytes", self.seen);
            return Err(Error::new(Cause::BadBody, text));
        }
        // Taken, so that a second look at the end doesn't hash an empty body.
        let Some(id) = self.id.take() else {
            return Ok(());
        };
        let found = Id(self.hash.finalize_reset().into());
        match found == id {
            true => Ok(()),
            false => Err(Error::new(
                Cause::BadBody,
                format!("the body's SHA-256 is {found}"),
            )),
        }
    }
}
