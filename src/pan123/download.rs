//! Reading a file: where it is downloaded from, and a reader that asks for a new address and goes
//! on from the byte reached when the download breaks off. What it yields is complete or fails.

use super::call::{Fault, Fetched};
use super::judge::{Why, pause};
use super::known::{Known, Path};
use super::list::newest;
use super::pace::Priority;
use super::token::now;
use super::{Cloud, key, priority};
use crate::restic::{File, Kind, Part, Range, Repo};
use crate::store::{Cause, Error, Loaded};
use log::{debug, warn};
use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are kept: the packs that a restore reads at a time are far fewer.
const MOST: usize = 256;
/// Seconds before an address's expiry at which it isn't used any more.
const MARGIN: u64 = 300;
/// Failures in a row, without a byte between them, after which a download is given up.
const FAILURES: u32 = 4;
/// How often a file is looked for that seems to be gone.
const ROUNDS: u32 = 3;
/// Bytes that are read away when the address doesn't serve ranges.
const SKIP: usize = 16 << 10;

/// What downloads share.
#[derive(Default)]
pub struct Downloads {
    addresses: Mutex<HashMap<u64, (Arc<str>, Instant)>>,
    /// Files whose addresses are being asked for: clients read several parts of a pack at once.
    asking: Mutex<HashSet<u64>>,
    asked: Condvar,
    /// When the traffic was found to be used up.
    dry: Mutex<Option<Instant>>,
}

impl Downloads {
    fn addresses(&self) -> MutexGuard<'_, HashMap<u64, (Arc<str>, Instant)>> {
        lock(&self.addresses)
    }

    fn known(&self, file: u64) -> Option<Arc<str>> {
        let addresses = self.addresses();
        addresses
            .get(&file)
            .filter(|(_, until)| Instant::now() < *until)
            .map(|(url, _)| url.clone())
    }

    fn keep(&self, file: u64, url: &Arc<str>, usual: Duration) {
        let mut addresses = self.addresses();
        let time = Instant::now();
        addresses.retain(|_, (_, until)| time < *until);
        if addresses.len() >= MOST {
            let soonest = addresses
                .iter()
                .min_by_key(|(_, (_, until))| *until)
                .map(|(file, _)| *file);
            soonest.and_then(|file| addresses.remove(&file));
        }
        addresses.insert(file, (url.clone(), time + lifetime(url, now(), usual)));
    }

    fn drop_address(&self, file: u64) {
        self.addresses().remove(&file);
    }

    /// Waits while somebody else asks for the same file's address.
    fn ask(&self, file: u64, longest: Duration) -> Asking<'_> {
        let others = |asking: &mut HashSet<u64>| asking.contains(&file);
        let waited = self
            .asked
            .wait_timeout_while(lock(&self.asking), longest, others);
        let (mut asking, _) = waited.unwrap_or_else(PoisonError::into_inner);
        asking.insert(file);
        Asking {
            downloads: self,
            file,
        }
    }
}

/// The right to ask for one file's address, given up when dropped.
struct Asking<'a> {
    downloads: &'a Downloads,
    file: u64,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        lock(&self.downloads.asking).remove(&self.file);
        self.downloads.asked.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long an address may be used: until shortly before the time in its `t` (API reference
/// 3.24), if that is in the future, or the usual time.
pub fn lifetime(url: &str, now: u64, usual: Duration) -> Duration {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let time = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("t=")?.parse::<u64>().ok());
    match time.and_then(|time| time.checked_sub(now)) {
        Some(left) if left < 365 * 24 * 3600 => Duration::from_secs(left.saturating_sub(MARGIN)),
        _ => usual,
    }
}

