//! Who comes in: credentials first, then the path, then whether this user may do this there.
//! Nothing here touches the cloud.

use super::browsers;
use super::pages::{self, View};
use super::status::{deny, forbid, kept_back, refuse};
use super::{Head, Job, Reply, Service, Task};
use crate::access::{Peer, Recognised, Unproven, User};
use crate::body::Length;
use crate::restic::{self, File, Operation, Range, Refusal};
use crate::store::Limits;
use log::info;

/// What becomes of a request.
#[derive(Debug)]
pub enum Admission {
    /// It can be done.
    Job(Job),
    /// It is answered already.
    Refused(Reply),
    /// Somebody must first prove who they are, which takes time.
    PendingAuth(PendingAuth),
}

/// A request whose sender must prove who they are.
#[derive(Debug)]
pub struct PendingAuth {
    claim: Unproven,
    wish: Wish,
}

/// What a request asks for, before anybody has looked at whether it may.
#[derive(Debug)]
struct Wish {
    operation: Result<Operation, Refusal>,
    page: Option<View>,
    range: Option<Range>,
    v2: bool,
    length: Length,
    peer: Peer,
    /// Why nothing can be at the path.
    flaw: Option<String>,
}

impl Wish {
    fn of(head: &Head<'_>, page: Option<View>) -> Self {
        let operation = restic::parse(head.method, head.target);
        let nowhere = operation == Err(Refusal::NotFound) && page.is_none();
        Self {
            page,
            operation,
            flaw: nowhere.then(|| restic::path_flaw(head.target)),
            range: head.range.and_then(Range::parse),
            v2: head.accept.is_some_and(restic::wants_v2),
            length: head.length,
            peer: head.peer,
        }
    }
}

impl Service {
    /// What the store takes.
    pub fn limits(&self) -> Limits {
        self.store.limits()
    }

    /// Decides what a request is, or why it is refused, without touching the cloud. First come
    /// the credentials, then the path, then whether this user may do this there.
    pub fn admit(&self, head: &Head<'_>) -> Admission {
        let hosts = (!self.access.asks()).then_some(&self.hosts[..]);
        if let Some(reply) = browsers::refuse(head, hosts) {
            return Admission::Refused(reply);
        }
        let page = match pages::wanted(head).transpose() {
            // Health is everybody's business, and where the page is tells nothing.
            Ok(Some(View::Health)) => {
                return Admission::Job(Job::page(View::Health, User::nobody(), head.peer));
            }
            // Whoever shows credentials there wants to know whether they are good.
            Ok(Some(View::Door)) if head.authorization.is_none() => {
                return Admission::Job(Job::page(View::Door, User::nobody(), head.peer));
            }
            Ok(page) => page,
            Err(reply) => return Admission::Refused(reply),
        };
        let wish = Wish::of(head, page);
        match self.access.recognise(head.authorization, head.peer) {
            Recognised::User(user) => match self.permit(&user, wish) {
                Ok(job) => Admission::Job(job),
                Err(reply) => Admission::Refused(reply),
            },
            Recognised::Unproven(claim) => Admission::PendingAuth(PendingAuth { claim, wish }),
            Recognised::Nobody => Admission::Refused(deny()),
            Recognised::TooManyAttempts => {
                let reply = Reply::empty(503).because("too many log in at once; wait a moment");
                Admission::Refused(reply)
            }
        }
    }

    /// Has somebody prove who they are, and then decides about their request.
    pub fn prove(&self, doubt: PendingAuth) -> Result<Job, Reply> {
        let PendingAuth { claim, wish } = doubt;
        let proven = self.access.prove(claim);
        self.permit(&proven.map_err(kept_back)?, wish)
    }

    fn permit(&self, user: &User, wish: Wish) -> Result<Job, Reply> {
        let permitted = self.job(user, wish);
        permitted.map_err(|reply| reply.to(user))
    }

    fn job(&self, user: &User, wish: Wish) -> Result<Job, Reply> {
        if let Some(page) = wish.page {
            return Ok(Job::page(page, user.clone(), wish.peer));
        }
        let refuse = |refusal| refuse(refusal, wish.flaw.as_deref());
        let operation = wish.operation.map_err(refuse)?;
        if !self.limits().takes(operation.repo()) {
            return Err(refuse(Refusal::NotFound));
        }
        let grant = self.access.decide(user, &operation);
        let grant = grant.map_err(|denied| forbid(user, &operation, denied))?;
        if let Operation::Save(_, file) = &operation {
            check_length(file, wish.length, self.limits().largest)?;
        }
        let turn = match &operation {
            Operation::Save(repo, file) | Operation::Remove(repo, file) => {
                Some(self.turns.arrive(repo, file))
            }
            _ => None,
        };
        Ok(Job {
            task: Task::Operation(operation),
            range: wish.range,
            v2: wish.v2,
            length: wish.length,
            grant,
            turn,
            user: user.clone(),
            peer: wish.peer,
        })
    }
}

/// Lengths that can be refused before the body is read.
fn check_length(file: &File, length: Length, largest: u64) -> Result<(), Reply> {
    match length {
        Length::Known(len) if len > largest => {
            let why = format!("{len} bytes are more than the cloud takes in a file");
            info!("POST {file}: {why}");
            Err(Reply::empty(413).because(&why))
        }
        Length::None => Err(Reply::empty(411)),
        _ => Ok(()),
    }
}
