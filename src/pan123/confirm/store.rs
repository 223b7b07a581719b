//! Making sure of a file that has just been stored, before it is acknowledged or later.

use super::Confirm;
use super::acknowledged::{Acknowledged, Client};
use crate::cloud::Priority;
use crate::cloud::paths::priority_of;
use crate::pan123::api::Row;
use crate::pan123::tree::files::Known;
use crate::pan123::tree::paths::Path;
use crate::restic::{File, Kind, Repo};
use crate::store::{Cause, Error};
use std::time::Instant;

impl Confirm {
    /// Makes sure of a file that has just been stored, at once or later.
    pub fn acknowledge(
        &self,
        repo: &Repo,
        file: &File,
        path: &Path,
        known: Known,
        md5: String,
    ) -> Result<(), Error> {
        let priority = priority_of(file.kind());
        let Known {
            name,
            file: number,
            size,
        } = known;
        self.tree.known().wrote(path, known, Instant::now());
        self.tree.damage.stored(number, &md5);
        let stored = Acknowledged {
            path: path.to_owned(),
            name,
            number,
            folder: self.tree.known().home(path).unwrap_or(0),
            size,
            md5,
            since: self.api.client.time.now().unwrap_or(0),
            looked: Instant::now(),
            client: Client::Unknown,
            trashed: false,
            lost: None,
        };
        match file.kind() {
            None | Some(Kind::Keys) => {
                let confirmed = self.confirm_one(&stored, priority);
                confirmed.inspect_err(|_| self.tree.known().forget(path, name, &[number]))
            }
            Some(Kind::Locks) => {
                self.confirm_lock(&stored, priority)?;
                self.unconfirmed.locked(repo, number);
                Ok(())
            }
            Some(Kind::Data) => {
                self.unconfirmed.add(repo, stored);
                Ok(())
            }
            Some(Kind::Index | Kind::Snapshots) => {
                self.unconfirmed.add(repo, stored);
                self.unconfirmed.unseen(path, number);
                Ok(())
            }
        }
    }

    /// restic waits 200 ms after its lock's POST and lists the others': by then everybody must be
    /// able to see it (safety rule 8), and to read it.
    fn confirm_lock(&self, stored: &Acknowledged, priority: Priority) -> Result<(), Error> {
        let (path, number) = (&stored.path, stored.number);
        let is_kept = |row: &Row| row.file_id == number && stored.is_confirmed_by(row);
        let shown = match self.shown(path, &[number], priority) {
            // The list tells as much as `infos` would.
            Ok(shown) if !shown.missing.is_empty() => Ok(false),
            Ok(shown) if shown.rows.iter().any(is_kept) => Ok(true),
            Ok(_) => self.confirm_one(stored, priority).map(|()| true),
            Err(error) => Err(error),
        };
        if let Ok(true) = shown {
            return Ok(());
        }
        let withdrawn = self.withdraw(stored, priority);
        // Also if it can't be withdrawn, as it never came.
        self.tree.known().forget(path, stored.name, &[number]);
        let ending =
            withdrawn.map_or_else(|e| format!("; withdrawing it: {e}"), |()| String::new());
        let text = format!("123pan's list doesn't show the lock, which is withdrawn{ending}");
        Err(shown.err().unwrap_or_else(|| Error::new(Cause::Busy, text)))
    }
}
