//! What became of an upload: looking up what lies under its name.

use super::{Next, Target, Uploads};
use crate::body::Body;
use crate::cloud::form::md5_of;
use crate::cloud::{Reason, pause};
use crate::pan123::api::Row;
use crate::pan123::tree::list::holding;
use crate::restic::File;
use crate::store::{Cause, Error};
use crate::warning::Kind;
use log::warn;
use std::time::Instant;

impl Uploads {
    /// Looks what lies under the name; if there is nothing, or damage, it can be sent again.
    pub(super) fn look(
        &self,
        target: &mut Target,
        body: &mut Body<'_>,
        mut md5: Option<String>,
        reason: Reason,
    ) -> Result<Next, Error> {
        let start = Instant::now();
        let timing = &self.api.timing();
        // A name that is taken must show; anything else may not be there at all.
        let is_new = reason != Reason::Taken;
        let longest = timing.visible / if is_new { 8 } else { 1 };
        for tries in 1.. {
            let rows = self.tree.rows(&target.path, target.id, target.priority)?;
            // Read only if there is something to compare it with.
            let md5 = match &md5 {
                _ if rows.is_empty() => "",
                Some(md5) => md5,
                None => md5.insert(md5_of(body).map_err(|e| body.unread(&e))?),
            };
            let mut held = holding(target.id, &rows, body.len(), md5);
            if let Some(row) = held.find(|row| !self.tree.damage.has(row.file_id)) {
                let stored = is_new.then(|| (row.file_id, md5.to_owned()));
                return Ok(Next::Done(stored));
            }
            let may_be_copy = target.file == File::Config && is_new;
            let mut copies = rows.iter().filter(|row| row.holds(body.len(), md5));
            if let Some(copy) = copies.next().filter(|_| may_be_copy) {
                // Stored beside an older config: confirming it takes it back.
                return Ok(Next::Done(Some((copy.file_id, md5.to_owned()))));
            }
            if let Some(row) = rows.first() {
                return self.replace(target, body, row);
            }
            let pause = pause(timing.look, tries);
            if start.elapsed() + pause > longest {
                break;
            }
            std::thread::sleep(pause);
        }
        Ok(Next::Again)
    }

    /// The name is taken by something else: for a hash's name that is damage, and is mended.
    fn replace(&self, target: &mut Target, body: &Body<'_>, row: &Row) -> Result<Next, Error> {
        let (file, size) = (row.file_id, row.size);
        let Target { path, name, .. } = &*target;
        if target.file == File::Config {
            return Err(Error::new(
                Cause::Exists,
                format!("/{path} has another config already"),
            ));
        }
        warn!(
            target: &Kind::Damaged.about(format!("/{path}/{name}")),
            "/{path}/{name} is damaged at 123pan: it has {size} bytes or other content instead of \
             {} bytes; it is replaced",
            body.len()
        );
        self.tree.damage.find(file);
        if !body.ready() {
            let text = "the damaged file is replaced when the client sends it again";
            return Err(Error::new(Cause::Busy, text));
        }
        target.replace = true;
        Ok(Next::Again)
    }
}
