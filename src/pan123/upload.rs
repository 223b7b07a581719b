//! Storing a file: into its folder, under a name that the cloud itself must find free, in one call
//! or in slices, once or until it is certain what has become of it.
//!
//! The cloud refuses to overwrite (safety rule 1), so sending again is safe; and whatever can't be
//! told apart from success is looked up before anything is sent or answered (rules 2, 3, 7).

use super::api::{NewFile, Uploaded};
use super::bin::Doomed;
use super::call::Fault;
use super::fence::Promise;
use super::hosts::Hosts;
use super::judge::{After, Why, after_upload, pause};
use super::known::Known;
use super::multipart::{Form, Slice, md5_of};
use super::pace::Priority;
use super::{Cloud, Config, key, priority};
use crate::body::Body;
use crate::restic::{File, Id, Kind, Repo};
use crate::store::{Cause, Error};
use log::{debug, warn};
use std::collections::HashSet;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Largest file in bytes that one call may carry (API reference 3.9).
const SINGLE: u64 = 1_000_000_000;
/// Failures of single-step uploads after which slices are tried.
const FAILURES: u32 = 3;
/// Least and largest size in bytes of a slice that is believed; 16 MiB is documented.
const SLICE: std::ops::RangeInclusive<u64> = 1..=1 << 30;
/// Tries for one slice; other clients make 3 to 5.
const SLICE_TRIES: u32 = 4;

/// What uploads share.
pub struct Uploads {
    hosts: Hosts,
    most: usize,
    running: Mutex<usize>,
    ended: Condvar,
    late: Mutex<Late>,
    banned: Mutex<Option<Instant>>,
    /// Names under which something damaged lies, whose next body must be sent with force, and so
    /// must be repeatable.
    damaged: Mutex<HashSet<(String, Id)>>,
}

/// Whether 123pan takes an `etag` after the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    Untried,
    Taken,
    Refused,
}

impl Uploads {
    /// Nothing has been uploaded yet.
    pub fn new(config: &Config) -> Self {
        Self {
            hosts: Hosts::new(config),
            most: config.uploads.max(1),
            running: Mutex::new(0),
            ended: Condvar::new(),
            late: Mutex::new(Late::Untried),
            banned: Mutex::default(),
            damaged: Mutex::default(),
        }
    }

    /// Waits for one of the places that uploads have. The last of them is for small files, so
    /// that a lock never waits for packs.
    fn place(&self, first: Priority, longest: Duration) -> Result<Place<'_>, Error> {
        let spare = usize::from(first == Priority::Packs && self.most > 1);
        let full = |running: &mut usize| *running + spare >= self.most;
        let waited = self
            .ended
            .wait_timeout_while(lock(&self.running), longest, full);
        let (mut running, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(Error::new(Cause::Busy, "too many uploads are under way"));
        }
        *running += 1;
        Ok(Place(self))
    }
}

