//! Storing a file: into its folder, under a name that the cloud itself must find free, in one call
//! or in slices, once or until it is certain what has become of it.
//!
//! The cloud refuses to overwrite (safety rule 1), so sending again is safe; and whatever can't be
//! told apart from success is looked up before anything is sent or answered (rules 2, 3, 7).

pub mod hosts;
mod look;
mod places;
mod slices;

pub use places::Uploads;

use super::api::Uploaded;
use super::tree::files::name_of;
use super::tree::list::holding;
use super::tree::paths::Path;
use crate::body::Body;
use crate::cloud::form::{Content, Form, md5_of};
use crate::cloud::paths::priority_of;
use crate::cloud::{Fault, Priority, Reason, pause};
use crate::restic::{File, Id};
use crate::store::Error;
use crate::sync::lock;
use log::debug;
use places::Late;
use std::time::Instant;

/// Largest file in bytes that one call may carry (API reference 3.9).
const SINGLE: u64 = 1_000_000_000;

/// One file on its way.
struct Target {
    path: String,
    id: Id,
    file: File,
    name: String,
    priority: Priority,
    replace: bool,
}

/// How one attempt ended.
struct Sent {
    /// The new file's number; None when the cloud has promised nothing.
    stored: Result<Option<u64>, Fault>,
    /// The body's MD5, if it is known.
    md5: Option<String>,
    /// Whether nothing of the body has been sent.
    untouched: bool,
    /// Where it went.
    host: String,
}

/// What to do after an attempt.
enum Next {
    /// The file is there: stored now, under this number, with this MD5, or before.
    Done(Option<(u64, String)>),
    /// Send again.
    Again,
}

/// What an upload does after a call of it has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
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
fn after(reason: Reason) -> After {
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

impl Uploads {
    /// Whether exactly this body lies under its name in a folder, by a fresh row that shows no damage.
    pub fn holds(&self, path: &Path, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        let rows = self
            .tree
            .rows(path, name_of(file), priority_of(file.kind()))?;
        if rows.iter().all(|row| row.size != body.len()) {
            return Ok(false);
        }
        let md5 = md5_of(body).map_err(|error| body.unread(&error))?;
        let mut held = holding(name_of(file), &rows, body.len(), &md5);
        Ok(held.any(|row| !self.tree.damage.has(row.file_id)))
    }

    /// Sends a body until it is certain what has become of it: Some if it was stored now, None if
    /// the same content was there already.
    pub fn upload(
        &self,
        path: &Path,
        file: &File,
        body: &mut Body<'_>,
    ) -> Result<Option<(u64, String)>, Error> {
        let mut target = Target {
            path: path.to_owned(),
            id: name_of(file),
            file: *file,
            name: file.name(),
            priority: priority_of(file.kind()),
            replace: false,
        };
        let known = self.tree.known().find(path, target.id);
        if self.tree.damage.is_among(&known) {
            // It will be refused, and then sent again.
            body.buffer()?;
        }
        let (mut failing, mut tries) = (None, 0);
        loop {
            tries += 1;
            let parent = self.tree.ensure(&target.path, target.priority)?;
            let longest = self.api.timing().rate_wait;
            let _place = self.places.take_for(body, target.priority, longest)?;
            // What can't be held goes in one call, as well as it may.
            let slices = self.prefer_slices() && body.buffer().is_ok();
            let sent = match body.len() > SINGLE || slices {
                true => self.in_slices(&target, parent, body)?,
                false => self.in_one(&target, parent, body)?,
            };
            self.count(&sent.stored);
            let since = *failing.get_or_insert_with(Instant::now);
            match self.judge(&mut target, sent, body, since, tries)? {
                Next::Done(stored) => return Ok(stored),
                Next::Again => debug!("sending {} again", target.name),
            }
        }
    }

    /// Sends a file in one call.
    fn in_one(&self, target: &Target, parent: u64, body: &mut Body<'_>) -> Result<Sent, Error> {
        if *lock(&self.late) == Late::Refused {
            // Where there is no room for it, it is tried once more as it comes: what was refused
            // may have been something else.
            let tried = body.buffer();
            tried.inspect_err(|_| *lock(&self.late) = Late::Untried)?;
        }
        let late = !body.repeatable();
        let early = match late {
            true => None,
            false => Some(md5_of(body).map_err(|e| body.unread(&e))?),
        };
        let host = self.hosts.pick(&self.api, target.priority)?;
        let (parent, size) = (parent.to_string(), body.len().to_string());
        let mut fields = vec![
            ("parentFileID", &*parent),
            ("filename", &target.name),
            ("size", &size),
        ];
        if let Some(md5) = &early {
            fields.push(("etag", md5));
        }
        if target.replace {
            fields.push(("duplicate", "2"));
        }
        let mut form = Form::new(&fields, ("file", "file"), late, body);
        let stored = self
            .api
            .single(&host, &mut form, target.priority)
            .map(Uploaded::file);
        let untouched = late && form.untouched();
        // What the cloud didn't want to read must be read all the same, to know what it is; but
        // what can be sent again is left with the client, so that it sees that move as well.
        let md5 = match stored.is_err() && late && form.ready() {
            true => Ok(None),
            false => form.finish().map(|late| early.or(late)),
        };
        let md5 = md5.map_err(|error| body.unread(&error))?;
        if late {
            self.tried_late(&stored);
        }
        Ok(Sent {
            stored,
            md5,
            untouched,
            host,
        })
    }

    /// Decides what an attempt means; `since` is when the first one ended, however long it took.
    fn judge(
        &self,
        target: &mut Target,
        sent: Sent,
        body: &mut Body<'_>,
        since: Instant,
        tries: u32,
    ) -> Result<Next, Error> {
        let Sent {
            stored,
            md5,
            untouched,
            host,
        } = sent;
        let fault = match stored {
            Ok(Some(number)) => return Ok(Next::Done(Some((number, md5.unwrap_or_default())))),
            Ok(None) => Fault::new(
                Reason::Queued,
                "123pan took the file but didn't return its id",
            ),
            Err(fault) => fault,
        };
        let pause = pause(self.api.timing().pause, tries);
        let time_left = since.elapsed() + pause <= self.api.timing().retry;
        match after(fault.reason) {
            After::GiveUp => return Err(fault.into()),
            After::NewPath => self.tree.known().forget_folder(&target.path),
            After::OtherHost => self.hosts.failed(&host),
            // Nothing of the body has been read, so that there is nothing to compare with.
            After::Look if untouched => self.hosts.failed(&host),
            After::Look => {
                // A replacement may be refused as well, and is tried as long as anything else.
                if let done @ Next::Done(..) = self.look(target, body, md5, fault.reason)? {
                    return Ok(done);
                }
                if fault.reason == Reason::Lost {
                    self.hosts.failed(&host);
                }
            }
        }
        if !body.ready() || !time_left {
            return Err(fault.into());
        }
        std::thread::sleep(pause);
        Ok(Next::Again)
    }
}
