//! How 123pan is spoken to: its table of calls, one typed method for each, and what its answers
//! mean. Field names are exactly the documented ones, with all their capitalisations (API
//! reference 1.4). How a call is made is [`Client`]'s.

mod advice;
mod answers;
pub mod envelope;
pub mod meaning;
mod table;
pub mod tokens;

pub use super::facts::BATCH;
#[cfg(fuzzing)]
pub use answers::read_as_each;
pub use answers::{Created, Page, Row, Uploaded, User};
pub use table::{Endpoint, rates};

use super::config::{Config, Tier};
use super::facts::Facts;
use crate::civil;
use crate::cloud::call::Call;
use crate::cloud::client::{Client, Network};
use crate::cloud::dialect::Dialect;
use crate::cloud::form::Form;
use crate::cloud::{Fault, Priority, Reason, Timing, now};
use crate::store::Account;
use answers::{Address, Infos, MadeFolder, Measured, Recovered};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;

/// The greatest status of a file that the content audit lets pass (API reference 3.12).
pub const PASSED: u64 = 100;
/// Most rows of a page (API reference 3.12).
const ROWS: u32 = 100;

/// The way to 123pan.
pub struct Api {
    /// Makes the calls.
    pub client: Arc<Client>,
    /// What was found out about 123pan.
    pub facts: Facts,
}

impl Api {
    /// The way to the configured account; nothing is sent yet. Rates are those of the tier that
    /// the configuration names, or a free account's.
    pub fn new(config: &Config) -> Self {
        Self::by(config, Facts::kept(config))
    }

    /// The same, as if this had been found out.
    pub fn by(config: &Config, facts: Facts) -> Self {
        let rates = rates(config.tier.unwrap_or(Tier::Free), config.shared.rate_share);
        let tokens = Box::new(tokens::cache(config));
        let network = Network {
            timing: facts.lag.timing(&config.shared.timing),
            ..config.network()
        };
        let client = Client::new(&network, &OPEN, tokens, &rates);
        Self {
            client: Arc::new(client),
            facts,
        }
    }

    /// Every timeout, pause and bound in time.
    pub fn timing(&self) -> &Timing {
        &self.client.timing
    }
}

/// 123pan's Open Platform: a token in a header, an envelope around each answer.
static OPEN: Dialect = Dialect {
    cloud: "123pan",
    table: table::TABLE,
    probe: Endpoint::UserInfo as usize,
    sign: |request, token| {
        request.header("Platform", "open_platform");
        if let Some(token) = token {
            request.header("Authorization", format!("Bearer {token}"));
        }
    },
    understand: |spec, answer, read| {
        envelope::parse(Endpoint::of(spec), answer.status, answer.text, read)
    },
    reason: |spec, outcome| meaning::reason(Endpoint::of(spec), outcome),
    advice: advice::advice,
};

fn call<'a, 'f>(endpoint: Endpoint) -> Call<'a, 'f> {
    let spec = endpoint.spec();
    Call::new(spec, spec.name)
}

/// An account as every cloud has one.
pub fn account(user: &User) -> Account {
    Account {
        tier: if user.vip { "VIP" } else { "free" },
        used: user.space_used,
        total: user.space(),
        paid_until: user
            .developer
            .as_ref()
            .and_then(|benefit| civil::chinese(&benefit.end_time)),
        as_of: now(),
    }
}

/// A file to be made.
#[derive(Clone, Debug)]
pub struct NewFile<'a> {
    /// The folder's number.
    pub parent: u64,
    /// The name.
    pub name: &'a str,
    /// Bytes.
    pub size: u64,
    /// Whether a file of this name is replaced; otherwise 123pan refuses (safety rule 1).
    pub replace: bool,
}

/// The typed calls.
impl Api {
    fn ask<T: DeserializeOwned>(&self, call: Call<'_, '_>, priority: Priority) -> Result<T, Fault> {
        self.client.call(call.priority(priority))
    }

    /// One page of a folder; `after` is the cursor of the page before.
    pub fn list(&self, folder: u64, after: Option<i64>, priority: Priority) -> Result<Page, Fault> {
        self.page(folder, after, ROWS, priority)
    }

    /// The same with at most so many rows.
    pub fn page(
        &self,
        folder: u64,
        after: Option<i64>,
        rows: u32,
        priority: Priority,
    ) -> Result<Page, Fault> {
        let mut query = format!("parentFileId={folder}&limit={rows}");
        if let Some(after) = after {
            query += &format!("&lastFileId={after}");
        }
        let page: Page = self.ask(call(Endpoint::List).query(&query), priority)?;
        let is_foreign = |row: &&Row| row.trashed == 0 && !row.fits_into(folder);
        if let Some(row) = page.rows.iter().find(is_foreign) {
            // It may be another folder's list, in which all of ours seem to be gone.
            let (id, parent) = (row.file_id, row.parent_file_id);
            let text = format!("123pan's list of folder {folder} shows {id} of folder {parent}");
            return Err(Fault::new(Reason::Lost, text));
        }
        Ok(page)
    }

