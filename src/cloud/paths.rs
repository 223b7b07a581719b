//! Where repositories and their files lie below a folder, by paths that are told without a slash at
//! either end, and who goes first for them. Over which folders packs are spread is `layout`'s.

use super::pace::Priority;
use crate::restic::{File, Kind, Repo};

/// The folder that holds the repositories.
#[derive(Clone, Debug)]
pub struct Root(String);

impl Root {
    /// The folder with this path.
    pub fn new(root: &Repo) -> Self {
        Self(root.path().to_owned())
    }

    /// What lies below it at a path, or itself.
    pub fn at(&self, path: &str) -> String {
        match path {
            "" => self.0.clone(),
            _ => join(&self.0, path),
        }
    }

    /// What a path is below it.
    pub fn below<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(&*self.0)
            .unwrap_or(path)
            .trim_matches('/')
    }

    /// The folder of a repository.
    pub fn repo(&self, repo: &Repo) -> String {
        self.at(repo.path())
    }

    /// The folder of a repository's files of a kind; those of packs have folders in it.
    pub fn kind(&self, repo: &Repo, kind: Kind) -> String {
        join(&self.repo(repo), kind.name())
    }

    /// The folder that holds a file, or, of a pack, the folders.
    pub fn folder(&self, repo: &Repo, file: &File) -> String {
        match file.kind() {
            None => self.repo(repo),
            Some(kind) => self.kind(repo, kind),
        }
    }
}

/// Something in a folder; what has no name is no folder, and so has a slash at its end.
pub fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// The folder above.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// A folder's own name.
pub fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The repository's folder that a folder belongs to, and the kind of the files in it; none where
/// only a config can be.
pub fn owner(path: &str) -> (&str, Option<Kind>) {
    if holds_packs(path) {
        return (parent(parent(path)), Some(Kind::Data));
    }
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == last(path));
    match kind {
        Some(kind) => (parent(path), Some(kind)),
        None => (path, None),
    }
}

/// Whether a folder is one of those below `data` that packs lie in.
pub fn holds_packs(path: &str) -> bool {
    is_data(parent(path))
}

/// Whether a folder is a `data`, below which packs have folders.
pub fn is_data(path: &str) -> bool {
    last(path) == Kind::Data.name()
}

/// Who goes first.
pub fn priority_of(kind: Option<Kind>) -> Priority {
    match kind {
        None | Some(Kind::Keys | Kind::Locks) => Priority::Small,
        Some(Kind::Index | Kind::Snapshots) => Priority::Index,
        Some(Kind::Data) => Priority::Packs,
    }
}

/// Whether a path is a folder's or lies below it.
pub fn covers(folder: &str, path: &str) -> bool {
    let rest = path.strip_prefix(folder);
    folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_cover_what_is_below_them() {
        for (folder, path, expected) in [
            ("", "a", true),
            ("a", "a", true),
            ("a", "a/b", true),
            ("a", "ab", false),
        ] {
            assert_eq!(covers(folder, path), expected, "{folder} {path}");
        }
    }
}
