//! What the probe has found out about Kdocs, as far as the store goes by it, kept in the state
//! directory. Without it nothing is uploaded.

use super::config::Config;
use crate::cloud::probe;
use crate::restic::File;
use crate::store::{Cause, Error};
use crate::sync::lock;
use log::info;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Mutex;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Facts {
    /// What names must end in.
    pub suffix: String,
    /// The largest file in bytes that was taken.
    pub largest: u64,
    /// Why the store can't be used; empty if it can.
    pub refusal: String,
}

impl Facts {
    /// The name of a file.
    pub fn name(&self, file: &File) -> String {
        format!("{}{}", file.name(), self.suffix)
    }
}

/// The facts of the configured app, read when they are first needed.
pub struct Known {
    file: Option<PathBuf>,
    facts: Mutex<Option<Facts>>,
}

impl Known {
    /// Nothing has been read.
    pub fn new(config: &Config) -> Self {
        Self {
            file: config.state_file("probe", "json"),
            facts: Mutex::default(),
        }
    }

    /// The facts, if there are any.
    pub fn facts(&self) -> Option<Facts> {
        let mut facts = lock(&self.facts);
        if facts.is_none() {
            *facts = probe::kept(self.file.as_deref());
            if let Some(facts) = &*facts {
                info!("goes by what the probe has found: {facts:?}");
            }
        }
        facts.clone()
    }

    /// The facts for an upload of so many bytes; an Err is why there can't be one.
    pub fn for_upload(&self, bytes: u64) -> Result<Facts, Error> {
        let no = |text: &str, brief| Err(Error::new(Cause::Busy, text).briefly(brief));
        match self.facts() {
            None => no(
                "nothing is uploaded before `restic-123pan doctor --probe` has tried out what \
                 Kdocs takes",
                "nothing is uploaded before restic-123pan doctor --probe",
            ),
            Some(facts) if !facts.refusal.is_empty() => no(
                &format!(
                    "nothing can be uploaded, the probe has found: {}",
                    facts.refusal
                ),
                "Kdocs takes no files of restic's; see restic-123pan doctor",
            ),
            Some(facts) if bytes > facts.largest => Err(Error::new(
                Cause::TooLarge,
                format!("the probe has tried files up to {} bytes", facts.largest),
            )),
            Some(facts) => Ok(facts),
        }
    }
}