struct Place<'a>(&'a Uploads);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *lock(&self.0.running) -= 1;
        self.0.ended.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    /// The body's MD5.
    md5: String,
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
        self.check_ban()?;
        let first = priority(file.kind());
        let path = self.folder(repo, file);
        self.finish_removal(&path, key(file), first)?;
        match file.kind() {
            Some(Kind::Index | Kind::Snapshots) => self.confirm(repo, first)?,
            _ => self.confirm_some(repo, first)?,
        }
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

    /// Makes sure of a file that has just been stored, at once or later.
    fn fence_in(
        &self,
        repo: &Repo,
        file: &File,
        number: u64,
        size: u64,
        md5: String,
    ) -> Result<(), Error> {
        let (path, name, first) = (self.folder(repo, file), key(file), priority(file.kind()));
        let known = Known {
            name,
            file: number,
            size,
        };
        self.tree.known().wrote(&path, known, Instant::now());
        let promise = Promise {
            path: path.clone(),
            name,
            file: number,
            size,
            md5,
            lost: None,
        };
        match file.kind() {
            None | Some(Kind::Keys) => {
                let confirmed = self.confirm_one(repo, &promise, first);
                confirmed.inspect_err(|_| self.tree.known().forget(&path, &[number]))
            }
            Some(Kind::Locks) => self.fence_lock(&path, number, first),
            Some(Kind::Data) => {
                self.fence.promise(repo, promise);
                Ok(())
            }
            Some(Kind::Index | Kind::Snapshots) => {
                self.fence.promise(repo, promise);
                self.fence.unseen(repo, &path, number);
                Ok(())
            }
        }
    }

    /// restic waits 200 ms after its lock's POST and lists the others': by then everybody must be
    /// able to see it (safety rule 8).
    fn fence_lock(&self, path: &str, number: u64, first: Priority) -> Result<(), Error> {
        let shown = self.shown(path, &[number], first);
        if let Ok(true) = shown {
            return Ok(());
        }
        let doomed = Doomed {
            path: path.to_owned(),
            files: vec![number],
            at_once: true,
        };
        let withdrawn = self.discard(&[doomed], first).pop().unwrap_or(Ok(()));
        let ending =
            withdrawn.map_or_else(|e| format!("; withdrawing it: {e}"), |()| String::new());
        let text = format!("123pan's list doesn't show the lock, which is withdrawn{ending}");
        Err(shown.err().unwrap_or_else(|| Error::new(Cause::Busy, text)))
    }

    /// Sends a body until it is certain what has become of it: Some if it was stored now, None if
    /// the same content was there already.
    fn upload(
        &self,
        mut target: Target,
        body: &mut Body<'_>,
    ) -> Result<Option<(u64, String)>, Error> {
        let damaged = (target.path.clone(), key(&target.file));
        if lock(&self.uploads.damaged).contains(&damaged) {
            body.settle()?;
        }
        let start = Instant::now();
        for tries in 1.. {
            let parent = self.tree.ensure(&target.path, target.first)?;
            let _place = self
                .uploads
                .place(target.first, self.door.timing.rate_wait)?;
            let sent = match body.len() > SINGLE || tries > FAILURES {
                true => self.in_slices(&target, parent, body)?,
                false => self.in_one(&target, parent, body)?,
            };
            match self.after(&mut target, sent, body, start, tries)? {
                Next::Done(Some(number), md5) => {
                    lock(&self.uploads.damaged).remove(&damaged);
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
        if *lock(&self.uploads.late) == Late::Refused {
            body.settle()?;
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
        if late && form.ready() {
            // Nothing of the body was touched, so there is no need to read it for its hash.
            return Ok(Sent {
                stored,
                md5: String::new(),
                host,
                late,
            });
        }
        // What the cloud didn't want to read must be read all the same, to know what it is.
        match form.finish() {
            Ok(md5) => Ok(Sent {
                stored,
                md5: early.or(md5).unwrap_or_default(),
                host,
                late,
            }),
            Err(error) => Err(broken(body, &error)),
        }
    }

    /// Decides what an attempt means.
    fn after(
        &self,
        target: &mut Target,
        sent: Sent,
        body: &mut Body<'_>,
        start: Instant,
        tries: u32,
    ) -> Result<Next, Error> {
        let Sent {
            stored,
            md5,
            host,
            late,
        } = sent;
        let fault = match stored {
            Ok(Some(number)) => {
                if late {
                    *lock(&self.uploads.late) = Late::Taken;
                }
                return Ok(Next::Done(Some(number), md5));
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
        let time_left = start.elapsed() + pause <= self.door.timing.retry;
        match after_upload(fault.why) {
            After::GiveUp => {
                if fault.why == Why::Banned {
                    *lock(&self.uploads.banned) = Some(Instant::now());
                }
                return Err(fault.into());
            }
            After::NewPath => self.tree.known().forget_folder(&target.path),
            After::OtherHost => self.uploads.hosts.failed(&host),
            After::Look => {
                if let Some(next) = self.look(target, body, &md5, fault.why)? {
                    return Ok(next);
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

    /// Looks what lies under the name: None if there is nothing, so that it can be sent again.
    fn look(
        &self,
        target: &mut Target,
        body: &Body<'_>,
        md5: &str,
        why: Why,
    ) -> Result<Option<Next>, Error> {
        let start = Instant::now();
        let timing = &self.door.timing;
        // A name that is taken must show; anything else may not be there at all.
        let longest = if why == Why::Taken {
            timing.visible
        } else {
            timing.visible / 8
        };
        for tries in 1.. {
            let rows = self.rows(&target.path, key(&target.file), target.first)?;
            // One of several doubles is as good as one alone.
            if let Some(row) = rows.iter().find(|row| row.holds(body.len(), md5)) {
                let is_new = why != Why::Taken;
                return Ok(Some(Next::Done(
                    is_new.then_some(row.file_id),
                    md5.to_owned(),
                )));
            }
            if let Some(row) = rows.first() {
                return self.replace(target, body, row.size).map(Some);
            }
            let pause = pause(timing.look, tries);
            if start.elapsed() + pause > longest {
                break;
            }
            std::thread::sleep(pause);
        }
        Ok(None)
    }

    /// The name is taken by something else: for a hash's name that is damage, and is mended.
    fn replace(&self, target: &mut Target, body: &Body<'_>, size: u64) -> Result<Next, Error> {
        let Target { path, name, .. } = &*target;
        if target.file == File::Config {
            return Err(Error::new(
                Cause::Exists,
                format!("/{path} has another config already"),
            ));
        }
        warn!(
            "/{path}/{name} is damaged at 123pan: it has {size} bytes or other content instead of \
             {} bytes; it is replaced",
            body.len()
        );
        lock(&self.uploads.damaged).insert((path.clone(), key(&target.file)));
        if !body.ready() {
            let text = "the damaged file is replaced when the client sends it again";
            return Err(Error::new(Cause::Busy, text));
        }
        target.replace = true;
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

    fn check_ban(&self) -> Result<(), Error> {
        let ban = self.door.timing.ban;
        match lock(&self.uploads.banned).filter(|since| since.elapsed() < ban) {
            None => Ok(()),
            Some(since) => {
                let minutes = (ban - since.elapsed()).as_secs() / 60 + 1;
                let text = format!(
                    "123pan has banned this account from writing; it is tried again in {minutes} min"
                );
                Err(Error::new(Cause::Busy, text))
            }
        }
    }

    /// Sends a file in slices: for large ones, and when one call doesn't work.
    fn in_slices(&self, target: &Target, parent: u64, body: &mut Body<'_>) -> Result<Sent, Error> {
        body.settle()?;
        let md5 = md5_of(body).map_err(|e| broken(body, &e))?;
        let (name, size, replace) = (&*target.name, body.len(), target.replace);
        let file = NewFile {
            parent,
            name,
            size,
            replace,
        };
        let stored = self.slices(&file, &md5, body, target.first);
        Ok(Sent {
            stored,
            md5,
            host: String::new(),
            late: false,
        })
    }

    fn slices(
        &self,
        file: &NewFile<'_>,
        md5: &str,
        body: &Body<'_>,
        first: Priority,
    ) -> Result<Option<u64>, Fault> {
        let created = self.door.create(file, md5, first)?;
        if created.reuse {
            return Ok((created.file_id != 0).then_some(created.file_id));
        }
        if !SLICE.contains(&created.slice_size) || created.upload.is_empty() {
            return Err(Fault::new(
                Why::Unknown,
                "123pan names no usable slice size",
            ));
        }
        let mut hosts = self.uploads.hosts.usable(&created.servers);
        if hosts.is_empty() {
            hosts.push(self.uploads.hosts.pick(&self.door, first)?);
        }
        let (mut at, mut number) = (0, 1);
        while at < file.size {
            let len = created.slice_size.min(file.size - at);
            let slice = Slice::new(body, at, len);
            self.slice(&created.upload, number, slice, &hosts, first)?;
            at += len;
            number += 1;
        }
        self.complete(&created.upload, first)
    }

    fn slice(
        &self,
        upload: &str,
        number: u64,
        mut slice: Slice<'_, '_>,
        hosts: &[String],
        first: Priority,
    ) -> Result<(), Fault> {
        let unreadable = |e: io::Error| Fault::new(Why::Lost, format!("reading a slice: {e}"));
        let md5 = md5_of(&mut slice).map_err(unreadable)?;
        let number = number.to_string();
        let fields = [
            ("preuploadID", upload),
            ("sliceNo", &*number),
            ("sliceMD5", &*md5),
        ];
        let mut fault = Fault::new(Why::Unreachable, "123pan named no upload host");
        for (tries, host) in (1..=SLICE_TRIES).zip(hosts.iter().cycle()) {
            let mut form = Form::new(&fields, "slice", false, &mut slice);
            match self.door.slice(host, &mut form, first) {
                Ok(()) => return Ok(()),
                Err(again) if after_upload(again.why) == After::GiveUp => return Err(again),
                Err(again) => fault = again,
            }
            std::thread::sleep(pause(self.door.timing.pause, tries));
        }
        Err(fault)
    }

    /// Asks until the slices have been put together.
    fn complete(&self, upload: &str, first: Priority) -> Result<Option<u64>, Fault> {
        for _ in 0..self.door.timing.polls {
            match self.door.complete(upload, first) {
                Ok(uploaded) if uploaded.file().is_some() => return Ok(uploaded.file()),
                Err(fault) if fault.why != Why::Verifying => return Err(fault),
                _ => std::thread::sleep(self.door.timing.poll),
            }
        }
        Ok(None)
    }
}

/// Why a body can't be sent: its own reason, or the spool's.
fn broken(body: &Body<'_>, error: &io::Error) -> Error {
    let other = || Error::new(Cause::Busy, format!("reading the body again: {error}"));
    body.fault().cloned().unwrap_or_else(other)
}
