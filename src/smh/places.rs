//! In which folder a file lies, or may lie: one for most, one of each layout for packs. What a
//! repository's packs are spread over is asked for once, and again when a pack isn't found.

use super::Smh;
use super::api::meaning::is_absent;
use crate::cloud::layout::Layout;
use crate::cloud::paths::{join, priority_of};
use crate::restic::{File, Id, Kind, Repo};
use crate::store::{Cause, Error};

/// The layout of repositories that have no packs yet: with few folders there are few calls.
const NEW: Layout = Layout::Sixteen;

/// That there is no such file.
fn absent() -> Error {
    Error::new(Cause::Absent, "there is no such file")
}

/// The pack that a file is.
fn pack(file: &File) -> Option<&Id> {
    match file {
        File::Hashed(Kind::Data, id) => Some(id),
        _ => None,
    }
}

impl Smh {
    /// The folder in which a file is stored.
    pub(super) fn place(&self, repo: &Repo, file: &File) -> Result<String, Error> {
        let folder = self.root.folder(repo, file);
        let Some(id) = pack(file) else {
            return Ok(folder);
        };
        let layout = self.lists.layouts(&folder, false)?.written(NEW);
        self.memory.packs.written(&folder, layout);
        Ok(join(&folder, &layout.folder(id)))
    }

    /// The folders in which a file may lie; `fresh` asks how packs are spread.
    pub(super) fn places(
        &self,
        repo: &Repo,
        file: &File,
        fresh: bool,
    ) -> Result<Vec<String>, Error> {
        let folder = self.root.folder(repo, file);
        let Some(id) = pack(file) else {
            return Ok(vec![folder]);
        };
        let layouts = self.lists.layouts(&folder, fresh)?.all();
        Ok(layouts
            .map(|layout| join(&folder, &layout.folder(id)))
            .collect())
    }

    /// Does something with the folder in which a file is found.
    pub(super) fn found<T>(
        &self,
        repo: &Repo,
        file: &File,
        act: impl Fn(&str) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (mut tried, mut missed) = (Vec::new(), absent());
        for fresh in [false, true] {
            // Only of packs can it be unknown where they lie.
            if fresh && pack(file).is_none() {
                break;
            }
            for folder in self.places(repo, file, fresh)? {
                if tried.contains(&folder) {
                    continue;
                }
                match act(&folder) {
                    Err(error) if error.cause == Cause::Absent => missed = error,
                    done => return done,
                }
                tried.push(folder);
            }
        }
        Err(missed)
    }

    /// The size of a file of a folder.
    pub(super) fn size(&self, folder: &str, file: &File) -> Result<u64, Error> {
        let path = join(folder, &file.name());
        let absent = |why: &str| Error::new(Cause::Absent, format!("there is no /{path}{why}"));
        let cloud = |text: String| Error::new(Cause::Cloud, text);
        match self.api.info(&path, priority_of(file.kind())) {
            Ok(entry) if entry.removed => {
                self.lists.lost(folder, &file.name());
                Err(cloud(format!("the bytes of /{path} are gone")))
            }
            Ok(entry) if entry.is_file() => {
                let size = entry.size;
                size.ok_or_else(|| cloud(format!("nobody tells the size of /{path}")))
            }
            Ok(_) => Err(absent(" that is a file")),
            Err(fault) if is_absent(fault.reason) => Err(absent(&format!(": {fault}"))),
            Err(fault) => Err(fault.into()),
        }
    }

    /// An error for a file that isn't in a folder; what a list has shown isn't asked for.
    pub(super) fn known(&self, folder: &str, file: &File) -> Result<(), Error> {
        if file
            .id()
            .is_some_and(|id| self.memory.packs.has(folder, &id))
        {
            return Ok(());
        }
        let path = join(folder, &file.name());
        let entry = self.api.there(&path, priority_of(file.kind()))?;
        let file = entry.filter(|entry| entry.is_file() && !entry.removed);
        file.map(drop).ok_or_else(absent)
    }
}
