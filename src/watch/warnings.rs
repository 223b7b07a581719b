//! The last warnings of the log, so that they can be read where no log is at hand.

use crate::lines::alike;
use serde::Serialize;
use std::collections::VecDeque;

/// Warnings that are remembered.
const MOST: usize = 20;
/// Characters of a warning that are remembered.
const LONGEST: usize = 320;

/// A line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// When it was last said, in seconds since 1970.
    pub last: u64,
    /// How often in a row it was said.
    pub times: u64,
    /// What was said.
    pub text: String,
}

/// The last warnings, the newest last.
#[derive(Debug, Default)]
pub(super) struct Warnings(VecDeque<Warning>);

impl Warnings {
    /// Remembers a line; one that is remembered already is counted.
    pub(super) fn add(&mut self, text: &str, now: u64) {
        let text: String = text.chars().take(LONGEST).collect();
        let same = alike(&text);
        let known = self
            .0
            .iter()
            .position(|warning| alike(&warning.text) == same);
        let known = known.and_then(|at| self.0.remove(at));
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(Warning {
            last: now,
            times: known.map_or(0, |warning| warning.times) + 1,
            text,
        });
    }

    /// All of them, the newest first.
    pub(super) fn all(&self) -> Vec<Warning> {
        self.0.iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_repetitions_counted() {
        let mut warnings = Warnings::default();
        for number in 0..MOST as u64 + 3 {
            warnings.add(&format!("w{number}"), number);
        }
        warnings.add("w5", 99);
        let all = warnings.all();
        assert_eq!(all.len(), MOST);
        assert_eq!(
            (all[0].text.as_str(), all[0].times, all[0].last),
            ("w5", 2, 99)
        );
        assert_eq!(all.last().map(|w| w.text.as_str()), Some("w3"));
        warnings.add(&"é".repeat(2 * LONGEST), 100);
        assert_eq!(warnings.all()[0].text.chars().count(), LONGEST);
    }
}
