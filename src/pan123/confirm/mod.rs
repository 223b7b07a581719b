//! What must be visible at the cloud before something else may count: packs before the index that
//! names them (safety rule 5), a lock before its client believes in it (8), index files and
//! snapshots before the lock goes that protects them (9). What isn't there at all is `lost`'s.

pub mod acknowledged;
pub mod ledger;
mod listed;
mod lost;
mod store;
mod unconfirmed;

use super::api::{Api, BATCH, Row};
use super::bin::{Removal, Retention, Trash};
use super::config::Config;
use super::tree::Tree;
use super::tree::files::{CONFIG, name_of};
use super::tree::list::holding;
use super::tree::moved::{Gone, Numbered};
use super::tree::paths::{holds_packs, parent, way};
use crate::cloud::paths::Root;
use crate::cloud::{Priority, pause};
use crate::restic::{File, Id, Kind, Repo};
use crate::store::{Cause, Error};
use crate::warning::Kind as Warning;
use acknowledged::{Acknowledged, Client};
use ledger::Ledger;
use log::{debug, warn};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;
use unconfirmed::Unconfirmed;

/// Files awaiting confirmation in one repository beyond which packs confirm some themselves:
/// clients write an index every few hundred packs.
const MANY: usize = 5000;
/// Files awaiting confirmation beyond which no more are taken.
const TOO_MANY: usize = 50_000;

/// What is said of a file that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Confirmed,
    /// Under the name that was asked for and something besides: the service has renamed it instead
    /// of refusing.
    Renamed,
    Missing,
}

/// Confirms what was acknowledged.
pub struct Confirm {
    api: Arc<Api>,
    root: Root,
    tree: Arc<Tree>,
    trash: Arc<Trash>,
    /// What is still to be confirmed.
    pub unconfirmed: Unconfirmed,
}

impl Confirm {
    /// Confirms what lies below the configured folder; it begins with what an earlier process has
    /// left.
    pub fn new(config: &Config, api: &Arc<Api>, tree: &Arc<Tree>, trash: &Arc<Trash>) -> Self {
        let ledger = Ledger::new(config, trash.pending.keeps(), &api.client.time);
        Self {
            api: Arc::clone(api),
            root: Root::new(&config.shared.repo_path),
            tree: Arc::clone(tree),
            trash: Arc::clone(trash),
            unconfirmed: Unconfirmed::recall(ledger, &trash.pending),
        }
    }

    /// Puts files into the bin and answers for each name; those that went needn't be there.
    pub fn discard(&self, removals: &[Removal], priority: Priority) -> Vec<Result<(), Error>> {
        let done = self.trash.discard(removals, priority);
        for (removal, _) in removals.iter().zip(&done).filter(|(_, done)| done.is_ok()) {
            self.unconfirmed.forget(&removal.files);
        }
        done
    }

    /// Makes sure of the packs that came before a file (safety rule 5).
    pub fn before(&self, repo: &Repo, file: &File, priority: Priority) -> Result<(), Error> {
        match file.kind() {
            Some(Kind::Index | Kind::Snapshots) => self.confirm(repo, name_of(file), priority),
            _ => self.confirm_some(repo, priority),
        }
    }

    /// Confirms that everything acknowledged in a repository is there, but for a file that is being
    /// sent again. Cause::Lost if something isn't, and doesn't appear.
    pub fn confirm(&self, repo: &Repo, again: Id, priority: Priority) -> Result<(), Error> {
        let most = self.api.timing().lost;
        if !self.unconfirmed.expire_earlier(most) {
            // Any answer tells the time.
            let _ = self.api.user();
        }
        let mut all = self.unconfirmed.open(repo, most);
        all.retain(|file| file.name != again);
        if all.is_empty() {
            return Ok(());
        }
        self.find_data(&all, priority)?;
        let above = self.folders_above(repo);
        let room = BATCH.saturating_sub(above.len());
        let (start, rest) = all.split_at(all.len().min(room));
        let mut lost = self.confirm_batch(Some(repo), start, &above, true, priority)?;
        for batch in rest.chunks(BATCH) {
            lost.extend(self.confirm_batch(Some(repo), batch, &[], true, priority)?);
        }
        self.miss(repo, lost)
    }

