//! What lists have told of packs: over which folders they are spread, and which are there, so that
//! their removal can be noted without asking about each. It is a convenience: what isn't known is
//! asked for.

use crate::cloud::layout::{Layout, Layouts};
use crate::restic::Id;
use crate::sync::lock;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

/// Most packs that are remembered. Each takes about 60 bytes.
const MOST: usize = 50_000;
/// Most repositories whose layouts are remembered. Each takes about 100 bytes.
const MOST_REPOS: usize = 10_000;

/// Packs, folder by folder.
#[derive(Default)]
pub struct Packs(Mutex<Known>);

#[derive(Default)]
struct Known {
    count: usize,
    folders: HashMap<String, HashSet<Id>>,
    layouts: HashMap<String, Layouts>,
}

impl Packs {
    /// Remembers what a list shows.
    pub fn learn(&self, folder: &str, id: Id) {
        let known = &mut *lock(&self.0);
        if known.count >= MOST {
            known.folders.clear();
            known.count = 0;
        }
        let packs = known.folders.entry(folder.to_owned()).or_default();
        known.count += usize::from(packs.insert(id));
    }

    /// Forgets a pack: it is gone, or wasn't listed since it came.
    pub fn forget(&self, folder: &str, id: &Id) {
        let known = &mut *lock(&self.0);
        let packs = known.folders.get_mut(folder);
        if packs.is_some_and(|packs| packs.remove(id)) {
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

    /// Whether a list has shown a pack.
    pub fn has(&self, folder: &str, id: &Id) -> bool {
        let packs = &lock(&self.0).folders;
        packs.get(folder).is_some_and(|packs| packs.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_are_known_until_they_are_forgotten() {
        let (packs, id) = (Packs::default(), Id([1; 32]));
        packs.learn("a", id);
        packs.learn("a", id);
        assert!(packs.has("a", &id) && !packs.has("b", &id));
        assert_eq!(lock(&packs.0).count, 1);
        packs.forget("a", &id);
        assert!(!packs.has("a", &id));
        assert_eq!(lock(&packs.0).count, 0);
    }
}
