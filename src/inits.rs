//! Clients that make the same repository at once. The cloud lets one config in (safety rule 1); here
//! is what keeps the others from spoiling it, as far as this server sees them:
//!
//! - restic answers the refusal of its config by a DELETE of the config, which is the winner's. So
//!   a repository's config can't be removed for a minute after one was refused, whoever asks: from
//!   outside the clients of one machine look alike, and a winner removes nothing. Who changes a
//!   config on purpose, as `migrate upgrade_repo_v2` does, has had nothing refused before.
//! - Each of them stores a key first, and a key of another's config that opens by the same password
//!   makes the repository useless. So while there is no config, one client's key is let in; and the
//!   key of a client that had seen no config goes again when its own config is refused. Any other key
//!   stays, whoever tries what: one of somebody who has read the config, as whoever adds a key on
//!   purpose does first, one that was there before, one that anybody has read, another client's.

use crate::restic::{Id, Repo};
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long what was seen counts. Making a repository takes some seconds, and restic's repetition of
/// what was refused comes at once.
const LATELY: Duration = Duration::from_secs(60);

/// Most clients and keys of a repository that are remembered: more don't make one at once.
const MOST: usize = 64;

/// The repositories that are being made, or were a moment ago.
#[derive(Debug, Default)]
pub struct Inits(Mutex<HashMap<Repo, Init>>);

#[derive(Debug)]
struct Init {
    /// When something was seen last.
    seen: Instant,
    /// Whether there was no config then.
    absent: bool,
    /// The clients that saw no config and haven't read one since, and when they saw it.
    makers: Vec<(String, Instant)>,
    /// Their keys, which may belong to no config.
    doubtful: Vec<(Id, String)>,
    /// The keys that stay.
    wanted: Vec<Id>,
    /// When a config was refused.
    refused: Option<Instant>,
    /// Whether a config's fate was unknown: what is there then may be a client's own.
    unsure: bool,
}

impl Inits {
    /// Notes that a client saw no config.
    pub fn absent(&self, repo: &Repo, client: &str) {
        self.absent_at(repo, client, Instant::now());
    }

    /// Where a key was let in, its time goes on: a client that gave up must not keep others out for
    /// as long as they try again.
    fn absent_at(&self, repo: &Repo, client: &str, now: Instant) {
        self.note_at(repo, now, |init| {
            init.absent = true;
            init.makers.retain(|(maker, _)| maker != client);
            if init.makers.len() < MOST {
                init.makers.push((client.to_owned(), now));
            }
            init.doubtful.is_empty()
        });
    }

    /// Notes that a repository has a config.
    pub fn present(&self, repo: &Repo) {
        if let Some(init) = lock(&self.0).get_mut(repo) {
            init.absent = false;
        }
    }

    /// Notes that a client has read the config: what it stores from now on is meant for it.
    pub fn read(&self, repo: &Repo, client: &str) {
        if let Some(init) = lock(&self.0).get_mut(repo) {
            init.makers.retain(|(maker, _)| maker != client);
        }
    }

    /// Notes that a config was stored; the key before it is its own.
    pub fn made(&self, repo: &Repo) {
        self.note(repo, |init| {
            init.unsure = false;
            if std::mem::take(&mut init.absent) {
                let own = std::mem::take(&mut init.doubtful);
                own.into_iter().for_each(|(key, _)| init.want(key));
            }
        });
    }

    /// Whether a client's key may be stored: not beside another's, where there is no config.
    pub fn admits(&self, repo: &Repo, key: Id, client: &str) -> bool {
        self.admits_at(repo, key, client, Instant::now())
    }

    fn admits_at(&self, repo: &Repo, key: Id, client: &str, now: Instant) -> bool {
        let mut all = lock(&self.0);
        let Some(init) = all.get_mut(repo).filter(|init| init.is_recent(now)) else {
            return true;
        };
        if init.wanted.contains(&key) || init.doubtful.iter().any(|(one, _)| *one == key) {
            return true;
        }
        if init.absent && !init.doubtful.is_empty() {
            return false;
        }
        // Where no more are remembered, any may be wanted.
        let is_wanted = !init.is_maker(client, now) || init.wanted.len() >= MOST;
        if !init.absent && is_wanted {
            init.want(key);
        } else if init.doubtful.len() < MOST {
            init.doubtful.push((key, client.to_owned()));
            init.seen = now;
        }
        true
    }

    /// Notes that somebody has read a key, which is wanted.
    pub fn wanted(&self, repo: &Repo, key: Id) {
        if let Some(init) = lock(&self.0).get_mut(repo) {
            init.doubtful.retain(|(one, _)| *one != key);
            init.want(key);
        }
    }

    /// Notes that a key wasn't stored.
    pub fn forget(&self, repo: &Repo, key: Id) {
        if let Some(init) = lock(&self.0).get_mut(repo) {
            init.doubtful.retain(|(one, _)| *one != key);
        }
    }

