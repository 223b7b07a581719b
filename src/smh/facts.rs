//! What the probe has found out about a library, as far as the store goes by it, kept in the state
//! directory.

use super::Config;
use crate::cloud::probe::{self, Lag};
use serde::{Deserialize, Serialize};

/// What was found; what is assumed as long as nobody has tried.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Facts {
    /// How long it took until a list showed a file.
    pub lag: Lag,
}

impl Facts {
    /// What was found in the configured space.
    pub fn kept(config: &Config) -> Self {
        probe::kept(config.state_file("probe", "json").as_deref())
    }
}
