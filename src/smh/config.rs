//! How the store is told to work: the library, its space, and what becomes of deleted files.

use crate::cloud::Timing;
use crate::cloud::client::Network;
use crate::disk;
use std::fmt;
use std::path::PathBuf;

/// A library's space, and how it is used.
#[derive(Clone)]
pub struct Config {
    /// Where the library's API is, with the scheme and without a slash at the end.
    pub host: String,
    /// The library's id.
    pub library: String,
    /// Its space, or `-` where it has only one.
    pub space: String,
    /// The library's secret.
    pub secret: String,
    /// The folder that holds the repositories, without slashes at the ends; empty for the root.
    pub repo_path: String,
    /// Where what should outlive a restart is kept: of this store, what the probe has found.
    pub state_dir: Option<PathBuf>,
    /// Most uploads in flight.
    pub uploads: usize,
    /// Share of the rate that is used.
    pub rate_share: f64,
    /// Whether deleted files, but for locks, go into the library's recycle bin, where it is on.
    pub keep_deleted: bool,
    /// Whether bytes may travel in the clear, to a storage host that an `http` API names.
    pub allow_http_upload: bool,
    /// Whether IPv6 is left alone.
    pub ipv4_only: bool,
    /// Certificate authorities to trust instead of the usual ones, as PEM.
    pub ca: Option<Vec<u8>>,
    /// Every timeout, pause and bound in time.
    pub timing: Timing,
}

impl Config {
    /// A file of the state directory, by whose space and which folder it is about: several servers
    /// may share the directory.
    pub fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        let (host, library, space) = (&self.host, &self.library, &self.space);
        let about = format!("{host} {library} {space} {}", self.repo_path);
        disk::state_file(self.state_dir.as_ref(), name, &about, extension)
    }

    /// How the library is reached.
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

    /// Whether bytes go in the clear: both must say so, since everybody on the way can read the
    /// signature.
    pub fn is_clear(&self) -> bool {
        self.allow_http_upload && self.host.starts_with("http://")
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.host)
            .field("library", &self.library)
            .field("space", &self.space)
            .field("repo_path", &self.repo_path)
            .field("secret", &"***")
            .finish_non_exhaustive()
    }
}
