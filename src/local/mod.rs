//! A disk as a cloud: repositories in a folder of this machine, exactly as restic's own `local` and
//! `sftp` backends lay them out, so that restic can open them there without this program, and this
//! program what restic has made. It is also the other end of `import` and `export`.
//!
//! A file is written under a temporary name, checked, synced and named, and its folder synced: what
//! stands under its own name is whole (`unfinished`). Links, folders, `lost+found` and other
//! programs' files are no part of a repository, and no link below the root is followed (`folder`).
//! A root whose disk isn't mounted is no empty root (`root`). `space` knows how much room there is,
//! `health` what is wrong.
//!
//! Removed packs aren't synced: what a power cut brings back is named by no index, and the next
//! prune removes it. Everything else that is gone stays gone.

mod content;
mod folder;
mod health;
mod options;
mod root;
mod space;
mod unfinished;

pub use options::CLOUD;

use crate::body::Body;
use crate::cloud::layout::Layout;
use crate::cloud::proof::loaded;
use crate::error::{Cause, Error, absent_is};
use crate::restic::{File, Id, Kind, Part, Range, Repo};
use crate::store::{Entry, Found, Health, Loaded, Store};
use content::{Exact, same};
use folder::{Folder, may_be};
use health::Troubles;
use root::Root;
use rustix::fs::FileType;
use space::Space;
use std::collections::BTreeSet;
use std::io::{Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use unfinished::Unfinished;

/// restic's own layout, because restic opens the folder without this program. Packs of the other
/// one are read all the same: the folder may have been downloaded from a cloud.
const LAYOUT: Layout = Layout::Restic;

/// Repositories below a folder. A `Repo` is a path below it; `/` is the folder itself. Clones share
/// what is known about it.
#[derive(Clone, Debug)]
pub struct Local {
    root: Arc<Root>,
    space: Arc<Space>,
    troubles: Arc<Troubles>,
}

impl Local {
    /// The repositories below `root`, which is made when something is stored, unless it is there.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: Arc::new(Root::new(root.into())),
            space: Arc::default(),
            troubles: Arc::default(),
        }
    }

    /// The repositories below `root`, for a server that runs for months: `root` must be there, so
    /// that a disk that isn't mounted yet isn't taken for an empty one, and its disk is marked.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let local = Self::new(root);
        local.root.mark().map_err(|error| match error.cause {
            Cause::Absent => {
                let text = format!("{error}; make the folder, or mount its disk, first");
                Error::new(Cause::Busy, text)
            }
            _ => error,
        })?;
        Ok(local)
    }

    /// Writes something, reads it and removes it again, for who wants to know whether that works;
    /// the disk's bytes in all and free.
    pub fn rehearse(&self) -> Result<(u64, u64), Error> {
        let room = self.look()?;
        unfinished::rehearse(&self.root.open()?)?;
        Ok(room)
    }

    /// Stores a file unless it is there, and tells how many bytes that took.
    fn store(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<u64, Error> {
        let (folder, name) = (self.home(repo, file)?, file.name());
        let mut is_damaged = false;
        if let Some(there) = folder.file(&name)? {
            match same((&there, &folder), file, body)? {
                true => return folder.sync().map(|()| 0),
                // Only the config has no hash that would tell which of the two is right.
                false if file.id().is_none() => return Err(exists(&folder, &name)),
                false => is_damaged = true,
            }
        }
        let mut new = Unfinished::new(&folder)?;
        new.fill(body)?;
        match file {
            File::Hashed(..) => new.replace(&name)?,
            File::Config if new.place(&name)? => {}
            // Somebody else was faster.
            File::Config => return Err(exists(&folder, &name)),
        }
        if is_damaged {
            let text = format!(
                "{} was damaged; replaced",
                folder.path.join(&name).display()
            );
            self.troubles.damaged(text);
        }
        let synced = folder.sync();
        if synced.is_err() && !is_damaged {
            // Nobody knows whether it would survive a power cut.
            let _ = folder.remove(&name);
        }
        synced.map(|()| body.len())
    }

    /// The folder that a file is written to: the one that has it, or else its own.
    fn home(&self, repo: &Repo, file: &File) -> Result<Folder, Error> {
        match absent_is(self.find(repo, file, Folder::size).map(Some), None)? {
            Some((_, folder)) => Ok(folder),
            None => self.root.make(&folders(repo, file)),
        }
    }

    /// Notes what is wrong if writing failed.
    fn told<T>(&self, written: Result<T, Error>) -> Result<T, Error> {
        written.inspect_err(|error| {
            if !self.root.is_gone() {
                self.troubles.met(error);
            }
        })
    }

    /// Removes a file without syncing.
    fn unlink(&self, repo: &Repo, file: &File) -> Result<(), Error> {
        let unlink = |names: Vec<String>| {
            let folder = self.root.reach(&names);
            absent_is(folder.and_then(|folder| folder.remove(&file.name())), false).map(drop)
        };
        places(repo, file).try_for_each(unlink)
    }

    /// What `look` finds of a file, in the first of its places that has it.
    fn find<T>(
        &self,
        repo: &Repo,
        file: &File,
        look: impl Fn(&Folder, &str) -> Result<Option<T>, Error>,
    ) -> Result<(T, Folder), Error> {
        let name = file.name();
        let mut fault = Error::new(Cause::Absent, format!("{repo} has no {file}"));
        for names in places(repo, file) {
            let looked = self.root.reach(&names).and_then(|folder| {
                let found = look(&folder, &name)?.ok_or_else(|| absent(&folder, &name))?;
                Ok((found, folder))
            });
            match looked {
                Err(error) if error.cause == Cause::Absent => fault = error,
                looked => return looked,
            }
        }
        Err(fault)
    }
}

