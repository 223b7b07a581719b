//! Storing a file in slices: for large files, and when one call doesn't work.

use super::super::Cloud;
use super::super::api::NewFile;
use super::super::call::Fault;
use super::super::judge::{After, Why, after_upload, pause};
use super::super::multipart::{Form, Slice, md5_of};
use super::super::pace::Priority;
use super::{Sent, Target, broken};
use crate::body::Body;
use crate::store::Error;
use std::io;

/// Least and largest size in bytes of a slice that is believed; 16 MiB is documented.
const SLICE: std::ops::RangeInclusive<u64> = 1..=1 << 30;
/// Tries for one slice; other clients make 3 to 5.
const SLICE_TRIES: u32 = 4;

impl Cloud {
    /// Sends a file in slices: for large ones, and when one call doesn't work.
    pub(super) fn in_slices(
        &self,
        target: &Target,
        parent: u64,
        body: &mut Body<'_>,
    ) -> Result<Sent, Error> {
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
            md5: Some(md5),
            untouched: false,
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
