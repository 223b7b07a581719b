//! Clients that make the same repository at once. The cloud lets one config in (safety rule 1); here
//! is what keeps the others from spoiling it, as far as this server sees them:
//!
//! - restic answers the refusal of its config by a DELETE of the config, which is the winner's. So
//!   a repository's config can't be removed for a minute after one was refused, whoever asks: from
//!   outside the clients of one machine look alike, and a winner removes nothing. Who changes a
//!   config on purpose, as `migrate upgrade_repo_v2` does, has had nothing refused before.
//! - Each of them stores a key first, and a key of another's config that opens by the same password
//!   makes the repository useless. So while there is no config, one client's key is let in, and it is
//!   taken back when that client's config is refused.

use crate::restic::{Id, Repo};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long what was seen counts. Making a repository takes some seconds, and restic's repetition of
/// what was refused comes at once.
const LATELY: Duration = Duration::from_secs(60);

/// The repositories that are being made.
#[derive(Debug, Default)]
pub struct Inits(Mutex<HashMap<Repo, Init>>);

#[derive(Debug)]
struct Init {
    /// When something was seen last.
    seen: Instant,
    /// Whether there was no config then.
    absent: bool,
    /// The key that was let in.
    key: Option<Id>,
    /// When a config was refused.
    refused: Option<Instant>,
}

impl Inits {
    /// Notes that a repository has no config.
    pub fn absent(&self, repo: &Repo) {
        self.note(repo, Instant::now(), |init| init.absent = true);
    }

    /// Notes that a repository has a config.
    pub fn made(&self, repo: &Repo) {
        if let Some(init) = self.all().get_mut(repo) {
            (init.absent, init.key) = (false, None);
        }
    }

    /// Whether a key may be stored: not beside another's, where there is no config.
    pub fn admits(&self, repo: &Repo, key: Id) -> bool {
        self.admits_at(repo, key, Instant::now())
    }

    fn admits_at(&self, repo: &Repo, key: Id, now: Instant) -> bool {
        let mut all = self.all();
        let making = all
            .get_mut(repo)
            .filter(|init| init.absent && init.is_recent(now));
        making.is_none_or(|init| *init.key.get_or_insert(key) == key)
    }

    /// Lets another key in, since this one wasn't stored.
    pub fn failed(&self, repo: &Repo, key: Id) {
        if let Some(init) = self.all().get_mut(repo) {
            init.key.take_if(|held| *held == key);
        }
    }

    /// Notes that a config was refused; the key that came with it, which must go.
    pub fn lost(&self, repo: &Repo) -> Option<Id> {
        let now = Instant::now();
        let mut key = None;
        self.note(repo, now, |init| {
            init.refused = Some(now);
            key = init.key.take().filter(|_| init.absent);
            init.absent = false;
        });
        key
    }

    /// Whether a config was refused a moment ago.
    pub fn has_loser(&self, repo: &Repo) -> bool {
        self.has_loser_at(repo, Instant::now())
    }

    fn has_loser_at(&self, repo: &Repo, now: Instant) -> bool {
        let refused = self.all().get(repo).and_then(|init| init.refused);
        refused.is_some_and(|at| now.saturating_duration_since(at) < LATELY)
    }

    fn note(&self, repo: &Repo, now: Instant, change: impl FnOnce(&mut Init)) {
        let mut all = self.all();
        all.retain(|_, init| init.is_recent(now));
        let init = all.entry(repo.clone()).or_insert(Init {
            seen: now,
            absent: false,
            key: None,
            refused: None,
        });
        init.seen = now;
        change(init);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Repo, Init>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Init {
    fn is_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) < LATELY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo() -> Repo {
        Repo::new("a").expect("a path")
    }

    #[test]
    fn one_key_is_let_in_until_there_is_a_config() {
        let (inits, repo, [one, other]) = (Inits::default(), repo(), [Id([1; 32]), Id([2; 32])]);
        assert!(
            inits.admits(&repo, one) && inits.admits(&repo, other),
            "a key is added"
        );
        inits.absent(&repo);
        assert!(
            inits.admits(&repo, one) && inits.admits(&repo, one),
            "it is repeated"
        );
        assert!(!inits.admits(&repo, other));
        assert!(inits.admits_at(&repo, other, Instant::now() + LATELY));
        inits.failed(&repo, one);
        assert!(inits.admits(&repo, other));
        inits.made(&repo);
        assert!(inits.admits(&repo, one));
        assert_eq!(inits.lost(&repo), None, "the key is another's by now");
    }

    #[test]
    fn a_loser_takes_its_key_and_leaves_the_config() {
        let (inits, repo, key) = (Inits::default(), repo(), Id([1; 32]));
        assert!(!inits.has_loser(&repo));
        inits.absent(&repo);
        assert!(inits.admits(&repo, key));
        assert_eq!(inits.lost(&repo), Some(key));
        inits.made(&repo);
        assert!(
            inits.has_loser(&repo),
            "also when the winner has read its config"
        );
        assert!(!inits.has_loser_at(&repo, Instant::now() + LATELY));
    }
}
