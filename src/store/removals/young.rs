//! The packs that were just stored. Whoever removes one of them has most likely not seen that it
//! was stored, and sends it again after a while.

use crate::restic::{Id, Repo};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Most packs that are remembered; of the oldest the removal isn't spared.
const MOST: usize = 1024;

/// Packs that were just stored, the oldest first.
#[derive(Debug)]
pub(super) struct Young {
    packs: VecDeque<(Repo, Id, Instant)>,
    /// For how long a pack counts as just stored.
    most: Duration,
}

impl Young {
    pub(super) fn new(most: Duration) -> Self {
        let packs = VecDeque::new();
        Self { packs, most }
    }

    /// Notes that a pack was stored.
    pub(super) fn stored(&mut self, repo: &Repo, id: Id, now: Instant) {
        self.forget_old(now);
        if self.packs.len() >= MOST {
            self.packs.pop_front();
        }
        self.packs.push_back((repo.clone(), id, now));
    }

    /// Whether a pack was just stored.
    pub(super) fn has(&mut self, repo: &Repo, id: Id, now: Instant) -> bool {
        self.forget_old(now);
        let same = |(place, name, _): &(Repo, Id, Instant)| *name == id && place == repo;
        self.packs.iter().any(same)
    }

    fn forget_old(&mut self, now: Instant) {
        let is_old = |(_, _, at): &(Repo, Id, Instant)| now.duration_since(*at) >= self.most;
        while self.packs.front().is_some_and(is_old) {
            self.packs.pop_front();
        }
    }
}
