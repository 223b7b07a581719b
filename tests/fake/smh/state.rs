//! Everything the ports share: the space and what surrounds it under one lock, which is never held
//! while bytes move.

use super::super::content::Keep;
use super::super::faults::{Faults, Hold};
use super::super::judge::Judge;
use super::super::limits::Limits;
use super::super::time::Clock;
use super::call::Call;
use super::listing::Markers;
use super::switches::Switches;
use super::tasks::Tasks;
use super::tokens::Tokens;
use super::tree::Tree;
use super::upload::Uploads;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What all ports share.
pub struct Hub {
    state: Mutex<State>,
    pub clock: Clock,
    pub keep: Keep,
    pub library: String,
    pub secret: String,
    pub space: String,
    /// Where the library host, the storage host and its edge are: host and port.
    pub hosts: OnceLock<[String; 3]>,
    request: AtomicU64,
}

/// What the lock guards.
#[derive(Default)]
pub struct State {
    pub tree: Tree,
    pub tokens: Tokens,
    pub uploads: Uploads,
    pub tasks: Tasks,
    pub markers: Markers,
    pub limits: Limits<()>,
    pub faults: Faults<Call>,
    pub hold: Hold,
    pub judge: Judge<Call>,
    pub switches: Switches,
    /// The space's quota, if it has one.
    pub quota: Option<u64>,
    /// Bytes taken up besides the files here.
    pub more_used: u64,
    /// Folder → writes under way in it.
    pub writing: HashMap<Vec<String>, u32>,
}

impl Hub {
    /// An empty space.
    pub fn new(keep: Keep, names: [String; 3], switches: Switches) -> Hub {
        let [library, secret, space] = names;
        let state = State {
            switches,
            ..State::default()
        };
        Hub {
            state: Mutex::new(state),
            clock: Clock::new(),
            keep,
            library,
            secret,
            space,
            hosts: OnceLock::new(),
            request: AtomicU64::new(1),
        }
    }

    /// The state, with what is due carried out.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        super::tasks::settle(&mut state, self.clock.now());
        state
    }

    /// A new number for `requestId`.
    pub fn request(&self) -> String {
        format!("req-{:06}", self.request.fetch_add(1, Ordering::Relaxed))
    }

    /// Host and port of the storage host, or of its edge.
    pub fn storage(&self, edge: bool) -> &str {
        let hosts = self.hosts.get();
        hosts.map_or("", |hosts| &hosts[1 + usize::from(edge)])
    }
}

impl State {
    /// Bytes that count against the quota.
    pub fn used(&self) -> u64 {
        self.more_used + self.tree.bytes
    }

    /// Over quota, the oldest files lose their bytes, if that is how the quota is set.
    pub fn enforce_quota(&mut self) {
        let Some(quota) = self.quota.filter(|_| self.switches.quota_removes) else {
            return;
        };
        for id in self.tree.oldest_files() {
            if self.used() <= quota {
                break;
            }
            self.tree.remove_by_quota(id);
        }
    }
}
