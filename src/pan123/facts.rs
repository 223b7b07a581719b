//! What the probe has found out about 123pan, as far as the store goes by it, kept in the state
//! directory. Without it the store learns by trial.

use super::Config;
use crate::cloud::probe::{self, Lag};
use serde::{Deserialize, Serialize};

/// Most ids in one call: that of `infos` isn't documented, those of its neighbours are 100.
pub const BATCH: usize = 100;

/// What was found.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default)]
pub struct Facts {
    /// Whether an `etag` after the file is refused.
    pub late_refused: bool,
    /// Whether programs can't empty the bin.
    pub purge_missing: bool,
    /// Most ids that `infos` takes.
    pub infos: usize,
    /// How long it took until a list showed a file.
    pub lag: Lag,
}

impl Default for Facts {
    /// What is assumed as long as nobody has tried.
    fn default() -> Self {
        Self {
            late_refused: false,
            purge_missing: false,
            infos: BATCH,
            lag: Lag::default(),
        }
    }
}

impl Facts {
    /// What was found on the configured account.
    pub fn kept(config: &Config) -> Self {
        let facts: Self = probe::kept(config.state_file("probe", "json").as_deref());
        let infos = facts.infos.clamp(1, BATCH);
        Self { infos, ..facts }
    }
}
