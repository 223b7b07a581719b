//! What probes share: the form in which they tell what they have found out about a cloud, what is
//! documented, what was assumed, what is so; the file in which it is kept for the server; files to
//! try with, and how a part of one came back. What is told holds no secret and no account's name, so
//! that it can be shown to others. What is tried, and what depends on it, is the cloud's own business.

use super::client::Client;
use super::form::{ReadAt, Slice};
use super::outcome::{Fault, Reason};
use super::paths::join;
use super::retry::{look, pause};
use super::timing::{Timing, now};
use crate::disk;
use crate::restic::{Part, Repo};
use crate::speech::{padded, said};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asked of every probe.
const REMOVED: Question = ("what the probe has made", "nothing", "removed");
const LAG: Question = ("lag of lists", "nothing", "at most 20 s");
const PARTS: Question = ("ranges and redirects", "nothing", "obeyed and followed");
/// Bytes of a test file.
pub const SIZE: u64 = 4096;
/// Where a part of one is read.
pub const PART: Part = Part {
    start: 1000,
    len: 500,
};
/// How many times as long as a server a probe waits for what lists don't show yet.
pub const PATIENCE: u32 = 3;
/// Longest that a server waits for lists, however late they were: restic ends a request after five
/// minutes without a byte.
const LONGEST: Duration = Duration::from_secs(120);
/// How often it is tried to remove what was made.
const TRIES: u32 = 3;

/// A question that a cloud's documents leave open, in a few words; what they say; and what the
/// program goes by as long as nobody has tried.
pub type Question = (&'static str, &'static str, &'static str);

/// What has been found about a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// The question.
    pub about: &'static str,
    /// What the documents say.
    pub documented: &'static str,
    /// What the program goes by as long as nobody has tried.
    pub assumed: &'static str,
    /// What is so.
    pub found: String,
    /// Whether the store can do with it.
    pub good: bool,
}

impl Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.good { '✓' } else { '✗' };
        let (about, found) = (padded(&said(self.about), 24), said(&self.found));
        writeln!(f, "{mark} {about} {found}")?;
        let (documented, assumed) = (self.documented, self.assumed);
        let compared = said(&format!("documented: {documented}; assumed: {assumed}"));
        write!(f, "  {:<24} {compared}", "")
    }
}

/// What a probe finds, as it is told.
pub struct Observations<'a> {
    tell: &'a mut dyn FnMut(&Observation),
    /// The first that the store can't do with.
    flaw: Option<String>,
}

impl<'a> Observations<'a> {
    /// Nothing is found yet.
    pub fn new(tell: &'a mut dyn FnMut(&Observation)) -> Self {
        Self { tell, flaw: None }
    }

    /// Tells of something; `good` says whether the store can do with it.
    pub fn add(&mut self, question: Question, found: impl Into<String>, good: bool) {
        let ((about, documented, assumed), found) = (question, found.into());
        if !good && self.flaw.is_none() {
            self.flaw = Some(format!("{about}: {found}"));
        }
        (self.tell)(&Observation {
            about,
            documented,
            assumed,
            found,
            good,
        });
    }

    /// Tells how a part of a file came.
    pub fn came(&mut self, came: Result<Came, String>) {
        let good = came.is_ok();
        let found = came.map_or_else(|error| error, |came| came.to_string());
        self.add(PARTS, found, good);
    }

    /// Tells how long it took until a list showed a file.
    pub fn shown(&mut self, lag: Lag) {
        self.add(LAG, format!("a file shows {lag}"), true);
    }

    /// Tells how often calls were refused for coming too often. That is not provoked.
    pub fn rates(&mut self, question: Question, client: &Client) {
        let calls = client.seen.health(&client.pacer).calls;
        let made: u64 = calls.iter().map(|call| call.made).sum();
        let refused: u64 = calls.iter().map(|call| call.throttled).sum();
        let found =
            format!("not tried: it may lead to a ban; {refused} of {made} calls were refused");
        self.add(question, found, true);
    }

    /// Has what was made removed, in every case, and tells of it.
    pub fn remove(
        &mut self,
        path: &str,
        first: Duration,
        remove: &mut dyn FnMut() -> Result<&'static str, Fault>,
    ) {
        for tries in 1.. {
            match remove() {
                Ok(found) => return self.add(REMOVED, found, true),
                // A cloud that can't be reached was called often enough.
                Err(fault) if tries < TRIES && fault.reason != Reason::Unreachable => {
                    sleep(pause(first, tries));
                }
                Err(fault) => {
                    let found = format!("/{path} may be left behind ({fault})");
                    return self.add(REMOVED, found, false);
                }
            }
        }
    }

