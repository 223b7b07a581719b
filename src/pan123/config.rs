//! How the store is told to work: the account, at what rates and by which hosts.

pub use crate::settings::values::Bin;

use crate::cloud::Shared;
use crate::cloud::client::Network;
use crate::cloud::token::Grant;
use crate::settings::Secret;
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
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API is, without a slash at the end.
    pub api_url: String,
    /// The client id, or the OAuth app's.
    pub client_id: Secret,
    /// The secret that goes with it; empty for an app that has none.
    pub client_secret: Secret,
    /// The grant by which the app may use the account; None for a developer's own account.
    pub grant: Option<Arc<Grant>>,
    /// The account's tier; None finds it out.
    pub tier: Option<Tier>,
    /// Whether the token may go to upload hosts in the clear (safety rule 24).
    pub allow_http_upload: bool,
    /// What every cloud is told. 123pan bans accounts that flood it: more than 20 uploads at a time
    /// were seen to be dangerous (API reference 6.2).
    pub shared: Shared,
}

impl Config {
    /// A file of the state directory, by whose account and which folder it is about.
    pub fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        let whose = format!("{} {}", self.api_url, self.client_id.reveal());
        self.shared.state_file(name, &whose, extension)
    }

    /// How 123pan is reached.
    pub fn network(&self) -> Network {
        Network {
            allow_http: self.allow_http_upload,
            ..self.shared.network(&self.api_url)
        }
    }
}