    /// Notes that a client's config was refused; its keys that came with it, which must go.
    pub fn lost(&self, repo: &Repo, client: &str) -> Vec<Id> {
        let mut keys = Vec::new();
        self.note(repo, |init| {
            init.absent = false;
            if !init.unsure {
                init.refused = Some(Instant::now());
                let its = init.doubtful.extract_if(.., |(_, whose)| whose == client);
                keys = its.map(|(key, _)| key).collect();
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
            makers: Vec::new(),
            doubtful: Vec::new(),
            wanted: Vec::new(),
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

    fn is_maker(&self, client: &str, now: Instant) -> bool {
        let is_late = |at: Instant| now.saturating_duration_since(at) < LATELY;
        let mut makers = self.makers.iter();
        makers.any(|(maker, at)| maker == client && is_late(*at))
    }

    fn want(&mut self, key: Id) {
        if self.wanted.len() < MOST && !self.wanted.contains(&key) {
            self.wanted.push(key);
        }
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
            inits.admits(&repo, one, "a") && inits.admits(&repo, other, "b"),
            "keys are added"
        );
        assert!(inits.lost(&repo, "a").is_empty(), "to an older repository");
        inits.absent(&repo, "a");
        assert!(
            inits.admits(&repo, one, "a") && inits.admits(&repo, one, "a"),
            "it is repeated"
        );
        assert!(!inits.admits(&repo, other, "b"));
        assert!(inits.admits_at(&repo, other, "b", Instant::now() + LATELY));
        inits.forget(&repo, one);
        assert!(inits.admits(&repo, other, "b"));
    }

    /// Whose init broke off after its key keeps nobody out who goes on trying.
    #[test]
    fn a_client_that_gave_up_is_forgotten() {
        let (inits, repo, [one, other]) = (Inits::default(), repo(), [Id([1; 32]), Id([2; 32])]);
        let start = Instant::now();
        inits.absent_at(&repo, "a", start);
        assert!(inits.admits_at(&repo, one, "a", start));
        let tried = |seconds| {
            let now = start + Duration::from_secs(seconds);
            inits.absent_at(&repo, "b", now);
            inits.admits_at(&repo, other, "b", now)
        };
        assert!(!tried(20) && !tried(40));
        assert!(tried(61), "its time was over");
    }

    /// A repository that "a" has just made, while "b" was making it as well.
    fn made(key: Id) -> Inits {
        let (inits, repo) = (Inits::default(), repo());
        inits.absent(&repo, "a");
        inits.absent(&repo, "b");
        assert!(inits.admits(&repo, key, "a"));
        inits.made(&repo);
        inits
    }

    #[test]
    fn losers_take_their_keys_and_leave_the_config() {
        let (repo, [one, other]) = (repo(), [Id([1; 32]), Id([2; 32])]);
        let inits = made(one);
        assert!(inits.admits(&repo, other, "b"), "a little later");
        inits.present(&repo);
        assert!(!inits.has_loser(&repo));
        assert_eq!(inits.lost(&repo, "b"), [other]);
        assert!(inits.has_loser(&repo));
        assert!(!inits.has_loser_at(&repo, Instant::now() + LATELY));
    }

    #[test]
    fn nothing_but_a_losers_own_key_goes() {
        type Try = fn(&Inits, &Repo, Id);
        let table: [(&str, Try); 7] = [
            ("the winner's", |inits, repo, _| {
                inits.admits(repo, Id([1; 32]), "b");
            }),
            ("another client's", |inits, repo, key| {
                inits.admits(repo, key, "a");
            }),
            ("one that was read", |inits, repo, key| {
                inits.admits(repo, key, "b");
                inits.wanted(repo, key);
            }),
            (
                "that of somebody who knows the config",
                |inits, repo, key| {
                    inits.read(repo, "b");
                    inits.admits(repo, key, "b");
                },
            ),
            (
                "one beside another that is read often",
                |inits, repo, key| {
                    (0..MOST).for_each(|_| inits.wanted(repo, Id([3; 32])));
                    inits.admits(repo, key, "c");
                    inits.admits(repo, key, "b");
                },
            ),
            ("one of more than are remembered", |inits, repo, key| {
                (3..=255).for_each(|n| inits.wanted(repo, Id([n; 32])));
                inits.admits(repo, key, "c");
                inits.admits(repo, key, "b");
            }),
            ("one that somebody sends again", |inits, repo, key| {
                inits.admits(repo, key, "c");
                inits.admits(repo, key, "b");
            }),
        ];
        for (what, happens) in table {
            let (inits, repo) = (made(Id([1; 32])), repo());
            happens(&inits, &repo, Id([2; 32]));
            assert_eq!(inits.lost(&repo, "b"), [], "{what}");
        }
        let (inits, repo) = (Inits::default(), repo());
        assert_eq!(inits.lost(&repo, "b"), []);
        assert!(inits.admits(&repo, Id([3; 32]), "b"));
        assert_eq!(inits.lost(&repo, "b"), [], "of an older repository");
    }

    #[test]
    fn what_may_be_a_clients_own_it_may_remove() {
        let (inits, repo) = (Inits::default(), repo());
        inits.unsure(&repo);
        assert!(inits.lost(&repo, "a").is_empty() && !inits.has_loser(&repo));
        inits.made(&repo);
        inits.lost(&repo, "a");
        assert!(inits.has_loser(&repo));
    }
}
