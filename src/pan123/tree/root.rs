//! Where repositories and their files lie in the account, what they are known by there, and who
//! goes first for them.

use super::files::CONFIG;
use super::paths::join;
use crate::cloud::Priority;
use crate::restic::{File, Id, Kind, Repo};

/// The folder that holds the repositories.
#[derive(Clone, Debug)]
pub struct Root(String);

impl Root {
    /// The folder with this path, without slashes at the ends; empty for the account's root.
    pub fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// The folder of a repository.
    pub fn repo(&self, repo: &Repo) -> String {
        match repo.path() {
            "" => self.0.clone(),
            path => join(&self.0, path),
        }
    }

    /// The folder of a repository's files of a kind; those of packs have folders in it.
    pub fn kind(&self, repo: &Repo, kind: Kind) -> String {
        join(&self.repo(repo), kind.name())
    }

    /// The folder that holds a file; of packs `data`, in one of whose folders they lie.
    pub fn folder(&self, repo: &Repo, file: &File) -> String {
        match file.kind() {
            None => self.repo(repo),
            Some(kind) => self.kind(repo, kind),
        }
    }
}

/// The name under which a file is known.
pub fn name_of(file: &File) -> Id {
    file.id().unwrap_or(CONFIG)
}

/// Who goes first.
pub fn priority_of(kind: Option<Kind>) -> Priority {
    match kind {
        None | Some(Kind::Keys | Kind::Locks) => Priority::Small,
        Some(Kind::Index | Kind::Snapshots) => Priority::Index,
        Some(Kind::Data) => Priority::Packs,
    }
}
