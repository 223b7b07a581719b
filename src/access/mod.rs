//! Who may do what: users and their passwords, and what each of them may do where.
//!
//! ```text
//! Authorization ─► recognise ─► user ──────────────┐
//!                      └─► claim ─► prove (slow) ──┴─► decide ─► grant
//! ```
//!
//! Nothing here knows sockets or statuses. Recognising is cheap enough for the thread that accepts
//! requests; proving runs bcrypt, which takes a second on small machines, and belongs elsewhere.

mod authenticator;
mod credentials;
#[cfg(fuzzing)]
pub mod fuzz;
mod htpasswd;
pub mod passwd;
mod roles;
mod slow;
mod unseen;
mod watched;

pub use authenticator::Unproven;
pub use credentials::authorization;
pub use roles::{Grant, Limit, Role};
pub use unseen::ask;

use crate::lines::shown;
use crate::restic::{Kind, Operation, Repo};
use authenticator::Authenticator;
use roles::Roles;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use watched::Watched;

/// A client's address.
pub type Peer = IpAddr;

/// What the options say about access.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The file with the users' passwords; None serves everybody.
    pub htpasswd: Option<PathBuf>,
    /// The file with the users' roles; None gives everybody the same.
    pub roles: Option<PathBuf>,
    /// Whether a repository's first path segment must be the user's name.
    pub private_repos: bool,
    /// Whether nobody may do more than append.
    pub append_only: bool,
    /// Seconds, so to speak, of the delays after wrong passwords.
    pub pause: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            htpasswd: None,
            roles: None,
            private_repos: false,
            append_only: false,
            pause: Duration::from_secs(1),
        }
    }
}

impl Rules {
    /// The rules in a few words.
    pub fn summary(&self) -> String {
        let said = [
            (self.htpasswd.is_some(), "passwords"),
            (self.htpasswd.is_none(), "no passwords"),
            (self.roles.is_some(), "roles"),
            (self.private_repos, "private repositories"),
            (self.append_only, "append-only"),
        ];
        let said = said.iter().filter(|(holds, _)| *holds);
        let said: Vec<&str> = said.map(|(_, text)| *text).collect();
        said.join(", ")
    }
}

/// Somebody who may come in: a user, or anybody where no passwords are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(Option<Arc<str>>);

impl User {
    /// Somebody of whom nothing is known.
    pub fn nobody() -> Self {
        Self(None)
    }

    /// Whether it is known who it is.
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }
}

impl std::fmt::Display for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(name) => write!(f, "\"{}\"", shown(name)),
            None => f.write_str("anybody"),
        }
    }
}

/// What a look at credentials says.
#[derive(Debug)]
pub enum Recognised {
    /// They were proven before, or none are asked for.
    User(User),
    /// They must be proven.
    Unproven(Unproven),
    /// There are none.
    Nobody,
    /// Too many attempts of this address are under way.
    TooManyAttempts,
}

/// Why an operation isn't allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The user has nothing to do in this repository.
    Foreign,
    /// The user's role there doesn't allow it.
    Role(Role),
}

/// The rules in force.
pub struct Access {
    guard: Option<Authenticator>,
    roles: Option<Watched<Roles>>,
    private_repos: bool,
    append_only: bool,
    reload: Arc<AtomicBool>,
    clock: Clock,
}

/// Tells the time; tests bring their own.
pub type Clock = Box<dyn Fn() -> Instant + Send + Sync>;

impl Access {
    /// Lets everybody do everything.
    pub fn open() -> Self {
        Self {
            guard: None,
            roles: None,
            private_repos: false,
            append_only: false,
            reload: Arc::default(),
            clock: Box::new(Instant::now),
        }
    }

    /// Reads the files that the rules name; the error is for whoever wrote them.
    pub fn new(rules: &Rules, clock: Clock) -> Result<Self, String> {
        let now = clock();
        let guard = rules.htpasswd.as_ref();
        let guard = guard.map(|path| Authenticator::new(path, rules.pause, now));
        let roles = rules.roles.as_ref();
        let roles = roles.map(|path| Watched::open(path, roles::parse, now));
        Ok(Self {
            guard: guard.transpose()?,
            roles: roles.transpose()?,
            private_repos: rules.private_repos,
            append_only: rules.append_only,
            reload: Arc::default(),
            clock,
        })
    }

    /// What has the files read anew by the next request, for signal handlers.
    pub fn reload(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reload)
    }

    /// Whether passwords are asked for.
    pub fn asks(&self) -> bool {
        self.guard.is_some()
    }

    /// What is to be said of roles whose users have no passwords.
    pub fn strangers(&self) -> Vec<String> {
        let (Some(guard), Some(roles)) = (&self.guard, &self.roles) else {
            return Vec::new();
        };
        let now = (self.clock)();
        let roles = roles.value(now);
        let unknown = roles.users().filter(|user| !guard.knows(user, now));
        let unknown: BTreeSet<&str> = unknown.collect();
        let said = |user| format!("roles are given to {user:?}, who is no user with a password");
        unknown.into_iter().map(said).collect()
    }

    /// How often bcrypt has run.
    pub fn hashed(&self) -> usize {
        self.guard.as_ref().map_or(0, Authenticator::hashed)
    }

    /// Looks at credentials without any expense.
    pub fn recognise(&self, authorization: Option<&str>, peer: Peer) -> Recognised {
        let now = (self.clock)();
        if self.reload.swap(false, Ordering::Relaxed) {
            self.guard.as_ref().inspect(|guard| guard.reload());
            self.roles.as_ref().inspect(|roles| roles.reload());
        }
        match &self.guard {
            None => Recognised::User(User(None)),
            Some(guard) => guard.recognise(authorization, peer, now),
        }
    }

    /// Proves credentials, which may take a second; the Err says how long to keep back the answer.
    pub fn prove(&self, claim: Unproven) -> Result<User, Duration> {
        match &self.guard {
            None => Ok(User(None)),
            Some(guard) => guard
                .prove(claim, &*self.clock)
                .map(|name| User(Some(name))),
        }
    }

    /// Whether a user may read a repository.
    pub fn reads(&self, user: &User, repo: &Repo) -> bool {
        let list = Operation::List(repo.clone(), Kind::Snapshots);
        self.decide(user, &list).is_ok()
    }

    /// Decides whether a user may do something, and within which bounds.
    pub fn decide(&self, user: &User, operation: &Operation) -> Result<Grant, Denied> {
        let repo = operation.repo();
        let name = user.0.as_deref();
        if self.private_repos && repo.segments().next() != name {
            return Err(Denied::Foreign);
        }
        let mut grant = match (&self.roles, name) {
            (Some(roles), Some(name)) => {
                let roles = roles.value((self.clock)());
                roles.of(name, repo).ok_or(Denied::Foreign)?
            }
            _ => Grant::default(),
        };
        if self.append_only {
            grant.role = grant.role.min(Role::Append);
        }
        match grant.role >= roles::needed(operation) {
            true => Ok(grant),
            false => Err(Denied::Role(grant.role)),
        }
    }
}
