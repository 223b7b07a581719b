//! Whether there is room for a file: in the store, and within the limit of a folder, where what is
//! under way through this server counts as if it were there.

use super::Service;
use crate::access::{Grant, Limit};
use crate::restic::{File, Repo};
use crate::store::{Cause, Error};
use crate::sync::lock;
use std::sync::{Mutex, MutexGuard};

/// The bodies on their way to the store.
#[derive(Default)]
pub(super) struct InFlight(Mutex<Vec<(u64, Repo, u64)>>);

/// A body on its way; it counts until this is dropped.
pub(super) struct Flight<'a> {
    flights: &'a InFlight,
    number: u64,
}

impl InFlight {
    /// Lets a body go on its way, unless that makes too many bytes below a folder with a limit,
    /// which has so many `used` already.
    fn begin(
        &self,
        repo: &Repo,
        length: u64,
        limit: Option<(&Limit, u64)>,
    ) -> Result<Flight<'_>, Error> {
        let mut all = self.all();
        if let Some((
            Limit {
                folder,
                bytes: most,
            },
            used,
        )) = limit
        {
            let below = all.iter().filter(|(_, repo, _)| repo.is_within(folder));
            let flying = below.map(|(.., bytes)| bytes).sum::<u64>();
            if used.saturating_add(flying).saturating_add(length) > *most {
                let text = format!(
                    "{length} bytes more than the {used} in {folder}, and {flying} on their way \
                     there, are more than its limit of {most}"
                );
                return Err(Error::new(Cause::Full, text));
            }
        }
        // More than any that is there.
        let number = all.last().map_or(0, |(number, ..)| number + 1);
        all.push((number, repo.clone(), length));
        let flights = self;
        Ok(Flight { flights, number })
    }

    fn all(&self) -> MutexGuard<'_, Vec<(u64, Repo, u64)>> {
        lock(&self.0)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut all = self.flights.all();
        all.retain(|(number, ..)| *number != self.number);
    }
}

impl Service {
    /// Lets a file go on its way if there is room for it.
    pub(super) fn begin(
        &self,
        grant: &Grant,
        (repo, file): (&Repo, &File),
        length: u64,
    ) -> Result<Flight<'_>, Error> {
        self.check_room(grant, file, length)?;
        let limit = match &grant.limit {
            None => None,
            Some(limit) => Some((limit, self.store.used_space(&limit.folder)?.unwrap_or(0))),
        };
        self.in_flight.begin(repo, length, limit)
    }

    /// Whether a file fits into what the store has left. Files under way at the same time aren't
    /// counted: the reserve is far larger, and a store that is full in the end says so itself.
    fn check_room(&self, grant: &Grant, file: &File, length: u64) -> Result<(), Error> {
        let keeps = grant.keeps(file, self.reserve);
        match self.store.free_space() {
            Some(free) if free < length.saturating_add(keeps) => {
                let text = format!(
                    "{length} bytes don't fit into the {free} that are free, of which {keeps} \
                     are kept for pruning (--reserve)"
                );
                Err(Error::new(Cause::Full, text))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_counts_below_its_folder() {
        let repo = |path| Repo::new(path).unwrap();
        let limit = Limit {
            folder: repo("home"),
            bytes: 10,
        };
        let in_flight = InFlight::default();
        let begin = |path, length, used| in_flight.begin(&repo(path), length, Some((&limit, used)));
        let _other = in_flight.begin(&repo("homes"), 100, None).unwrap();
        let first = begin("home/a", 4, 2).unwrap();
        let second = in_flight.begin(&repo("home/b"), 3, None).unwrap();
        let why = begin("home", 2, 2).err().unwrap().to_string();
        assert!(why.contains("and 7 on their way"), "{why}");
        let _third = begin("home", 1, 2).unwrap();
        drop(first);
        assert!(begin("home/c", 5, 2).is_err());
        assert!(begin("home/c", 4, 2).is_ok(), "and it has landed");
        drop(second);
        assert!(begin("home/c", 7, 2).is_ok());
    }
}
