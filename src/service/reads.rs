//! What clients read: sizes, lists, and files, streamed from the store as fast as the limit of
//! traffic lets them.

use super::listing::Listing;
use super::{Answer, BUFFER, Job, Reply, Service};
use crate::restic::{File, Kind, Repo};
use crate::store::{Cause, Loaded};
use crate::warning;
use log::warn;
use std::fmt::Display;
use std::io::{self, Read};

/// The target of the line that says that an answer broke off.
fn cut_off(repo: &Repo, object: &dyn Display) -> String {
    warning::Kind::CutOff.about(format!("{repo}/{object}"))
}

impl Service {
    pub(super) fn stat(
        &self,
        repo: &Repo,
        file: &File,
        client: &str,
        answer: &mut dyn Answer,
    ) -> io::Result<()> {
        let stat = self.store.stat(repo, file);
        match &stat {
            Ok(_) if *file == File::Config => self.inits.present(repo),
            Err(error) if *file == File::Config && error.cause == Cause::Absent => {
                self.inits.absent(repo, client);
            }
            _ => {}
        }
        match stat {
            Ok(size) => answer.start(Reply {
                length: Some(size),
                ..Reply::empty(200)
            }),
            Err(error) => answer.start(self.reply_unread("HEAD", repo, file, &error)),
        }
    }

    pub(super) fn load(
        &self,
        repo: &Repo,
        file: &File,
        job: &Job,
        answer: &mut dyn Answer,
    ) -> io::Result<()> {
        let range = job.range;
        let Loaded {
            size,
            part,
            mut reader,
        } = match self.store.load(repo, file, range) {
            Ok(loaded) => {
                match file {
                    File::Config => self.inits.read(repo, &job.client()),
                    File::Hashed(Kind::Keys, key) => self.inits.wanted(repo, *key),
                    _ => {}
                }
                loaded
            }
            Err(error) => return answer.start(self.reply_unread("GET", repo, file, &error)),
        };
        let mut reply = Reply {
            length: Some(part.len),
            ..Reply::empty(200)
        }
        .with("Content-Type", "application/octet-stream")
        .with("Accept-Ranges", "bytes")
        // A pack isn't a page, whatever is in it.
        .with("X-Content-Type-Options", "nosniff");
        if range.is_some() {
            reply.status = 206;
            reply = reply.with("Content-Range", part.content_range(size));
        }
        answer.start(reply)?;
        let broken = |e: &io::Error| warn!(target: &cut_off(repo, file), "GET {repo}/{file} was cut off: {e}");
        self.copy(&mut *reader, part.len, answer)
            .inspect_err(broken)
    }

    pub(super) fn list(
        &self,
        repo: &Repo,
        kind: Kind,
        v2: bool,
        answer: &mut dyn Answer,
    ) -> io::Result<()> {
        let mut listing = Listing::new(v2, answer);
        let listed = self.store.list(repo, kind, &mut |entry| listing.add(entry));
        match listed {
            Ok(()) => listing.end(),
            Err(error) if !listing.started() => {
                listing.refuse(self.reply_failed("list", repo, &kind.name(), &error))
            }
            Err(error) => {
                let kind = kind.name();
                warn!(target: &cut_off(repo, &kind), "the list of {repo}/{kind} was cut off: {error}");
                Err(io::Error::other(error))
            }
        }
    }

    /// Copies exactly `len` bytes, or fails.
    fn copy(&self, reader: &mut dyn Read, len: u64, answer: &mut dyn Answer) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        let mut left = len;
        while left > 0 {
            let step = self.limits.download.step();
            let most = step.unwrap_or(BUFFER).min(BUFFER);
            let most = usize::try_from(left).map_or(most, |left| left.min(most));
            let n = reader.read(&mut buffer[..most])?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.limits.download.pay(n);
            answer.write(&buffer[..n])?;
            left -= n as u64;
            if step.is_some() {
                // Or nothing would move while a buffer fills.
                answer.flush()?;
            }
        }
        Ok(())
    }
}
