//! How the store is told to work: the app, its grant, and what may be called in a day.

use crate::cloud::client::Network;
use crate::cloud::token::Grant;
use crate::cloud::{Clock, Timing};
use crate::disk;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What the vendor has made of an app: its budgets of a day go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum App {
    /// One that wasn't reviewed: 500 uploads, deletions and download links.
    Test,
    /// One that was: 100,000.
    Formal,
}

/// A user's files, and how they are used.
#[derive(Clone)]
pub struct Config {
    /// Where the API is, with the scheme and without a slash at the end.
    pub host: String,
    /// The app's id.
    pub app_id: String,
    /// Its key.
    pub app_key: String,
    /// What the vendor has made of it.
    pub app: App,
    /// What its user has agreed to; None before the login.
    pub grant: Option<Arc<Grant>>,
    /// The folder below the app's that holds the repositories, without slashes at the ends.
    pub repo_path: String,
    /// Where the grant, what the probe found and the day's calls are kept.
    pub state_dir: Option<PathBuf>,
    /// Most uploads in flight.
    pub uploads: usize,
    /// Share of the rates that is used.
    pub rate_share: f64,
    /// The largest file in bytes that the probe tries.
    pub largest: u64,
    /// Whether IPv6 is left alone.
    pub ipv4_only: bool,
    /// Certificate authorities to trust instead of the usual ones, as PEM.
    pub ca: Option<Vec<u8>>,
    /// What tells the time of day.
    pub clock: Clock,
    /// Every timeout, pause and bound in time.
    pub timing: Timing,
}

impl Config {
    /// A file of the state directory, by whose app and which folder it is about: several servers may
    /// share the directory.
    pub fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        let about = format!("{} {} {}", self.host, self.app_id, self.repo_path);
        disk::state_file(self.state_dir.as_ref(), name, &about, extension)
    }

    /// How Kdocs is reached.
    pub fn network(&self) -> Network {
        Network {
            api_url: self.host.clone(),
            allow_http: false,
            connections: self.uploads,
            ipv4_only: self.ipv4_only,
            ca: self.ca.clone(),
            timing: self.timing.clone(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.host)
            .field("app", &self.app)
            .field("repo_path", &self.repo_path)
            .field("app_key", &"***")
            .finish_non_exhaustive()
    }
}