    /// Keeps the number of unconfirmed files bounded when nobody writes an index.
    pub fn confirm_some(&self, repo: &Repo, priority: Priority) -> Result<(), Error> {
        let oldest = match self.unconfirmed.all().get(repo) {
            Some(list) if list.len() >= TOO_MANY => {
                let text = "too many files wait for their confirmation by 123pan";
                return Err(Error::new(Cause::Busy, text));
            }
            Some(list) if list.len() >= MANY => list[..BATCH].to_vec(),
            _ => return Ok(()),
        };
        self.confirm_batch(Some(repo), &oldest, &[], false, priority)
            .map(drop)
    }

    /// Confirms one file at once.
    pub fn confirm_one(&self, file: &Acknowledged, priority: Priority) -> Result<(), Error> {
        let batch = std::slice::from_ref(file);
        let kept = self
            .confirm_batch(None, batch, &[], true, priority)?
            .is_empty();
        if kept && self.is_only_config(file, priority)? {
            return Ok(());
        }
        let there = self.tree.rows(&file.path, file.name, priority)?;
        // Under another number than was told, or stored by another server at the same moment.
        if is_there(file, &there) {
            return Ok(());
        }
        let error = match there.iter().any(|row| row.file_id != file.number) {
            true => Error::new(Cause::Exists, "another one has been stored meanwhile"),
            false => Error::new(Cause::Cloud, "123pan doesn't show the file it has stored"),
        };
        Err(error)
    }

    /// A service that stores two files under one name would let two servers initialise a
    /// repository at once: the older config stays, and false says that it isn't as good as ours.
    fn is_only_config(&self, file: &Acknowledged, priority: Priority) -> Result<bool, Error> {
        if file.name != CONFIG {
            return Ok(true);
        }
        let rows = self.tree.rows(&file.path, CONFIG, priority)?;
        match rows.iter().any(|row| row.file_id < file.number) {
            true => self.take_back(file, priority),
            false => Ok(true),
        }
    }

    /// Asks about up to a hundred files and folders, with growing pauses if `patient`, and
    /// answers the files that aren't there. They are unconfirmed in `repo`, if one is named.
    pub fn confirm_batch(
        &self,
        repo: Option<&Repo>,
        batch: &[Acknowledged],
        above: &[Numbered],
        patient: bool,
        priority: Priority,
    ) -> Result<Vec<Acknowledged>, Error> {
        let (mut start, timing) = (Instant::now(), &self.api.timing());
        let mut open = batch.to_vec();
        for tries in 1.. {
            let files = open.iter().map(|file| file.number);
            let folders = above.iter().flat_map(|(_, ids)| ids.iter().copied());
            let rows = self
                .api
                .infos(&files.chain(folders).collect::<Vec<u64>>(), priority)?;
            self.check_folders(above, &rows)?;
            let mut kept = HashSet::new();
            for file in &mut open {
                let folders = self.folders(file);
                let row = rows.iter().find(|row| row.file_id == file.number);
                file.trashed = row.is_some_and(|row| row.trashed != 0);
                match state(file, row, &folders) {
                    State::Missing => continue,
                    State::Renamed if !self.take_back(file, priority)? => {
                        // Nobody else's is as good: waiting doesn't help.
                        return Ok(vec![file.clone()]);
                    }
                    State::Confirmed | State::Renamed => kept.insert(file.number),
                };
            }
            let seen: Vec<u64> = kept.iter().copied().collect();
            self.tree.known().seen(&seen);
            open.retain(|file| !kept.contains(&file.number));
            if let Some(repo) = repo {
                self.unconfirmed.confirmed(repo, &kept);
                if self.unconfirmed.follow(repo, &mut open) {
                    start = Instant::now();
                    continue;
                }
            }
            let pause = pause(timing.look, tries);
            // What was lost once is only looked at once more.
            let may_come = |file: &Acknowledged| file.lost.is_none() && !file.abandoned();
            let hope = patient && open.iter().any(may_come);
            if open.is_empty() || !hope || start.elapsed() + pause > timing.visible {
                break;
            }
            debug!("{} stored files aren't visible yet", open.len());
            std::thread::sleep(pause);
        }
        Ok(open)
    }

