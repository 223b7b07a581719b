//! How Kdocs is spoken to: its table of calls, one typed method for each, what its answers mean. How
//! a call is made is [`Client`]'s; each is taken from its budget of the day first.

mod answers;
mod meaning;
mod table;

pub use answers::{Deleted, Link, Page, Row};
pub use table::{CHINA, Endpoint, allowances};

use super::config::Config;
use crate::cloud::budget::Budgets;
use crate::cloud::call::Call;
use crate::cloud::client::Client;
use crate::cloud::dialect::Dialect;
use crate::cloud::form::{Content, Form};
use crate::cloud::token::{GrantedTokens, Rotating, Secret, TokenCache, encoded};
use crate::cloud::{Fault, Priority, Reason, Timing};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;

/// Most files that one call deletes.
pub const BATCH: usize = 100;
/// Rows of a page that are asked for: the most that clients were seen to ask for.
const PAGE: usize = 100;
/// Where calls about the user's files are.
const PERSONAL: &str = "/api/v1/openapi/personal";

/// The way to a user's files.
pub struct Api {
    /// Makes the calls.
    pub client: Arc<Client>,
    /// What may be called today.
    pub budgets: Budgets,
}

/// Where an upload goes.
pub enum Place<'a> {
    /// Into the folder with this id.
    Folder(&'a str),
    /// Into the folder with this path below the app's, which is made if it is missing.
    Path(&'a str),
}

impl Api {
    /// The way to the configured files; nothing is sent yet.
    pub fn new(config: &Config) -> Self {
        let tokens = Box::new(tokens(config));
        let rates = table::rates(config.shared.rate_share);
        let client = Client::new(&config.shared.network(&config.host), &KDOCS, tokens, &rates);
        Self {
            client: Arc::new(client),
            budgets: Budgets::new(
                allowances(config.app),
                CHINA,
                config.state_file("calls", "json"),
                config.shared.timing.clock.clone(),
            ),
        }
    }

    /// Every timeout, pause and bound in time.
    pub fn timing(&self) -> &Timing {
        &self.client.timing
    }

    /// A page of a folder of the app's, or of its own one: the first at 0, others where the page
    /// before said.
    pub fn list(
        &self,
        folder: &str,
        offset: i64,
        filter: Option<&str>,
        priority: Priority,
    ) -> Result<Page, Fault> {
        let mut query = format!("count={PAGE}");
        if !folder.is_empty() {
            query += &format!("&parent_id={}", encoded(folder));
        }
        if offset > 0 {
            query += &format!("&offset={offset}");
        }
        if let Some(filter) = filter.filter(|filter| !filter.is_empty()) {
            query += &format!("&filter={}", encoded(filter));
        }
        let path = format!("{PERSONAL}/apps/files");
        let call = Call::new(Endpoint::List.spec(), &path).query(&query);
        self.make(Endpoint::List, call, priority)
    }

    /// Stores a file under this name.
    pub fn upload(
        &self,
        place: &Place<'_>,
        name: &str,
        content: &mut dyn Content,
        priority: Priority,
    ) -> Result<(), Fault> {
        let fields: Vec<(&str, &str)> = match place {
            Place::Folder(id) => vec![("parent_id", id)],
            Place::Path(path) => {
                let names = path.split('/').map(|name| ("parent_path[]", name));
                names.chain([("path_from_root", "false")]).collect()
            }
        };
        let mut form = Form::new(&fields, ("file", name), false, content);
        let path = format!("{PERSONAL}/files/upload");
        let call = Call::new(Endpoint::Upload.spec(), &path).form(&mut form);
        self.make::<serde::de::IgnoredAny>(Endpoint::Upload, call, priority)
            .map(drop)
    }

    /// Where a file can be downloaded.
    pub fn link(&self, file: &str, priority: Priority) -> Result<Link, Fault> {
        let path = format!("{PERSONAL}/files/{}/download", encoded(file));
        let call = Call::new(Endpoint::Link.spec(), &path);
        self.make(Endpoint::Link, call, priority)
    }

    /// Puts up to 100 files into the bin.
    pub fn delete(&self, files: &[&str], priority: Priority) -> Result<Deleted, Fault> {
        let path = format!("{PERSONAL}/tasks/files/delete");
        let body = json!({ "file_ids": files });
        let call = Call::new(Endpoint::Delete.spec(), &path).json(&body);
        self.make(Endpoint::Delete, call, priority)
    }

    /// Makes a call that its budget allows.
    fn make<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        call: Call<'_, '_>,
        priority: Priority,
    ) -> Result<T, Fault> {
        let budget = endpoint.budget();
        if let Some(budget) = budget {
            let taken = self.budgets.take(budget, priority);
            taken.inspect_err(|fault| self.client.trouble(fault))?;
        }
        let made = self.client.call(call.priority(priority));
        if let (Some(budget), Err(fault)) = (budget, &made)
            && fault.reason == Reason::Budget
        {
            self.budgets.used_up(budget);
        }
        made
    }
}

/// The first tokens, for the code that a user's browser brought back.
pub fn granted(client: &Client, config: &Config, code: &str) -> Result<GrantedTokens, Fault> {
    let query = format!(
        "code={}&app_id={}&app_key={}",
        encoded(code),
        encoded(&config.app_id),
        encoded(config.app_key.reveal())
    );
    let call = Call::new(Endpoint::Token.spec(), "/api/v1/oauth2/access_token").query(&query);
    GrantedTokens::ask(client, call)
}

/// The tokens of the configured grant.
fn tokens(config: &Config) -> TokenCache {
    let (id, key) = (encoded(&config.app_id), config.app_key.clone());
    let refresh = move |client: &Client, old: &str| {
        let (query, body) = (
            format!("app_id={id}"),
            json!({ "app_key": key.reveal(), "refresh_token": old }),
        );
        let call = Call::new(Endpoint::Refresh.spec(), "/api/v1/oauth2/refresh_token");
        GrantedTokens::ask(client, call.query(&query).json(&body))
    };
    match &config.grant {
        Some(grant) => {
            let grant = Arc::clone(grant);
            TokenCache::new(Rotating::new(
                Box::new(refresh),
                grant,
                &config.shared.timing,
            ))
        }
        // Only calls for tokens can be made.
        None => {
            let issue = |_: &Client| Err(Fault::new(Reason::Grant, "nobody has logged in"));
            TokenCache::new(Secret::new(
                Box::new(issue),
                "",
                None,
                &config.shared.timing,
            ))
        }
    }
}

/// Kdocs: a token in the query, one envelope for all answers.
static KDOCS: Dialect = Dialect {
    cloud: "Kdocs",
    table: table::TABLE,
    probe: Endpoint::List as usize,
    sign: |request, token| request.query_token(token.map(encoded)),
    understand: |_, answer, read| (meaning::understand(answer, read), String::new()),
    reason: |spec, outcome| meaning::reason(Endpoint::of(spec), outcome),
    advice: meaning::advice,
};
