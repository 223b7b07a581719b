//! A body without a length, refused while it comes if it is too large for what it is or for the room
//! that there is.

use super::Service;
use super::room::Room;
use crate::body::Body;
use crate::restic::{File, Repo};
use crate::store::{Cause, Error};
use std::io::Read;

/// Bounds in bytes of a config that comes without a length, where only its end tells whether it
/// is whole (safety rule 6). A config is about 155 bytes.
const CHUNKED_CONFIG: std::ops::RangeInclusive<u64> = 32..=64 << 10;

impl Service {
    /// A body without a length, which is refused as soon as it is too large; but not what is there
    /// already, whose client didn't get the answer.
    pub(super) fn gather<'a>(
        &'a self,
        repo: &Repo,
        file: &File,
        source: &'a mut dyn Read,
        room: &Room<'_>,
    ) -> Result<Body<'a>, Error> {
        let mut there = None;
        let mut fits = |length| match room.take(length) {
            Err(full) if full.cause == Cause::Full => {
                let size = || self.store.stat(repo, file).unwrap_or(0);
                let there = *there.get_or_insert_with(size);
                if length <= there { Ok(()) } else { Err(full) }
            }
            taken => taken,
        };
        let is_config = file.id().is_none();
        let text = "a config without Content-Length must have 32 bytes to 64 KiB";
        let wrong = || Error::new(Cause::BadBody, text);
        let body = Body::chunked(source, file.id(), &self.budget, &mut |length| {
            if is_config && length > *CHUNKED_CONFIG.end() {
                return Err(wrong());
            }
            fits(length)
        })?;
        match is_config && !body.is_empty() && body.len() < *CHUNKED_CONFIG.start() {
            true => Err(wrong()),
            false => Ok(body),
        }
    }
}
