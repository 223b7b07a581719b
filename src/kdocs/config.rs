//! How the store is told to work: the app, its grant, and what may be called in a day.

use crate::cloud::Shared;
use crate::cloud::token::Grant;
use crate::settings::Secret;
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
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API is, with the scheme and without a slash at the end.
    pub host: String,
    /// The app's id.
    pub app_id: String,
    /// Its key.
    pub app_key: Secret,
    /// What the vendor has made of it.
    pub app: App,
    /// What its user has agreed to; None before the login.
    pub grant: Option<Arc<Grant>>,
    /// The largest file in bytes that the probe tries.
    pub largest: u64,
    /// What every cloud is told.
    pub shared: Shared,
}

impl Config {
    /// A file of the state directory, by whose app and which folder it is about.
    pub fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        let whose = format!("{} {}", self.host, self.app_id);
        self.shared.state_file(name, &whose, extension)
    }
}
