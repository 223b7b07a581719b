//! The typed calls: what each takes, and what it answers. A 404 that says "absent" is a failure
//! here like any other; whoever asks decides.

use super::answers::{
    Address, BinPage, Binned, Confirmed, Deleted, Entry, History, Item, Page, Quota, Session,
    StartedUpload, Stats, Task, Usage,
};
use super::{Api, BIN_PAGE, Endpoint, Filter, Strategy, meaning};
use crate::cloud::call::Call;
use crate::cloud::form::Content;
use crate::cloud::token::encoded;
use crate::cloud::{Fault, Priority, Reason};
use serde_json::json;
use std::time::Instant;

/// Most entries of a page.
const PAGE: usize = 1000;
/// Seconds for which a download's address is good: the most that can be had.
const ADDRESS: u64 = 7200;
/// Headers that aren't taken over: what they say is said by the call itself.
const OURS: [&str; 3] = ["content-length", "host", "transfer-encoding"];

/// What an answer holds that doesn't matter.
type Nothing = serde::de::IgnoredAny;

/// Folders and files.
impl Api {
    /// One page of a folder; `after` is the marker of the page before.
    pub fn list(
        &self,
        path: &str,
        filter: Filter,
        after: Option<&str>,
        priority: Priority,
    ) -> Result<Page, Fault> {
        let filter = match filter {
            Filter::All => "",
            Filter::Files => "&filter=onlyFile",
            Filter::Folders => "&filter=onlyDir",
        };
        let mut query = format!("by-marker=1&limit={PAGE}{filter}");
        if let Some(after) = after {
            query += &format!("&marker={}", encoded(after));
        }
        let at = self.at("directory", path);
        self.call((Endpoint::List, &at, &query), priority)
    }

    /// What there is at a path.
    pub fn info(&self, path: &str, priority: Priority) -> Result<Entry, Fault> {
        let at = self.at("directory", path);
        self.call((Endpoint::Info, &at, "info"), priority)
    }

