//! What makes a body right: its length and its SHA-256.

use super::{LARGEST, whole};
use crate::error::{Cause, Error};
use crate::restic::Id;
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// Counts and hashes bytes, and says at the end whether they were right.
pub(super) struct Check {
    id: Option<Id>,
    hash: Sha256,
    pub(super) seen: u64,
    len: Option<u64>,
    /// Whether the end has come, and all was right.
    pub(super) proven: bool,
}

impl Check {
    pub(super) fn new(id: Option<Id>, len: Option<u64>) -> Self {
        Self {
            id,
            hash: Sha256::new(),
            seen: 0,
            len,
            proven: false,
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
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

    pub(super) fn end(&mut self) -> Result<(), Error> {
        if let Some(len) = self.len.filter(|len| *len != self.seen) {
            let text = format!("the body ended after {} of {len} bytes", self.seen);
            return Err(Error::new(Cause::BadBody, text));
        }
        // A second look at the end would hash an empty body.
        let unproven = self.id.filter(|_| !self.proven);
        if let Some(id) = unproven {
            let found = Id(self.hash.finalize_reset().into());
            if found != id {
                let text = format!("the body's SHA-256 is {found}");
                return Err(Error::new(Cause::BadBody, text));
            }
        }
        self.proven = true;
        Ok(())
    }
}

/// Reads on, and lets the end pass only if it is right.
pub(super) fn checked(
    source: &mut dyn Read,
    check: &mut Check,
    buffer: &mut [u8],
) -> Result<usize, Error> {
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

/// The client broke off.
pub(super) fn client_gone(error: &io::Error) -> Error {
    Error::new(
        Cause::BadBody,
        format!("the client broke its body off ({error})"),
    )
}
