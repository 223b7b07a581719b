//! How the store is told to work: the account, and what becomes of deleted files.

pub use crate::settings::values::Bin;

use crate::cloud::Timing;
use crate::cloud::client::Network;
use crate::cloud::token::Grant;
use crate::disk;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What an account may do in a second, in the order of the table of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// A free account.
    Free,
    /// A paying one.
    Vip,
    /// One that an OAuth app uses: the rates are the app's for each user, whatever he pays.
    Oauth,
}

/// The account, and how it is used.
#[derive(Clone)]
pub struct Config {
    /// Where the API is, without a slash at the end.
    pub api_url: String,
    /// The client id, or the OAuth app's.
    pub client_id: String,
    /// The secret that goes with it; empty for an app that has none.
    pub client_secret: String,
    /// The grant by which the app may use the account; None for a developer's own account.
    pub grant: Option<Arc<Grant>>,
    /// The folder that holds the repositories, without slashes at the ends; empty for the root.
    pub repo_path: String,
    /// Where the token, the purge list and what was acknowledged are kept; None keeps them in memory.
    pub state_dir: Option<PathBuf>,
    /// Most uploads in flight. 123pan bans accounts that flood it: more than 20 were seen to be
    /// dangerous (API reference 6.2).
    pub uploads: usize,
    /// Share of the allowed rates that is used.
    pub rate_share: f64,
    /// The account's tier; None finds it out.
    pub tier: Option<Tier>,
    /// What becomes of deleted files.
    pub bin: Bin,
    /// Bytes of free space below which the oldest of them are purged before their time.
    pub reserve: u64,
    /// Whether the token may go to upload hosts in the clear (safety rule 24).
    pub allow_http_upload: bool,
    /// Whether IPv6 is left alone.
    pub ipv4_only: bool,
    /// Certificate authorities to trust instead of the usual ones, as PEM.
    pub ca: Option<Vec<u8>>,
    /// Every timeout, pause and bound in time.
    pub timing: Timing,
}

impl Config {
    /// A file of the state directory, by whose account and which folder it is about: several
    /// servers may share the directory.
    pub fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        let (url, client, path) = (&self.api_url, &self.client_id, &self.repo_path);
        let about = format!("{url} {client} {path}");
        disk::state_file(self.state_dir.as_ref(), name, &about, extension)
    }

    /// How 123pan is reached.
    pub fn network(&self) -> Network {
        Network {
            api_url: self.api_url.clone(),
            allow_http: self.allow_http_upload,
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
            .field("api_url", &self.api_url)
            .field("repo_path", &self.repo_path)
            .field("client_id", &"***")
            .field("client_secret", &"***")
            .finish_non_exhaustive()
    }
}
