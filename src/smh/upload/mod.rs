//! Storing a file: start, bytes to the storage host, confirmation. Nothing is there under the name
//! before it is confirmed, and it is confirmed only when the body has proven itself, with its
//! checksum. What can't be told apart from success is looked up, never guessed.
//!
//! ```text
//!  start ─► put ─► confirm ─► done      any refusal, any doubt ─► look ─► there already, or
//!    │       └─ abort, anew                                        replace what is damaged
//!    └ no folder: make it, anew
//! ```

pub mod sum;

use super::api::meaning::is_absent;
use super::api::{Api, Confirmed, StartedUpload, Strategy};
use super::folders::Folders;
use crate::body::Body;
use crate::cloud::paths::{join, priority_of};
use crate::cloud::places::Places;
use crate::cloud::{Fault, Priority, Reason, pause};
use crate::restic::File;
use crate::store::{Cause, Error};
use log::{debug, error, warn};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sum::{Summed, sum_of};

/// Stores files.
pub struct Uploads {
    api: Arc<Api>,
    folders: Arc<Folders>,
    /// Uploads at a time.
    pub places: Places,
}

/// One file on its way.
struct Target {
    folder: String,
    path: String,
    file: File,
    priority: Priority,
    strategy: Strategy,
}

/// What to do after a step.
enum Next {
    /// The file is there, stored now.
    Stored,
    /// Send it again.
    Again(Fault),
    /// See what is there under the name; the body's checksum is known if it has been read.
    Look(Fault, Option<u64>),
}

impl Uploads {
    /// No upload is under way; so many may be.
    pub fn new(api: &Arc<Api>, folders: &Arc<Folders>, most: usize) -> Self {
        Self {
            api: Arc::clone(api),
            folders: Arc::clone(folders),
            places: Places::new(most),
        }
    }

    /// Whether exactly this body lies under its name.
    pub fn holds(&self, folder: &str, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        let path = join(folder, &file.name());
        let Some(entry) = self.api.there(&path, priority_of(file.kind()))? else {
            return Ok(false);
        };
        if entry.size != Some(body.len()) {
            return Ok(false);
        }
        let sum = sum_of(body).map_err(|error| body.unread(&error))?;
        Ok(entry.holds(body.len(), sum))
    }

    /// Sends a body until it is certain what has become of it: true if it was stored now, false
    /// if the same content was there already.
    pub fn upload(&self, folder: &str, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        let mut target = Target {
            folder: folder.to_owned(),
            path: join(folder, &file.name()),
            file: *file,
            priority: priority_of(file.kind()),
            strategy: Strategy::Ask,
        };
        let longest = self.api.timing().rate_wait;
        let _place = self.places.take_for(body, target.priority, longest)?;
        let (mut failing, mut tries) = (None, 0);
        loop {
            tries += 1;
            let fault = match self.once(&target, body)? {
                Next::Stored => return Ok(true),
                Next::Again(fault) => fault,
                Next::Look(fault, sum) => match self.look(&mut target, body, sum)? {
                    true => return Ok(false),
                    false => fault,
                },
            };
            // Counted from the end of the first attempt, however long that took.
            let since: Instant = *failing.get_or_insert_with(Instant::now);
            let pause = self.pause(fault.reason, tries);
            if !body.ready() || since.elapsed() + pause > self.api.timing().retry {
                return Err(unsure(fault));
            }
            debug!("sending {} again: {fault}", target.path);
            std::thread::sleep(pause);
        }
    }

    /// The pause before another attempt: none where what was in its way has been put aside.
    fn pause(&self, reason: Reason, tries: u32) -> Duration {
        match reason {
            Reason::NoParent | Reason::Taken if tries <= 2 => Duration::ZERO,
            _ => pause(self.api.timing().pause, tries),
        }
    }

