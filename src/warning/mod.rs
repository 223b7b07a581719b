//! Warnings as values: of which kind one is, what it is about, and its sentence. The log writes the
//! sentence; kind and subject travel beside it in the record's target, from which the page, the
//! counts of repetitions and the translations are made. So nobody looks for words in a sentence.
//! What each kind means and what to do about it stands in `kinds`.

mod kinds;

pub use kinds::Kind;

use crate::speech;
use log::{Level, log};
use serde::Serialize;
use std::fmt;

/// What the target of a warning begins with, and that of a line that says that one is over.
const KIND: &str = "restic_123pan::warning::";
const OVER: &str = "restic_123pan::over::";
/// The target of lines about a cloud's own troubles, which are told by its health.
pub const TROUBLE: &str = "restic_123pan::trouble";

/// What to do, in the languages that the status page speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// In English, a clause without a full stop.
    pub en: &'static str,
    /// In Chinese, likewise.
    pub zh: &'static str,
}

impl Advice {
    /// The advice in the language that was chosen.
    pub fn said(&self) -> &'static str {
        match speech::speaks_chinese() {
            true => self.zh,
            false => self.en,
        }
    }
}

/// Something that the log should say once it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it is about: an address, a path, a name.
    pub subject: String,
    /// The sentence, without a full stop.
    pub text: String,
}

impl Warning {
    /// A warning of a kind about something.
    pub fn new(kind: Kind, subject: impl fmt::Display, text: impl Into<String>) -> Self {
        let (subject, text) = (subject.to_string(), text.into());
        Self {
            kind,
            subject,
            text,
        }
    }

    /// Says it in the log.
    pub fn log(&self) {
        log!(target: &self.kind.about(&self.subject), Level::Warn, "{self}");
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Kind {
    /// The target of a warning of this kind about something.
    pub fn about(self, subject: impl fmt::Display) -> String {
        format!("{KIND}{}/{subject}", self.name())
    }

    /// The target of the line that says that it is over.
    pub fn over(self, subject: impl fmt::Display) -> String {
        format!("{OVER}{}/{subject}", self.name())
    }
}

/// What a line of the log is, by its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A warning of a kind about something.
    Warning(Kind, &'a str),
    /// The end of one.
    Over(Kind, &'a str),
    /// A cloud's trouble.
    Trouble,
    /// Anything else.
    Other,
}

impl<'a> Line<'a> {
    /// What a target says.
    pub fn of(target: &'a str) -> Self {
        let parts = |rest: &'a str| {
            let (name, subject) = rest.split_once('/')?;
            Some((Kind::named(name)?, subject))
        };
        let warning = target.strip_prefix(KIND).and_then(parts);
        let over = target.strip_prefix(OVER).and_then(parts);
        match (warning, over) {
            (Some((kind, subject)), _) => Self::Warning(kind, subject),
            (_, Some((kind, subject))) => Self::Over(kind, subject),
            _ if target == TROUBLE => Self::Trouble,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_tell_kind_and_subject() {
        for (target, line) in [
            (Kind::Login.about("::1"), Line::Warning(Kind::Login, "::1")),
            (
                Kind::StateFile.over("/a/b"),
                Line::Over(Kind::StateFile, "/a/b"),
            ),
            (
                Kind::OpenToAll.about(""),
                Line::Warning(Kind::OpenToAll, ""),
            ),
            (TROUBLE.to_owned(), Line::Trouble),
            (format!("{KIND}nonsense/x"), Line::Other),
            ("restic_123pan::server".to_owned(), Line::Other),
        ] {
            assert_eq!(Line::of(&target), line, "{target}");
        }
    }
}
