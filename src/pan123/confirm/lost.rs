//! What was acknowledged and isn't at the cloud: who hears of it, what must not be done meanwhile,
//! and when it isn't missed any more.

use super::Confirm;
use super::acknowledged::Acknowledged;
use crate::cloud::Priority;
use crate::pan123::api::{BATCH, Row};
use crate::pan123::tree::paths::{Path, owner};
use crate::restic::{Id, Kind, Repo};
use crate::store::{Cause, Error};
use crate::warning::Kind as Warning;
use log::info;
use std::collections::HashSet;
use std::time::Instant;

/// Names that one log line shows.
const SHOWN: usize = 8;

impl Confirm {
    /// Says what isn't there: Cause::Lost, unless nobody can miss it.
    pub(super) fn miss(&self, repo: &Repo, missing: Vec<Acknowledged>) -> Result<(), Error> {
        let (abandoned, lost): (Vec<Acknowledged>, Vec<Acknowledged>) =
            missing.into_iter().partition(Acknowledged::abandoned);
        if !abandoned.is_empty() {
            let files: HashSet<u64> = abandoned.iter().map(|file| file.number).collect();
            self.unconfirmed.confirmed(repo, &files);
            info!(
                "{} file(s) of a backup that ended without an index of them have been removed by \
                 somebody else: {}; they aren't missed",
                abandoned.len(),
                names(&abandoned)
            );
        }
        if lost.is_empty() {
            return Ok(());
        }
        self.mark_lost(repo, &lost);
        let (count, names, minutes) = (lost.len(), names(&lost), self.minutes_left(&lost));
        Err(match lost.iter().all(|file| file.trashed) {
            true => {
                let text = format!(
                    "somebody has put {count} new file(s) into 123pan's bin: {names}; the backup \
                     that sent them may still be running, so index files and snapshots are refused \
                     for {minutes} minutes at most; back up again then"
                );
                let brief = format!(
                    "new files were put into 123pan's bin; index files and snapshots are refused \
                     for {minutes} minutes at most"
                );
                let error = Error::new(Cause::Lost, text).briefly(brief);
                error.of(Warning::Binned)
            }
            false => {
                let text = format!(
                    "123pan has lost {count} file(s) that were stored before: {names}; this backup \
                     must be repeated, after `restic unlock` if need be; index files and snapshots \
                     are refused until it sends them again, for {minutes} minutes at most"
                );
                Error::new(Cause::Lost, text).of(Warning::Lost)
            }
        })
    }

    /// Lists don't show these files of a folder in time: an error if they live all the same. Of
    /// the others, those are lost that nobody has put into the bin; it is told at once, because
    /// their client is about to end.
    pub(super) fn miss_in_list(
        &self,
        repo: &Repo,
        path: &Path,
        files: &[u64],
        priority: Priority,
    ) -> Result<(), Error> {
        let rows = self.api.infos(files, priority)?;
        if rows.iter().any(Row::is_file) {
            let text = format!("123pan's list of /{path} doesn't show what was stored there");
            return Err(Error::new(Cause::Busy, text));
        }
        let mut lost = self
            .unconfirmed
            .all()
            .get(repo)
            .cloned()
            .unwrap_or_default();
        lost.retain(|p| {
            files.contains(&p.number) && rows.iter().all(|row| row.file_id != p.number)
        });
        self.tell_lost(repo, &lost);
        Ok(())
    }

    /// Refuses to remove a file while another one of its folder is lost, which may have replaced
    /// it.
    pub fn check_others(&self, repo: &Repo, path: &Path, name: Id) -> Result<(), Error> {
        let most = self.api.timing().lost;
        let is_lost = |file: &&Acknowledged| {
            let is_lost = file.lost.is_some_and(|at| at.elapsed() < most);
            is_lost && !file.trashed && file.path == path && file.name != name
        };
        let all = self.unconfirmed.all();
        match all.get(repo).and_then(|list| list.iter().find(is_lost)) {
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
    pub fn confirm_snapshots(&self) {
        if !self.unconfirmed.expire_earlier(self.api.timing().lost) {
            return;
        }
        for (repo, due) in self.due_snapshots() {
            let last = Priority::Background;
            // They are due again if that fails.
            let Ok(missing) = self.confirm_batch(Some(&repo), &due, &[], false, last) else {
                continue;
            };
            let (removed, lost): (Vec<_>, Vec<_>) = missing.into_iter().partition(|p| p.trashed);
            let removed = removed.iter().map(|file| file.number).collect();
            self.unconfirmed.confirmed(&repo, &removed);
            self.tell_lost(&repo, &lost);
        }
    }

    fn due_snapshots(&self) -> Vec<(Repo, Vec<Acknowledged>)> {
        let late = self.api.timing().overlay;
        let mut all = Vec::new();
        for (repo, list) in self.unconfirmed.all().iter_mut() {
            let mut due = Vec::new();
            for file in list.iter_mut().filter(|file| file.lost.is_none()) {
                let is_snapshot = owner(&file.path).1 == Some(Kind::Snapshots);
                if is_snapshot && file.looked.elapsed() >= late && due.len() < BATCH {
                    file.looked = Instant::now();
                    due.push(file.clone());
                }
            }
            all.extend((!due.is_empty()).then(|| (repo.clone(), due)));
        }
        all
    }

    /// Tells of files that are lost and whose client doesn't wait to hear of it.
    fn tell_lost(&self, repo: &Repo, lost: &[Acknowledged]) {
        for file in self.mark_lost(repo, lost) {
            let (path, name) = (&file.path, file.filename());
            let said = format!("123pan has lost /{path}/{name}, which it said it had stored");
            self.api.client.troubles.damaged(&said);
        }
    }

    /// Notes what is lost; answers those of which it wasn't known yet.
    fn mark_lost(&self, repo: &Repo, lost: &[Acknowledged]) -> Vec<Acknowledged> {
        let (mut all, mut news) = (self.unconfirmed.all(), Vec::new());
        let Some(list) = all.get_mut(repo) else {
            return news;
        };
        for file in list.iter_mut() {
            if let Some(gone) = lost.iter().find(|gone| gone.number == file.number) {
                news.extend(file.lost.is_none().then(|| file.clone()));
                file.lost.get_or_insert_with(Instant::now);
                file.trashed = gone.trashed;
                let mut known = self.tree.known();
                known.forget(&file.path, file.name, &[file.number]);
            }
        }
        news
    }

    /// How long the last of these files is missed.
    fn minutes_left(&self, lost: &[Acknowledged]) -> u64 {
        let now = self.api.client.time.now();
        let waited = lost.iter().map(|file| file.waited(now).unwrap_or_default());
        let least = waited.min().unwrap_or_default();
        let left = self.api.timing().lost.saturating_sub(least);
        left.as_secs().div_ceil(60)
    }
}

fn names(all: &[Acknowledged]) -> String {
    let mut all: Vec<String> = all.iter().take(SHOWN).map(Acknowledged::filename).collect();
    all.extend((all.len() > SHOWN).then(|| "…".to_owned()));
    all.join(", ")
}
