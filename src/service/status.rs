//! What is answered to a failure: the one place where a status is picked. A status is an
//! instruction to restic: it takes 401, 403, 404, 416 and 507 as final and repeats after
//! everything else, so a passing fault must never get one of those.

use super::Reply;
use crate::access::{Denied, User};
use crate::lines::REFUSED;
use crate::restic::{Operation, Refusal, Repo};
use crate::store::{Cause, Error};
use log::{debug, error, info, warn};
use std::time::Duration;

/// The answer to somebody without a name and password.
pub(super) fn deny() -> Reply {
    // So that browsers and curl ask for them.
    Reply::empty(401).with("WWW-Authenticate", "Basic realm=\"restic\"")
}

/// The answer to a wrong name or password, a while later.
pub(super) fn kept_back(pause: Duration) -> Reply {
    Reply { pause, ..deny() }
}

/// The answer to what a user may not do.
pub(super) fn forbid(user: &User, operation: &Operation, denied: Denied) -> Reply {
    let repo = operation.repo();
    match denied {
        Denied::Foreign => info!(target: REFUSED, "{user} may not enter {repo}"),
        Denied::Role(role) => info!(target: REFUSED, "{user} may only {role} in {repo}"),
    }
    Reply::empty(403)
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

/// The answer to an operation that has no body in its answer.
pub(super) fn reply_to(operation: &Operation, done: Result<(), Error>) -> Reply {
    let Err(error) = done else {
        return Reply::empty(200);
    };
    match operation {
        Operation::Save(repo, file) => reply_failed("POST", repo, file, &error),
        Operation::Remove(repo, file) => reply_failed("DELETE", repo, file, &error),
        other => reply_failed("create", other.repo(), &"", &error),
    }
}

/// The answer to a failure, which is told in the log, since restic shows its user the number
/// alone.
pub(super) fn reply_failed(
    act: &str,
    repo: &Repo,
    object: &dyn std::fmt::Display,
    error: &Error,
) -> Reply {
    let slash = if repo.path().is_empty() { "" } else { "/" };
    let line = format!("{act} {repo}{slash}{object}: {error}");
    match error.cause {
        // Clients ask for what isn't there all the time; the request's own line tells.
        Cause::Absent | Cause::Range(_) => debug!("{line}"),
        Cause::Lost => error!("{line}"),
        _ => warn!("{line}"),
    }
    let reply = Reply::empty(status(error.cause));
    match error.cause {
        Cause::Range(size) => reply.with("Content-Range", format!("bytes */{size}")),
        _ => reply,
    }
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
