//! Reading a file: its link, kept for a while because links are counted by the day, and its bytes,
//! which [`Reader`] resumes. A whole file is proven by its hash before its last byte is handed on. No
//! token goes to the host of downloads.

use super::api::{Api, Row};
use crate::cloud::download::{Reader, Source};
use crate::cloud::paths::priority_of;
use crate::cloud::{Fault, Priority, Reason};
use crate::restic::{File, Id, Part, Range};
use crate::store::{Cause, Error, Loaded};
use crate::sync::lock;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Links that are kept: far more than the packs that a restore reads at a time.
const MOST: usize = 1000;

/// Reads files.
pub struct Downloads {
    api: Arc<Api>,
    links: Mutex<HashMap<String, (Arc<str>, Instant)>>,
}

impl Downloads {
    /// Nothing has been read yet.
    pub fn new(api: &Arc<Api>) -> Self {
        Self {
            api: Arc::clone(api),
            links: Mutex::default(),
        }
    }

    /// Opens a file, whole or in part.
    pub fn load(
        self: &Arc<Self>,
        row: &Row,
        file: &File,
        range: Option<Range>,
    ) -> Result<Loaded, Fault> {
        let size = row.size.unwrap_or(0);
        let Some(part) = range.map_or(Some(Part::whole(size)), |range| range.of(size)) else {
            return Ok(Loaded {
                size,
                part: Part {
                    start: size,
                    len: 0,
                },
                reader: Box::new(io::empty()),
            });
        };
        let download = Download {
            downloads: Arc::clone(self),
            row: row.clone(),
            priority: priority_of(file.kind()),
        };
        let mut reader = Reader::new(Arc::clone(&self.api.client), download, size, part);
        reader.open()?;
        let whole = file.id().filter(|_| part == Part::whole(size));
        let reader: Box<dyn Read + Send> = match whole {
            Some(id) => Box::new(Proven::new(reader, id, size, Arc::clone(&self.api))),
            None => Box::new(reader),
        };
        Ok(Loaded { size, part, reader })
    }

    /// A file's link, kept or new.
    fn link(&self, row: &Row, priority: Priority) -> Result<Arc<str>, Fault> {
        let life = self.api.timing().address;
        let mut links = lock(&self.links);
        links.retain(|_, (_, since)| since.elapsed() < life);
        if let Some((url, _)) = links.get(row.id()) {
            return Ok(Arc::clone(url));
        }
        drop(links);
        let link = self.api.link(row.id(), priority)?;
        if link.size.is_some_and(|size| Some(size) != row.size) {
            let text = format!("{} isn't as long as its list says", row.name);
            return Err(Fault::new(Reason::Corrupt, text));
        }
        let url: Arc<str> = link.url.into();
        let mut links = lock(&self.links);
        if links.len() >= MOST {
            links.clear();
        }
        links.insert(row.id().to_owned(), (Arc::clone(&url), Instant::now()));
        Ok(url)
    }
}

/// One file, as a reader downloads it.
struct Download {
    downloads: Arc<Downloads>,
    row: Row,
    priority: Priority,
}

impl Source for Download {
    fn address(&self) -> Result<Arc<str>, Fault> {
        self.downloads.link(&self.row, self.priority)
    }

    fn drop_address(&self) {
        lock(&self.downloads.links).remove(self.row.id());
    }
}

/// A whole file, whose last bytes come only if all of them were right.
struct Proven<R> {
    reader: R,
    id: Id,
    left: u64,
    hash: Sha256,
    api: Arc<Api>,
}

impl<R> Proven<R> {
    fn new(reader: R, id: Id, size: u64, api: Arc<Api>) -> Self {
        Self {
            reader,
            id,
            left: size,
            hash: Sha256::new(),
            api,
        }
    }
}

impl<R: Read> Read for Proven<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.hash.update(&buffer[..n]);
        let before = self.left;
        self.left = before.saturating_sub(n as u64);
        if before == 0 || self.left > 0 || Id(self.hash.clone().finalize().into()) == self.id {
            return Ok(n);
        }
        let text = format!(
            "{} is damaged at Kdocs: other bytes came than its name says",
            self.id
        );
        self.api.client.troubles.damaged(&text);
        Err(io::Error::other(Error::new(Cause::Cloud, text)))
    }
}
