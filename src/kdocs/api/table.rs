//! The table of Kdocs' calls: what each is called, its rate, and which budget of a day it counts
//! against. Facts only.

use super::super::config::App;
use crate::cloud::budget::Allowance;
use crate::cloud::call::{Spec, endpoints};
use crate::cloud::pace::share;

/// Calls a second; no document tells any, so that these are modest.
const RATES: [f64; 3] = [10.0, 5.0, 5.0];
/// A part of what packs leave of each budget of a day: a backup of an hour takes 13 locks, each
/// stored and deleted, index files and a snapshot.
const RESERVE: u64 = 5;
/// Seconds by which a day's turn in China is before that of UTC.
pub const CHINA: u64 = 8 * 3600;

endpoints! {
    /// Tokens for a code.
    Token, [GivesTokens], 0, "GET", "access_token";
    /// Tokens for a refresh token.
    Refresh, [GivesTokens], 0, "POST", "refresh_token";
    /// A page of a folder.
    List, [Idempotent], 0, "GET", "list";
    /// A file's bytes.
    Upload, [Makes, Writes], 2, "POST", "upload";
    /// Where a file can be downloaded.
    Link, [Idempotent], 1, "GET", "download";
    /// Up to 100 files into the bin.
    Delete, [Writes], 2, "POST", "delete";
}

impl Endpoint {
    /// The place of its budget; None for tokens, which are few.
    pub fn budget(self) -> Option<usize> {
        match self {
            Self::List => Some(0),
            Self::Upload => Some(1),
            Self::Link => Some(2),
            Self::Delete => Some(3),
            Self::Token | Self::Refresh => None,
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