impl Store for Local {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        let make = |kind| self.root.make(&kind_folders(repo, kind)).map(drop);
        let made = Kind::ALL.into_iter().try_for_each(make);
        self.told(made)
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        let folder = self.root.reach(&kind_folders(repo, kind))?;
        if kind == Kind::Keys {
            // Every client begins so, and nothing else lists the folder of the config.
            unfinished::sweep(&self.root.reach(&folders(repo, &File::Config))?);
        }
        if kind != Kind::Data {
            return list_files(&folder, "", found);
        }
        folder.each(|name, entry| {
            if Id::from_hex(name).is_some() {
                let text = format!(
                    "{} has packs outside of folders: its layout is too old",
                    folder.path.display()
                );
                return Err(Error::new(Cause::Cloud, text));
            }
            match Layout::of(name).filter(|_| may_be(entry, FileType::Directory)) {
                Some(layout) => list_packs(&folder, layout, name, found),
                None => Ok(()),
            }
        })
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        self.find(repo, file, Folder::size).map(|(size, _)| size)
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        let (mut opened, folder) = self.find(repo, file, Folder::file)?;
        let fail = |error: std::io::Error| folder.failed(&file.name(), error);
        let size = opened.metadata().map_err(fail)?.len();
        let part = Part::of(range, size).ok_or_else(|| {
            Error::new(Cause::Range(size), format!("{file} has only {size} bytes"))
        })?;
        opened.seek(SeekFrom::Start(part.start)).map_err(fail)?;
        let reader = Exact::new(opened, part.len);
        let path = folder.path.join(file.name());
        let text = format!(
            "{} is damaged: its bytes aren't those stored",
            path.display()
        );
        let troubles = Arc::clone(&self.troubles);
        let wrong = move || {
            troubles.damaged(text);
            Ok(())
        };
        Ok(loaded(reader, (size, part), file.id(), wrong))
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let stored = self.store(repo, file, body);
        if body.fault().is_some() {
            return stored.map(drop);
        }
        let bytes = self.told(stored)?;
        if bytes > 0 {
            self.space.known.stored(repo.path(), bytes);
            self.troubles.wrote();
        }
        Ok(())
    }

    fn holds(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
        let found = absent_is(self.find(repo, file, Folder::file).map(Some), None)?;
        found.map_or(Ok(false), |(there, folder)| {
            same((&there, &folder), file, body)
        })
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let unlinked = files.iter().map(|(repo, file)| self.unlink(repo, file));
        let mut removed: Vec<Result<(), Error>> = unlinked.collect();
        let lasting = |(_, file): &&(Repo, File)| file.kind() != Some(Kind::Data);
        let place = |(repo, file): &(Repo, File)| folders(repo, file);
        let changed: BTreeSet<Vec<String>> = files.iter().filter(lasting).map(place).collect();
        for names in changed {
            let synced = self.root.reach(&names).and_then(|folder| folder.sync());
            let Err(error) = absent_is(synced, ()) else {
                continue;
            };
            let in_it = files.iter().zip(&mut removed);
            in_it
                .filter(|(file, done)| done.is_ok() && place(file) == names)
                .for_each(|(_, done)| *done = Err(error.clone()));
        }
        removed.into_iter().map(|done| self.told(done)).collect()
    }

    fn health(&self) -> Health {
        self.troubles.health(self.look())
    }

    fn probe(&self) -> Result<(), Error> {
        self.look().map(drop)
    }

    fn free_space(&self) -> Option<u64> {
        let (total, free) = self.root.open().ok()?.room().ok()?;
        // Some file systems can't tell.
        (total > 0).then_some(free)
    }

    fn used_space(&self, folder: &Repo) -> Result<Option<u64>, Error> {
        let names: Vec<String> = folder.segments().map(str::to_owned).collect();
        let used = self.space.used(folder, || {
            let top = absent_is(self.root.reach(&names).map(Some), None)?;
            top.map_or(Ok(0), |top| space::measure(&top))
        });
        used.map(Some)
    }
}

