//! How Tencent SMH is spoken to: its table of calls, one typed method for each, and what its
//! answers mean. How a call is made is [`Client`]'s.

mod advice;
mod answers;
mod calls;
pub mod meaning;
mod table;
pub mod tokens;

pub use answers::{Address, Binned, Confirmed, Deleted, Entry, Item, Page, StartedUpload, Usage};
pub use table::Endpoint;
pub use tokens::Scope;

use super::config::Config;
use super::facts::Facts;
use crate::cloud::call::Call;
use crate::cloud::client::{Client, Network};
use crate::cloud::dialect::Dialect;
use crate::cloud::places::Places;
use crate::cloud::token::encoded;
use crate::cloud::{Fault, Priority, Reason, Timing};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Most files that one call deletes.
pub const BATCH: usize = 1000;
/// Most entries of a page of the bin, and most that one call purges.
pub const BIN_PAGE: usize = 100;

/// The way to a library's space.
pub struct Api {
    /// Makes the calls.
    pub client: Arc<Client>,
    /// Library and space, as paths have them.
    place: String,
    library: String,
    /// Calls to the library's host at a time.
    places: Places,
    /// The scheme of the storage hosts.
    scheme: &'static str,
}

/// What becomes of a name that is taken, at the start of an upload and at its confirmation: always
/// said, because the default stores the file under another name (safety rule 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The call is refused.
    Ask,
    /// The file there is replaced.
    Overwrite,
}

impl Strategy {
    fn query(self) -> &'static str {
        match self {
            Self::Ask => "conflict_resolution_strategy=ask",
            Self::Overwrite => "conflict_resolution_strategy=overwrite",
        }
    }
}

/// What of a folder is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Everything.
    All,
    /// Files and what is no folder.
    Files,
    /// Folders.
    Folders,
}

impl Api {
    /// The way to the configured space; nothing is sent yet.
    pub fn new(config: &Config, scope: Scope) -> Self {
        Self::by(config, scope, &Facts::kept(config))
    }

    /// The same, as if this had been found out.
    pub fn by(config: &Config, scope: Scope, facts: &Facts) -> Self {
        let tokens = Box::new(tokens::cache(config, scope));
        let rates = table::rates(config.shared.rate_share);
        let network = Network {
            timing: facts.lag.timing(&config.shared.timing),
            ..config.shared.network(&config.host)
        };
        let client = Client::new(&network, &SMH, tokens, &rates);
        let library = encoded(&config.library);
        Self {
            client: Arc::new(client),
            place: format!("{library}/{}", encoded(&config.space)),
            library,
            places: Places::new(table::AT_A_TIME),
            scheme: if config.is_clear() { "http" } else { "https" },
        }
    }

    /// Every timeout, pause and bound in time.
    pub fn timing(&self) -> &Timing {
        &self.client.timing
    }

    /// The address of something in the space: its folders' names are apart from each other.
    fn at(&self, what: &str, path: &str) -> String {
        let names: Vec<String> = path.split('/').map(encoded).collect();
        format!("/api/v1/{what}/{}/{}", self.place, names.join("/"))
    }

    fn call<T: DeserializeOwned>(
        &self,
        (endpoint, at, query): (Endpoint, &str, &str),
        priority: Priority,
    ) -> Result<T, Fault> {
        self.make(Call::new(endpoint.spec(), at).query(query), priority)
    }

    /// Makes a call to the library's host, as one of a few at a time.
    fn make<T: DeserializeOwned>(
        &self,
        call: Call<'_, '_>,
        priority: Priority,
    ) -> Result<T, Fault> {
        let place = self.places.take(priority, self.timing().rate_wait);
        let late = || Fault::new(Reason::Throttled, "too many calls are under way");
        let _place = place.ok_or_else(late)?;
        self.client.call(call.priority(priority))
    }
}

/// Tencent SMH: a token in the query, errors with codes of their own.
static SMH: Dialect = Dialect {
    cloud: "Tencent SMH",
    table: table::TABLE,
    probe: Endpoint::Info as usize,
    sign: |request, token| request.query_token(token.map(encoded)),
    understand: |spec, answer, read| meaning::understand(Endpoint::of(spec), answer, read),
    reason: |spec, outcome| meaning::reason(Endpoint::of(spec), outcome),
    advice: advice::advice,
};