    /// The same; None if there is nothing.
    pub fn there(&self, path: &str, priority: Priority) -> Result<Option<Entry>, Fault> {
        match self.info(path, priority) {
            Err(fault) if meaning::is_absent(fault.reason) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Whether somebody without a token may look at the folder.
    pub fn is_public(&self, path: &str) -> Result<bool, Fault> {
        let at = self.at("directory", path);
        match self.call::<Nothing>((Endpoint::Knock, &at, "info"), Priority::Background) {
            Ok(_) => Ok(true),
            Err(fault) if fault.reason == Reason::Token => Ok(false),
            Err(fault) if fault.reason == Reason::Settings => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Makes a folder, with those above it. It may be there already.
    pub fn mkdir(&self, path: &str, priority: Priority) -> Result<(), Fault> {
        let at = self.at("directory", path);
        let call = (Endpoint::Mkdir, &*at, Strategy::Ask.query());
        match self.call::<Nothing>(call, priority) {
            // A file in its way is told in the same words.
            Err(fault) if fault.reason == Reason::Taken => match self.info(path, priority)? {
                entry if entry.is_folder() => Ok(()),
                _ => Err(Fault::new(
                    Reason::Unknown,
                    format!("/{path} is no folder but a file"),
                )),
            },
            made => made.map(drop),
        }
    }

    /// Where a file can be downloaded.
    pub fn address(&self, path: &str, priority: Priority) -> Result<Address, Fault> {
        let at = self.at("file", path);
        let query = format!("info&period={ADDRESS}");
        let address: Address = self.call((Endpoint::Address, &at, &query), priority)?;
        let url = match address.url.split_once("://") {
            // A signature holds for both, and only in tests is it shown to everybody.
            Some((_, rest)) if self.scheme == "https" => format!("https://{rest}"),
            _ => address.url,
        };
        Ok(Address { url, ..address })
    }

    /// Deletes a file, for good or into the bin. That it is gone already is told as a failure.
    pub fn delete(&self, path: &str, for_good: bool, priority: Priority) -> Result<Deleted, Fault> {
        let at = self.at("file", path);
        let query = format!("permanent={}", u8::from(for_good));
        let deleted: Option<Deleted> = self.call((Endpoint::Delete, &at, &query), priority)?;
        Ok(deleted.unwrap_or_default())
    }

    /// Deletes a folder with all that is in it, for good.
    pub fn delete_folder(&self, path: &str) -> Result<Deleted, Fault> {
        let at = self.at("directory", path);
        let call = (Endpoint::DeleteFolder, &*at, "permanent=1");
        let deleted: Option<Deleted> = self.call(call, Priority::Small)?;
        Ok(deleted.unwrap_or_default())
    }

    /// Deletes up to 1,000 files.
    pub fn delete_all(
        &self,
        paths: &[String],
        for_good: bool,
        priority: Priority,
    ) -> Result<Deleted, Fault> {
        let item = |path: &String| json!({ "path": path, "permanent": for_good });
        let items: Vec<_> = paths.iter().map(item).collect();
        let at = format!("/api/v1/batch/{}", self.place);
        let call = Call::new(Endpoint::Batch.spec(), &at).query("delete");
        self.make(call.json(&items.into()), priority)
    }

    /// What has become of each file of a deletion that takes long; nothing if its end doesn't come in
    /// time.
    pub fn outcome(&self, task: &str, priority: Priority) -> Result<Vec<Item>, Fault> {
        let (start, timing) = (Instant::now(), self.timing());
        while start.elapsed() < timing.rate_wait {
            std::thread::sleep(timing.poll);
            if let Some(items) = self.task(task, priority)? {
                return Ok(items);
            }
        }
        Ok(Vec::new())
    }

    /// The same as far as it is known; None while it takes.
    fn task(&self, task: &str, priority: Priority) -> Result<Option<Vec<Item>>, Fault> {
        let at = self.at("task", task);
        let tasks: Vec<Task> = self.call((Endpoint::Task, &at, ""), priority)?;
        let gone = || Fault::new(Reason::Stale, "Tencent SMH doesn't know its own task");
        let task = tasks.into_iter().next().ok_or_else(gone)?;
        Ok(meaning::is_over(task.status).then(|| task.result.unwrap_or_default()))
    }
}

/// Uploads.
impl Api {
    /// Starts an upload.
    pub fn start(
        &self,
        path: &str,
        size: u64,
        strategy: Strategy,
        priority: Priority,
    ) -> Result<StartedUpload, Fault> {
        let at = self.at("file", path);
        let query = format!("{}&filesize={size}", strategy.query());
        self.call((Endpoint::Start, &at, &query), priority)
    }

    /// Sends the bytes to the storage host, with the headers that were given and nothing of ours.
    /// Tells where that sends them instead, if it does.
    pub fn put(
        &self,
        ticket: &StartedUpload,
        content: &mut dyn Content,
        priority: Priority,
    ) -> Result<Option<StartedUpload>, Fault> {
        let is_given = |name: &str| !OURS.contains(&&*name.to_ascii_lowercase());
        let headers: Vec<(String, String)> = ticket
            .headers
            .iter()
            .filter(|(name, _)| is_given(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let host = format!("{}://{}", self.scheme, ticket.domain);
        let call = Call::new(Endpoint::Put.spec(), &ticket.path).to(&host);
        let call = call.headers(&headers).content(content).priority(priority);
        let place: Option<String> = self.client.call(call)?;
        Ok(place.and_then(|place| self.moved(ticket, &place)))
    }

    /// The same upload at another place, which must be as safe.
    fn moved(&self, ticket: &StartedUpload, place: &str) -> Option<StartedUpload> {
        let (scheme, rest) = place.split_once("://")?;
        let (domain, path) = rest.split_once('/')?;
        (scheme == self.scheme).then(|| StartedUpload {
            domain: domain.to_owned(),
            path: format!("/{path}"),
            headers: ticket.headers.clone(),
            key: ticket.key.clone(),
            until: ticket.until.clone(),
        })
    }

    /// Publishes an upload whose bytes have this checksum (safety rule 4).
    pub fn confirm(
        &self,
        key: &str,
        strategy: Strategy,
        crc64: u64,
        priority: Priority,
    ) -> Result<Confirmed, Fault> {
        let (at, query) = (
            self.at("file", key),
            format!("confirm&{}", strategy.query()),
        );
        let call = Call::new(Endpoint::Confirm.spec(), &at).query(&query);
        self.make(call.json(&json!({ "crc64": crc64.to_string() })), priority)
    }

    /// Whether an upload has been confirmed.
    pub fn is_confirmed(&self, key: &str, priority: Priority) -> Result<bool, Fault> {
        let at = self.at("file", key);
        let call = (Endpoint::Session, &*at, "upload&no_upload_part_info=1");
        let session: Session = self.call(call, priority)?;
        Ok(session.confirmed)
    }

    /// Withdraws an upload that wasn't confirmed.
    pub fn abort(&self, key: &str, priority: Priority) -> Result<(), Fault> {
        let at = self.at("file", key);
        self.call::<Nothing>((Endpoint::Abort, &at, "upload"), priority)
            .map(drop)
    }
}

/// The recycle bin.
impl Api {
    /// One page of the bin.
    pub fn bin(&self, after: Option<&str>) -> Result<(Vec<Binned>, Option<String>), Fault> {
        let at = format!("/api/v1/recycled/{}", self.place);
        let mut query = format!("by-marker=1&limit={BIN_PAGE}");
        if let Some(after) = after {
            query += &format!("&marker={}", encoded(after));
        }
        let call = (Endpoint::BinList, &*at, &*query);
        let page: BinPage = self.call(call, Priority::Background)?;
        Ok((page.contents, page.next))
    }

    /// Destroys things that are in the bin.
    pub fn purge(&self, numbers: &[u64]) -> Result<(), Fault> {
        let at = format!("/api/v1/recycled/{}", self.place);
        let call = Call::new(Endpoint::BinPurge.spec(), &at).query("delete");
        self.make::<Nothing>(call.json(&json!(numbers)), Priority::Small)
            .map(drop)
    }

    /// Brings one back.
    pub fn restore(&self, number: u64) -> Result<(), Fault> {
        let at = self.at("recycled", &number.to_string());
        let call = (Endpoint::BinRestore, &*at, "restore");
        self.call::<Nothing>(call, Priority::Background).map(drop)
    }
}

/// The space and the library.
impl Api {
    /// How much room there is.
    pub fn usage(&self) -> Result<Usage, Fault> {
        let at = format!("/api/v1/usage/{}", self.place);
        let all: Vec<Usage> = self.call((Endpoint::Usage, &at, ""), Priority::Background)?;
        let none = || Fault::new(Reason::Lost, "Tencent SMH tells no usage of the space");
        all.into_iter().next().ok_or_else(none)
    }

    /// Bytes of everything below a folder.
    pub fn stats(&self, path: &str) -> Result<u64, Fault> {
        let at = self.at("directory", path);
        let call = (Endpoint::Stats, &*at, "stats=1&stats_type=normal");
        let stats: Stats = self.call(call, Priority::Index)?;
        Ok(stats.storage)
    }

    /// Whether the space's quota removes files by itself when there are too many.
    pub fn quota_removes(&self) -> Result<bool, Fault> {
        let at = format!("/api/v1/space-quota/{}", self.place);
        match self.call::<Quota>((Endpoint::Quota, &at, ""), Priority::Small) {
            Err(fault) if fault.reason == Reason::NoFile => Ok(false),
            quota => quota.map(|quota| quota.removes),
        }
    }

    /// Whether the library keeps earlier versions of files.
    pub fn keeps_history(&self) -> Result<bool, Fault> {
        let at = format!("/api/v1/directory-history/{}/library-history", self.library);
        let history: History = self.call((Endpoint::History, &at, ""), Priority::Small)?;
        Ok(history.on)
    }
}