    /// The probe's end: keeps what was found, if the cloud can be used and there is a state
    /// directory.
    pub fn end<F: Serialize>(
        self,
        cloud: &str,
        ended: End,
        file: Option<PathBuf>,
        facts: &F,
    ) -> Result<String, String> {
        if let Err(why) = ended.and(self.flaw.map_or(Ok(()), Err)) {
            return Err(format!("{cloud} can't be used: {why}"));
        }
        let Some(file) = file else {
            return Ok(format!(
                "restic can use {cloud}; without a state directory nothing is kept"
            ));
        };
        keep(&file, facts)?;
        Ok(format!(
            "restic can use {cloud}; servers go by what was found when they next start"
        ))
    }
}

/// What was found before, from a file of the state directory; what nobody has found if there is none.
pub fn kept<F: DeserializeOwned + Default>(file: Option<&Path>) -> F {
    let text = file.and_then(|file| disk::read(file).ok());
    let facts = text.and_then(|text| serde_json::from_slice(&text).ok());
    facts.unwrap_or_default()
}

/// Keeps what was found.
pub fn keep<F: Serialize>(file: &Path, facts: &F) -> Result<(), String> {
    let text = serde_json::to_vec(facts).map_err(|error| error.to_string())?;
    disk::replace(file, &text).map_err(|error| format!("{}: {error}", file.display()))
}

/// A folder for what a probe makes, below the one that holds the repositories.
pub fn folder(root: &Repo) -> String {
    let name = format!("restic-123pan-probe-{}-{}", now(), std::process::id());
    join(root.path(), &name)
}

/// A step's end: why there can't be a next one.
pub type End<T = ()> = Result<T, String>;

/// Looks until something is so, and tells how long that took; None if it takes too long.
pub fn wait(timing: &Timing, is_so: &mut dyn FnMut() -> End<bool>) -> End<Option<Lag>> {
    let mut first = None;
    let see = || {
        let took = first.get_or_insert_with(Instant::now).elapsed();
        Ok(is_so()?.then(|| Lag::found(took)))
    };
    look(timing, see, Option::is_some)
}

/// How long it took until a list showed what was stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Lag(u64);

impl Lag {
    /// So long has it taken until a list showed a file.
    pub fn found(took: Duration) -> Self {
        Self(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
    }

    /// Bounds in time that allow for it: twice as long, if that is more than what is assumed.
    pub fn timing(self, assumed: &Timing) -> Timing {
        let twice = Duration::from_millis(self.0.saturating_mul(2)).min(LONGEST);
        Timing {
            visible: assumed.visible.max(twice),
            ..assumed.clone()
        }
    }
}

impl Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("at once"),
            millis => write!(f, "after {millis} ms"),
        }
    }
}

/// A test file, which is held nowhere: nothing that can be packed or guessed, or that the cloud has
/// already where its seed is new.
#[derive(Clone, Copy)]
pub struct MadeUp {
    seed: u64,
    size: u64,
}

impl MadeUp {
    /// A file of so many bytes.
    pub fn new(seed: u64, size: u64) -> Self {
        Self { seed, size }
    }

    /// All of it, to be sent.
    pub fn content(&self) -> Slice<'_> {
        Slice::new(self, 0, self.size)
    }

    /// The byte at a place.
    fn byte(&self, at: u64) -> u8 {
        let mixed = (self.seed ^ at.wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed >> 56).to_le_bytes()[0]
    }

    /// Reads a part of it that is stored at this address, and makes sure that it is right.
    pub fn read_back(&self, client: &Client, url: &str, part: Part) -> Result<Came, String> {
        let fetched = client
            .fetch(url, Some(part))
            .map_err(|fault| fault.to_string())?;
        let (skip, is_part) = match fetched.status {
            206 => (0, true),
            200 => (part.start, false),
            status => return Err(format!("a download answers HTTP {status}")),
        };
        let (mut bytes, mut reader) = (Vec::new(), fetched.reader);
        let passed = io::copy(&mut (&mut reader).take(skip), &mut io::sink());
        let read = passed.and_then(|_| reader.take(part.len).read_to_end(&mut bytes));
        read.map_err(|error| format!("a download broke off: {error}"))?;
        let is_right = bytes.len() as u64 == part.len
            && (part.start..)
                .zip(&bytes)
                .all(|(at, byte)| self.byte(at) == *byte);
        match is_right {
            true => Ok(Came {
                is_part,
                moved: fetched.moved,
            }),
            false => Err("a download brings other bytes than were stored".to_owned()),
        }
    }
}

/// How a part of a file came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// Alone, instead of within the whole file.
    pub is_part: bool,
    /// From another address than the one that was asked.
    pub moved: bool,
}

impl Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = match self.is_part {
            true => "ranges are obeyed",
            false => "ranges are ignored",
        };
        let redirects = match self.moved {
            true => "a redirect leads elsewhere",
            false => "there is no redirect",
        };
        write!(f, "{ranges}; {redirects}")
    }
}

impl ReadAt for MadeUp {
    fn read_at(&self, start: u64, buffer: &mut [u8]) -> io::Result<usize> {
        for (at, byte) in (start..).zip(&mut *buffer) {
            *byte = self.byte(at);
        }
        Ok(buffer.len())
    }
}
