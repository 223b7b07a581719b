//! A POST of a file, from the first byte to the store.

use super::{Job, Length, Service};
use crate::body::Body;
use crate::limit::Paid;
use crate::restic::{File, Repo};
use crate::store::{Cause, Error};
use std::io::Read;
use std::time::Duration;

/// Longest wait for earlier operations on the same name.
const TURN_WAIT: Duration = Duration::from_secs(120);

impl Service {
    /// Stores a file from what its client sends.
    pub(super) fn save(
        &self,
        repo: &Repo,
        file: &File,
        job: &Job,
        source: &mut dyn Read,
    ) -> Result<(), Error> {
        if job.turn.as_ref().is_some_and(|turn| !turn.wait(TURN_WAIT)) {
            let text = "an earlier request for the same name is still under way";
            return Err(Error::new(Cause::Busy, text));
        }
        // It counts until the store has it.
        let room = self.room(&job.grant, (repo, file))?;
        let limit = &self.limits.upload;
        let source = &mut Paid { source, limit };
        let mut body = match job.length {
            Length::Known(len) => Body::streamed(source, len, file.id(), &self.budget),
            _ => self.gather(repo, file, source, &room)?,
        };
        if body.is_empty() {
            // Whether a cloud takes empty files isn't always known, and restic has none.
            return Err(Error::new(Cause::BadBody, "the body is empty"));
        }
        let saved = match room.take(body.len()) {
            Ok(()) => body
                .keep()
                .and_then(|()| self.store.save(repo, file, &mut body)),
            Err(error) => Err(error),
        };
        let saved = match saved {
            // A client whose answer was lost sends again what is there, and has taken the room.
            Err(full) if full.cause == Cause::Full && body.ready() => {
                let there = self.store.holds(repo, file, &mut body);
                there.and_then(|there| if there { Ok(()) } else { Err(full) })
            }
            saved => saved,
        };
        // What went wrong with the body is the client's to know, whatever the store made of it.
        saved.map_err(|error| body.fault().cloned().unwrap_or(error))
    }
}
