//! Clients that make the same repository at once. The cloud lets one config in (safety rule 1); here
//! is what keeps the others from spoiling it, as far as this server sees them:
//!
//! - restic answers the refusal of its config by a DELETE of the config, which is the winner's. So
//!   a repository's config can't be removed for a minute after one was refused, whoever asks: from
//!   outside the clients of one machine look alike, and a winner removes nothing. Who changes a
//!   config on purpose, as `migrate upgrade_repo_v2` does, has had nothing refused before.
//! - Each of them stores a key first, and a key of another's config that opens by the same password
//!   makes the repository useless. So while there is no config, one client's key is let in; and what
//!   came since and nobody has read, as whoever adds a key on purpose does at once, is taken back when
//!   a config is refused.

use crate::restic::{Id, Repo};
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long what was seen counts. Making a repository takes some seconds, and restic's repetition of
/// what was refused comes at once.
const LATELY: Duration = Duration::from_secs(60);

/// Most keys of a repository that are remembered: more clients don't make one at once.
const KEYS: usize = 64;

/// The repositories that are being made, or were a moment ago.
#[derive(Debug, Default)]
pub struct Inits(Mutex<HashMap<Repo, Init>>);

#[derive(Debug)]
struct Init {
    /// When something was seen last.
    seen: Instant,
    /// Whether there was no config then.
    absent: bool,
    /// The keys that were let in and may belong to no config.
    keys: Vec<Id>,
    /// When a config was refused.
    refused: Option<Instant>,
    /// Whether a config's fate was unknown: what is there then may be a client's own.
    unsure: bool,
}

impl Inits {
    /// Notes that a repository has no config.
    pub fn absent(&self, repo: &Repo) {
        self.absent_at(repo, Instant::now());
    }

    /// Where a key was let in, its time goes on: a client that gave up must not keep others out for
    /// as long as they try again.
    fn absent_at(&self, repo: &Repo, now: Instant) {
        self.note_at(repo, now, |init| {
            init.absent = true;
            init.keys.is_empty()
        });
    }

    /// Notes that a repository has a config.
    pub fn present(&self, repo: &Repo) {
        if let Some(init) = lock(&self.0).get_mut(repo) {
            init.absent = false;
        }
    }

    /// Notes that a config was stored; the key before it is its own.
    pub fn made(&self, repo: &Repo) {
        self.note(repo, |init| {
            init.unsure = false;
            if std::mem::take(&mut init.absent) {
                init.keys.clear();
            }
        });
    }

    /// Whether a key may be stored: not beside another's, where there is no config.
    pub fn admits(&self, repo: &Repo, key: Id) -> bool {
        self.admits_at(repo, key, Instant::now())
    }

    fn admits_at(&self, repo: &Repo, key: Id, now: Instant) -> bool {
        let mut all = lock(&self.0);
        let Some(init) = all.get_mut(repo).filter(|init| init.is_recent(now)) else {
            return true;
        };
        let known = init.keys.contains(&key);
        if init.absent && !init.keys.is_empty() && !known {
            return false;
        }
        if !known && init.keys.len() < KEYS {
            init.keys.push(key);
            init.seen = now;
        }
        true
    }

    /// Takes a key for one that is wanted, or wasn't stored.
    pub fn forget(&self, repo: &Repo, key: Id) {
        if let Some(init) = lock(&self.0).get_mut(repo) {
            init.keys.retain(|one| *one != key);
        }
    }

    /// Notes that a config was refused; the keys that may have come with it, which must go.
    pub fn lost(&self, repo: &Repo) -> Vec<Id> {
        let mut keys = Vec::new();
        self.note(repo, |init| {
            init.absent = false;
            if !init.unsure {
                init.refused = Some(Instant::now());
                keys = std::mem::take(&mut init.keys);
            }
        });
        keys
    }

    /// Notes that nobody knows what has become of a config.
    pub fn unsure(&self, repo: &Repo) {
        self.note(repo, |init| init.unsure = true);
    }

    /// Whether a config was refused a moment ago.
    pub fn has_loser(&self, repo: &Repo) -> bool {
        self.has_loser_at(repo, Instant::now())
    }

    fn has_loser_at(&self, repo: &Repo, now: Instant) -> bool {
        let refused = lock(&self.0).get(repo).and_then(|init| init.refused);
        refused.is_some_and(|at| now.saturating_duration_since(at) < LATELY)
    }

    fn note(&self, repo: &Repo, change: impl FnOnce(&mut Init)) {
        self.note_at(repo, Instant::now(), |init| {
            change(init);
            true
        });
    }

    /// Changes what is known; its time begins anew where `change` says so.
    fn note_at(&self, repo: &Repo, now: Instant, change: impl FnOnce(&mut Init) -> bool) {
        let mut all = lock(&self.0);
        all.retain(|_, init| init.is_recent(now));
        let init = all.entry(repo.clone()).or_insert(Init {
            seen: now,
            absent: false,
            keys: Vec::new(),
            refused: None,
            unsure: false,
        });
        if change(init) {
            init.seen = now;
        }
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
            "keys are added"
        );
        assert!(inits.lost(&repo).is_empty(), "to an older repository");
        inits.absent(&repo);
        assert!(
            inits.admits(&repo, one) && inits.admits(&repo, one),
            "it is repeated"
        );
        assert!(!inits.admits(&repo, other));
        assert!(inits.admits_at(&repo, other, Instant::now() + LATELY));
        inits.forget(&repo, one);
        assert!(inits.admits(&repo, other));
    }

    /// Whose init broke off after its key keeps nobody out who goes on trying.
    #[test]
    fn a_client_that_gave_up_is_forgotten() {
        let (inits, repo, [one, other]) = (Inits::default(), repo(), [Id([1; 32]), Id([2; 32])]);
        let start = Instant::now();
        inits.absent_at(&repo, start);
        assert!(inits.admits_at(&repo, one, start));
        let tried = |seconds| {
            let now = start + Duration::from_secs(seconds);
            inits.absent_at(&repo, now);
            inits.admits_at(&repo, other, now)
        };
        assert!(!tried(20) && !tried(40));
        assert!(tried(61), "its time was over");
    }

    #[test]
    fn losers_take_their_keys_and_leave_the_config() {
        let (inits, repo, [one, other]) = (Inits::default(), repo(), [Id([1; 32]), Id([2; 32])]);
        inits.absent(&repo);
        assert!(inits.admits(&repo, one));
        inits.made(&repo);
        assert!(inits.admits(&repo, other), "the loser's, a little later");
        inits.present(&repo);
        assert!(!inits.has_loser(&repo));
        assert_eq!(inits.lost(&repo), [other]);
        assert!(inits.has_loser(&repo));
        assert!(!inits.has_loser_at(&repo, Instant::now() + LATELY));
        assert!(inits.admits(&repo, one));
        inits.forget(&repo, one);
        assert!(inits.lost(&repo).is_empty(), "it was read, and is wanted");
    }

    #[test]
    fn what_may_be_a_clients_own_it_may_remove() {
        let (inits, repo) = (Inits::default(), repo());
        inits.unsure(&repo);
        assert!(inits.lost(&repo).is_empty() && !inits.has_loser(&repo));
        inits.made(&repo);
        inits.lost(&repo);
        assert!(inits.has_loser(&repo));
    }
}
