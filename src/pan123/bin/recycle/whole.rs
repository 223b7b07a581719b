//! Whether a removal can still be undone as a whole. What a prune has removed belongs together: a
//! snapshot without some of its packs is worse than none. Files count as removed together that
//! this server put into the bin in one repository with less than ten minutes in between.

use super::super::list::TOGETHER;
use super::super::look::examine;
use super::RecycleBin;
use crate::cloud::{Item, Listing, Priority};
use crate::pan123::api::BATCH;
use crate::restic::Kind;
use crate::store::Error;
use std::collections::HashSet;

/// Something that happened in a repository, from one time to another.
#[derive(Clone, Copy, Debug)]
struct Event {
    from: u64,
    to: u64,
    what: Happened,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Happened {
    /// A file was removed that is to be brought back.
    Wanted,
    /// Files were removed that have been purged since.
    Purged(u64),
    /// A file was removed that the bin doesn't show.
    Missing(u64),
    /// A file was removed.
    Removed,
}

/// How many packs and snapshots have been purged that were removed together with those that
/// are wanted.
pub fn purged_with(bin: &RecycleBin, wanted: &[&Item], listing: &Listing) -> Result<u64, Error> {
    let files: HashSet<u64> = wanted.iter().map(|item| item.file).collect();
    let shown: HashSet<u64> = listing.items.iter().map(|item| item.file).collect();
    let mut purged = 0_u64;
    for (number, _) in (0..).zip(&bin.list.repos) {
        let past = bin.list.past.iter().filter(|past| past.repo == number);
        let mut events: Vec<Event> = past
            .map(|past| Event {
                from: past.from,
                to: past.to,
                what: Happened::Purged(past.count),
            })
            .collect();
        let counts = |kind| matches!(kind, Kind::Data | Kind::Snapshots);
        let entries = bin.list.waiting.iter();
        let entries = entries.filter(|(_, e)| e.repo == number && counts(e.kind));
        events.extend(entries.map(|(file, entry)| Event {
            from: entry.since,
            to: entry.since,
            what: match *file {
                file if files.contains(&file) => Happened::Wanted,
                file if shown.contains(&file) => Happened::Removed,
                file => Happened::Missing(file),
            },
        }));
        let (known, missing) = purged_among(events);
        let known = known.saturating_add(bin.unknown(&missing)?);
        purged = known.saturating_add(purged);
    }
    Ok(purged)
}

impl RecycleBin {
    /// How many of these files 123pan doesn't know any more.
    fn unknown(&self, files: &[u64]) -> Result<u64, Error> {
        let mut unknown = 0;
        for batch in files.chunks(BATCH) {
            let looked = examine(&self.api, batch, Priority::Background)?;
            unknown += looked.missing.len() as u64;
        }
        Ok(unknown)
    }
}

/// What was purged together with something wanted, and what may have been.
fn purged_among(mut events: Vec<Event>) -> (u64, Vec<u64>) {
    events.sort_by_key(|event| event.from);
    let mut groups: Vec<Vec<Event>> = Vec::new();
    let mut end = 0_u64;
    for event in events {
        match groups.last_mut() {
            Some(group) if event.from <= end.saturating_add(TOGETHER) => group.push(event),
            _ => groups.push(vec![event]),
        }
        end = end.max(event.to);
    }
    groups.retain(|group| group.iter().any(|event| event.what == Happened::Wanted));
    let (mut purged, mut missing) = (0_u64, Vec::new());
    for event in groups.into_iter().flatten() {
        match event.what {
            Happened::Purged(count) => purged = purged.saturating_add(count),
            Happened::Missing(file) => missing.push(file),
            Happened::Wanted | Happened::Removed => {}
        }
    }
    (purged, missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_belongs_together() {
        let at = |from, to, what| Event { from, to, what };
        let (wanted, purged) = (Happened::Wanted, Happened::Purged(3));
        // What a damaged list holds may be any number.
        let broken = Happened::Purged(u64::MAX);
        for (events, expected) in [
            (
                vec![at(0, u64::MAX, broken), at(5, 5, broken), at(7, 7, wanted)],
                (u64::MAX, vec![]),
            ),
            (vec![at(1000, 1000, wanted)], (0, vec![])),
            (
                vec![at(1000, 1000, wanted), at(1600, 1600, purged)],
                (3, vec![]),
            ),
            (
                vec![at(1000, 1000, wanted), at(1601, 1700, purged)],
                (0, vec![]),
            ),
            (
                vec![at(100, 900, purged), at(1500, 1500, wanted)],
                (3, vec![]),
            ),
            // Through something between them.
            (
                vec![
                    at(1000, 1000, wanted),
                    at(1500, 1500, Happened::Removed),
                    at(2000, 2000, Happened::Missing(7)),
                    at(9000, 9000, Happened::Missing(8)),
                ],
                (0, vec![7]),
            ),
        ] {
            assert_eq!(purged_among(events.clone()), expected, "{events:?}");
        }
    }
}
