//! The contract between the protocol and a cloud, in restic's words.
//!
//! A store knows repositories and files; how a cloud numbers its folders, batches its calls or
//! renews its tokens stays inside. `memory` is what the contract means, and the tests' oracle.

mod health;
mod limits;
pub mod memory;
pub mod removals;

pub use crate::error::{Cause, Error, absent_is};
pub use crate::warning::Advice;
pub use health::{Account, Calls, Health, Trouble};
pub use limits::Limits;

use crate::body::Body;
use crate::restic::{File, Id, Kind, Part, Range, Repo};
use std::fmt;
use std::io::Read;

/// Where repositories are kept. Every method may be called from many threads at once.
///
/// A store retries what its client can't repeat cheaply, within the bounds of its configuration,
/// and answers with an [`Error`] whose [`Cause`] says what is certain. It MUST NOT answer
/// [`Cause::Absent`] unless the cloud has just said so.
pub trait Store: Send + Sync {
    /// Makes a repository's folder, with one for each kind: rustic takes no 404 for the list of a
    /// kind that has no files yet. Ok also when they are there already.
    fn create(&self, repo: &Repo) -> Result<(), Error>;

    /// Calls `found` once for each file of a kind, as they become known; an error that `found`
    /// returns ends the list at once. Ok promises that no living file was left out.
    /// [`Cause::Absent`] promises that the folder doesn't exist.
    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error>;

    /// A file's size in bytes.
    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error>;

    /// A file's bytes, whole or the given range of them.
    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error>;

    /// Stores a file under a name that is free. Ok promises that the whole body is there and can
    /// be loaded; after an Err, nothing is there under the name that wasn't before, except when
    /// the cloud's answer was lost. An existing file is never replaced, with two exceptions:
    /// identical content is Ok without an upload, and what the cloud shows to be damaged under a
    /// hash's name is replaced. The body checks itself while it is read: an error from its reader
    /// MUST leave nothing behind.
    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error>;

    /// Whether exactly this body is there under its name already, which the cloud must have said
    /// just now. Asked when it can't be stored for want of room; the body isn't read unless
    /// something of its size is there. False from a store that can't tell cheaply.
    fn holds(&self, _repo: &Repo, _file: &File, _body: &mut Body<'_>) -> Result<bool, Error> {
        Ok(false)
    }

    /// Removes files, many at once because clouds take many in one call, and answers for each of
    /// them in the same order. Ok also when there is no such file; Ok promises that it is gone
    /// from the cloud, whatever became of the others.
    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>>;

    /// What the cloud's rules leave of the protocol; always the same.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Whether a file is there, from memory if the store remembers it. False also from a store that
    /// removes at no cost: then nothing is removed behind the answer.
    fn is_there(&self, _repo: &Repo, _file: &File) -> Result<bool, Error> {
        Ok(false)
    }

    /// How the cloud does, as far as it is known. It MUST NOT wait for the cloud.
    fn health(&self) -> Health {
        Health::default()
    }

    /// Ok if the cloud has answered a moment ago or answers now. Whoever asks, the cloud is asked
    /// at most every few seconds, and nobody waits longer than as many.
    fn probe(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Bytes that can still be stored, as far as it is known. It MUST NOT wait for the cloud.
    fn free_space(&self) -> Option<u64> {
        None
    }

    /// A file of so many bytes, with what must be kept besides, is about to be refused for want of
    /// room. What is known of free and of used space may be old: the cloud is asked once more, after
    /// what is about to be made free has been. It may wait for the cloud, but not for long.
    fn make_room(&self, _wanted: u64) {}

    /// Bytes of everything below a folder, which may be a repository or hold several; None if the
    /// store can't tell. It may be a few minutes old, but has what this server stored since.
    fn used_space(&self, _folder: &Repo) -> Result<Option<u64>, Error> {
        Ok(None)
    }
}

/// Receives the files of a list.
pub type Found<'a> = dyn FnMut(Entry) -> Result<(), Error> + 'a;

/// A file in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub id: Id,
    /// Its size in bytes.
    pub size: u64,
}

/// A file being read.
pub struct Loaded {
    /// The whole file's size in bytes.
    pub size: u64,
    /// Which part of it `reader` yields.
    pub part: Part,
    /// Yields exactly `part.len` bytes and then the end, or an error.
    pub reader: Box<dyn Read + Send>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("size", &self.size)
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}
