//! Storing a file in slices: for large files, and when one call doesn't work.

use super::{After, after};
use super::{Sent, Target, Uploads};
use crate::body::Body;
use crate::cloud::form::{Form, Slice, md5_of};
use crate::cloud::{Fault, Priority, Reason, pause};
use crate::pan123::api::NewFile;
use crate::store::Error;
use std::io;

/// Least and largest size in bytes of a slice that is believed; 16 MiB is documented.
const SLICE: std::ops::RangeInclusive<u64> = 1..=1 << 30;
/// Tries for one slice; other clients make 3 to 5.
const SLICE_TRIES: u32 = 4;

impl Uploads {
    /// Sends a file in slices: for large ones, and when one call doesn't work.
    pub(super) fn in_slices(
        &self,
        target: &Target,
        parent: u64,
        body: &mut Body<'_>,
    ) -> Result<Sent, Error> {
        body.buffer()?;
        let md5 = md5_of(body).map_err(|e| body.unread(&e))?;
        let (name, size, replace) = (&*target.name, body.len(), target.replace);
        let file = NewFile {
            parent,
            name,
            size,
            replace,
        };
        let stored = self.slices(&file, &md5, body, target.priority);
        Ok(Sent {
            stored,
            md5: Some(md5),
            untouched: false,
            host: String::new(),
        })
    }

    fn slices(
        &self,
        file: &NewFile<'_>,
        md5: &str,
        body: &Body<'_>,
        priority: Priority,
    ) -> Result<Option<u64>, Fault> {
        let created = self.api.create(file, md5, priority)?;
        if created.reuse {
            return Ok((created.file_id != 0).then_some(created.file_id));
        }
        if !SLICE.contains(&created.slice_size) || created.upload.is_empty() {
            return Err(Fault::new(
                Reason::Unknown,
                "123pan gave an unusable slice size",
            ));
        }
        let mut hosts = self.hosts.usable(&created.servers);
        if hosts.is_empty() {
            hosts.push(self.hosts.pick(&self.api, priority)?);
        }
        let (mut at, mut number) = (0, 1);
        while at < file.size {
            let len = created.slice_size.min(file.size - at);
            let slice = Slice::new(body, at, len);
            self.slice(&created.upload, number, slice, &hosts, priority)?;
            at += len;
            number += 1;
        }
        self.complete(&created.upload, priority)
    }

    fn slice(
        &self,
        upload: &str,
        number: u64,
        mut slice: Slice<'_>,
        hosts: &[String],
        priority: Priority,
    ) -> Result<(), Fault> {
        let unreadable = |e: io::Error| Fault::new(Reason::Lost, format!("reading a slice: {e}"));
        let md5 = md5_of(&mut slice).map_err(unreadable)?;
        let number = number.to_string();
        let fields = [
            ("preuploadID", upload),
            ("sliceNo", &*number),
            ("sliceMD5", &*md5),
        ];
        let mut fault = Fault::new(Reason::Unreachable, "123pan named no upload host");
        for (tries, host) in (1..=SLICE_TRIES).zip(hosts.iter().cycle()) {
            let mut form = Form::new(&fields, ("slice", "file"), false, &mut slice);
            match self.api.slice(host, &mut form, priority) {
                Ok(()) => return Ok(()),
                Err(again) if after(again.reason) == After::GiveUp => return Err(again),
                Err(again) => fault = again,
            }
            std::thread::sleep(pause(self.api.timing().pause, tries));
        }
        Err(fault)
    }

    /// Asks until the slices have been put together.
    fn complete(&self, upload: &str, priority: Priority) -> Result<Option<u64>, Fault> {
        for _ in 0..self.api.timing().polls {
            match self.api.complete(upload, priority) {
                Ok(uploaded) if uploaded.file().is_some() => return Ok(uploaded.file()),
                Err(fault) if fault.reason != Reason::Verifying => return Err(fault),
                _ => std::thread::sleep(self.api.timing().poll),
            }
        }
        Ok(None)
    }
}
