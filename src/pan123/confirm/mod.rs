//! What must be visible at the cloud before something else may count: packs before the index that
//! names them (safety rule 5), a lock before its client believes in it (8), index files and
//! snapshots before the lock goes that protects them (9). What isn't there at all is `lost`'s.

use super::Cloud;
use super::api::Row;
use super::bin::{Doomed, Purge};
use super::judge::pause;
use super::known::{CONFIG, Path, join, parent};
use super::list::holding;
use super::pace::Priority;
use super::paths::holds_packs;
use super::promises::{Client, Promise};
use super::tree::BATCH;
use crate::restic::{Id, Kind, MAX_DEPTH, Repo};
use crate::store::{Cause, Error};
use log::{debug, warn};
use std::collections::{HashMap, HashSet};
use std::time::Instant;

/// Files awaiting confirmation in one repository beyond which packs confirm some themselves:
/// clients write an index every few hundred packs.
const MANY: usize = 5000;
/// Files awaiting confirmation beyond which no more are taken.
const TOO_MANY: usize = 50_000;
/// Folders above a repository's files besides its own path: room for a long `--repo-path`, and
/// `data`.
const FOLDERS: usize = 12;

/// What a folder's list shows.
pub struct Shown {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Those of the files asked for that aren't among them.
    pub missing: Vec<u64>,
}

/// What `infos` says of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Kept,
    /// Under the name that was asked for and something besides: the service has renamed it instead
    /// of refusing.
    Renamed,
    Missing,
}

impl Cloud {
    /// Confirms that everything acknowledged in a repository is there, but for a file that is being
    /// sent again. Cause::Lost if something isn't, and doesn't appear.
    pub fn confirm(&self, repo: &Repo, again: Id, first: Priority) -> Result<(), Error> {
        let mut all = self.fence.open(repo, self.door.timing.lost);
        all.retain(|promise| promise.name != again);
        if all.is_empty() {
            return Ok(());
        }
        let mut lost = Vec::new();
        self.find_data(&all, first)?;
        let above = self.folders_above(repo);
        let (start, rest) = all.split_at(all.len().min(BATCH - above.len()));
        lost.extend(self.confirm_batch(Some(repo), start, &above, true, first)?);
        for batch in rest.chunks(BATCH) {
            lost.extend(self.confirm_batch(Some(repo), batch, &[], true, first)?);
        }
        self.miss(repo, lost)
    }

    /// Keeps the number of promises bounded when nobody writes an index.
    pub fn confirm_some(&self, repo: &Repo, first: Priority) -> Result<(), Error> {
        let oldest = match self.fence.promises().get(repo) {
            Some(list) if list.len() >= TOO_MANY => {
                let text = "too many files wait for their confirmation by 123pan";
                return Err(Error::new(Cause::Busy, text));
            }
            Some(list) if list.len() >= MANY => list[..BATCH].to_vec(),
            _ => return Ok(()),
        };
        self.confirm_batch(Some(repo), &oldest, &[], false, first)
            .map(drop)
    }

    /// Confirms one file at once.
    pub fn confirm_one(&self, promise: &Promise, first: Priority) -> Result<(), Error> {
        let batch = std::slice::from_ref(promise);
        let kept = self
            .confirm_batch(None, batch, &[], true, first)?
            .is_empty();
        if kept && self.is_only_config(promise, first)? {
            return Ok(());
        }
        let there = self.rows(&promise.path, promise.name, first)?;
        // Under another number than was told, or stored by another server at the same moment.
        if is_there(promise, &there) {
            return Ok(());
        }
        let error = match there.iter().any(|row| row.file_id != promise.file) {
            true => Error::new(Cause::Exists, "another one has been stored meanwhile"),
            false => Error::new(Cause::Cloud, "123pan doesn't show the file it has stored"),
        };
        Err(error)
    }

    /// A service that stores two files under one name would let two servers initialise a
    /// repository at once: the older config stays, and false says that it isn't as good as ours.
    fn is_only_config(&self, promise: &Promise, first: Priority) -> Result<bool, Error> {
        if promise.name != CONFIG {
            return Ok(true);
        }
        let rows = self.rows(&promise.path, CONFIG, first)?;
        match rows.iter().any(|row| row.file_id < promise.file) {
            true => self.take_back(promise, first),
            false => Ok(true),
        }
    }

