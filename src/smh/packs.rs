//! What lists have told of packs: over which folders they are spread, and what tells them apart, so
//! that their removal can be noted without asking about each. It is a convenience: what isn't known
//! is asked for.

use super::api::Entry;
use crate::civil;
use crate::cloud::layout::{Layout, Layouts};
use crate::restic::Id;
use crate::store::Identity;
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::Mutex;

/// Most packs that are remembered. Each takes about 100 bytes.
const MOST: usize = 50_000;
/// Most repositories whose layouts are remembered. Each takes about 100 bytes.
const MOST_REPOS: usize = 10_000;

/// Packs, folder by folder.
#[derive(Default)]
pub struct Packs(Mutex<Known>);

#[derive(Default)]
struct Known {
    count: usize,
    folders: HashMap<String, HashMap<Id, Mark>>,
    layouts: HashMap<String, Layouts>,
}

/// What tells a pack from others of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    size: u64,
    crc64: u64,
    /// When it was made, in seconds since 1970.
    made: u64,
}

impl Mark {
    fn of(entry: &Entry) -> Option<Self> {
        Some(Self {
            size: entry.size?,
            crc64: entry.crc64?,
            made: civil::seconds(entry.made.as_deref()?)?,
        })
    }

    fn identity(self) -> Identity {
        let Self { size, crc64, made } = self;
        Identity {
            size,
            tag: format!("{crc64:016x}-{made}"),
        }
    }
}

/// What tells a file from others of its name; None if the service tells too little for that.
pub fn identity(entry: &Entry) -> Option<Identity> {
    Mark::of(entry).map(Mark::identity)
}

impl Packs {
    /// Remembers what a list shows.
    pub fn learn(&self, folder: &str, id: Id, entry: &Entry) {
        let Some(mark) = Mark::of(entry) else { return };
        let known = &mut *lock(&self.0);
        if known.count >= MOST {
            known.folders.clear();
            known.count = 0;
        }
        let packs = known.folders.entry(folder.to_owned()).or_default();
        known.count += usize::from(packs.insert(id, mark).is_none());
    }

    /// Forgets a pack: it is gone, or another file now.
    pub fn forget(&self, folder: &str, id: &Id) {
        let known = &mut *lock(&self.0);
        let packs = known.folders.get_mut(folder);
        if packs.is_some_and(|packs| packs.remove(id).is_some()) {
            known.count -= 1;
        }
    }

    /// Remembers the layouts below a repository's folder of packs.
    pub fn spread(&self, data: &str, layouts: Layouts) {
        let known = &mut lock(&self.0).layouts;
        if known.len() >= MOST_REPOS {
            known.clear();
        }
        known.insert(data.to_owned(), layouts);
    }

    /// A pack was stored in this layout.
    pub fn written(&self, data: &str, layout: Layout) {
        if let Some(layouts) = lock(&self.0).layouts.get_mut(data) {
            layouts.add(layout);
        }
    }

    /// The layouts below a repository's folder of packs, if they are known.
    pub fn layouts(&self, data: &str) -> Option<Layouts> {
        lock(&self.0).layouts.get(data).copied()
    }

    /// What a pack was when a list showed it last.
    pub fn identity(&self, folder: &str, id: &Id) -> Option<Identity> {
        let known = lock(&self.0);
        let mark = known.folders.get(folder)?.get(id)?;
        Some(mark.identity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_are_known_until_they_are_forgotten() {
        let entry = |size: u64| -> Entry {
            let made = "2026-11-01T02:03:04.000Z";
            let text = format!(
                r#"{{"name":"x","type":"file","size":{size},"crc64":"7","creationTime":"{made}"}}"#
            );
            serde_json::from_str(&text).expect("an entry")
        };
        let (packs, id) = (Packs::default(), Id([1; 32]));
        packs.learn("a", id, &entry(5));
        packs.learn("a", id, &entry(6));
        assert_eq!(packs.identity("a", &id), identity(&entry(6)));
        assert_ne!(identity(&entry(5)), identity(&entry(6)));
        assert_eq!(packs.identity("b", &id), None);
        packs.forget("a", &id);
        assert_eq!(packs.identity("a", &id), None);
        assert_eq!(lock(&packs.0).count, 0);
    }
}
