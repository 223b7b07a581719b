//! A POST of a file, from the first byte to the store, and what follows from it for clients that
//! make one repository at once: which of them goes on is `inits`' to say.

use super::{Job, Service};
use crate::body::{Body, Length, SIGN_OF_LIFE};
use crate::limit::Paid;
use crate::restic::{File, Id, Kind, Repo};
use crate::store::{Cause, Error};
use crate::turns::{LONGEST, Ticket};
use log::{info, warn};
use std::io::Read;

/// What whoever waited too long for its turn is told.
pub const HELD_UP: &str = "an earlier request for the same name is still under way";

impl Service {
    /// Stores a file from what its client sends.
    pub(super) fn save(
        &self,
        repo: &Repo,
        file: &File,
        job: &Job,
        source: &mut dyn Read,
    ) -> Result<(), Error> {
        // It counts until the store has it.
        let room = self.room(&job.grant, (repo, file))?;
        let limit = &self.limits.upload;
        let source = &mut Paid { source, limit };
        let mut body = match job.length {
            Length::Known(len) => Body::streamed(source, len, file.id(), &self.budget),
            _ => self.gather(repo, file, source, &room)?,
        };
        job.turn
            .as_ref()
            .map_or(Ok(()), |turn| wait(turn, &mut body))?;
        if body.is_empty() {
            // Whether a cloud takes empty files isn't always known, and restic has none.
            return Err(Error::new(Cause::BadBody, "the body is empty"));
        }
        if let File::Hashed(Kind::Keys, key) = file
            && !self.inits.admits(repo, *key, &job.client())
        {
            let text = "another client is making this repository";
            return Err(Error::new(Cause::Exists, text).briefly(text));
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
        self.learn(repo, file, job, &saved);
        // What went wrong with the body is the client's to know, whatever the store made of it.
        saved.map_err(|error| body.fault().cloned().unwrap_or(error))
    }

    /// Removes files, but for the config of whoever has just won it from another client.
    pub(super) fn remove_all(&self, files: Vec<(Repo, File)>) -> Vec<Result<(), Error>> {
        let kept =
            |(repo, file): &(Repo, File)| *file == File::Config && self.inits.has_loser(repo);
        let kept: Vec<bool> = files.iter().map(kept).collect();
        let marked = files.into_iter().zip(&kept);
        let rest: Vec<_> = marked
            .filter(|(_, kept)| !**kept)
            .map(|(file, _)| file)
            .collect();
        let mut removed = self.store.remove(&rest).into_iter();
        let answers = kept.into_iter().map(|kept| match kept {
            true => {
                let text = "another client's config was refused a moment ago, and this one stays";
                Err(Error::new(Cause::Exists, text).briefly(text))
            }
            false => removed.next().unwrap_or(Ok(())),
        });
        answers.collect()
    }

    /// Notes what a config's fate means for clients that make the same repository.
    fn learn(&self, repo: &Repo, file: &File, job: &Job, saved: &Result<(), Error>) {
        match (file, saved) {
            (File::Config, Ok(())) => self.inits.made(repo),
            (File::Config, Err(error)) if error.cause == Cause::Exists => {
                let keys = self.inits.lost(repo, &job.client());
                keys.into_iter().for_each(|key| self.withdraw(repo, key));
            }
            (File::Config, Err(error)) if error.cause != Cause::BadBody => self.inits.unsure(repo),
            (File::Hashed(Kind::Keys, key), Err(_)) => self.inits.forget(repo, *key),
            _ => {}
        }
    }

    /// Removes the key of a client whose config was refused.
    fn withdraw(&self, repo: &Repo, key: Id) {
        let file = File::Hashed(Kind::Keys, key);
        let mut removed = self.store.remove(&[(repo.clone(), file)]);
        match removed.pop() {
            Some(Err(error)) => {
                warn!("{repo} has a key that belongs to no config, {key}: {error}; remove it");
            }
            _ => {
                info!("{repo}: the key {key} goes, as the config that it was made for was refused")
            }
        }
    }
}

/// Waits for the end of earlier operations on the same name, while the client sees its body move.
fn wait(turn: &Ticket, body: &mut Body<'_>) -> Result<(), Error> {
    for _ in 0..LONGEST.as_secs() / SIGN_OF_LIFE.as_secs() {
        if turn.wait(SIGN_OF_LIFE) {
            return Ok(());
        }
        body.read_ahead()?;
    }
    Err(Error::new(Cause::Busy, HELD_UP))
}
