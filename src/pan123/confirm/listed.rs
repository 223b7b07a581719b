//! Waiting until the cloud's own lists show what was stored: before a lock goes, and before a lock
//! counts.

use super::acknowledged::Acknowledged;
use super::{Confirm, State, state};
use crate::cloud::{Priority, pause};
use crate::pan123::api::Row;
use crate::pan123::tree::paths::Path;
use crate::restic::{Kind, Repo};
use crate::store::Error;
use std::collections::HashMap;
use std::time::Instant;

/// What a folder's list shows.
pub struct Shown {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Those of the files asked for that aren't among them.
    pub missing: Vec<u64>,
}

impl Confirm {
    /// Waits until the cloud's own list of a folder shows these files, or for so long that it should.
    pub fn shown(&self, path: &Path, files: &[u64], priority: Priority) -> Result<Shown, Error> {
        let (start, timing) = (Instant::now(), &self.api.timing());
        let (mut missing, mut tries) = (files.to_vec(), 0);
        loop {
            tries += 1;
            let ids = self.tree.find(path, priority)?.unwrap_or_default();
            let rows = self.tree.read(&ids, priority)?;
            let shown = rows.iter().map(|row| row.file_id);
            self.tree.known().seen(&shown.collect::<Vec<u64>>());
            missing.retain(|file| !rows.iter().any(|row| row.file_id == *file));
            let pause = pause(timing.look, tries);
            if missing.is_empty() || start.elapsed() + pause > timing.visible {
                return Ok(Shown { rows, missing });
            }
            std::thread::sleep(pause);
        }
    }

    /// Waits until lists show every index file and snapshot that was acknowledged in a
    /// repository: before a lock goes, other clients must be able to see what it protected.
    pub fn wait_until_listed(&self, repo: &Repo, priority: Priority) -> Result<(), Error> {
        for path in [Kind::Index, Kind::Snapshots].map(|kind| self.root.kind(repo, kind)) {
            let files = self.unconfirmed.unseen_in(&path);
            if files.is_empty() {
                continue;
            }
            let shown = self.shown(&path, &files, priority)?;
            self.confirm_by(repo, &path, &shown.rows);
            if !shown.missing.is_empty() {
                self.miss_in_list(repo, &path, &shown.missing, priority)?;
            }
            self.unconfirmed.shown(&files);
        }
        Ok(())
    }

    /// A list tells as much as `infos` would. Once the lock is gone, another server may remove what
    /// is in it, and nobody may miss it then.
    fn confirm_by(&self, repo: &Repo, path: &Path, rows: &[Row]) {
        let folders = self.tree.known().ids(path).unwrap_or_default();
        let rows: HashMap<u64, &Row> = rows.iter().map(|row| (row.file_id, row)).collect();
        let is_kept = |file: &&Acknowledged| {
            state(file, rows.get(&file.number).copied(), &folders) == State::Confirmed
        };
        let all = self.unconfirmed.all();
        let list = all.get(repo).map(Vec::as_slice).unwrap_or_default();
        let kept = list.iter().filter(is_kept).map(|file| file.number);
        let kept = kept.collect();
        drop(all);
        self.unconfirmed.confirmed(repo, &kept);
    }
}
