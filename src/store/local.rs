//! A repository in a folder of this machine, as restic itself lays it out: the other end of
//! `import` and `export`. A file is written under a temporary name, checked, synced and renamed,
//! so that what stands under its own name is whole.

use super::{Entry, Found, Loaded, Store};
use crate::body::Body;
use crate::error::{Cause, Error};
use crate::restic::{File, Id, Kind, Part, Range, Repo};
use std::fs;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What the names of unfinished files begin with; restic doesn't take such a name for a file.
const UNFINISHED: &str = ".restic-123pan-";

/// Repositories below a folder. A `Repo` is a path below it; `/` is the folder itself.
#[derive(Clone, Debug)]
pub struct Local {
    root: PathBuf,
}

impl Local {
    /// The repositories below `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn repo(&self, repo: &Repo) -> PathBuf {
        repo.segments()
            .fold(self.root.clone(), |path, name| path.join(name))
    }

    fn path(&self, repo: &Repo, file: &File) -> PathBuf {
        let repo = self.repo(repo);
        match file {
            File::Config => repo.join("config"),
            File::Hashed(Kind::Data, id) => {
                repo.join("data").join(id.prefix()).join(id.to_string())
            }
            File::Hashed(kind, id) => repo.join(kind.name()).join(id.to_string()),
        }
    }
}

impl Store for Local {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        let folder = self.repo(repo);
        let make = |kind: Kind| make(&folder.join(kind.name()));
        Kind::ALL.into_iter().try_for_each(make)
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        let folder = self.repo(repo).join(kind.name());
        if kind != Kind::Data {
            return list_files(&folder, found);
        }
        for entry in entries(&folder)? {
            let name = entry.file_name();
            if name.to_str().and_then(Id::from_hex).is_some() {
                let text = format!(
                    "{} has packs outside of folders: its layout is too old",
                    folder.display()
                );
                return Err(Error::new(Cause::Cloud, text));
            }
            if entry.path().is_dir() {
                list_files(&entry.path(), found)?;
            }
        }
        Ok(())
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        let path = self.path(repo, file);
        Ok(fs::metadata(&path)
            .map_err(|error| failed(&path, &error))?
            .len())
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        let path = self.path(repo, file);
        let fail = |error: io::Error| failed(&path, &error);
        let mut opened = fs::File::open(&path).map_err(fail)?;
        let size = opened.metadata().map_err(fail)?.len();
        let part = match range {
            None => Part::whole(size),
            Some(range) => range.of(size).ok_or_else(|| {
                Error::new(Cause::Range(size), format!("{file} has only {size} bytes"))
            })?,
        };
        opened.seek(SeekFrom::Start(part.start)).map_err(fail)?;
        Ok(Loaded {
            size,
            part,
            reader: Box::new(opened.take(part.len)),
        })
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let path = self.path(repo, file);
        match fs::metadata(&path) {
            Ok(there) if there.len() == body.len() && same(&path, file, body)? => return Ok(()),
            // Only the config has no hash that would tell which of the two is right.
            Ok(_) if file.id().is_none() => {
                return Err(Error::new(
                    Cause::Exists,
                    format!("{} exists", path.display()),
                ));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&path, &error)),
            _ => {}
        }
        let folder = path.parent().unwrap_or(&self.root);
        make(folder)?;
        let unfinished = folder.join(format!("{UNFINISHED}{}", file.name()));
        let written = write(&unfinished, &path, body);
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written?;
        // The name itself is safe only when its folder is.
        sync(folder).map_err(|error| failed(folder, &error))
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        let remove = |(repo, file): &(Repo, File)| {
            let path = self.path(repo, file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&path, &error)),
                _ => Ok(()),
            }
        };
        files.iter().map(remove).collect()
    }
}

/// Makes a folder that only its owner may look into, as restic does.
fn make(folder: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(folder);
    made.map_err(|error| failed(folder, &error))
}

fn write(unfinished: &Path, path: &Path, body: &mut Body<'_>) -> Result<(), Error> {
    body.rewind()?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options
        .open(unfinished)
        .map_err(|e| failed(unfinished, &e))?;
    if let Err(error) = io::copy(body, &mut file) {
        return Err(body
            .fault()
            .cloned()
            .unwrap_or_else(|| failed(unfinished, &error)));
    }
    file.sync_all()
        .map_err(|error| failed(unfinished, &error))?;
    fs::rename(unfinished, path).map_err(|error| failed(path, &error))
}

/// Whether a file of the right length has the right bytes.
fn same(path: &Path, file: &File, body: &mut Body<'_>) -> Result<bool, Error> {
    use sha2::{Digest, Sha256};
    let there = fs::read(path).map_err(|error| failed(path, &error))?;
    if let Some(id) = file.id() {
        return Ok(Id(Sha256::digest(&there).into()) == id);
    }
    let mut wanted = Vec::new();
    body.rewind()?;
    let read = body.read_to_end(&mut wanted);
    read.map_err(|error| failed(path, &error))?;
    Ok(wanted == there)
}

fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// The files of a folder whose names are ids. Others are no part of a repository: restic's own
/// unfinished files, for one.
fn list_files(folder: &Path, found: &mut Found<'_>) -> Result<(), Error> {
    for entry in entries(folder)? {
        let Some(id) = entry.file_name().to_str().and_then(Id::from_hex) else {
            continue;
        };
        let size = match entry.metadata() {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            Ok(_) => continue,
            // Removed since the folder was read.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(&entry.path(), &error)),
        };
        found(Entry { id, size })?;
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, Error> {
    let read = fs::read_dir(folder).and_then(Iterator::collect);
    read.map_err(|error| failed(folder, &error))
}

fn failed(path: &Path, error: &io::Error) -> Error {
    let cause = match error.kind() {
        ErrorKind::NotFound => Cause::Absent,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Cause::Full,
        _ => Cause::Cloud,
    };
    Error::new(cause, format!("{}: {error}", path.display()))
}