impl Cloud {
    /// Opens a file, whole or in part.
    pub fn load(
        cloud: &Arc<Self>,
        repo: &Repo,
        file: &File,
        range: Option<Range>,
    ) -> Result<Loaded, Error> {
        let (path, name, first) = (cloud.folder(repo, file), key(file), priority(file.kind()));
        let absent = || Error::new(Cause::Absent, format!("/{path} has no {}", file.name()));
        for tries in 1..=ROUNDS {
            // What is remembered may be stale; and a file that is there may seem to be gone for a
            // while (API reference 6.3).
            let files = match (tries, file) {
                // The only name whose bytes may change: what the download of a file in the bin
                // yields is undocumented.
                (1, File::Config) => cloud.tree.locate_now(&path, name, first)?,
                (1, _) => cloud.tree.locate(&path, name, first)?,
                _ => {
                    std::thread::sleep(pause(cloud.door.timing.look, tries));
                    cloud.tree.look(&path, name, first)?
                }
            };
            let known = newest(&files).ok_or_else(absent)?;
            // Packs are read in many parts. Of all others the address is asked for anew, so that
            // what another server has removed is noticed, unless a list has just shown them.
            let many = matches!(file, File::Config | File::Hashed(Kind::Data, _));
            if !many && !cloud.tree.lately(&path) {
                cloud.downloads.drop_address(known.file);
            }
            match cloud.open(&path, known, range, first) {
                Err(OpenError::Gone(fault)) if tries == ROUNDS => return Err(fault.into()),
                Err(OpenError::Gone(_)) => cloud.tree.known().forget(&path, &[known.file]),
                Err(OpenError::Failed(error)) => return Err(error),
                Ok(loaded) => return Ok(loaded),
            }
        }
        Err(absent())
    }

    fn open(
        self: &Arc<Self>,
        path: &Path,
        known: Known,
        range: Option<Range>,
        first: Priority,
    ) -> Result<Loaded, OpenError> {
        let size = known.size;
        let part = match range {
            None => Some(Part::whole(size)),
            Some(range) => range.of(size),
        };
        let Some(part) = part else {
            let text = format!("the file has only {size} bytes");
            return Err(OpenError::Failed(Error::new(Cause::Range(size), text)));
        };
        let mut reader = Reader::new(self, known.file, size, part, first);
        match reader.open() {
            Ok(()) => Ok(Loaded {
                size,
                part,
                reader: Box::new(reader),
            }),
            Err(fault) if matches!(fault.why, Why::NoFile | Why::NoParent) => {
                Err(OpenError::Gone(fault))
            }
            Err(fault) => {
                if fault.why == Why::Corrupt && self.tree.damage.find(path, known.name, known.file)
                {
                    let text = format!("/{path}/{} is damaged at 123pan: {fault}", known.name);
                    self.door.troubles.damaged(&text);
                }
                Err(OpenError::Failed(fault.into()))
            }
        }
    }

    /// The address of a file, kept or new.
    fn address(&self, file: u64, first: Priority) -> Result<Arc<str>, Fault> {
        if let Some(url) = self.downloads.known(file) {
            return Ok(url);
        }
        let _asking = self.downloads.ask(file, self.door.timing.rate_wait);
        if let Some(url) = self.downloads.known(file) {
            return Ok(url);
        }
        let mut dry = lock(&self.downloads.dry);
        if dry.is_some_and(|since| since.elapsed() < self.door.timing.traffic) {
            let text = "the account's download traffic is used up";
            return Err(Fault::new(Why::Traffic, text));
        }
        *dry = None;
        drop(dry);
        let url: Arc<str> = self
            .door
            .download_info(file, first)
            .inspect_err(|fault| {
                if fault.why == Why::Traffic {
                    *lock(&self.downloads.dry) = Some(Instant::now());
                }
            })?
            .into();
        self.downloads.keep(file, &url, self.door.timing.address);
        Ok(url)
    }
}

/// Why a file can't be opened.
enum OpenError {
    /// 123pan says that there is no such file.
    Gone(Fault),
    /// Anything else.
    Failed(Error),
}

/// Yields a part of a file, from as many downloads as it takes.
struct Reader {
    cloud: Arc<Cloud>,
    file: u64,
    size: u64,
    at: u64,
    left: u64,
    first: Priority,
    source: Option<Box<dyn Read + Send>>,
}

