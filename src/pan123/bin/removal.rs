//! What goes into the bin, and for how long.

use crate::pan123::config::Bin;
use crate::restic::Id;

/// Seconds in a day.
pub const DAY: u64 = 24 * 3600;
/// When a file is purged that is kept.
pub const NEVER: u64 = u64::MAX;

/// Files of one name that go into the bin.
#[derive(Clone, Debug)]
pub struct Removal {
    /// Their folder; of packs `data`, or the one of its folders that holds them.
    pub path: String,
    /// Their name.
    pub name: Id,
    /// Their numbers; one, but for doubles.
    pub files: Vec<u64>,
    /// How long they stay in the bin.
    pub retention: Retention,
}

/// How long something stays in the bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retention {
    /// As configured.
    Configured,
    /// It goes at once, however long others stay.
    Immediate,
    /// It is left there, whatever is configured: without its config a repository is lost.
    Forever,
}

impl Retention {
    /// The retention called by this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = [Self::Configured, Self::Immediate, Self::Forever].into_iter();
        all.find(|retention| retention.name() == name)
    }

    /// Its name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Immediate => "immediate",
            Self::Forever => "forever",
        }
    }

    /// When something is to be purged that went into the bin at this time; 0 for at once,
    /// [`NEVER`] for never.
    pub fn due(self, bin: Bin, since: u64) -> u64 {
        match (bin, self) {
            (Bin::Keep, _) | (_, Self::Forever) => NEVER,
            (Bin::Purge, _) | (Bin::Days(_), Self::Immediate) => 0,
            (Bin::Days(days), Self::Configured) => since.saturating_add(u64::from(days) * DAY),
        }
    }
}
