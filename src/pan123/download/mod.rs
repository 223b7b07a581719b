//! Reading a file, from the first look for it. Where it is downloaded from is kept by
//! [`Addresses`], the bytes are [`Reader`]'s.

use super::api::Api;
use super::tree::Tree;
use super::tree::files::{CONFIG, Known, name_of};
use super::tree::list::newest;
use super::tree::paths::Path;
use crate::cloud::addresses::{self, Address, Addresses};
use crate::cloud::download::Reader;
use crate::cloud::paths::priority_of;
use crate::cloud::proof::loaded;
use crate::cloud::{Fault, Priority, Reason, pause};
use crate::restic::{File, Kind, Part, Range};
use crate::store::{Cause, Error, Loaded};
use crate::sync::lock;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often a file is looked for that seems to be gone.
const ROUNDS: u32 = 3;

/// Reads files.
pub struct Downloads {
    api: Arc<Api>,
    tree: Arc<Tree>,
    addresses: Arc<Addresses<u64>>,
}

impl Downloads {
    /// Nothing has been read yet.
    pub fn new(api: &Arc<Api>, tree: &Arc<Tree>) -> Self {
        // When the traffic was found to be used up.
        let (asked, dry) = (Arc::clone(api), Mutex::default());
        let ask = move |file: &u64, priority| address(&asked, &dry, *file, priority);
        Self {
            api: Arc::clone(api),
            tree: Arc::clone(tree),
            addresses: Arc::new(Addresses::new(api.timing().rate_wait, ask)),
        }
    }

    /// Opens a file of a folder, whole or in part.
    pub fn load(&self, path: &Path, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        let (name, priority) = (name_of(file), priority_of(file.kind()));
        let absent = || Error::new(Cause::Absent, format!("/{path} has no {}", file.name()));
        for tries in 1..=ROUNDS {
            // What is remembered may be stale; and a file that is there may seem to be gone for a
            // while (API reference 6.3).
            let files = match (tries, file) {
                // The only name whose bytes may change: what the download of a file in the bin
                // yields is undocumented.
                (1, File::Config) => self.tree.locate_now(path, name, priority)?,
                // Once a minute, whether it still lies where it was.
                (1, _) if self.tree.is_stale(path) => self.tree.locate_now(path, name, priority)?,
                (1, _) => self.tree.locate(path, name, priority)?,
                _ => {
                    std::thread::sleep(pause(self.api.timing().look, tries));
                    self.tree.look(path, name, priority)?
                }
            };
            let known = newest(&files).ok_or_else(absent)?;
            // Packs are read in many parts. Of all others the address is asked for anew, so that
            // what another server has removed is noticed, unless a list has just shown them.
            let many = matches!(file, File::Config | File::Hashed(Kind::Data, _));
            if !many && !self.tree.lately(path) {
                self.addresses.forget(&known.file);
            }
            match self.open(path, known, range, priority) {
                Ok(Some(loaded)) => return Ok(loaded),
                Ok(None) => {
                    let text = format!("the file has only {} bytes", known.size);
                    return Err(Error::new(Cause::Range(known.size), text));
                }
                Err(fault) if tries < ROUNDS && is_gone(&fault) => {
                    self.tree.known().forget(path, name, &[known.file]);
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Err(absent())
    }

    /// Opens a file, unless it ends before the range begins.
    fn open(
        &self,
        path: &Path,
        known: Known,
        range: Option<Range>,
        priority: Priority,
    ) -> Result<Option<Loaded>, Fault> {
        let size = known.size;
        let Some(part) = Part::of(range, size) else {
            // Nothing is read, which would tell if another server has removed it.
            self.addresses.forget(&known.file);
            return self.addresses.get(&known.file, priority).map(|_| None);
        };
        let whose = (known.file, priority);
        let mut reader = Reader::new(&self.api.client, &self.addresses, whose, size, part);
        let (api, tree, path) = (
            Arc::clone(&self.api),
            Arc::clone(&self.tree),
            path.to_owned(),
        );
        // Says that it is damaged, unless that is known.
        let damaged = move |what: &str| {
            if tree.damage.find(known.file) {
                let text = format!("/{path}/{} is damaged at 123pan: {what}", known.name);
                api.client.troubles.damaged(&text);
            }
        };
        reader.open().inspect_err(|fault| {
            if fault.reason == Reason::Corrupt {
                damaged(&fault.to_string());
            }
        })?;
        let name = Some(known.name).filter(|name| *name != CONFIG);
        let wrong = move || {
            damaged("its bytes aren't those stored");
            Ok(())
        };
        Ok(Some(loaded(reader, (size, part), name, wrong)))
    }
}

/// A new address of a file, unless the traffic was just found to be used up.
fn address(
    api: &Api,
    dry: &Mutex<Option<Instant>>,
    file: u64,
    priority: Priority,
) -> Result<Address, Fault> {
    let timing = api.timing();
    let since = *lock(dry);
    if since.is_some_and(|since| since.elapsed() < timing.traffic) {
        let text = "the account's download traffic is used up";
        return Err(Fault::new(Reason::Traffic, text));
    }
    let asked = api.download_info(file, priority);
    let is_dry = matches!(&asked, Err(fault) if fault.reason == Reason::Traffic);
    *lock(dry) = is_dry.then(Instant::now);
    let url: Arc<str> = asked?.into();
    Ok(Address {
        life: lifetime(&url, api.client.time.or_ours(), timing.address),
        url,
        size: None,
    })
}

/// Whether 123pan says that there is no such file.
fn is_gone(fault: &Fault) -> bool {
    matches!(fault.reason, Reason::NoFile | Reason::NoParent)
}

/// How long an address may be used, by the time in its `t` (API reference 3.24), if that is in the
/// future.
pub fn lifetime(url: &str, now: u64, usual: Duration) -> Duration {
    let left = expiry(url).and_then(|time| time.checked_sub(now));
    addresses::lifetime(left, 365 * 24 * 3600, usual)
}

/// The time in an address's `t`, in seconds since 1970.
pub fn expiry(url: &str) -> Option<u64> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = query.split('&');
    pairs.find_map(|pair| pair.strip_prefix("t=")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_used_until_shortly_before_their_expiry() {
        let usual = Duration::from_secs(600);
        for (url, expected) in [
            ("https://c/a?t=2000&s=x", 700),
            ("https://c/a?s=x&t=1100", 0),
            ("https://c/a?s=x&t=900", 600),
            ("https://c/a?s=x", 600),
            ("https://c/a?t=99999999999999", 600),
            ("https://c/a", 600),
        ] {
            assert_eq!(
                lifetime(url, 1000, usual),
                Duration::from_secs(expected),
                "{url}"
            );
        }
    }
}
