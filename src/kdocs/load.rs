//! Reading a file: its link, kept for a while because links are counted by the day, and its bytes,
//! which [`Reader`] resumes. A whole file is proven by its hash before its last byte is handed on: no
//! document says what comes in place of a file. No token goes to the host of downloads.

use super::api::{Api, Row};
use crate::cloud::addresses::{Address, Addresses};
use crate::cloud::download::Reader;
use crate::cloud::paths::priority_of;
use crate::cloud::proof::loaded;
use crate::cloud::{Fault, Reason};
use crate::restic::{File, Part};
use crate::store::{Cause, Error, Loaded};
use std::io;
use std::sync::Arc;

/// Reads files.
pub struct Downloads {
    api: Arc<Api>,
    links: Arc<Addresses<String>>,
}

impl Downloads {
    /// Nothing has been read yet.
    pub fn new(api: &Arc<Api>) -> Self {
        let (asked, timing) = (Arc::clone(api), api.timing());
        let (wait, life) = (timing.rate_wait, timing.address);
        let ask = move |file: &String, priority| {
            let link = asked.link(file, priority)?;
            Ok(Address {
                url: link.url.into(),
                size: link.size,
                life,
            })
        };
        Self {
            api: Arc::clone(api),
            links: Arc::new(Addresses::new(wait, ask)),
        }
    }

    /// Opens a part of a file.
    pub fn load(&self, row: &Row, file: &File, part: Part) -> Result<Loaded, Fault> {
        let size = row.size.unwrap_or(0);
        let (id, priority) = (row.id().to_owned(), priority_of(file.kind()));
        let link = self.links.get(&id, priority)?;
        if link.size.is_some_and(|size| Some(size) != row.size) {
            self.links.forget(&id);
            let text = format!("{} isn't as long as its list says", row.name);
            return Err(Fault::new(Reason::Corrupt, text));
        }
        let whose = (id, priority);
        let mut reader = Reader::new(&self.api.client, &self.links, whose, size, part);
        reader.open()?;
        let (api, name) = (Arc::clone(&self.api), file.name());
        let wrong = move || {
            let text = format!("{name} is damaged at Kdocs: other bytes came than were stored");
            api.client.troubles.damaged(&text);
            Err(io::Error::other(Error::new(Cause::Cloud, text)))
        };
        Ok(loaded(reader, (size, part), file.id(), wrong))
    }
}
