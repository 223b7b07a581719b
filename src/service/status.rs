//! What is answered to a failure: the one place where a status is picked. A status is an
//! instruction to restic: it takes 401, 403, 404, 416 and 507 as final and repeats after
//! everything else, so a passing fault must never get one of those.

use super::{Reply, Service};
use crate::access::{Denied, User};
use crate::lines::REFUSED;
use crate::restic::{File, Operation, Refusal, Repo};
use crate::store::{Cause, Error};
use log::{debug, error, info, warn};
use std::time::Duration;

/// The answer to somebody without a name and password.
pub(super) fn deny() -> Reply {
    // So that browsers and curl ask for them.
    let reply = Reply::empty(401).with("WWW-Authenticate", "Basic realm=\"restic\"");
    reply.because("a name and password are asked for")
}

/// The answer to a wrong name or password, a while later.
pub(super) fn kept_back(pause: Duration) -> Reply {
    Reply { pause, ..deny() }.because("wrong name or password")
}

/// The answer to what a user may not do.
pub(super) fn forbid(user: &User, operation: &Operation, denied: Denied) -> Reply {
    let repo = operation.repo();
    let why = match denied {
        Denied::Foreign => format!("{user} may not enter {repo}"),
        Denied::Role(role) => format!("{user} may only {role} in {repo}"),
    };
    info!(target: REFUSED, "{why}");
    Reply::empty(403).because(&why)
}

/// The answer to a request line that is no operation. Why nothing can be at a path is said in the
/// log: its user sees the number alone, and has most likely mistyped it.
pub(super) fn refuse(refusal: Refusal, flaw: Option<&str>) -> Reply {
    if let Some(flaw) = flaw {
        info!("there can't be anything at this path: {flaw}");
    }
    match refusal {
        Refusal::NotFound => Reply::empty(404),
        Refusal::Method(allowed) => Reply::empty(405).with("Allow", allowed),
        Refusal::NoCreate => Reply::empty(400),
    }
}

impl Service {
    /// The answer to an operation that has no body in its answer.
    pub(super) fn reply_to(&self, operation: &Operation, done: Result<(), Error>) -> Reply {
        let Err(error) = done else {
            return Reply::empty(200);
        };
        match operation {
            Operation::Save(repo, file) => self.reply_failed("POST", repo, file, &error),
            Operation::Remove(repo, file) => self.reply_failed("DELETE", repo, file, &error),
            other => self.reply_failed("create", other.repo(), &"", &error),
        }
    }

    /// The answer to a failure to read a file.
    pub(super) fn reply_unread(&self, act: &str, repo: &Repo, file: &File, error: &Error) -> Reply {
        let reply = self.reply_failed(act, repo, file, error);
        match (file, error.cause) {
            // This is how clients learn that there is no repository.
            (File::Config, Cause::Absent) => {
                reply.because(&format!("there is no repository in {repo}"))
            }
            _ => reply,
        }
    }

    /// The cloud's name in sentences.
    fn cloud(&self) -> &'static str {
        match self.store.health().cloud {
            "" => "the cloud",
            name => name,
        }
    }

    /// The answer to a failure, which the log tells in full, and the status line in a few words.
    pub(super) fn reply_failed(
        &self,
        act: &str,
        repo: &Repo,
        object: &dyn std::fmt::Display,
        error: &Error,
    ) -> Reply {
        let slash = if repo.path().is_empty() { "" } else { "/" };
        let subject = format!("{repo}{slash}{object}");
        let line = format!("{act} {subject}: {error}");
        let target = error.kind().about(subject);
        match error.cause {
            // Clients ask for what isn't there all the time; the request's own line tells.
            Cause::Absent | Cause::Range(_) => debug!("{line}"),
            Cause::Lost => error!(target: &target, "{line}"),
            _ => warn!(target: &target, "{line}"),
        }
        let reply = Reply::empty(status(error.cause));
        let reply = match error.brief().or(brief(error.cause)) {
            Some(brief) => reply.because(&brief.replace("{}", self.cloud())),
            None => reply,
        };
        match error.cause {
            Cause::Range(size) => reply.with("Content-Range", format!("bytes */{size}")),
            _ => reply,
        }
    }
}

/// What a client's user should know of each cause, where nobody knows more; `{}` stands for the
/// cloud's name.
fn brief(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::Absent | Cause::Range(_) | Cause::Client => return None,
        Cause::Exists => "the name is taken by other content",
        Cause::Full => "the account is full",
        Cause::BadBody => "the body isn't what its name or length says",
        Cause::TooLarge => "the body fits neither --memory nor --spool-size",
        Cause::Lost => "{} has lost what was stored before; see the server's log",
        Cause::Cloud => "{} answered with an error; see the server's log",
        Cause::Busy => "{} can't be used for now; see the server's log",
    })
}

/// The status for each cause: what makes restic do the right thing.
fn status(cause: Cause) -> u16 {
    match cause {
        // Final for restic.
        Cause::Absent => 404,
        Cause::Exists => 403,
        Cause::Range(_) => 416,
        Cause::Full => 507,
        // Repeated by restic, for up to 15 minutes.
        Cause::BadBody | Cause::Client => 400,
        Cause::TooLarge => 413,
        Cause::Lost => 500,
        Cause::Cloud => 502,
        Cause::Busy => 503,
    }
}