    /// One attempt from the start.
    fn once(&self, target: &Target, body: &mut Body<'_>) -> Result<Next, Error> {
        let asked = Instant::now();
        let Target { path, priority, .. } = target;
        match self.api.start(path, body.len(), target.strategy, *priority) {
            Ok(ticket) => {
                let sent = self.send(target, &ticket, body);
                // What isn't published is withdrawn.
                if !matches!(sent, Ok(Next::Stored)) {
                    self.withdraw(&ticket, *priority);
                }
                sent
            }
            Err(fault) if fault.reason == Reason::Taken => Ok(Next::Look(fault, None)),
            Err(fault) if fault.reason == Reason::NoParent => {
                self.folders.make(&target.folder, asked, *priority)?;
                Ok(Next::Again(fault))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Sends the bytes, and publishes them if they were right.
    fn send(
        &self,
        target: &Target,
        ticket: &StartedUpload,
        body: &mut Body<'_>,
    ) -> Result<Next, Error> {
        let len = body.len();
        let mut content = Summed::new(body);
        let mut sent = self.api.put(ticket, &mut content, target.priority);
        if let Ok(Some(moved)) = &sent
            && content.can_rewind()
        {
            sent = self.api.put(moved, &mut content, target.priority);
        }
        let is_all_sent = content.is_all();
        if let Some(fault) = content.fault() {
            return Err(fault);
        }
        match sent {
            Ok(None) => {}
            Ok(Some(_)) => {
                let text = "a storage host sent an upload elsewhere";
                return Ok(Next::Again(Fault::new(Reason::Lost, text)));
            }
            // The host may have all of it; the confirmation tells, by the checksum.
            Err(fault) if fault.reason == Reason::Lost && is_all_sent && !content.can_rewind() => {}
            Err(fault) => return Ok(Next::Again(fault)),
        }
        // The end of the body is what proves its hash.
        let sum = content.finish().map_err(|error| body.unread(&error))?;
        self.publish(target, ticket, len, sum)
    }

    /// Confirms an upload, until it is certain what has become of it.
    fn publish(
        &self,
        target: &Target,
        ticket: &StartedUpload,
        len: u64,
        sum: u64,
    ) -> Result<Next, Error> {
        let (start, timing, mut tries) = (Instant::now(), self.api.timing(), 0);
        loop {
            tries += 1;
            let confirmed = self
                .api
                .confirm(&ticket.key, target.strategy, sum, target.priority);
            let fault = match confirmed {
                Ok(confirmed) => return self.check(target, &confirmed, len, sum),
                Err(fault) => fault,
            };
            match fault.reason {
                // The name was taken meanwhile, or it was confirmed before.
                Reason::Taken | Reason::Stale => return Ok(Next::Look(fault, Some(sum))),
                Reason::Lost | Reason::Unreachable => {}
                Reason::NoParent | Reason::Verifying | Reason::Corrupt => {
                    return Ok(Next::Again(fault));
                }
                _ => return Err(fault.into()),
            }
            let pause = pause(timing.pause, tries);
            match self.api.is_confirmed(&ticket.key, target.priority) {
                Ok(true) => return Ok(Next::Look(fault, Some(sum))),
                Err(doubt) if doubt.reason == Reason::Stale => {
                    return Ok(Next::Look(fault, Some(sum)));
                }
                Ok(false) if start.elapsed() + pause <= timing.retry => {}
                Ok(false) => return Ok(Next::Again(fault)),
                Err(doubt) => return Err(unsure(doubt)),
            }
            std::thread::sleep(pause);
        }
    }

    /// Compares what was published with what was meant (safety rule 2).
    fn check(
        &self,
        target: &Target,
        confirmed: &Confirmed,
        len: u64,
        sum: u64,
    ) -> Result<Next, Error> {
        let Some(path) = confirmed.path.as_ref() else {
            let text = format!("the folder of /{} has gone meanwhile", target.path);
            // It is made anew when the next start misses it.
            return Ok(Next::Again(Fault::new(Reason::NoParent, text)));
        };
        let is_right = (confirmed.size, confirmed.crc64) == (Some(len), Some(sum));
        let name = path.last().map(String::as_str);
        if is_right && name == Some(&*target.file.name()) {
            return Ok(Next::Stored);
        }
        let path = path.join("/");
        warn!("/{} was stored as /{path}, which is removed", target.path);
        match self.api.delete(&path, true, target.priority) {
            Err(fault) if !is_absent(fault.reason) => Err(fault.into()),
            _ if is_right => {
                let text = format!("/{} was stored under another name", target.path);
                Ok(Next::Look(Fault::new(Reason::Taken, text), Some(sum)))
            }
            _ => {
                let text = format!("/{} isn't what was sent", target.path);
                Ok(Next::Again(Fault::new(Reason::Corrupt, text)))
            }
        }
    }

    /// Withdraws an upload. That it can't be, or needn't, changes nothing.
    fn withdraw(&self, ticket: &StartedUpload, priority: Priority) {
        if let Err(fault) = self.api.abort(&ticket.key, priority) {
            debug!("an upload isn't withdrawn: {fault}");
        }
    }

    /// Looks at what is there under the name: true if it is this body. If it is damaged it will
    /// be replaced, for the body is what the name says.
    fn look(
        &self,
        target: &mut Target,
        body: &mut Body<'_>,
        sum: Option<u64>,
    ) -> Result<bool, Error> {
        let path = &target.path;
        let Some(entry) = self.api.there(path, target.priority)? else {
            return Ok(false);
        };
        if entry.is_folder() {
            let text = format!("/{path} is a folder, where a file is to be stored");
            return Err(Error::new(Cause::Cloud, text));
        }
        if entry.size == Some(body.len()) && !entry.removed {
            let sum = match sum {
                Some(sum) => sum,
                None => {
                    // So that it can be sent after all. Without room it is only compared.
                    let _ = body.buffer();
                    sum_of(body).map_err(|error| body.unread(&error))?
                }
            };
            if entry.holds(body.len(), sum) {
                return Ok(true);
            }
        }
        match target.file {
            File::Config => Err(Error::new(Cause::Exists, format!("/{path} exists"))),
            File::Hashed(..) => {
                error!("/{path} is damaged at Tencent SMH, and is replaced");
                target.strategy = Strategy::Overwrite;
                Ok(false)
            }
        }
    }
}

/// A failure after which the client had better ask again.
fn unsure(fault: Fault) -> Error {
    match fault.reason {
        Reason::Taken | Reason::NoParent | Reason::Stale | Reason::Corrupt => {
            Error::new(Cause::Busy, fault.to_string())
        }
        _ => fault.into(),
    }
}
