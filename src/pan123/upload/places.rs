//! What uploads share: their places, their hosts, and what has been learned about the service.

use super::hosts::Hosts;
use super::{After, after};
use crate::body::Body;
use crate::cloud::places::{Place, Places};
use crate::cloud::{Fault, Priority, Reason};
use crate::pan123::api::Api;
use crate::pan123::config::Config;
use crate::pan123::tree::Tree;
use crate::store::Error;
use crate::sync::lock;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Failures of single-step uploads in a row after which slices are tried.
const FAILURES: u32 = 3;
/// How long slices are used before a single step is tried again.
const SLICES: Duration = Duration::from_secs(600);

/// What uploads share.
pub struct Uploads {
    pub(super) api: Arc<Api>,
    pub(super) tree: Arc<Tree>,
    pub(super) hosts: Hosts,
    places: Places,
    pub(super) late: Mutex<Late>,
    failures: Mutex<Failures>,
}

/// Single-step uploads that failed one after the other.
#[derive(Default)]
struct Failures {
    row: u32,
    last: Option<Instant>,
}

/// Whether 123pan takes an `etag` after the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    Untried,
    Taken,
    Refused,
}

impl Uploads {
    /// Nothing has been uploaded yet.
    pub fn new(config: &Config, api: &Arc<Api>, tree: &Arc<Tree>) -> Self {
        Self {
            api: Arc::clone(api),
            tree: Arc::clone(tree),
            hosts: Hosts::new(config),
            places: Places::new(config.shared.uploads),
            late: Mutex::new(match api.facts.late_refused {
                true => Late::Refused,
                false => Late::Untried,
            }),
            failures: Mutex::default(),
        }
    }

    /// Uploads under way, and most of them at a time.
    pub fn state(&self) -> (usize, usize) {
        self.places.state()
    }

    /// Whether 123pan has refused an `etag` after the file.
    pub(super) fn refuses_late(&self) -> bool {
        *lock(&self.late) == Late::Refused
    }

    /// Whether files are sent in slices because one call doesn't work.
    pub(super) fn prefer_slices(&self) -> bool {
        let failures = lock(&self.failures);
        failures.row >= FAILURES && failures.last.is_some_and(|at| at.elapsed() < SLICES)
    }

    /// Learns how an upload went. Failures are counted across uploads: when each of them takes a
    /// minute, no single one has the time for several.
    pub(super) fn count(&self, stored: &Result<Option<u64>, Fault>) {
        let mut failures = lock(&self.failures);
        match stored {
            // Slices that work say nothing about the other way.
            Ok(_) if failures.row < FAILURES => failures.row = 0,
            Err(fault) if after(fault.reason) == After::Look && fault.reason != Reason::Taken => {
                failures.row = failures.row.saturating_add(1);
                failures.last = Some(Instant::now());
            }
            _ => {}
        }
    }

    /// Waits for one of the places that uploads have.
    pub(super) fn place(
        &self,
        priority: Priority,
        longest: Duration,
        body: &mut Body<'_>,
    ) -> Result<Place<'_>, Error> {
        self.places.take_for(body, priority, longest)
    }
}
