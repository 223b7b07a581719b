//! What became of an upload: looking it up, and making sure that it stays.

use super::super::api::Row;
use super::super::bin::{Doomed, Purge};
use super::super::judge::{Why, pause};
use super::super::known::Known;
use super::super::list::holding;
use super::super::multipart::md5_of;
use super::super::pace::Priority;
use super::super::promises::{Client, Promise};
use super::super::{Cloud, key, priority};
use super::{Next, Target, broken};
use crate::body::Body;
use crate::restic::{File, Kind, Repo};
use crate::store::{Cause, Error};
use log::warn;
use std::time::Instant;

impl Cloud {
    /// Looks what lies under the name: None if there is nothing, so that it can be sent again.
    pub(super) fn look(
        &self,
        target: &mut Target,
        body: &mut Body<'_>,
        mut md5: Option<String>,
        why: Why,
    ) -> Result<Option<Next>, Error> {
        let start = Instant::now();
        let timing = &self.door.timing;
        // A name that is taken must show; anything else may not be there at all.
        let longest = if why == Why::Taken {
            timing.visible
        } else {
            timing.visible / 8
        };
        for tries in 1.. {
            let rows = self.rows(&target.path, key(&target.file), target.first)?;
            // Read only if there is something to compare it with.
            let md5 = match &md5 {
                _ if rows.is_empty() => "",
                Some(md5) => md5,
                None => md5.insert(md5_of(body).map_err(|e| broken(body, &e))?),
            };
            let mut held = holding(key(&target.file), &rows, body.len(), md5);
            if let Some(row) = held.find(|row| !self.tree.damage.has(row.file_id)) {
                let is_new = why != Why::Taken;
                return Ok(Some(Next::Done(
                    is_new.then_some(row.file_id),
                    md5.to_owned(),
                )));
            }
            let is_copy = |row: &&Row| target.file == File::Config && row.holds(body.len(), md5);
            if let Some(copy) = rows.iter().find(is_copy).filter(|_| why != Why::Taken) {
                // Stored beside an older config: confirming it takes it back.
                return Ok(Some(Next::Done(Some(copy.file_id), md5.to_owned())));
            }
            if let Some(row) = rows.first() {
                return self.replace(target, body, row).map(Some);
            }
            let pause = pause(timing.look, tries);
            if start.elapsed() + pause > longest {
                break;
            }
            std::thread::sleep(pause);
        }
        Ok(None)
    }

    /// The name is taken by something else: for a hash's name that is damage, and is mended.
    fn replace(&self, target: &mut Target, body: &Body<'_>, row: &Row) -> Result<Next, Error> {
        let (file, size) = (row.file_id, row.size);
        let Target { path, name, .. } = &*target;
        if target.file == File::Config {
            return Err(Error::new(
                Cause::Exists,
                format!("/{path} has another config already"),
            ));
        }
        warn!(
            "/{path}/{name} is damaged at 123pan: it has {size} bytes or other content instead of \
             {} bytes; it is replaced",
            body.len()
        );
        self.tree.damage.find(path, key(&target.file), file);
        if !body.ready() {
            let text = "the damaged file is replaced when the client sends it again";
            return Err(Error::new(Cause::Busy, text));
        }
        target.replace = true;
        Ok(Next::Again)
    }

    /// Makes sure of a file that has just been stored, at once or later.
    pub(super) fn fence_in(
        &self,
        repo: &Repo,
        file: &File,
        number: u64,
        size: u64,
        md5: String,
    ) -> Result<(), Error> {
        let (path, name, first) = (self.folder(repo, file), key(file), priority(file.kind()));
        let known = Known {
            name,
            file: number,
            size,
        };
        self.tree.known().wrote(&path, known, Instant::now());
        self.tree.damage.stored(number, &md5);
        let promise = Promise {
            path: path.clone(),
            name,
            file: number,
            folder: self.tree.known().home(&path).unwrap_or(0),
            size,
            md5,
            looked: Instant::now(),
            client: Client::Unknown,
            binned: false,
            lost: None,
        };
        match file.kind() {
            None | Some(Kind::Keys) => {
                let confirmed = self.confirm_one(&promise, first);
                confirmed.inspect_err(|_| self.tree.known().forget(&path, &[number]))
            }
            Some(Kind::Locks) => {
                self.fence_lock(&promise, first)?;
                self.fence.locked(repo, number);
                Ok(())
            }
            Some(Kind::Data) => {
                self.fence.promise(repo, promise);
                Ok(())
            }
            Some(Kind::Index | Kind::Snapshots) => {
                self.fence.promise(repo, promise);
                self.fence.unseen(repo, &path, number);
                Ok(())
            }
        }
    }

    /// restic waits 200 ms after its lock's POST and lists the others': by then everybody must be
    /// able to see it (safety rule 8), and to read it.
    fn fence_lock(&self, promise: &Promise, first: Priority) -> Result<(), Error> {
        let (path, number) = (&promise.path, promise.file);
        let is_kept = |row: &Row| row.file_id == number && promise.is_kept_by(row);
        let shown = match self.shown(path, &[number], first) {
            // The list tells as much as `infos` would.
            Ok(shown) if !shown.missing.is_empty() => Ok(false),
            Ok(shown) if shown.rows.iter().any(is_kept) => Ok(true),
            Ok(_) => self.confirm_one(promise, first).map(|()| true),
            Err(error) => Err(error),
        };
        if let Ok(true) = shown {
            return Ok(());
        }
        let doomed = Doomed {
            path: path.clone(),
            files: vec![number],
            purge: Purge::AtOnce,
        };
        let withdrawn = self.discard(&[doomed], first).pop().unwrap_or(Ok(()));
        // Also if it can't be withdrawn, as it never came.
        self.tree.known().forget(path, &[number]);
        let ending =
            withdrawn.map_or_else(|e| format!("; withdrawing it: {e}"), |()| String::new());
        let text = format!("123pan's list doesn't show the lock, which is withdrawn{ending}");
        Err(shown.err().unwrap_or_else(|| Error::new(Cause::Busy, text)))
    }
}
