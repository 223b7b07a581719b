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
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
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

/// A body of known length.
pub struct Body<'a> {
    len: u64,
    id: Option<Id>,
    form: Form<'a>,
    budget: &'a Budget,
    fault: Option<Error>,
}

enum Form<'a> {
    /// Still at the client.
    Stream(&'a mut dyn Read),
    /// Read once, and gone.
    Spent,
    /// In memory, and right.
    Held(Held<'a>),
    /// In a file, and right.
    Spooled(fs::File),
}

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
        let form = Form::Stream(source);
        let mut body = Self {
            len,
            id,
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
            id,
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

    /// Whether its one reading has been used up.
    pub fn spent(&self) -> bool {
        matches!(self.form, Form::Spent)
    }

    /// Makes it repeatable, in memory if it fits the budget and in the spool otherwise.
    pub fn settle(&mut self) -> Result<(), Error> {
        if self.repeatable() {
            return Ok(());
        }
        if let Some(lease) = self.budget.take(self.len, self.len <= SMALL) {
            return self.hold(lease);
        }
        let mut file = spool_file(self.budget.spool.as_deref())?;
        let mut reader = self.reader()?;
        let copied = io::copy(&mut reader, &mut file);
        drop(reader);
        copied.map_err(|e| self.why(&e))?;
        self.form = Form::Spooled(file);
        Ok(())
    }

    /// Reads it from its start. The reader yields all bytes and then the end, or an error if they
    /// aren't what was promised; a body that isn't repeatable has one reader.
    pub fn reader(&mut self) -> Result<Reader<'_>, Error> {
        match &mut self.form {
            Form::Held(held) => Ok(Reader::Held {
                segments: &held.segments,
                at: 0,
            }),
            Form::Spooled(file) => {
                file.seek(SeekFrom::Start(0)).map_err(|e| spool_error(&e))?;
                Ok(Reader::Spooled {
                    file,
                    left: self.len,
                })
            }
            once => match std::mem::replace(once, Form::Spent) {
                Form::Stream(source) => {
                    let check = Check::new(self.id, Some(self.len));
                    Ok(Reader::Stream {
                        source,
                        check,
                        fault: &mut self.fault,
                    })
                }
                _ => Err(Error::new(
                    Cause::Busy,
                    "the body can't be sent a second time",
                )),
            },
        }
    }

    /// Why a reader of this body failed, for whoever saw only an I/O error.
    pub fn fault(&self) -> Option<&Error> {
        self.fault.as_ref()
    }

    fn why(&self, error: &io::Error) -> Error {
        self.fault.clone().unwrap_or_else(|| spool_error(error))
    }

    fn hold(&mut self, lease: Lease<'a>) -> Result<(), Error> {
        let mut left = self.len;
        let mut segments = Vec::new();
        let mut reader = self.reader()?;
        let mut read = Ok(());
        while left > 0 && read.is_ok() {
            let size = left.min(SEGMENT as u64);
            let mut segment = vec![0; whole(size)];
            read = reader.read_exact(&mut segment);
            segments.push(segment);
            left -= size;
        }
        // The end itself is what proves the hash.
        let end = read.and_then(|()| reader.read(&mut [0]));
        drop(reader);
        end.map_err(|e| self.why(&e))?;
        self.form = Form::Held(Held { segments, lease });
        Ok(())
    }
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
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Counts and hashes bytes, and says at the end whether they were right.
pub struct Check {
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

/// Yields a body's bytes and then the end, which comes only if they were right.
pub enum Reader<'a> {
    /// From the client, checked on the way.
    Stream {
        /// Where the bytes come from.
        source: &'a mut dyn Read,
        /// What they must be.
        check: Check,
        /// Where the body learns why its reader failed.
        fault: &'a mut Option<Error>,
    },
    /// From memory.
    Held {
        /// The pieces that aren't read yet.
        segments: &'a [Vec<u8>],
        /// Bytes of the first of them that are read.
        at: usize,
    },
    /// From the spool file.
    Spooled {
        /// The file, at the next byte.
        file: &'a mut fs::File,
        /// Bytes not read yet.
        left: u64,
    },
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stream {
                source,
                check,
                fault,
            } => {
                let fail = |error: Error| {
                    let seen = io::Error::new(ErrorKind::InvalidData, error.to_string());
                    fault.get_or_insert(error);
                    seen
                };
                let read = checked(*source, check, buffer);
                read.map_err(fail)
            }
            Self::Held { segments, at } => Ok(held(segments, at, buffer)),
            Self::Spooled { file, left } => {
                let most = buffer.len().min(whole(*left));
                let n = file.read(&mut buffer[..most])?;
                if n == 0 && most > 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                *left -= n as u64;
                Ok(n)
            }
        }
    }
}

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

fn held(segments: &mut &[Vec<u8>], at: &mut usize, buffer: &mut [u8]) -> usize {
    while let Some((first, rest)) = segments.split_first() {
        if *at == first.len() {
            (*segments, *at) = (rest, 0);
            continue;
        }
        let n = buffer.len().min(first.len() - *at);
        buffer[..n].copy_from_slice(&first[*at..*at + n]);
        *at += n;
        return n;
    }
    0
}
