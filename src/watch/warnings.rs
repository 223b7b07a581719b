//! The last warnings of the log, so that they can be read where no log is at hand.

use crate::lines::alike;
use crate::warning::Kind;
use serde::{Serialize, Serializer};
use std::collections::VecDeque;

/// Warnings that are remembered.
const MOST: usize = 20;
/// Characters of a warning that are remembered.
const LONGEST: usize = 320;

/// A warning of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// When it was last said, in seconds since 1970.
    pub last: u64,
    /// How often it was said.
    pub times: u64,
    /// Its kind; None of a line that has none.
    #[serde(serialize_with = "name")]
    pub kind: Option<Kind>,
    /// What it is about.
    pub subject: String,
    /// What was said.
    pub text: String,
}

fn name<S: Serializer>(kind: &Option<Kind>, to: S) -> Result<S::Ok, S::Error> {
    kind.map(Kind::name).serialize(to)
}

impl Warning {
    /// Whether both say the same, but for numbers.
    fn is_like(&self, other: &Self) -> bool {
        match (self.kind, other.kind) {
            (None, None) => alike(&self.text) == alike(&other.text),
            (one, another) => one == another && self.subject == other.subject,
        }
    }
}

/// The last warnings, the newest last.
#[derive(Debug, Default)]
pub(super) struct Warnings(VecDeque<Warning>);

impl Warnings {
    /// Remembers a warning; one that is remembered already is counted.
    pub(super) fn add(&mut self, kind: Option<(Kind, &str)>, text: &str, now: u64) {
        let clip = |text: &str| text.chars().take(LONGEST).collect();
        let mut new = Warning {
            last: now,
            times: 1,
            kind: kind.map(|(kind, _)| kind),
            subject: kind.map_or(String::new(), |(_, subject)| clip(subject)),
            text: clip(text),
        };
        let known = self.0.iter().position(|warning| warning.is_like(&new));
        let known = known.and_then(|at| self.0.remove(at));
        new.times += known.map_or(0, |warning| warning.times);
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(new);
    }

    /// Forgets what is over.
    pub(super) fn end(&mut self, kind: Kind, subject: &str) {
        let is_it = |warning: &Warning| warning.kind == Some(kind) && warning.subject == subject;
        self.0.retain(|warning| !is_it(warning));
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
            warnings.add(None, &format!("w{number}"), number);
        }
        warnings.add(None, "w5", 99);
        let all = warnings.all();
        assert_eq!(all.len(), MOST);
        assert_eq!(
            (all[0].text.as_str(), all[0].times, all[0].last),
            ("w5", 2, 99)
        );
        assert_eq!(all.last().map(|w| w.text.as_str()), Some("w3"));
        warnings.add(None, &"é".repeat(2 * LONGEST), 100);
        assert_eq!(warnings.all()[0].text.chars().count(), LONGEST);
    }

    #[test]
    fn kind_and_subject_tell_what_is_equal_and_what_is_over() {
        let mut warnings = Warnings::default();
        let mut add = |kind, subject, text| warnings.add(Some((kind, subject)), text, 1);
        add(Kind::Login, "::1", "user x");
        add(Kind::Login, "::2", "user x");
        add(Kind::Busy, "::1", "user x");
        add(Kind::Login, "::1", "user y");
        let all = warnings.all();
        assert_eq!((all.len(), all[0].times), (3, 2));
        assert_eq!(all[0].text, "user y");
        warnings.end(Kind::Login, "::1");
        warnings.end(Kind::Busy, "::2");
        assert_eq!(warnings.all().len(), 2);
    }
}
