//! A reader that asks for a new address and goes on from the byte reached when the download breaks
//! off. What it yields is complete or fails.

use super::client::{Client, Fetched};
use super::outcome::{Fault, Reason};
use super::retry::pause;
use crate::lines::shown;
use crate::restic::Part;
use log::{debug, warn};
use std::io::{self, Read};
use std::sync::Arc;

/// Failures in a row, without a byte between them, after which a download is given up.
const FAILURES: u32 = 4;
/// Bytes that are read away when the address doesn't serve ranges.
const SKIP: usize = 16 << 10;

/// Where a file is downloaded from. Its address may hold a secret.
pub trait Source: Send {
    /// The address, kept or new.
    fn address(&self) -> Result<Arc<str>, Fault>;

    /// The address may not be right any more, and isn't to be used again.
    fn drop_address(&self);
}

/// Yields a part of a file, from as many downloads as it takes.
pub struct Reader<S> {
    client: Arc<Client>,
    file: S,
    size: u64,
    at: u64,
    left: u64,
    source: Option<Box<dyn Read + Send>>,
}

impl<S: Source> Reader<S> {
    /// A reader of this part of a file, whose size is in bytes.
    pub fn new(client: Arc<Client>, file: S, size: u64, part: Part) -> Self {
        Self {
            client,
            file,
            size,
            at: part.start,
            left: part.len,
            source: None,
        }
    }

    /// Opens a download at the next byte, with a new address if the old one doesn't work.
    pub fn open(&mut self) -> Result<(), Fault> {
        let timing = &self.client.timing;
        let mut last = Fault::new(Reason::Lost, "the download broke off again and again");
        for tries in 1..=FAILURES {
            let opened = self.open_once();
            match opened {
                Ok(source) => {
                    self.source = Some(source);
                    return Ok(());
                }
                // The call itself has been repeated already. A file that seems to be gone may
                // come back, but first its folder is read.
                Err(fault)
                    if !matches!(
                        fault.reason,
                        Reason::Lost | Reason::Unreachable | Reason::Corrupt
                    ) =>
                {
                    return Err(fault);
                }
                Err(fault) => {
                    debug!("{fault}");
                    last = fault;
                }
            }
            self.file.drop_address();
            if tries < FAILURES {
                std::thread::sleep(pause(timing.pause, tries));
            }
        }
        Err(last)
    }

    fn open_once(&self) -> Result<Box<dyn Read + Send>, Fault> {
        let url = self.file.address()?;
        let part = Part {
            start: self.at,
            len: self.left,
        };
        let is_whole = part == Part::whole(self.size);
        let fetched = self.client.fetch(&url, (!is_whole).then_some(part))?;
        self.check(fetched)
    }

    /// Makes sure that what comes is what was asked for.
    fn check(&self, mut fetched: Fetched) -> Result<Box<dyn Read + Send>, Fault> {
        let bad = |text: String| Err(Fault::new(Reason::Lost, format!("a download {text}")));
        let short = |text: String| Err(Fault::new(Reason::Corrupt, format!("a download {text}")));
        let (size, left) = (self.size, self.left);
        match fetched.status {
            // Whoever answers in the cloud's place has no say in what is damaged.
            200 | 206 if fetched.is_page => {
                bad("brought a page instead of a file: something else answers".to_owned())
            }
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

impl<S: Source> Read for Reader<S> {
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
                    self.file.drop_address();
                }
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
