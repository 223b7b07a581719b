//! Reading a file: its signed address, which tells its size as well, kept until shortly before its
//! end. The bytes are [`Reader`]'s; no token of ours goes to a storage host.

use super::api::Api;
use super::api::meaning::is_absent;
use crate::civil;
use crate::cloud::addresses::{self, Address, Addresses};
use crate::cloud::download::Reader;
use crate::cloud::paths::{join, priority_of};
use crate::cloud::proof::loaded;
use crate::cloud::{Fault, Reason, now};
use crate::restic::{File, Kind, Part, Range};
use crate::store::{Cause, Error, Loaded};
use std::sync::Arc;
use std::time::Duration;

/// Reads files.
pub struct Downloads {
    api: Arc<Api>,
    addresses: Arc<Addresses<String>>,
}

impl Downloads {
    /// Nothing has been read yet.
    pub fn new(api: &Arc<Api>) -> Self {
        let (asked, timing) = (Arc::clone(api), api.timing());
        let (wait, usual) = (timing.rate_wait, timing.address);
        let ask = move |path: &String, priority| {
            let told = asked.address(path, priority)?;
            Ok(Address {
                life: lifetime(told.until.as_deref(), now(), usual),
                url: told.url.into(),
                size: Some(told.size),
            })
        };
        Self {
            api: Arc::clone(api),
            addresses: Arc::new(Addresses::new(wait, ask)),
        }
    }

    /// Opens a file of a folder, whole or in part.
    pub fn load(&self, folder: &str, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        let (path, priority) = (join(folder, &file.name()), priority_of(file.kind()));
        // Packs are read in many parts. All others are asked for anew, so that what another server
        // has removed is noticed.
        if !matches!(file, File::Hashed(Kind::Data, _)) {
            self.addresses.forget(&path);
        }
        let failed = |fault| failed(&self.api, &path, fault);
        let address = self.addresses.get(&path, priority).map_err(failed)?;
        let size = address.size.unwrap_or(0);
        let Some(part) = Part::of(range, size) else {
            let text = format!("/{path} has only {size} bytes");
            return Err(Error::new(Cause::Range(size), text));
        };
        let whose = (path.clone(), priority);
        let mut reader = Reader::new(&self.api.client, &self.addresses, whose, size, part);
        reader.open().map_err(failed)?;
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
