//! What went wrong, as far as anybody can be certain. `service` turns it into a status.

use crate::warning::Kind;
use std::borrow::Cow;
use std::fmt;

/// What is certain after a failure; `service` turns it into a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The file or folder certainly doesn't exist.
    Absent,
    /// The name is taken by other content.
    Exists,
    /// The range lies outside the file, whose size this is.
    Range(u64),
    /// The body isn't what its name or length says.
    BadBody,
    /// The body has no length and fits neither memory nor the spool.
    TooLarge,
    /// The cloud has no room left.
    Full,
    /// Packs that were acknowledged before can't be found any more (safety rule 5).
    Lost,
    /// The cloud answered what can't be used: an error of its own, or nonsense.
    Cloud,
    /// For now it can't be done: no connection, no token, the rate, a ban. Later it can.
    Busy,
    /// The client has gone, or its list has been broken off.
    Client,
}

/// A failure: what is certain, and a sentence for the log that names the act and its object.
#[derive(Clone, Debug)]
pub struct Error {
    /// What is certain.
    pub cause: Cause,
    text: String,
    brief: Option<Cow<'static, str>>,
    kind: Option<Kind>,
}

impl Error {
    /// An error with its sentence, which starts in lower case and has no full stop.
    pub fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self {
            cause,
            text: text.into(),
            brief: None,
            kind: None,
        }
    }

    /// Says in a few words what a client's user should know; `{}` stands for the cloud's name.
    #[must_use]
    pub fn briefly(mut self, brief: impl Into<Cow<'static, str>>) -> Self {
        self.brief = Some(brief.into());
        self
    }

    /// Says what kind of warning the log makes of it, where the cause alone doesn't tell.
    #[must_use]
    pub fn of(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The kind of warning that the log makes of it.
    pub fn kind(&self) -> Kind {
        self.kind.unwrap_or(match self.cause {
            Cause::Full => Kind::Full,
            Cause::Exists => Kind::Taken,
            Cause::BadBody => Kind::BadBody,
            Cause::Client => Kind::BrokenBody,
            Cause::TooLarge => Kind::Spool,
            Cause::Lost => Kind::Lost,
            Cause::Absent | Cause::Range(_) | Cause::Cloud => Kind::Cloud,
            Cause::Busy => Kind::Busy,
        })
    }

    /// What a client's user should know, if more is known than the cause.
    pub fn brief(&self) -> Option<&str> {
        self.brief.as_deref()
    }

    /// Puts the act that failed before the reason.
    #[must_use]
    pub fn during(mut self, act: impl fmt::Display) -> Self {
        self.text = format!("{act}: {}", self.text);
        self
    }
}

/// Its sentence, for whoever only passes it on.
impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.text
    }
}

/// Takes absence for an answer.
pub fn absent_is<T>(result: Result<T, Error>, answer: T) -> Result<T, Error> {
    match result {
        Err(error) if error.cause == Cause::Absent => Ok(answer),
        result => result,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
