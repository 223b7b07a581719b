//! Where repositories and their files lie below the app's folder, by what names, and who goes first
//! for them. Paths are told without a slash at either end.

use crate::cloud::{Priority, layout};
use crate::restic::{File, Id, Kind, Repo};

/// What a name ends in where Kdocs wants an extension.
pub const SUFFIX: &str = ".bin";

/// The folder that holds the repositories.
#[derive(Clone, Debug)]
pub struct Layout(String);

impl Layout {
    /// The folder with this path; empty for the app's own.
    pub fn new(root: &str) -> Self {
        Self(root.to_owned())
    }

    /// The folder of a repository.
    pub fn repo(&self, repo: &Repo) -> String {
        join(&self.0, repo.path())
    }

    /// The folder of a repository's files of a kind; those of packs have folders in it.
    pub fn kind(&self, repo: &Repo, kind: Kind) -> String {
        join(&self.repo(repo), kind.name())
    }

    /// The folder that holds a file.
    pub fn folder(&self, repo: &Repo, file: &File) -> String {
        match file {
            File::Config => self.repo(repo),
            File::Hashed(Kind::Data, id) => join(&self.kind(repo, Kind::Data), &shard(id)),
            File::Hashed(kind, _) => self.kind(repo, *kind),
        }
    }
}

/// The folder below `data` in which a pack lies: each one that is listed costs a call, so that there
/// are few.
pub fn shard(id: &Id) -> String {
    layout::Layout::Sixteen.folder(id)
}

/// Whether a folder below `data` is one of those.
pub fn is_shard(name: &str) -> bool {
    layout::Layout::of(name) == Some(layout::Layout::Sixteen)
}

/// The id that a file's name stands for, with an extension or without.
pub fn id_of(name: &str) -> Option<Id> {
    Id::from_hex(name.strip_suffix(SUFFIX).unwrap_or(name))
}

/// Whether a row's name is this file's, with an extension or without.
pub fn is_named(row: &str, file: &File) -> bool {
    row.strip_suffix(SUFFIX).unwrap_or(row) == file.name()
}

/// Whether a row's name is what Kdocs makes of this file's when it is taken, such as `x(1).bin`.
pub fn is_renamed(row: &str, file: &File) -> bool {
    let rest = row.strip_prefix(&file.name());
    rest.is_some_and(|rest| rest != SUFFIX && rest.starts_with([' ', '(', '_', '-', '（']))
}

/// Something in a folder.
pub fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// Who goes first.
pub fn priority_of(kind: Option<Kind>) -> Priority {
    match kind {
        None | Some(Kind::Keys | Kind::Locks) => Priority::Small,
        Some(Kind::Index | Kind::Snapshots) => Priority::Index,
        Some(Kind::Data) => Priority::Packs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_every_form() {
        let (id, other) = (Id([0xab; 32]), Id([0xac; 32]));
        let (file, bare) = (File::Hashed(Kind::Data, id), id.to_string());
        assert_eq!(shard(&id), "a");
        for (name, named, renamed) in [
            (bare.clone(), true, false),
            (format!("{bare}.bin"), true, false),
            (format!("{bare}(1).bin"), false, true),
            (format!("{bare} (2)"), false, true),
            (format!("{bare}.pdf"), false, false),
            (other.to_string(), false, false),
        ] {
            let found = (is_named(&name, &file), is_renamed(&name, &file));
            assert_eq!(found, (named, renamed), "{name}");
        }
        assert_eq!(id_of(&format!("{bare}.bin")), Some(id));
        assert_eq!(id_of("config.bin"), None);
    }
}