    /// The numbers of a file's folder. What an earlier process stored may lie in one that this
    /// one hasn't seen yet.
    fn folders(&self, file: &Acknowledged) -> Vec<u64> {
        let mut folders = self.tree.known().ids(&file.path).unwrap_or_default();
        if file.client == Client::Earlier {
            folders.push(file.folder);
        }
        folders
    }

    /// Makes sure that the folder above packs of an earlier process is there, and known.
    fn find_data(&self, all: &[Acknowledged], priority: Priority) -> Result<(), Error> {
        let is_earlier = |file: &&Acknowledged| file.client == Client::Earlier;
        let mut earlier = all.iter().filter(is_earlier);
        let Some(pack) = earlier.find(|file| holds_packs(&file.path)) else {
            return Ok(());
        };
        let data = parent(&pack.path);
        match self.tree.find(data, priority)? {
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
    fn folders_above(&self, repo: &Repo) -> Vec<Numbered> {
        let data = self.root.kind(repo, Kind::Data);
        let mut above = self.tree.known().numbered(way(&data));
        above.iter_mut().for_each(|(_, ids)| ids.truncate(1));
        above
    }

    fn check_folders(&self, above: &[Numbered], rows: &[Row]) -> Result<(), Error> {
        let Some((path, gone)) = self.tree.known().forget_gone(above, rows) else {
            return Ok(());
        };
        let what = match gone {
            Gone::Trashed => "lies in 123pan's bin",
            Gone::Moved => "has been moved or renamed at 123pan",
        };
        let text = format!("/{path} {what}, with all that was stored in it: bring it back");
        Err(Error::new(Cause::Busy, text))
    }

    /// The service has stored a file although its name was taken, beside the other or under another
    /// name: puts it into the bin, and tells whether what has the name is as good.
    fn take_back(&self, file: &Acknowledged, priority: Priority) -> Result<bool, Error> {
        warn!(
            target: &Warning::Suffix.about(file.filename()),
            "123pan stored {} although the name was taken; that copy goes into the bin",
            file.filename()
        );
        self.withdraw(file, priority)?;
        let there = self.tree.rows(&file.path, file.name, priority)?;
        Ok(is_there(file, &there))
    }

    /// Puts a file that must not count into the bin, however long others stay there.
    fn withdraw(&self, file: &Acknowledged, priority: Priority) -> Result<(), Error> {
        let removal = Removal {
            path: file.path.clone(),
            name: file.name,
            files: vec![file.number],
            retention: Retention::Immediate,
        };
        self.discard(&[removal], priority).pop().unwrap_or(Ok(()))
    }
}

/// Whether its content lies under its name, whoever has stored it.
fn is_there(file: &Acknowledged, rows: &[Row]) -> bool {
    let mut held = holding(file.name, rows, file.size, &file.md5);
    held.next().is_some()
}

fn state(file: &Acknowledged, row: Option<&Row>, folders: &[u64]) -> State {
    let name = file.filename();
    // What lies elsewhere now, can't be found by its path.
    match row.filter(|row| row.lies_in(folders)) {
        Some(row) if file.is_confirmed_by(row) => State::Confirmed,
        // Anything else isn't the service's doing, and what somebody has renamed is his.
        Some(row) if row.is_file() && row.filename != name && row.filename.contains(&name) => {
            State::Renamed
        }
        _ => State::Missing,
    }
}
