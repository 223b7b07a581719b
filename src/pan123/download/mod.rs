//! Reading a file, from the first look for it. Where it is downloaded from is `addresses`', the
//! bytes are `reader`'s.

pub(super) mod addresses;
mod reader;

use super::call::Fault;
use super::judge::{Why, pause};
use super::known::{Known, Path};
use super::list::newest;
use super::pace::Priority;
use super::{Cloud, key, priority};
use crate::restic::{File, Kind, Part, Range, Repo};
use crate::store::{Cause, Error, Loaded};
pub use addresses::Downloads;
use reader::Reader;
use std::sync::Arc;

/// How often a file is looked for that seems to be gone.
const ROUNDS: u32 = 3;

impl Cloud {
    /// Opens a file, whole or in part.
    pub fn load(
        cloud: &Arc<Self>,
        repo: &Repo,
        file: &File,
        range: Option<Range>,
    ) -> Result<Loaded, Error> {
        let (path, name, first) = (cloud.folder(repo, file), key(file), priority(file.kind()));
        let absent = || Error::new(Cause::Absent, format!("/{path} has no {}", file.name()));
        for tries in 1..=ROUNDS {
            // What is remembered may be stale; and a file that is there may seem to be gone for a
            // while (API reference 6.3).
            let files = match (tries, file) {
                // The only name whose bytes may change: what the download of a file in the bin
                // yields is undocumented.
                (1, File::Config) => cloud.tree.locate_now(&path, name, first)?,
                (1, _) => cloud.tree.locate(&path, name, first)?,
                _ => {
                    std::thread::sleep(pause(cloud.door.timing.look, tries));
                    cloud.tree.look(&path, name, first)?
                }
            };
            let known = newest(&files).ok_or_else(absent)?;
            // Packs are read in many parts. Of all others the address is asked for anew, so that
            // what another server has removed is noticed, unless a list has just shown them.
            let many = matches!(file, File::Config | File::Hashed(Kind::Data, _));
            if !many && !cloud.tree.lately(&path) {
                cloud.downloads.drop_address(known.file);
            }
            match cloud.open(&path, known, range, first) {
                Err(OpenError::Gone(fault)) if tries == ROUNDS => return Err(fault.into()),
                Err(OpenError::Gone(_)) => cloud.tree.known().forget(&path, &[known.file]),
                Err(OpenError::Failed(error)) => return Err(error),
                Ok(loaded) => return Ok(loaded),
            }
        }
        Err(absent())
    }

    fn open(
        self: &Arc<Self>,
        path: &Path,
        known: Known,
        range: Option<Range>,
        first: Priority,
    ) -> Result<Loaded, OpenError> {
        let size = known.size;
        let part = match range {
            None => Some(Part::whole(size)),
            Some(range) => range.of(size),
        };
        let Some(part) = part else {
            // Nothing is read, which would tell if another server has removed it.
            self.downloads.drop_address(known.file);
            self.address(known.file, first)?;
            let text = format!("the file has only {size} bytes");
            return Err(OpenError::Failed(Error::new(Cause::Range(size), text)));
        };
        let mut reader = Reader::new(self, known.file, size, part, first);
        match reader.open() {
            Ok(()) => Ok(Loaded {
                size,
                part,
                reader: Box::new(reader),
            }),
            Err(fault) => {
                if fault.why == Why::Corrupt && self.tree.damage.find(path, known.name, known.file)
                {
                    let text = format!("/{path}/{} is damaged at 123pan: {fault}", known.name);
                    self.door.troubles.damaged(&text);
                }
                Err(fault.into())
            }
        }
    }
}

/// Why a file can't be opened.
enum OpenError {
    /// 123pan says that there is no such file.
    Gone(Fault),
    /// Anything else.
    Failed(Error),
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        match fault.why {
            Why::NoFile | Why::NoParent => Self::Gone(fault),
            _ => Self::Failed(fault.into()),
        }
    }
}