    /// Asks about up to a hundred promises and folders, with growing pauses if `patient`, and
    /// answers the promises that aren't kept. They stand in the fence of `repo`, if there is one.
    pub fn confirm_batch(
        &self,
        repo: Option<&Repo>,
        batch: &[Promise],
        above: &[(String, u64)],
        patient: bool,
        first: Priority,
    ) -> Result<Vec<Promise>, Error> {
        let (mut start, timing) = (Instant::now(), &self.door.timing);
        let mut open = batch.to_vec();
        for tries in 1.. {
            let files = open.iter().map(|promise| promise.file);
            let files: Vec<u64> = files.chain(above.iter().map(|(_, id)| *id)).collect();
            let rows = self.door.infos(&files, first)?;
            let rows: HashMap<u64, Row> = rows.into_iter().map(|row| (row.file_id, row)).collect();
            self.check_folders(above, &rows)?;
            let mut kept = HashSet::new();
            for promise in &mut open {
                let folders = self.folders(promise);
                let row = rows.get(&promise.file);
                promise.binned = row.is_some_and(|row| row.trashed != 0);
                match found(promise, row, &folders) {
                    Found::Missing => continue,
                    Found::Renamed if !self.take_back(promise, first)? => {
                        // Nobody else's is as good: waiting doesn't help.
                        return Ok(vec![promise.clone()]);
                    }
                    Found::Kept | Found::Renamed => kept.insert(promise.file),
                };
            }
            let seen: Vec<u64> = kept.iter().copied().collect();
            self.tree.known().seen(&seen);
            open.retain(|promise| !kept.contains(&promise.file));
            if let Some(repo) = repo {
                self.fence.kept(repo, &kept);
                if self.fence.follow(repo, &mut open) {
                    start = Instant::now();
                    continue;
                }
            }
            let pause = pause(timing.look, tries);
            // What was lost once is only looked at once more.
            let may_come = |promise: &Promise| promise.lost.is_none() && !promise.is_void();
            let hope = patient && open.iter().any(may_come);
            if open.is_empty() || !hope || start.elapsed() + pause > timing.visible {
                break;
            }
            debug!("{} stored files aren't visible yet", open.len());
            std::thread::sleep(pause);
        }
        Ok(open)
    }

    /// The numbers of a promise's folder. What an earlier process stored may lie in one that this
    /// one hasn't seen yet.
    fn folders(&self, promise: &Promise) -> Vec<u64> {
        let mut folders = self.tree.known().ids(&promise.path).unwrap_or_default();
        if promise.client == Client::Earlier {
            folders.push(promise.folder);
        }
        folders
    }

    /// Makes sure that the folder above packs of an earlier process is there, and known.
    fn find_data(&self, promises: &[Promise], first: Priority) -> Result<(), Error> {
        let is_earlier = |promise: &&Promise| promise.client == Client::Earlier;
        let mut earlier = promises.iter().filter(is_earlier);
        let Some(pack) = earlier.find(|promise| holds_packs(&promise.path)) else {
            return Ok(());
        };
        let data = parent(&pack.path);
        match self.tree.find(data, first)? {
            Some(_) => Ok(()),
            None => Err(Error::new(
                Cause::Busy,
                format!(
                    "/{data} isn't there any more, with all that was stored in it: bring it back \
                     from 123pan's bin"
                ),
            )),
        }
    }

    /// The folders above all files of a repository, with their numbers. They are asked about along
    /// with the files, which costs no call: what is stored in a folder that somebody has put into
    /// the bin looks well until the bin is emptied.
    fn folders_above(&self, repo: &Repo) -> Vec<(String, u64)> {
        let repo = self.repo(repo);
        let known = self.tree.known();
        let data = join(&repo, Kind::Data.name());
        let paths = std::iter::successors(Some(&*data), |path| Some(parent(path)));
        let paths = paths
            .take_while(|path| !path.is_empty())
            .take(MAX_DEPTH + FOLDERS);
        let numbers = |path: &Path| known.ids(path).and_then(|ids| ids.first().copied());
        paths
            .filter_map(|path| Some((path.to_owned(), numbers(path)?)))
            .collect()
    }