    /// Makes a folder and tells its number.
    pub fn mkdir(&self, parent: u64, name: &str, priority: Priority) -> Result<u64, Fault> {
        let body = json!({ "name": name, "parentID": parent });
        let data: MadeFolder = self.ask(call(Endpoint::Mkdir).json(&body), priority)?;
        Ok(data.dir)
    }

    /// The rows of files, living or in the bin; those that 123pan doesn't know are left out.
    pub fn infos(&self, files: &[u64], priority: Priority) -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        for some in files.chunks(self.facts.infos) {
            let body = json!({ "fileIds": some });
            let mut data: Infos = self.ask(call(Endpoint::Infos).json(&body), priority)?;
            rows.append(&mut data.rows);
        }
        Ok(rows)
    }

    /// The bytes of a file, or of everything below a folder (API reference 3.14).
    pub fn size(&self, file: u64, priority: Priority) -> Result<u64, Fault> {
        let query = format!("fileID={file}");
        let data: Measured = self.ask(call(Endpoint::Detail).query(&query), priority)?;
        Ok(data.size)
    }

    /// Moves up to 100 files into the bin.
    pub fn trash(&self, files: &[u64], priority: Priority) -> Result<(), Fault> {
        let call = call(Endpoint::Trash).json(&json!({ "fileIDs": files }));
        self.client.send(call.priority(priority))
    }

    /// Destroys up to 100 files that are in the bin.
    pub fn purge(&self, files: &[u64]) -> Result<(), Fault> {
        let call = call(Endpoint::Purge).json(&json!({ "fileIDs": files }));
        self.client.send(call.priority(Priority::Background))
    }

    /// Takes up to 100 files out of the bin; answers those whose folder is gone.
    pub fn recover(&self, files: &[u64]) -> Result<Vec<u64>, Fault> {
        let call = call(Endpoint::Recover).json(&json!({ "fileIDs": files }));
        // Nobody says that there is always an object when all went well.
        let data: Option<Recovered> = self.ask(call, Priority::Background)?;
        Ok(data.map(|data| data.abnormal).unwrap_or_default())
    }

    /// Takes up to 100 files out of the bin into this folder.
    pub fn recover_into(&self, files: &[u64], folder: u64) -> Result<(), Fault> {
        let body = json!({ "fileIDs": files, "parentFileID": folder });
        let call = call(Endpoint::RecoverByPath).json(&body);
        self.client.send(call.priority(Priority::Background))
    }

    /// Where a file can be downloaded.
    pub fn download_info(&self, file: u64, priority: Priority) -> Result<String, Fault> {
        let query = format!("fileId={file}");
        let data: Address = self.ask(call(Endpoint::DownloadInfo).query(&query), priority)?;
        Ok(data.url)
    }

    /// The hosts that take uploads.
    pub fn domains(&self, priority: Priority) -> Result<Vec<String>, Fault> {
        self.ask(call(Endpoint::Domain), priority)
    }

    /// The account.
    pub fn user(&self) -> Result<User, Fault> {
        let asked = self.ask(call(Endpoint::UserInfo), Priority::Background);
        self.client.seen.looked(asked.as_ref().map(account));
        asked
    }

    /// Uploads a whole file to `host`.
    pub fn single(
        &self,
        host: &str,
        form: &mut Form<'_>,
        priority: Priority,
    ) -> Result<Uploaded, Fault> {
        self.ask(call(Endpoint::Single).to(host).form(form), priority)
    }

    /// Starts an upload in slices.
    pub fn create(
        &self,
        file: &NewFile<'_>,
        md5: &str,
        priority: Priority,
    ) -> Result<Created, Fault> {
        let (parent, name) = (file.parent, file.name);
        let mut body =
            json!({ "parentFileID": parent, "filename": name, "etag": md5, "size": file.size });
        if file.replace {
            body["duplicate"] = 2.into();
        }
        self.ask(call(Endpoint::Create).json(&body), priority)
    }

    /// Sends one slice to `host`.
    pub fn slice(&self, host: &str, form: &mut Form<'_>, priority: Priority) -> Result<(), Fault> {
        let call = call(Endpoint::Slice).to(host).form(form);
        self.client.send(call.priority(priority))
    }

    /// Ends an upload in slices, or asks how far it is.
    pub fn complete(&self, upload: &str, priority: Priority) -> Result<Uploaded, Fault> {
        let body = json!({ "preuploadID": upload });
        self.ask(call(Endpoint::Complete).json(&body), priority)
    }
}
