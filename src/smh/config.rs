//! How the store is told to work: the library, its space and its secret.

use crate::cloud::Shared;
use crate::settings::Secret;
use std::path::PathBuf;

/// A library's space, and how it is used.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the library's API is, with the scheme and without a slash at the end.
    pub host: String,
    /// The library's id.
    pub library: String,
    /// Its space, or `-` where it has only one.
    pub space: String,
    /// The library's secret.
    pub secret: Secret,
    /// Whether bytes may travel in the clear, to a storage host that an `http` API names.
    pub allow_http_upload: bool,
    /// What every cloud is told.
    pub shared: Shared,
}

impl Config {
    /// A file of the state directory, by whose space and which folder it is about.
    pub fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        let whose = format!("{} {} {}", self.host, self.library, self.space);
        self.shared.state_file(name, &whose, extension)
    }

    /// Whether bytes go in the clear: both must say so, since everybody on the way can read the
    /// signature.
    pub fn is_clear(&self) -> bool {
        self.allow_http_upload && self.host.starts_with("http://")
    }
}
