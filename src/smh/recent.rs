//! What this server has just stored and removed, so that a list which lags behind it leaves out
//! none of its files and shows none that it has removed. Nothing says that lists lag here; if they
//! do, whoever reads one asks about the few names in question.

use crate::restic::Id;
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Most names that are remembered: more than a minute of storing and removing has. Each takes
/// about 60 bytes.
const MOST: usize = 20_000;

/// What was done to names, folder by folder.
pub struct Recent {
    /// How long it is remembered.
    life: Duration,
    folders: Mutex<HashMap<String, HashMap<Id, Own>>>,
}

/// What was done last to a name.
#[derive(Clone, Copy)]
struct Own {
    at: Instant,
    is_there: bool,
    /// Whether a list has shown it since.
    is_listed: bool,
}

impl Recent {
    /// Nothing has been done; what will be is remembered so long.
    pub fn new(life: Duration) -> Self {
        let folders = Mutex::default();
        Self { life, folders }
    }

    /// Notes that a file is there now, or gone.
    pub fn note(&self, folder: &str, id: Id, is_there: bool) {
        let at = Instant::now();
        let mut folders = lock(&self.folders);
        if folders.values().map(HashMap::len).sum::<usize>() >= MOST {
            forget(&mut folders, at, self.life);
        }
        if folders.values().map(HashMap::len).sum::<usize>() < MOST {
            let names = folders.entry(folder.to_owned()).or_default();
            let is_listed = false;
            let own = Own {
                at,
                is_there,
                is_listed,
            };
            names.insert(id, own);
        }
    }

    /// What was done last to the names of a folder; true for what is there.
    pub fn of(&self, folder: &str) -> HashMap<Id, bool> {
        let names = self.names(folder).into_iter();
        names.map(|(id, own)| (id, own.is_there)).collect()
    }

    /// Files of a folder that were stored lately and that no list has shown yet.
    pub fn unlisted(&self, folder: &str) -> Vec<Id> {
        let names = self.names(folder).into_iter();
        let unlisted = names.filter(|(_, own)| own.is_there && !own.is_listed);
        unlisted.map(|(id, _)| id).collect()
    }

    fn names(&self, folder: &str) -> HashMap<Id, Own> {
        let mut folders = lock(&self.folders);
        forget(&mut folders, Instant::now(), self.life);
        folders.get(folder).cloned().unwrap_or_default()
    }

    /// Notes that a list has shown a file.
    pub fn listed(&self, folder: &str, id: &Id) {
        let mut folders = lock(&self.folders);
        if let Some(own) = folders.get_mut(folder).and_then(|names| names.get_mut(id)) {
            own.is_listed = true;
        }
    }
}

fn forget(folders: &mut HashMap<String, HashMap<Id, Own>>, now: Instant, life: Duration) {
    folders.retain(|_, names| {
        names.retain(|_, own| now.saturating_duration_since(own.at) < life);
        !names.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_until_it_is_old() {
        let recent = Recent::new(Duration::from_secs(60));
        let (one, two) = (Id([1; 32]), Id([2; 32]));
        recent.note("a", one, true);
        recent.note("a", two, true);
        recent.note("a", one, false);
        assert_eq!(recent.unlisted("a"), [two]);
        recent.listed("a", &two);
        assert!(recent.unlisted("a").is_empty());
        assert_eq!(recent.of("a").get(&two), Some(&true));
        assert_eq!(recent.of("a").get(&one), Some(&false));
        assert!(recent.of("b").is_empty());
        let short = Recent::new(Duration::ZERO);
        short.note("a", one, true);
        assert!(short.of("a").is_empty());
    }
}
