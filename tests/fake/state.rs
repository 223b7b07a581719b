//! Everything the emulator's ports share: the cloud and what surrounds it under one lock, which is
//! never held while bytes move.

use super::cloud::{Cloud, NameRules};
use super::content::{Content, Keep};
use super::endpoint::Endpoint;
use super::faults::{Faults, Hold};
use super::grants::Grants;
use super::judge::Judge;
use super::limits::Limits;
use super::line::Line;
use super::refusal::Refusal;
use super::switches::{Single, Switches};
use super::time::Clock;
use super::tokens::Tokens;
use super::views::{Pages, ms};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What all ports share.
pub struct Hub {
    state: Mutex<State>,
    pub clock: Clock,
    /// What answers tell the time by, instead of the clock.
    pub dates: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
    pub keep: Keep,
    /// The client id and secret that are good.
    pub client: (String, String),
    /// Where the upload hosts, the CDN and its edge are.
    pub hosts: OnceLock<Hosts>,
    /// What uploads come over.
    pub line: Line,
    trace: AtomicU64,
}

/// The addresses that answers name, as base URLs.
pub struct Hosts {
    pub api: String,
    pub upload: String,
    pub cdn: String,
    pub edge: String,
}

/// What the lock guards.
pub struct State {
    pub cloud: Cloud,
    pub tokens: Tokens,
    pub grants: Grants,
    pub pages: Pages,
    pub limits: Limits,
    pub faults: Faults,
    pub hold: Hold,
    pub judge: Judge,
    pub switches: Switches,
    /// Sliced uploads by their preuploadID.
    pub sessions: HashMap<String, Session>,
    /// Single uploads that a mode was applied to.
    pub singles: u32,
    /// CDN answers that were cut, and that were refused as from elsewhere.
    pub cut: u32,
    pub elsewhere: u32,
    /// Bytes that may still be downloaded; `None` is any number.
    pub traffic: Option<u64>,
    pub space_total: u64,
    /// Bytes taken up besides the files here.
    pub space_used: u64,
    /// A write ban lasts until then.
    pub ban_until: u64,
}

/// A sliced upload.
pub struct Session {
    pub parent: u64,
    pub name: String,
    pub etag: String,
    pub size: u64,
    pub slice_size: u64,
    pub duplicate: Option<u64>,
    /// Slice number → its bytes and their number.
    pub slices: BTreeMap<u64, (Content, u64)>,
    /// How often completion was asked for.
    pub asked: u32,
    pub file: Option<u64>,
}

impl Hub {
    /// An empty account.
    pub fn new(keep: Keep, client: (String, String), switches: Switches, uplink: u64) -> Hub {
        let state = State {
            cloud: Cloud::new(),
            tokens: Tokens::default(),
            grants: Grants::default(),
            pages: Pages::default(),
            limits: Limits::default(),
            faults: Faults::default(),
            hold: Hold::default(),
            judge: Judge::default(),
            switches,
            sessions: HashMap::new(),
            singles: 0,
            cut: 0,
            elsewhere: 0,
            traffic: None,
            space_total: 2 << 40,
            space_used: 0,
            ban_until: 0,
        };
        Hub {
            state: Mutex::new(state),
            clock: Clock::new(),
            dates: OnceLock::new(),
            keep,
            client,
            hosts: OnceLock::new(),
            line: Line::new(uplink),
            trace: AtomicU64::new(1),
        }
    }

    /// The state, settled to the present.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = state.name_rules();
        state.cloud.settle(self.clock.now(), rules);
        state
    }

    /// What answers tell as the time, if they tell any.
    pub fn date(&self) -> Option<String> {
        let front = self.lock().switches.front;
        let own = || self.clock.now() / 1000;
        let seconds = self.dates.get().map_or_else(own, |dates| dates());
        let seconds = seconds.saturating_add_signed(front.date_skew);
        (!front.dateless).then(|| restic_123pan::civil::http(seconds))
    }

    /// A new number for `x-traceID`.
    pub fn trace(&self) -> String {
        format!("trace-{:06}", self.trace.fetch_add(1, Ordering::Relaxed))
    }

    /// The addresses that answers name. Set once, before any port answers.
    pub fn hosts(&self) -> &Hosts {
        const NOWHERE: &Hosts = &Hosts {
            api: String::new(),
            upload: String::new(),
            cdn: String::new(),
            edge: String::new(),
        };
        self.hosts.get().unwrap_or(NOWHERE)
    }

    /// Upload hosts as `create` and `domain` name them.
    pub fn upload_hosts(&self, dead_first: bool) -> Vec<String> {
        let mut hosts = Vec::new();
        if dead_first {
            // Nothing listens on port 1.
            hosts.push("http://127.0.0.1:1".to_owned());
        }
        hosts.push(self.hosts().upload.clone());
        hosts
    }
}

impl State {
    /// How taken names are dealt with now.
    pub fn name_rules(&self) -> NameRules {
        NameRules {
            taken: self.switches.taken,
            overwritten: self.switches.overwritten,
            kinds_apart: self.switches.kinds_apart,
        }
    }

    /// May writes happen now?
    pub fn writable(&self, now: u64) -> Result<(), Refusal> {
        if self.switches.banned || now < self.ban_until {
            return Err(Refusal::Banned);
        }
        Ok(())
    }

    /// Bytes that count against the account's space.
    pub fn used(&self) -> u64 {
        let bin = if self.switches.bin_counts {
            self.cloud.bin_bytes
        } else {
            0
        };
        self.space_used + self.cloud.living_bytes + bin
    }

    /// Is there room for so many bytes?
    pub fn room_for(&self, bytes: u64) -> Result<(), Refusal> {
        if self.used() + bytes > self.space_total {
            return Err(Refusal::NoSpace);
        }
        Ok(())
    }

    /// What comes of this single upload.
    pub fn single_mode(&mut self, name: &str) -> Single {
        let switches = &self.switches;
        let over = switches.single_times != 0 && self.singles >= switches.single_times;
        if switches.single == Single::Done || over || !name.contains(&switches.single_only) {
            return Single::Done;
        }
        self.singles += 1;
        self.switches.single
    }

    /// May this call pass for its rate?
    pub fn pace(&mut self, endpoint: Endpoint, now: u64) -> bool {
        let own = self.switches.rates.get(&endpoint).copied();
        let rate = own.or_else(|| super::endpoint::rate(endpoint, self.switches.tier));
        let shape = self.switches.shape;
        rate.is_none_or(|rate| self.limits.take(endpoint, rate, shape, now))
    }

    /// An upload's body begins to arrive.
    pub fn upload_begins(&mut self, now: u64) {
        let uploads = self.judge.upload_begins();
        if self.switches.ban_over != 0 && uploads > self.switches.ban_over {
            self.ban_until = now + ms(self.switches.ban_for);
            let most = self.switches.ban_over;
            self.judge
                .complain(format!("more than {most} uploads in flight"));
        }
    }
}
