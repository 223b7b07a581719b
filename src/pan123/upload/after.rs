//! What an upload does after a call of it has failed.

use crate::cloud::Reason;

/// What an upload does after a call of it has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// See what lies under the name: it may be there, by us or by somebody else.
    Look,
    /// Find the folder anew, and send again.
    NewPath,
    /// Send again, to another host.
    OtherHost,
    /// Tell the client.
    GiveUp,
}

/// What an upload does after a call of it has failed for this reason.
pub fn after(reason: Reason) -> After {
    match reason {
        Reason::NoParent => After::NewPath,
        Reason::Unreachable => After::OtherHost,
        // Whatever can't be told apart from success is looked up (safety rule 7).
        Reason::Taken | Reason::Queued | Reason::Verifying | Reason::Lost | Reason::Server => {
            After::Look
        }
        Reason::Corrupt | Reason::Unknown => After::Look,
        _ => After::GiveUp,
    }
}