impl Reader {
    fn new(cloud: &Arc<Cloud>, file: u64, size: u64, part: Part, first: Priority) -> Self {
        let (cloud, at, left) = (Arc::clone(cloud), part.start, part.len);
        Self {
            cloud,
            file,
            size,
            at,
            left,
            first,
            source: None,
        }
    }

    /// Opens a download at the next byte, with a new address if the old one doesn't work.
    fn open(&mut self) -> Result<(), Fault> {
        let timing = &self.cloud.door.timing;
        let mut last = Fault::new(Why::Lost, "the download broke off again and again");
        for tries in 1..=FAILURES {
            let opened = self.open_once();
            match opened {
                Ok(source) => {
                    self.source = Some(source);
                    return Ok(());
                }
                // `judge` has had its way with the call itself. A file that seems to be gone may
                // come back (API reference 6.3), but first its folder is read.
                Err(fault) if !matches!(fault.why, Why::Lost | Why::Unreachable | Why::Corrupt) => {
                    return Err(fault);
                }
                Err(fault) => {
                    debug!("{fault}");
                    last = fault;
                }
            }
            self.cloud.downloads.drop_address(self.file);
            if tries < FAILURES {
                std::thread::sleep(pause(timing.pause, tries));
            }
        }
        Err(last)
    }

    fn open_once(&self) -> Result<Box<dyn Read + Send>, Fault> {
        let url = self.cloud.address(self.file, self.first)?;
        let part = Part {
            start: self.at,
            len: self.left,
        };
        let is_whole = part == Part::whole(self.size);
        let fetched = self.cloud.door.fetch(&url, (!is_whole).then_some(part))?;
        self.check(fetched)
    }

    /// Makes sure that what comes is what was asked for.
    fn check(&self, mut fetched: Fetched) -> Result<Box<dyn Read + Send>, Fault> {
        let bad = |text: String| Err(Fault::new(Why::Lost, format!("a download {text}")));
        let short = |text: String| Err(Fault::new(Why::Corrupt, format!("a download {text}")));
        let (size, left) = (self.size, self.left);
        match fetched.status {
            206 => {
                let wanted = Part {
                    start: self.at,
                    len: left,
                }
                .content_range(size);
                match fetched.range.as_deref() {
                    Some(range) if range == wanted => Ok(fetched.reader),
                    // Another size than the row's.
                    Some(range) if !range.ends_with(&format!("/{size}")) => {
                        short(format!("brought {range} instead of {wanted}"))
                    }
                    Some(range) => bad(format!("brought {range} instead of {wanted}")),
                    None => bad(format!("doesn't say that it brought {wanted}")),
                }
            }
            // The whole file, whether it was asked for or the range was ignored.
            200 if fetched.len.is_none_or(|len| len == size) => {
                skip(&mut *fetched.reader, self.at).map_err(|e| {
                    Fault::new(Why::Lost, format!("a download broke off too early: {e}"))
                })?;
                Ok(fetched.reader)
            }
            200 => short(format!("isn't as long as the file, {size} bytes")),
            status => bad(format!("answered HTTP {status}")),
        }
    }
}

fn skip(reader: &mut dyn Read, mut bytes: u64) -> io::Result<()> {
    let mut buffer = [0; SKIP];
    while bytes > 0 {
        let most = usize::try_from(bytes).map_or(SKIP, |bytes| bytes.min(SKIP));
        match reader.read(&mut buffer[..most])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => bytes -= n as u64,
        }
    }
    Ok(())
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| buffer.len().min(left));
        if most == 0 {
            return Ok(0);
        }
        for _ in 0..FAILURES {
            if self.source.is_none() {
                self.open()?;
            }
            let Some(source) = &mut self.source else {
                continue;
            };
            match source.read(&mut buffer[..most]) {
                Ok(n) if n > 0 => {
                    self.at += n as u64;
                    self.left -= n as u64;
                    return Ok(n);
                }
                ended => {
                    let what = ended.map_or_else(|e| e.to_string(), |_| "it ended".to_owned());
                    warn!(
                        "a download broke off with {} bytes to come ({what}); it goes on",
                        self.left
                    );
                    self.source = None;
                    self.cloud.downloads.drop_address(self.file);
                }
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
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