    fn check_folders(
        &self,
        above: &[(String, u64)],
        rows: &HashMap<u64, Row>,
    ) -> Result<(), Error> {
        let in_bin = |id: &u64| rows.get(id).is_some_and(|row| row.trashed != 0);
        let Some((path, _)) = above.iter().find(|(_, id)| in_bin(id)) else {
            return Ok(());
        };
        self.tree.known().forget_folder(path);
        let text = format!(
            "/{path} lies in 123pan's bin, with all that was stored in it: bring it back from there"
        );
        Err(Error::new(Cause::Busy, text))
    }

    /// The service has stored a file although its name was taken, beside the other or under another
    /// name: puts it into the bin, and tells whether what has the name is as good.
    fn take_back(&self, promise: &Promise, first: Priority) -> Result<bool, Error> {
        warn!(
            "123pan stored {} although the name was taken; that copy goes into the bin",
            promise.filename()
        );
        let doomed = Doomed {
            path: promise.path.clone(),
            files: vec![promise.file],
            purge: Purge::AtOnce,
        };
        self.discard(&[doomed], first).pop().unwrap_or(Ok(()))?;
        let there = self.rows(&promise.path, promise.name, first)?;
        Ok(is_there(promise, &there))
    }

    /// Waits until the cloud's own list of a folder shows these files, or for so long that it should.
    pub fn shown(&self, path: &Path, files: &[u64], first: Priority) -> Result<Shown, Error> {
        let (start, timing) = (Instant::now(), &self.door.timing);
        let (mut missing, mut tries) = (files.to_vec(), 0);
        loop {
            tries += 1;
            let ids = self.tree.find(path, first)?.unwrap_or_default();
            let rows = self.tree.read(&ids, first)?;
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
    pub fn settle(&self, repo: &Repo, first: Priority) -> Result<(), Error> {
        let unseen = self
            .fence
            .unseen_files()
            .get(repo)
            .cloned()
            .unwrap_or_default();
        let mut folders: HashMap<String, Vec<u64>> = HashMap::new();
        for (path, file) in unseen {
            folders.entry(path).or_default().push(file);
        }
        for (path, files) in folders {
            let shown = self.shown(&path, &files, first)?;
            self.keep(repo, &path, &shown.rows);
            if !shown.missing.is_empty() {
                self.miss_in_list(repo, &path, &shown.missing, first)?;
            }
            let mut unseen = self.fence.unseen_files();
            if let Some(list) = unseen.get_mut(repo) {
                list.retain(|(_, file)| !files.contains(file));
            }
        }
        Ok(())
    }

    /// A list tells as much as `infos` would. Once the lock is gone, another server may remove what
    /// is in it, and nobody may miss it then.
    fn keep(&self, repo: &Repo, path: &Path, rows: &[Row]) {
        let folders = self.tree.known().ids(path).unwrap_or_default();
        let rows: HashMap<u64, &Row> = rows.iter().map(|row| (row.file_id, row)).collect();
        let is_kept = |promise: &&Promise| {
            found(promise, rows.get(&promise.file).copied(), &folders) == Found::Kept
        };
        let promises = self.fence.promises();
        let all = promises.get(repo).map(Vec::as_slice).unwrap_or_default();
        let kept = all.iter().filter(is_kept).map(|promise| promise.file);
        let kept = kept.collect();
        drop(promises);
        self.fence.kept(repo, &kept);
    }
}

/// Whether what a promise is about lies under its name, whoever has stored it.
fn is_there(promise: &Promise, rows: &[Row]) -> bool {
    let mut held = holding(promise.name, rows, promise.size, &promise.md5);
    held.next().is_some()
}

fn found(promise: &Promise, row: Option<&Row>, folders: &[u64]) -> Found {
    let name = promise.filename();
    // What lies elsewhere now, can't be found by its path.
    match row.filter(|row| row.lies_in(folders)) {
        Some(row) if promise.is_kept_by(row) => Found::Kept,
        // Anything else isn't the service's doing, and what somebody has renamed is his.
        Some(row) if row.is_file() && row.filename != name && row.filename.contains(&name) => {
            Found::Renamed
        }
        _ => Found::Missing,
    }
}
