//! A reader that asks for a new address and goes on from the byte reached when the download breaks
//! off. What it yields is complete or fails.

use super::addresses::Addresses;
use super::client::{Client, Fetched};
use super::outcome::{Fault, Reason};
use super::pace::Priority;
use super::retry::pause;
use crate::lines::shown;
use crate::restic::Part;
use crate::warning::Kind;
use log::{debug, warn};
use std::hash::Hash;
use std::io::{self, Read};
use std::sync::Arc;

/// Failures in a row, without a byte between them, after which a download is given up.
const FAILURES: u32 = 4;
/// Bytes that are read away when the address doesn't serve ranges.
const SKIP: usize = 16 << 10;

/// Yields a part of a file, from as many downloads as it takes.
pub struct Reader<K> {
    client: Arc<Client>,
    addresses: Arc<Addresses<K>>,
    file: K,
    priority: Priority,
    size: u64,
    at: u64,
    left: u64,
    source: Option<Box<dyn Read + Send>>,
}

impl<K: Clone + Eq + Hash> Reader<K> {
    /// A reader of this part of a file, whose size is in bytes.
    pub fn new(
        client: &Arc<Client>,
        addresses: &Arc<Addresses<K>>,
        (file, priority): (K, Priority),
        size: u64,
        part: Part,
    ) -> Self {
        Self {
            client: Arc::clone(client),
            addresses: Arc::clone(addresses),
            file,
            priority,
            size,
            at: part.start,
            left: part.len,
            source: None,
        }
    }

    /// Opens a download at the next byte, with a new address if the old one doesn't work.
    pub fn open(&mut self) -> Result<(), Fault> {
        let mut tries = 0;
        loop {
            tries += 1;
            let fault = match self.open_once() {
                Ok(source) => {
                    self.source = Some(source);
                    return Ok(());
                }
                Err(fault) => fault,
            };
            // A call itself has been repeated already. A file that seems to be gone may come back,
            // but first its folder is read.
            if !matches!(
                fault.reason,
                Reason::Lost | Reason::Unreachable | Reason::Corrupt
            ) {
                return Err(fault);
            }
            self.addresses.forget(&self.file);
            if tries == FAILURES {
                return Err(fault);
            }
            debug!("{fault}");
            std::thread::sleep(pause(self.client.timing.pause, tries));
        }
    }

    fn open_once(&self) -> Result<Box<dyn Read + Send>, Fault> {
        let url = self.addresses.get(&self.file, self.priority)?.url;
        let part = self.part();
        let is_whole = part == Part::whole(self.size);
        let fetched = self.client.fetch(&url, (!is_whole).then_some(part))?;
        self.check(fetched)
    }

    /// What is still to come.
    fn part(&self) -> Part {
        let (start, len) = (self.at, self.left);
        Part { start, len }
    }

    /// Makes sure that what comes is what was asked for.
    fn check(&self, mut fetched: Fetched) -> Result<Box<dyn Read + Send>, Fault> {
        let bad = |text: String| Err(Fault::new(Reason::Lost, format!("a download {text}")));
        let short = |text: String| Err(Fault::new(Reason::Corrupt, format!("a download {text}")));
        let size = self.size;
        match fetched.status {
            // Whoever answers in the cloud's place has no say in what is damaged.
            200 | 206 if fetched.is_page => {
                bad("brought a page instead of a file: something else answers".to_owned())
            }
            206 => {
                let wanted = self.part().content_range(size);
                match fetched.range.as_deref() {
                    Some(range) if range == wanted => Ok(fetched.reader),
                    // Another size than the row's.
                    Some(range) if !range.ends_with(&format!("/{size}")) => {
                        short(format!("brought {} instead of {wanted}", shown(range)))
                    }
                    Some(range) => bad(format!("brought {} instead of {wanted}", shown(range))),
                    None => bad(format!("doesn't say that it brought {wanted}")),
                }
            }
            // The whole file, whether it was asked for or the range was ignored.
            200 if fetched.len.is_none_or(|len| len == size) => {
                skip(&mut *fetched.reader, self.at).map_err(|e| {
                    Fault::new(Reason::Lost, format!("a download broke off too early: {e}"))
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

impl<K: Clone + Eq + Hash> Read for Reader<K> {
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
                        target: &Kind::CutOff.about(""),
                        "a download broke off with {} bytes to come ({what}); it goes on",
                        self.left
                    );
                    self.source = None;
                    self.addresses.forget(&self.file);
                }
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
