//! Reading a file: its signed address, which tells its size as well, kept until shortly before its
//! end. The bytes are [`Reader`]'s; no token of ours goes to a storage host.

use super::api::Api;
use super::api::meaning::is_absent;
use crate::civil;
use crate::cloud::addresses::{self, Addresses};
use crate::cloud::download::{Reader, Source};
use crate::cloud::paths::{join, priority_of};
use crate::cloud::proof::loaded;
use crate::cloud::{Fault, Priority, Reason, now};
use crate::restic::{File, Kind, Part, Range};
use crate::store::{Cause, Error, Loaded};
use std::sync::Arc;
use std::time::Duration;

/// Reads files.
pub struct Downloads {
    api: Arc<Api>,
    addresses: Addresses<String, Address>,
}

/// Where a file is, and how long it is.
#[derive(Clone)]
struct Address {
    url: Arc<str>,
    size: u64,
}

impl Downloads {
    /// Nothing has been read yet.
    pub fn new(api: &Arc<Api>) -> Self {
        Self {
            api: Arc::clone(api),
            addresses: Addresses::default(),
        }
    }

    /// Opens a file of a folder, whole or in part.
    pub fn load(
        self: &Arc<Self>,
        folder: &str,
        file: &File,
        range: Option<Range>,
    ) -> Result<Loaded, Error> {
        let download = Download {
            downloads: Arc::clone(self),
            path: join(folder, &file.name()),
            priority: priority_of(file.kind()),
        };
        // Packs are read in many parts. All others are asked for anew, so that what another server
        // has removed is noticed.
        if !matches!(file, File::Hashed(Kind::Data, _)) {
            download.drop_address();
        }
        let failed = |fault| failed(&self.api, &download.path, fault);
        let size = self
            .address(&download.path, download.priority)
            .map_err(failed)?
            .size;
        let Some(part) = Part::of(range, size) else {
            let text = format!("/{} has only {size} bytes", download.path);
            return Err(Error::new(Cause::Range(size), text));
        };
        let path = download.path.clone();
        let mut reader = Reader::new(Arc::clone(&self.api.client), download, size, part);
        reader
            .open()
            .map_err(|fault| self::failed(&self.api, &path, fault))?;
        let api = Arc::clone(&self.api);
        let wrong = move || {
            let text = "its bytes aren't those stored";
            let text = format!("/{path} is damaged at Tencent SMH: {text}");
            api.client.troubles.damaged(&text);
            Ok(())
        };
        Ok(loaded(reader, (size, part), file.id(), wrong))
    }

    /// A file that is gone, or another one now, is asked for anew.
    pub fn forget(&self, path: &str) {
        self.addresses.forget(&path.to_owned());
    }

    /// The address of a file, kept or new.
    fn address(&self, path: &String, priority: Priority) -> Result<Address, Fault> {
        let timing = self.api.timing();
        self.addresses.get(path, timing.rate_wait, || {
            let asked = self.api.address(path, priority)?;
            let life = lifetime(asked.until.as_deref(), now(), timing.address);
            let (url, size) = (asked.url.into(), asked.size);
            Ok((Address { url, size }, life))
        })
    }
}

/// How long an address may be used, by when it ends, if that is in the near future.
fn lifetime(until: Option<&str>, now: u64, usual: Duration) -> Duration {
    let until = until.and_then(civil::seconds);
    let left = until.and_then(|until| until.checked_sub(now));
    addresses::lifetime(left, 24 * 3600, usual)
}

/// Why a file can't be read. Only the service itself can say that it isn't there, and that its
/// bytes are gone is no such word (safety rule 10).
fn failed(api: &Api, path: &str, fault: Fault) -> Error {
    match fault.reason {
        reason if is_absent(reason) => {
            Error::new(Cause::Absent, format!("there is no /{path}: {fault}"))
        }
        Reason::Corrupt => {
            let text = format!("/{path} is damaged at Tencent SMH: {fault}");
            api.client.troubles.damaged(&text);
            fault.into()
        }
        _ => fault.into(),
    }
}

/// One file, as a reader downloads it.
struct Download {
    downloads: Arc<Downloads>,
    path: String,
    priority: Priority,
}

impl Source for Download {
    fn address(&self) -> Result<Arc<str>, Fault> {
        let found = self.downloads.address(&self.path, self.priority);
        found.map(|address| address.url)
    }

    fn drop_address(&self) {
        self.downloads.forget(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_used_until_shortly_before_their_end() {
        let usual = Duration::from_secs(600);
        for (until, expected) in [
            (Some("1970-01-01T02:00:00.000Z"), 5900),
            (Some("1970-01-01T00:18:20Z"), 0),
            (Some("1970-01-01T00:00:00Z"), 600),
            (Some("2070-01-01T00:00:00Z"), 600),
            (Some("soon"), 600),
            (None, 600),
        ] {
            let found = lifetime(until, 1000, usual);
            assert_eq!(found, Duration::from_secs(expected), "{until:?}");
        }
    }
}
