//! The judge: counts calls and writes down each breach of a documented rule by the client. It
//! refuses nothing; that is left to the others.

use super::endpoint::Endpoint;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// More complaints than this aren't kept: a broken client would fill the memory.
const COMPLAINTS_MAX: usize = 200;
/// More calls than this aren't told one by one.
const TRAIL_MAX: usize = 10_000;

/// Calls to one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// All of them.
    pub calls: u64,
    /// Refused for their rate.
    pub limited: u64,
    /// Answered with any other error, ordered faults included.
    pub errors: u64,
}

/// What was counted since the start, or since the last reset.
#[derive(Clone, Debug, Serialize)]
pub struct Calls<E = Endpoint> {
    pub endpoints: BTreeMap<E, Count>,
    /// Uploads whose bodies are on their way now.
    pub uploads: usize,
    /// The most at once.
    pub uploads_peak: usize,
    /// Bytes that the CDN sent.
    pub cdn_bytes: u64,
    pub tokens: u64,
    /// Uploads whose connection ended before the closing boundary.
    pub withdrawn: u64,
}

impl<E> Default for Calls<E> {
    fn default() -> Self {
        Calls {
            endpoints: BTreeMap::new(),
            uploads: 0,
            uploads_peak: 0,
            cdn_bytes: 0,
            tokens: 0,
            withdrawn: 0,
        }
    }
}

impl<E: Ord> Calls<E> {
    /// The counts of one endpoint.
    pub fn of(&self, endpoint: E) -> Count {
        self.endpoints.get(&endpoint).copied().unwrap_or_default()
    }

    /// All calls together.
    pub fn all(&self) -> u64 {
        self.endpoints.values().map(|c| c.calls).sum()
    }
}

/// Counters and complaints.
pub struct Judge<E = Endpoint> {
    pub calls: Calls<E>,
    /// The calls one by one, as they came.
    pub trail: Vec<E>,
    complaints: Vec<String>,
    /// What was answered "not yet", and when.
    unready: HashMap<String, u64>,
}

impl<E> Default for Judge<E> {
    fn default() -> Self {
        Judge {
            calls: Calls::default(),
            trail: Vec::new(),
            complaints: Vec::new(),
            unready: HashMap::new(),
        }
    }
}

impl<E: Copy + Ord> Judge<E> {
    /// Notes a call.
    pub fn called(&mut self, endpoint: E) {
        self.count(endpoint).calls += 1;
        if self.trail.len() < TRAIL_MAX {
            self.trail.push(endpoint);
        }
    }

    /// The counts of an endpoint, to raise them.
    pub fn count(&mut self, endpoint: E) -> &mut Count {
        self.calls.endpoints.entry(endpoint).or_default()
    }

    /// Writes a complaint down, unless the same one is there already.
    pub fn complain(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.complaints.len() < COMPLAINTS_MAX && !self.complaints.contains(&text) {
            self.complaints.push(text);
        }
    }

    /// All complaints, oldest first.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }

    /// Sets counters to zero and forgets complaints; uploads on their way stay counted.
    pub fn reset(&mut self) {
        let uploads = self.calls.uploads;
        self.complaints.clear();
        self.trail.clear();
        self.calls = Calls {
            uploads,
            uploads_peak: uploads,
            ..Calls::default()
        };
    }

    /// The client was told "not yet" about something.
    pub fn told_unready(&mut self, what: String, now: u64) {
        self.unready.insert(what, now);
    }

    /// The client asks again about something: too early?
    pub fn asked_again(&mut self, what: &str, pause: u64, now: u64) {
        if let Some(told) = self.unready.remove(what)
            && now < told + pause
        {
            let after = now - told;
            self.complain(format!("{what}: asked again after {after} ms"));
        }
    }

    /// An upload's body begins to arrive. Answers how many do now.
    pub fn upload_begins(&mut self) -> usize {
        self.calls.uploads += 1;
        self.calls.uploads_peak = self.calls.uploads_peak.max(self.calls.uploads);
        self.calls.uploads
    }
}

/// What 123pan's documents demand.
impl Judge {
    /// Ids in one call: at most 100.
    pub fn ids(&mut self, endpoint: Endpoint, count: usize) {
        if count > 100 {
            self.complain(format!("{endpoint:?}: {count} ids in one call"));
        }
    }

    /// A name that is about to be made.
    pub fn name(&mut self, endpoint: Endpoint, name: &str) {
        if super::cloud::check_name(name).is_err() {
            let start: String = name.chars().take(40).collect();
            self.complain(format!("{endpoint:?}: bad name {start:?}"));
        }
    }

    /// An MD5 must be 32 digits in lower case.
    pub fn md5(&mut self, endpoint: Endpoint, md5: &str) {
        let good = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if md5.len() != 32 || !md5.bytes().all(good) {
            self.complain(format!("{endpoint:?}: bad MD5 {md5:?}"));
        }
    }

    /// The way in which an upload wants to treat an existing name.
    pub fn duplicate(&mut self, endpoint: Endpoint, name: &str, duplicate: Option<u64>) {
        if duplicate == Some(1) {
            self.complain(format!("{endpoint:?}: duplicate=1 for {name}"));
        }
        if duplicate == Some(2) && name == "config" {
            self.complain(format!("{endpoint:?}: config replaced by duplicate=2"));
        }
    }
}
