//! What clients read: sizes, lists, and files, streamed from the store as fast as the limit of
//! traffic lets them.

use super::listing::Listing;
use super::status::reply_failed;
use super::{Answer, BUFFER, Reply, Service};
use crate::restic::{File, Id, Kind, Range, Repo};
use crate::store::{Cause, Loaded};
use log::{error, warn};
use sha2::{Digest, Sha256};
use std::io::{self, Read};

impl Service {
    pub(super) fn stat(&self, repo: &Repo, file: &File, answer: &mut dyn Answer) -> io::Result<()> {
        let stat = self.store.stat(repo, file);
        match &stat {
            Ok(_) if *file == File::Config => self.inits.present(repo),
            Err(error) if *file == File::Config && error.cause == Cause::Absent => {
                self.inits.absent(repo);
            }
            _ => {}
        }
        match stat {
            Ok(size) => answer.start(Reply {
                length: Some(size),
                ..Reply::empty(200)
            }),
            Err(error) => answer.start(reply_failed("HEAD", repo, file, &error)),
        }
    }

    pub(super) fn load(
        &self,
        repo: &Repo,
        file: &File,
        range: Option<Range>,
        answer: &mut dyn Answer,
    ) -> io::Result<()> {
        let Loaded {
            size,
            part,
            mut reader,
        } = match self.store.load(repo, file, range) {
            Ok(loaded) => {
                if let File::Hashed(Kind::Keys, key) = file {
                    self.inits.forget(repo, *key);
                }
                loaded
            }
            Err(error) => return answer.start(reply_failed("GET", repo, file, &error)),
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
        let broken = |e: &io::Error| warn!("GET {repo}/{file} was cut off: {e}");
        // Hashed only when all of it passes by: clients check it too, but tell only their user.
        let mut hash = file
            .id()
            .filter(|_| part.len == size)
            .map(|_| Sha256::new());
        self.copy(&mut *reader, part.len, &mut hash, answer)
            .inspect_err(broken)?;
        let found = hash.map(|hash| Id(hash.finalize().into()));
        if let Some(found) = found.filter(|found| Some(*found) != file.id()) {
            error!(
                "{repo}/{file} is damaged at the cloud: its SHA-256 is {found}; run `restic check \
                 --read-data`, and see what restic's documentation says about damaged packs"
            );
        }
        Ok(())
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
                listing.refuse(reply_failed("list", repo, &kind.name(), &error))
            }
            Err(error) => {
                warn!("the list of {repo}/{} was cut off: {error}", kind.name());
                Err(io::Error::other(error))
            }
        }
    }

    /// Copies exactly `len` bytes, or fails; hashes them, if that is wanted.
    fn copy(
        &self,
        reader: &mut dyn Read,
        len: u64,
        hash: &mut Option<Sha256>,
        answer: &mut dyn Answer,
    ) -> io::Result<()> {
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
            if let Some(hash) = hash {
                hash.update(&buffer[..n]);
            }
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
