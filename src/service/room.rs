//! Whether there is room for a file: in the store, and within the limit of a folder, where what is
//! under way through this server counts as if it were there.

use super::Service;
use crate::access::{Grant, Limit};
use crate::restic::{File, Repo};
use crate::store::{Cause, Error};
use crate::sync::lock;
use crate::warning::Kind;
use std::sync::Mutex;

/// The bodies on their way to the store.
#[derive(Default)]
pub(super) struct InFlight(Mutex<Vec<(u64, Repo, u64)>>);

/// A body on its way; it counts until this is dropped.
pub(super) struct Flight<'a> {
    flights: &'a InFlight,
    number: u64,
}

impl InFlight {
    /// Lets a body go on its way, of which nothing counts yet.
    fn begin(&self, repo: &Repo) -> Flight<'_> {
        let mut all = lock(&self.0);
        // More than any that is there.
        let number = all.last().map_or(0, |(number, ..)| number + 1);
        all.push((number, repo.clone(), 0));
        let flights = self;
        Flight { flights, number }
    }
}

impl Flight<'_> {
    /// Counts so many bytes of the body, unless that makes too many below a folder with a limit,
    /// which has so many `used` already.
    fn grow(&self, length: u64, limit: Option<(&Limit, u64)>) -> Result<(), Error> {
        let mut all = lock(&self.flights.0);
        let own = |number: &u64| *number == self.number;
        if let Some((limit, used)) = limit {
            let (folder, most) = (&limit.folder, limit.bytes);
            let others = all.iter().filter(|(number, ..)| !own(number));
            let below = others.filter(|(_, repo, _)| repo.is_within(folder));
            let flying = below.map(|(.., bytes)| bytes).sum::<u64>();
            if used.saturating_add(flying).saturating_add(length) > most {
                let text = format!(
                    "{length} bytes more than the {used} in {folder}, and {flying} on their way \
                     there, are more than its limit of {most}"
                );
                let brief = format!("the limit of {folder} is reached");
                return Err(Error::new(Cause::Full, text)
                    .of(Kind::FolderFull)
                    .briefly(brief));
            }
        }
        let entry = all.iter_mut().find(|(number, ..)| own(number));
        entry.into_iter().for_each(|(.., bytes)| *bytes = length);
        Ok(())
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut all = lock(&self.flights.0);
        all.retain(|(number, ..)| *number != self.number);
    }
}

/// A file's room, which is taken as its body comes.
pub(super) struct Room<'a> {
    service: &'a Service,
    grant: &'a Grant,
    file: &'a File,
    /// The limit that holds for it, and the bytes that are there already.
    limit: Option<(&'a Limit, u64)>,
    flight: Flight<'a>,
}

impl Room<'_> {
    /// Takes room for so many bytes in all, if there is as much, by what the store knows or by what
    /// it finds when it looks again.
    pub(super) fn take(&self, length: u64) -> Result<(), Error> {
        match self.take_now(length, self.limit) {
            Err(full) if full.cause == Cause::Full => {
                let service = self.service;
                let keeps = self.grant.keeps(self.file, service.reserve);
                service.store.make_room(length.saturating_add(keeps));
                self.take_now(length, service.limit(self.grant)?)
            }
            taken => taken,
        }
    }

    fn take_now(&self, length: u64, limit: Option<(&Limit, u64)>) -> Result<(), Error> {
        self.service.check_room(self.grant, self.file, length)?;
        self.flight.grow(length, limit)
    }
}

impl Service {
    /// Lets a file go on its way; the room is kept until this is dropped.
    pub(super) fn room<'a>(
        &'a self,
        grant: &'a Grant,
        (repo, file): (&Repo, &'a File),
    ) -> Result<Room<'a>, Error> {
        Ok(Room {
            service: self,
            grant,
            file,
            limit: self.limit(grant)?,
            flight: self.in_flight.begin(repo),
        })
    }

    /// A user's limit, and the bytes that are there.
    fn limit<'a>(&self, grant: &'a Grant) -> Result<Option<(&'a Limit, u64)>, Error> {
        let Some(limit) = &grant.limit else {
            return Ok(None);
        };
        let used = self.store.used_space(&limit.folder)?.unwrap_or(0);
        Ok(Some((limit, used)))
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
                let brief = "the account is full but for the reserve that prune needs";
                Err(Error::new(Cause::Full, text)
                    .of(Kind::Reserve)
                    .briefly(brief))
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
        let begin = |path, length, used| {
            let flight = in_flight.begin(&repo(path));
            flight.grow(length, Some((&limit, used))).map(|()| flight)
        };
        let other = in_flight.begin(&repo("homes"));
        other.grow(100, None).unwrap();
        let first = begin("home/a", 2, 2).unwrap();
        first.grow(4, Some((&limit, 2))).unwrap();
        let second = in_flight.begin(&repo("home/b"));
        second.grow(3, None).unwrap();
        let why = first.grow(6, Some((&limit, 2))).err().unwrap().to_string();
        assert!(why.contains("and 3 on their way"), "{why}");
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