impl Local {
    /// Whether the root can be listed, and the room on its disk.
    fn look(&self) -> Result<(u64, u64), Error> {
        let root = self.root.open();
        // One that never was is no more there than one that is gone.
        let root = root.map_err(|error| Error::new(Cause::Busy, error.to_string()))?;
        let first = Error::new(Cause::Client, "one is enough");
        match root.each(|_, _| Err(first.clone())) {
            Err(error) if error.cause != Cause::Client => Err(error),
            _ => root.room().map_err(|error| root.failed("", error)),
        }
    }
}

/// The folders of a kind, from the root.
fn kind_folders(repo: &Repo, kind: Kind) -> Vec<String> {
    repo.segments()
        .chain([kind.name()])
        .map(str::to_owned)
        .collect()
}

/// The folders of a file, from the root.
fn folders(repo: &Repo, file: &File) -> Vec<String> {
    laid_out(repo, file, LAYOUT)
}

/// The same by a layout, which packs have.
fn laid_out(repo: &Repo, file: &File, layout: Layout) -> Vec<String> {
    let names = repo.segments().map(str::to_owned);
    let kind = file.kind().map(|kind| kind.name().to_owned());
    let packs = file.id().filter(|_| file.kind() == Some(Kind::Data));
    let packs = packs.map(|id| layout.folder(&id));
    names.chain(kind).chain(packs).collect()
}

/// The places that a file may be in, the one that it is written to first.
fn places(repo: &Repo, file: &File) -> impl Iterator<Item = Vec<String>> {
    let layouts = [LAYOUT, Layout::Sixteen].into_iter();
    let count = if file.kind() == Some(Kind::Data) {
        2
    } else {
        1
    };
    layouts
        .take(count)
        .map(|layout| laid_out(repo, file, layout))
}

/// The packs in a folder below `data`, but for those that have their own folder of the other layout.
fn list_packs(
    data: &Folder,
    layout: Layout,
    name: &str,
    found: &mut Found<'_>,
) -> Result<(), Error> {
    let folder = data.enter(name)?;
    if layout == LAYOUT {
        return list_files(&folder, name, found);
    }
    list_files(&folder, name, &mut |entry| {
        let first = data.enter(&LAYOUT.folder(&entry.id));
        let first = first.and_then(|first| first.size(&entry.id.to_string()));
        match absent_is(first, None)? {
            Some(_) => Ok(()),
            None => found(entry),
        }
    })
}

/// The files of a folder whose names are ids that begin so. Others are no part of a repository:
/// restic's own unfinished files, for one.
fn list_files(folder: &Folder, prefix: &str, found: &mut Found<'_>) -> Result<(), Error> {
    folder.each(|name, _| {
        if unfinished::is_unfinished(name) {
            unfinished::clear(folder, name);
        }
        let id = Id::from_hex(name).filter(|_| name.starts_with(prefix));
        let Some(id) = id else { return Ok(()) };
        match folder.size(name)? {
            Some(size) => found(Entry { id, size }),
            // Removed since the folder was read, or no file.
            None => Ok(()),
        }
    })
}

fn absent(folder: &Folder, name: &str) -> Error {
    let path = folder.path.join(name);
    Error::new(Cause::Absent, format!("there is no {}", path.display()))
}

fn exists(folder: &Folder, name: &str) -> Error {
    let path = folder.path.join(name);
    let text = format!("{} exists, with other content", path.display());
    Error::new(Cause::Exists, text)
}
