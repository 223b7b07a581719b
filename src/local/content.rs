//! The bytes of a file that is there: read for a client, or held against a body, in steps, so that
//! no file is ever in memory as a whole.

use super::folder::Folder;
use super::unfinished::BUFFER;
use crate::body::Body;
use crate::error::Error;
use crate::restic::{File, Id};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, ErrorKind, Read, Take};

/// Whether a file that is in a folder has a body's bytes. The body of one that is named by its hash
/// isn't read: what has that hash is right.
pub(super) fn same(
    (there, folder): (&fs::File, &Folder),
    file: &File,
    body: &mut Body<'_>,
) -> Result<bool, Error> {
    let failed = |error: io::Error| folder.failed(&file.name(), error);
    if there.metadata().map_err(failed)?.len() != body.len() {
        return Ok(false);
    }
    let Some(id) = file.id() else {
        return equals(there, body, failed);
    };
    match hash(there) {
        Ok(found) => Ok(found == id),
        // What the disk can't read is as good as damaged.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::IO) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn hash(mut file: &fs::File) -> io::Result<Id> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Id(hash.finalize().into())),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn equals(
    mut file: &fs::File,
    body: &mut Body<'_>,
    failed: impl Fn(io::Error) -> Error,
) -> Result<bool, Error> {
    body.rewind()?;
    let (mut wanted, mut found) = (vec![0; BUFFER], vec![0; BUFFER]);
    let mut is_same = true;
    // To its end, which alone says whether the body is right.
    loop {
        let read = body.read(&mut wanted);
        let n = read.map_err(|error| body.unread(&error))?;
        if n == 0 {
            return Ok(is_same);
        }
        match file.read_exact(&mut found[..n]) {
            Ok(()) => is_same &= wanted[..n] == found[..n],
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => is_same = false,
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Exactly so many bytes of a file, or an error.
pub(super) struct Exact(Take<fs::File>);

impl Exact {
    /// So many from where it stands.
    pub(super) fn new(file: fs::File, len: u64) -> Self {
        Self(file.take(len))
    }
}

impl Read for Exact {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            // Somebody has cut the file.
            0 if self.0.limit() > 0 && !buffer.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            n => Ok(n),
        }
    }
}
