//! What was acknowledged and must be found at the cloud: a file as it was stored, with what is known
//! of the client that sent it.

use crate::cloud::timing::SANE;
use crate::pan123::api::{PASSED, Row};
use crate::pan123::tree::files::filename;
use crate::pan123::tree::paths::{Path, known_under};
use crate::restic::{Id, Repo};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A file that was acknowledged, as it must be found.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// Its folder.
    pub path: String,
    /// What it is called by; the config by its own.
    pub name: Id,
    /// Its number.
    pub number: u64,
    /// The number of its folder, or 0.
    pub folder: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its MD5.
    pub md5: String,
    /// When it was stored, by the cloud's time; 0 if that isn't known.
    pub since: u64,
    /// When it was stored, or last looked for in the background.
    pub looked: Instant,
    /// What is known of its client.
    pub client: Client,
    /// Whether it was seen in the bin.
    pub trashed: bool,
    /// Since when it can't be found.
    pub lost: Option<Instant>,
}

/// What is known of the client that sent a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Nothing: some clients don't lock.
    Unknown,
    /// There was a lock in the repository that had come through this server.
    Locked,
    /// Since then there was a moment without any such lock: the client has ended.
    Ended,
    /// Nothing any more: an earlier process had the file from it.
    Earlier,
}

impl Acknowledged {
    /// Its name in its folder.
    pub fn filename(&self) -> String {
        filename(self.name)
    }

    /// Whether it is known by this name in this folder.
    pub fn is_at(&self, path: &Path, name: Id) -> bool {
        self.name == name && known_under(&self.path) == known_under(path)
    }

    /// Whether this row, which has its number, is what was acknowledged.
    pub fn is_confirmed_by(&self, row: &Row) -> bool {
        let accepted = row.is_file() && row.status <= PASSED;
        accepted && row.filename == self.filename() && row.holds(self.size, &self.md5)
    }

    /// Whether nobody can miss the file: somebody has removed it, and its client has ended without
    /// an index that names it, since that would have made sure of it.
    pub fn abandoned(&self) -> bool {
        self.trashed && self.client == Client::Ended
    }

    /// For how long it has been missed, or if its client may be gone with an earlier process, how
    /// old it is if it is `now`, or at least.
    pub fn waited(&self, now: Option<u64>) -> Option<Duration> {
        if self.client != Client::Earlier {
            return self.lost.map(|since| since.elapsed());
        }
        // A clock that began in 1970 tells nothing, and one that was ahead nothing good.
        let now = now.filter(|_| self.since >= SANE);
        let age = now.map(|now| Duration::from_secs(now.saturating_sub(self.since)));
        Some(self.looked.elapsed().max(age.unwrap_or_default()))
    }
}

/// What was acknowledged, by repository.
pub type AllAcknowledged = HashMap<Repo, Vec<Acknowledged>>;
