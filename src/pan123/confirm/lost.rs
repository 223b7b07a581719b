//! What was acknowledged and isn't at the cloud: who hears of it, what must not be done meanwhile,
//! and when it isn't missed any more.

use super::Cloud;
use super::api::Row;
use super::known::{Path, owner};
use super::pace::Priority;
use super::promises::Promise;
use super::tree::BATCH;
use crate::restic::{Id, Kind, Repo};
use crate::store::{Cause, Error};
use log::info;
use std::collections::HashSet;
use std::time::Instant;

/// Names that one log line shows.
const SHOWN: usize = 8;

impl Cloud {
    /// Says what isn't there: Cause::Lost, unless nobody can miss it.
    pub(super) fn miss(&self, repo: &Repo, missing: Vec<Promise>) -> Result<(), Error> {
        let (void, lost): (Vec<Promise>, Vec<Promise>) =
            missing.into_iter().partition(Promise::is_void);
        if !void.is_empty() {
            let files: HashSet<u64> = void.iter().map(|promise| promise.file).collect();
            self.fence.kept(repo, &files);
            info!(
                "{} file(s) of a backup that ended without an index of them have been removed by \
                 somebody else: {}; they aren't missed",
                void.len(),
                names(&void)
            );
        }
        if lost.is_empty() {
            return Ok(());
        }
        self.mark_lost(repo, &lost);
        let (count, names) = (lost.len(), names(&lost));
        let what = match lost.iter().all(|promise| promise.binned) {
            true => format!("somebody has put {count} new file(s) into 123pan's bin"),
            false => format!("123pan has lost {count} file(s) that were stored before"),
        };
        let text = format!(
            "{what}: {names}; this backup must be repeated, after `restic unlock` if need be; index \
             files and snapshots are refused until it sends them again, for {} minutes at most",
            self.minutes_left(&lost)
        );
        Err(Error::new(Cause::Lost, text))
    }

    /// Lists don't show these files of a folder in time: an error if they live all the same. Of
    /// the others, those are lost that nobody has put into the bin; it is told at once, because
    /// their client is about to end.
    pub(super) fn miss_in_list(
        &self,
        repo: &Repo,
        path: &Path,
        files: &[u64],
        first: Priority,
    ) -> Result<(), Error> {
        let mut rows = Vec::new();
        for batch in files.chunks(BATCH) {
            rows.extend(self.door.infos(batch, first)?);
        }
        if rows.iter().any(Row::is_file) {
            let text = format!("123pan's list of /{path} doesn't show what was stored there");
            return Err(Error::new(Cause::Busy, text));
        }
        let mut lost = self.fence.promises().get(repo).cloned().unwrap_or_default();
        lost.retain(|p| files.contains(&p.file) && rows.iter().all(|row| row.file_id != p.file));
        self.tell_lost(repo, &lost);
        Ok(())
    }

    /// Refuses to remove a file while another one of its folder is lost, which may have replaced
    /// it.
    pub(super) fn check_others(&self, repo: &Repo, path: &Path, name: Id) -> Result<(), Error> {
        let most = self.door.timing.lost;
        let is_lost = |promise: &&Promise| {
            let is_lost = promise.lost.is_some_and(|at| at.elapsed() < most);
            is_lost && !promise.binned && promise.path == path && promise.name != name
        };
        let promises = self.fence.promises();
        match promises
            .get(repo)
            .and_then(|list| list.iter().find(is_lost))
        {
            None => Ok(()),
            Some(lost) => {
                let name = lost.filename();
                let text = format!("123pan has lost {name}, which may have replaced this file");
                Err(Error::new(Cause::Lost, text))
            }
        }
    }

    /// Looks for the snapshots that clients without locks ended with: no request of theirs follows
    /// that would.
    pub(super) fn confirm_snapshots(&self) {
        for (repo, due) in self.due_snapshots() {
            let last = Priority::Background;
            // They are due again if that fails.
            let Ok(missing) = self.confirm_batch(Some(&repo), &due, &[], false, last) else {
                continue;
            };
            let (removed, lost): (Vec<_>, Vec<_>) = missing.into_iter().partition(|p| p.binned);
            let removed = removed.iter().map(|promise| promise.file).collect();
            self.fence.kept(&repo, &removed);
            self.tell_lost(&repo, &lost);
        }
    }

    fn due_snapshots(&self) -> Vec<(Repo, Vec<Promise>)> {
        let late = self.door.timing.overlay;
        let mut all = Vec::new();
        for (repo, list) in self.fence.promises().iter_mut() {
            let mut due = Vec::new();
            for promise in list.iter_mut().filter(|promise| promise.lost.is_none()) {
                let is_snapshot = owner(&promise.path).1 == Some(Kind::Snapshots);
                if is_snapshot && promise.looked.elapsed() >= late && due.len() < BATCH {
                    promise.looked = Instant::now();
                    due.push(promise.clone());
                }
            }
            all.extend((!due.is_empty()).then(|| (repo.clone(), due)));
        }
        all
    }

    /// Tells of files that are lost and whose client doesn't wait to hear of it.
    fn tell_lost(&self, repo: &Repo, lost: &[Promise]) {
        for promise in self.mark_lost(repo, lost) {
            let (path, name) = (&promise.path, promise.filename());
            let said = format!("123pan has lost /{path}/{name}, which it said it had stored");
            self.door.troubles.damaged(&said);
        }
    }

    /// Notes what is lost; answers those of which it wasn't known yet.
    fn mark_lost(&self, repo: &Repo, lost: &[Promise]) -> Vec<Promise> {
        let (mut promises, mut news) = (self.fence.promises(), Vec::new());
        let Some(list) = promises.get_mut(repo) else {
            return news;
        };
        for promise in list.iter_mut() {
            if let Some(gone) = lost.iter().find(|gone| gone.file == promise.file) {
                news.extend(promise.lost.is_none().then(|| promise.clone()));
                promise.lost.get_or_insert_with(Instant::now);
                promise.binned = gone.binned;
                self.tree.known().forget(&promise.path, &[promise.file]);
            }
        }
        news
    }

    /// How long the last of these files is missed.
    fn minutes_left(&self, lost: &[Promise]) -> u64 {
        let waited = lost
            .iter()
            .map(|promise| promise.waited().unwrap_or_default());
        let least = waited.min().unwrap_or_default();
        let left = self.door.timing.lost.saturating_sub(least);
        left.as_secs().div_ceil(60)
    }
}

fn names(promises: &[Promise]) -> String {
    let mut all: Vec<String> = promises.iter().take(SHOWN).map(Promise::filename).collect();
    all.extend((promises.len() > SHOWN).then(|| "…".to_owned()));
    all.join(", ")
}
