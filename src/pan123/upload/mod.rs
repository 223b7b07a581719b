//! Storing a file: into its folder, under a name that the cloud itself must find free, in one call
//! or in slices, once or until it is certain what has become of it.
//!
//! The cloud refuses to overwrite (safety rule 1), so sending again is safe; and whatever can't be
//! told apart from success is looked up before anything is sent or answered (rules 2, 3, 7).

mod look;
mod places;
mod slices;

pub use places::Uploads;

use super::api::Uploaded;
use super::call::Fault;
use super::judge::{After, Why, after_upload, pause};
use super::multipart::{Form, md5_of};
use super::pace::Priority;
use super::{Cloud, key, priority};
use crate::body::Body;
use crate::restic::{File, Kind, Repo};
use crate::store::{Cause, Error};
use log::{debug, warn};
use places::{Late, lock};
use std::io;
use std::time::Instant;

/// Largest file in bytes that one call may carry (API reference 3.9).
const SINGLE: u64 = 1_000_000_000;

/// One file on its way.
struct Target {
    path: String,
    file: File,
    name: String,
    first: Priority,
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
    /// Whether the `etag` went after the file.
    late: bool,
}

/// What to do after an attempt.
enum Next {
    /// The file is there, under this number, with this MD5; no number if it was there before.
    Done(Option<u64>, String),
    /// Send again.
    Again,
}

impl Cloud {
    /// Stores a file.
    pub fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let first = priority(file.kind());
        let path = self.folder(repo, file);
        self.finish_removal(&path, key(file), first)?;
        self.confirm_before(repo, file, first)?;
        let target = Target {
            path,
            file: *file,
            name: file.name(),
            first,
            replace: false,
        };
        let size = body.len();
        let Some((number, md5)) = self.upload(target, body)? else {
            return Ok(());
        };
        self.fence_in(repo, file, number, size, md5)
    }

    /// Whether exactly this body lies under its name, by a fresh row.
    pub fn holds(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        let first = priority(file.kind());
        let path = self.folder(repo, file);
        self.finish_removal(&path, key(file), first)?;
        let rows = self.rows(&path, key(file), first)?;
        if rows.iter().all(|row| row.size != body.len()) {
            return Ok(false);
        }
        let md5 = md5_of(body).map_err(|error| broken(body, &error))?;
        if !rows.iter().any(|row| row.holds(body.len(), &md5)) {
            return Ok(false);
        }
        self.confirm_before(repo, file, first).map(|()| true)
    }

    /// Makes sure of the packs that came before a file (safety rule 5).
    fn confirm_before(&self, repo: &Repo, file: &File, first: Priority) -> Result<(), Error> {
        match file.kind() {
            Some(Kind::Index | Kind::Snapshots) => self.confirm(repo, key(file), first),
            _ => self.confirm_some(repo, first),
        }
    }

    /// Sends a body until it is certain what has become of it: Some if it was stored now, None if
    /// the same content was there already.
    fn upload(
        &self,
        mut target: Target,
        body: &mut Body<'_>,
    ) -> Result<Option<(u64, String)>, Error> {
        let damaged = (target.path.clone(), key(&target.file));
        if self.tree.damage.lies_under(&damaged) {
            body.settle()?;
        }
        let mut failing = None;
        for tries in 1.. {
            let parent = self.tree.ensure(&target.path, target.first)?;
            let _place = self
                .uploads
                .place(target.first, self.door.timing.rate_wait, body)?;
            // What can't be held goes in one call, as well as it may.
            let slices = self.uploads.prefer_slices() && body.settle().is_ok();
            let sent = match body.len() > SINGLE || slices {
                true => self.in_slices(&target, parent, body)?,
                false => self.in_one(&target, parent, body)?,
            };
            self.uploads.count(&sent.stored);
            let since = *failing.get_or_insert_with(Instant::now);
            match self.after(&mut target, sent, body, since, tries)? {
                Next::Done(Some(number), md5) => {
                    self.space.stored(&target.path, body.len());
                    self.tree.damage.mended(&damaged);
                    return Ok(Some((number, md5)));
                }
                Next::Done(None, _) => return Ok(None),
                Next::Again => debug!("sending {} again", target.name),
            }
        }
        Ok(None)
    }

    /// Sends a file in one call.
    fn in_one(&self, target: &Target, parent: u64, body: &mut Body<'_>) -> Result<Sent, Error> {
        if self.uploads.refuses_late() {
            // Where there is no room for it, it is tried once more as it comes: what was refused
            // may have been something else.
            let tried = body.settle();
            tried.inspect_err(|_| *lock(&self.uploads.late) = Late::Untried)?;
        }
        let late = !body.repeatable();
        let early = if late {
            None
        } else {
            Some(md5_of(body).map_err(|e| broken(body, &e))?)
        };
        let host = self.uploads.hosts.pick(&self.door, target.first)?;
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
        let mut form = Form::new(&fields, "file", late, body);
        let stored = self
            .door
            .single(&host, &mut form, target.first)
            .map(Uploaded::file);
        let untouched = late && form.untouched();
        // What the cloud didn't want to read must be read all the same, to know what it is; but
        // what can be sent again is left with the client, so that it sees that move as well.
        let md5 = match stored.is_err() && late && form.ready() {
            true => Ok(None),
            false => form.finish().map(|late| early.or(late)),
        };
        let md5 = md5.map_err(|error| broken(body, &error))?;
        Ok(Sent {
            stored,
            md5,
            untouched,
            host,
            late,
        })
    }

    /// Decides what an attempt means; `since` is when the first one ended, however long it took.
    fn after(
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
            late,
        } = sent;
        let fault = match stored {
            Ok(Some(number)) => {
                if late {
                    *lock(&self.uploads.late) = Late::Taken;
                }
                return Ok(Next::Done(Some(number), md5.unwrap_or_default()));
            }
            Ok(None) => Fault::new(
                Why::Queued,
                "123pan took the file but names no number for it",
            ),
            Err(fault) => fault,
        };
        if late && fault.why == Why::Unknown {
            self.refuse_late();
        }
        let pause = pause(self.door.timing.pause, tries);
        let time_left = since.elapsed() + pause <= self.door.timing.retry;
        match after_upload(fault.why) {
            After::GiveUp => return Err(fault.into()),
            After::NewPath => self.tree.known().forget_folder(&target.path),
            After::OtherHost => self.uploads.hosts.failed(&host),
            // Nothing of the body has been read, so that there is nothing to compare with.
            After::Look if untouched => self.uploads.hosts.failed(&host),
            After::Look => {
                // A replacement may be refused as well, and is tried as long as anything else.
                if let Some(done @ Next::Done(..)) = self.look(target, body, md5, fault.why)? {
                    return Ok(done);
                }
                if fault.why == Why::Lost {
                    self.uploads.hosts.failed(&host);
                }
            }
        }
        if !body.ready() || !time_left {
            return Err(fault.into());
        }
        std::thread::sleep(pause);
        Ok(Next::Again)
    }

    fn refuse_late(&self) {
        let mut late = lock(&self.uploads.late);
        if *late == Late::Untried {
            *late = Late::Refused;
            warn!(
                "123pan doesn't take a file whose hash comes last: from now on uploads are held \
                 within --memory or spooled before they are sent"
            );
        }
    }
}

/// Why a body can't be sent: its own reason, or the spool's.
fn broken(body: &Body<'_>, error: &io::Error) -> Error {
    let other = || Error::new(Cause::Busy, format!("reading the body again: {error}"));
    body.fault().cloned().unwrap_or_else(other)
}
