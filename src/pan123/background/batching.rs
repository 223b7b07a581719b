//! Whether what is to be purged is worth its calls: a full batch is, and less than that when no
//! more of it comes. Pure.

use crate::pan123::config::Bin;

/// Looks at the bin for which what is due must stay the same before a call is spent on less than
/// a full batch: after the end of a prune, and after the last lock of several commands in a row.
const STILL: (u32, u32) = (3, 30);

/// What was due at the last look.
pub struct PurgeBatching {
    due: (Option<u64>, usize),
    looks: u32,
    still: u32,
}

impl PurgeBatching {
    /// Nothing has been due yet.
    pub fn new(bin: Bin) -> Self {
        Self {
            due: (None, 0),
            looks: 0,
            still: match bin {
                Bin::Purge => STILL.0,
                _ => STILL.1,
            },
        }
    }

    /// Whether what is due now is to be purged, when a call takes so many.
    pub fn is_due(&mut self, due: &[u64], most: usize) -> bool {
        let now = (due.first().copied(), due.len());
        self.looks = match self.due == now {
            true => self.looks + 1,
            false => 0,
        };
        self.due = now;
        !due.is_empty() && (due.len() >= most || self.looks >= self.still)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_waits_until_no_more_comes() {
        let mut batching = PurgeBatching::new(Bin::Purge);
        for (due, expected) in [
            (&[][..], false),
            (&[1], false),
            (&[1, 2], false),
            (&[1, 2], false),
            (&[1, 2, 3, 4], true),
            (&[5], false),
            (&[5], false),
            (&[5], false),
            (&[5], true),
            (&[], false),
        ] {
            assert_eq!(batching.is_due(due, 4), expected, "{due:?}");
        }
    }
}
