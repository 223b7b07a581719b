//! What uploads share: their places, their hosts, and what has been learned about the service.

use super::hosts::Hosts;
use super::{After, after};
use crate::cloud::places::Places;
use crate::cloud::{Fault, Reason};
use crate::pan123::api::Api;
use crate::pan123::config::Config;
use crate::pan123::tree::Tree;
use crate::sync::lock;
use crate::warning::Kind;
use log::warn;
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
    pub(super) places: Places,
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

    /// Learns how an upload went whose `etag` came after the file.
    pub(super) fn tried_late(&self, stored: &Result<Option<u64>, Fault>) {
        let mut late = lock(&self.late);
        match stored {
            Ok(Some(_)) => *late = Late::Taken,
            Err(fault) if fault.reason == Reason::Unknown && *late == Late::Untried => {
                *late = Late::Refused;
                warn!(
                    target: &Kind::Changed.about("upload"),
                    "123pan doesn't take a file whose hash comes last: from now on uploads are held \
                     within --memory or spooled before they are sent"
                );
            }
            _ => {}
        }
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
}
