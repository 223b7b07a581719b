//! What became of a call, why it failed as far as anybody must act differently on it, and a failed
//! call as a value. What a cloud's answer means is its own table's.

use crate::store::{self, Cause};
use std::fmt;
use std::io;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// An answer in the cloud's own format that refuses.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its code.
        code: String,
        /// Its message, which is for humans but must be read.
        message: String,
    },
    /// An answer that isn't in the cloud's format: a proxy's page, a block, nothing at all.
    Garbage {
        /// The HTTP status.
        status: u16,
        /// The start of the body.
        start: String,
    },
    /// The request was certainly not received.
    NotSent(String),
    /// It may have been received and done; the answer is lost.
    Lost(String),
}

impl Outcome {
    /// Whether it seems to come from somebody else in the cloud's place, as from a network that
    /// wants people to log in first: a redirect, or a page instead of an answer.
    pub fn is_foreign(&self) -> bool {
        let Self::Garbage { status, start } = self else {
            return false;
        };
        let is_page = start
            .trim_start_matches('\u{feff}')
            .trim_start()
            .starts_with('<');
        match status {
            // "Network authentication required".
            300..=399 | 511 => true,
            200..=299 => is_page,
            _ => false,
        }
    }
}

/// Why a call failed, as far as anybody must act differently on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The name is taken.
    Taken,
    /// The parent folder doesn't exist.
    NoParent,
    /// The cloud refuses the name.
    BadName,
    /// There is no file with this id, or not yet.
    NoFile,
    /// The account's download traffic is used up.
    Traffic,
    /// The file is being verified.
    Verifying,
    /// The upload was put into a queue; the file may appear later.
    Queued,
    /// The account may not write for some hours.
    Banned,
    /// This address may not talk to the cloud for some time.
    Blocked,
    /// The access token isn't valid.
    Token,
    /// The same, because more programs than allowed use this client id.
    PushedOut,
    /// The client id and secret aren't accepted, or no token may be asked for yet.
    NoToken,
    /// The cloud gives tokens, and then refuses each of them.
    Refused,
    /// There is no refresh token that the cloud accepts: the user must log in again.
    Grant,
    /// The file of the refresh token can't be written.
    TokenFile,
    /// The token is over, and another process renews it.
    Held,
    /// Too many calls.
    Throttled,
    /// The account has no space left.
    Full,
    /// The bytes don't match their announced hash or size.
    Corrupt,
    /// The endpoint doesn't exist (any more).
    NoEndpoint,
    /// The calls that may be made in a day are used up, or what is left is kept for others.
    Budget,
    /// How the account is set up forbids it; its owner must change that.
    Settings,
    /// What a call goes on from isn't there any more: the place in a list, the start of an upload.
    Stale,
    /// The cloud has trouble of its own, and nothing was done.
    Server,
    /// Somebody else answers in the cloud's place.
    Intercepted,
    /// This machine's clock and the cloud's differ by hours.
    Clock,
    /// The cloud can't be reached.
    Unreachable,
    /// The answer was lost, or can't be read; it may have been done.
    Lost,
    /// A failure that nobody has described.
    Unknown,
}

impl Reason {
    /// What a client's user should know in a few words, where that is more than the cause says;
    /// `{}` stands for the cloud's name.
    fn brief(self) -> Option<&'static str> {
        Some(match self {
            Self::Unreachable => "{} can't be reached",
            Self::NoToken => {
                "{} refuses the client secret (or the benefit has ended); see restic-123pan doctor"
            }
            Self::Grant => "{} wants a new login; run restic-123pan login",
            Self::TokenFile => "the token's file can't be written; see restic-123pan doctor",
            Self::Held => "another process renews the token",
            Self::PushedOut => "too many programs use this client id",
            Self::Token => "{} refuses the access token",
            Self::Blocked => "{} refuses this address for some time",
            Self::Banned => "{} stores nothing for this account for some hours",
            Self::Traffic => "the account's download traffic is used up",
            Self::Throttled => "{} takes no more calls for now",
            Self::Budget => "no calls to {} are left for this today; see restic-123pan doctor",
            Self::Queued | Self::Verifying => "{} isn't done with the file yet",
            Self::Corrupt => "{} got other bytes than were sent",
            Self::NoEndpoint => "{} has no such call any more; is there a new version?",
            _ => return None,
        })
    }
}

/// A failed call: why, and a sentence for the log.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Why, as far as it matters.
    pub reason: Reason,
    text: String,
}

impl Fault {
    /// A fault with its sentence.
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { reason, text }
    }

    /// What is certain for whoever knows only the store.
    pub fn cause(&self) -> Cause {
        match self.reason {
            Reason::Full => Cause::Full,
            Reason::Lost | Reason::Server | Reason::Unknown => Cause::Cloud,
            Reason::Corrupt | Reason::BadName | Reason::NoFile => Cause::Cloud,
            Reason::NoParent | Reason::Taken | Reason::NoEndpoint => Cause::Cloud,
            Reason::Settings => Cause::Cloud,
            _ => Cause::Busy,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Its sentence, for whoever only passes it on.
impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.text
    }
}

/// A failure of a call, as the store's callers know failures.
impl From<Fault> for store::Error {
    fn from(fault: Fault) -> Self {
        let error = Self::new(fault.cause(), fault.to_string());
        match fault.reason.brief() {
            Some(brief) => error.briefly(brief),
            None => error,
        }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::other(store::Error::from(fault))
    }
}
