//! Reading a file: its link, kept for a while because links are counted by the day, and its bytes,
//! which [`Reader`] resumes. A whole file is proven by its hash before its last byte is handed on: no
//! document says what comes in place of a file. No token goes to the host of downloads.

use super::api::{Api, Row};
use crate::cloud::addresses::Addresses;
use crate::cloud::download::{Reader, Source};
use crate::cloud::paths::priority_of;
use crate::cloud::proof::loaded;
use crate::cloud::{Fault, Priority, Reason};
use crate::restic::{File, Part, Range};
use crate::store::{Cause, Error, Loaded};
use std::io;
use std::sync::Arc;

/// Reads files.
pub struct Downloads {
    api: Arc<Api>,
    links: Addresses<String, Arc<str>>,
}

impl Downloads {
    /// Nothing has been read yet.
    pub fn new(api: &Arc<Api>) -> Self {
        Self {
            api: Arc::clone(api),
            links: Addresses::default(),
        }
    }

    /// Opens a file, whole or in part; of a part beyond its end nothing comes.
    pub fn load(
        self: &Arc<Self>,
        row: &Row,
        file: &File,
        range: Option<Range>,
    ) -> Result<Loaded, Fault> {
        let size = row.size.unwrap_or(0);
        let Some(part) = Part::of(range, size) else {
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
        let (api, name) = (Arc::clone(&self.api), file.name());
        let wrong = move || {
            let text = format!("{name} is damaged at Kdocs: other bytes came than were stored");
            api.client.troubles.damaged(&text);
            Err(io::Error::other(Error::new(Cause::Cloud, text)))
        };
        Ok(loaded(reader, (size, part), file.id(), wrong))
    }

    /// A file's link, kept or new.
    fn link(&self, row: &Row, priority: Priority) -> Result<Arc<str>, Fault> {
        let timing = self.api.timing();
        self.links.get(&row.id().to_owned(), timing.rate_wait, || {
            let link = self.api.link(row.id(), priority)?;
            if link.size.is_some_and(|size| Some(size) != row.size) {
                let text = format!("{} isn't as long as its list says", row.name);
                return Err(Fault::new(Reason::Corrupt, text));
            }
            Ok((link.url.into(), timing.address))
        })
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
        self.downloads.links.forget(&self.row.id().to_owned());
    }
}
