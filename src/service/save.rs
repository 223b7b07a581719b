//! A POST of a file: its body is gathered as far as it must be, checked while it comes, and stored.

use super::room::Room;
use super::{Job, Length, Service};
use crate::body::Body;
use crate::restic::{File, Repo};
use crate::store::{Cause, Error};
use std::io::Read;
use std::time::Duration;

/// Bounds in bytes of a config that comes without a length, where only its end tells whether it
/// is whole (safety rule 6). A config is about 155 bytes.
const CHUNKED_CONFIG: std::ops::RangeInclusive<u64> = 32..=64 << 10;
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
        let mut body = match job.length {
            Length::Known(len) => Body::streamed(source, len, file.id(), &self.budget),
            _ => self.gather(repo, file, source, &room)?,
        };
        if body.is_empty() {
            // Whether 123pan takes empty files is unknown, and restic has none.
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

    /// A body without a length, which is refused as soon as it is too large; but not what is there
    /// already, whose client didn't get the answer.
    fn gather<'a>(
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
        if file.id().is_some() {
            return Body::chunked(source, file.id(), &self.budget, &mut fits);
        }
        let text = "a config without Content-Length must have 32 bytes to 64 KiB";
        let wrong = || Error::new(Cause::BadBody, text);
        let body = Body::chunked(source, None, &self.budget, &mut |length| match length
            > *CHUNKED_CONFIG.end()
        {
            true => Err(wrong()),
            false => fits(length),
        })?;
        match body.len() < *CHUNKED_CONFIG.start() && !body.is_empty() {
            true => Err(wrong()),
            false => Ok(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Admission, Answer, Head, Reply};
    use super::*;
    use crate::body::Budget;
    use crate::store::memory::Memory;
    use std::io;

    /// Bytes without an end, counted.
    struct Endless(u64);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(7);
            self.0 += buffer.len() as u64;
            Ok(buffer.len())
        }
    }

    #[derive(Default)]
    struct Status(u16);

    impl Answer for Status {
        fn start(&mut self, reply: Reply) -> io::Result<()> {
            self.0 = reply.status;
            Ok(())
        }

        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_config_without_a_length_is_not_collected_whole() {
        let service = Service::new(Box::new(Memory::default()), Budget::new(32 << 20, None));
        let admitted = service.admit(&Head {
            method: "POST",
            target: "/config",
            accept: None,
            range: None,
            language: None,
            authorization: None,
            peer: [127, 0, 0, 1].into(),
            length: Length::Chunked,
        });
        let Admission::Job(job) = admitted else {
            unreachable!("{admitted:?}")
        };
        let (mut body, mut status) = (Endless(0), Status::default());
        service.serve(&job, &mut body, &mut status).unwrap();
        assert_eq!(status.0, 400);
        assert!(body.0 <= 1 << 20, "{} bytes were read", body.0);
    }
}
