//! The table of Kdocs' calls: what each is called, its rate, and which budget of a day it counts
//! against. Facts only.

use super::super::config::App;
use crate::cloud::budget::Allowance;
use crate::cloud::call::{Spec, Way};
use crate::cloud::pace::share;

/// Calls a second; no document tells any, so that these are modest.
const RATES: [f64; 3] = [10.0, 5.0, 5.0];
/// A part of what packs leave of each budget of a day: a backup of an hour takes 13 locks, each
/// stored and deleted, index files and a snapshot.
const RESERVE: u64 = 5;
/// Seconds by which a day's turn in China is before that of UTC.
pub const CHINA: u64 = 8 * 3600;

/// A call of Kdocs'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Tokens for a code.
    Token,
    /// Tokens for a refresh token.
    Refresh,
    /// A page of a folder.
    List,
    /// A file's bytes.
    Upload,
    /// Where a file can be downloaded.
    Link,
    /// Up to 100 files into the bin.
    Delete,
}

use Endpoint::{Delete, Link, List, Refresh, Token, Upload};

/// Every call, at the place of its number.
#[rustfmt::skip]
pub static TABLE: [Spec; 6] = [
    line(Token,   0, "access_token",  "GET",  &[Way::GivesTokens]),
    line(Refresh, 0, "refresh_token", "POST", &[Way::GivesTokens]),
    line(List,    0, "list",          "GET",  &[Way::Idempotent]),
    line(Upload,  2, "upload",        "POST", &[Way::Makes, Way::Writes]),
    line(Link,    1, "download",      "GET",  &[Way::Idempotent]),
    line(Delete,  2, "delete",        "POST", &[Way::Writes]),
];

const fn line(
    endpoint: Endpoint,
    queue: usize,
    name: &'static str,
    method: &'static str,
    ways: &'static [Way],
) -> Spec {
    Spec {
        number: endpoint as usize,
        queue,
        name,
        method,
        ways,
    }
}

impl Endpoint {
    /// Its line.
    pub fn spec(self) -> &'static Spec {
        &TABLE[self as usize]
    }

    /// The call of a line.
    pub fn of(spec: &Spec) -> Self {
        [Token, Refresh, List, Upload, Link, Delete][spec.number]
    }

    /// The place of its budget; None for tokens, which are few.
    pub fn budget(self) -> Option<usize> {
        match self {
            List => Some(0),
            Upload => Some(1),
            Link => Some(2),
            Delete => Some(3),
            Token | Refresh => None,
        }
    }
}

/// The rates with this share of them.
pub fn rates(part: f64) -> [f64; 3] {
    RATES.map(|rate| share(rate, part))
}

/// What an app may do in a day.
pub fn allowances(app: App) -> Vec<Allowance> {
    let (writes, lists) = match app {
        App::Test => (500, 10_000),
        App::Formal => (100_000, 1_000_000),
    };
    let kind = |name, a_day: u64| Allowance {
        name,
        a_day,
        reserve: a_day / RESERVE,
    };
    vec![
        kind("lists", lists),
        kind("uploads", writes),
        kind("download links", writes),
        kind("deletions", writes),
    ]
}
