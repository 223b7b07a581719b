//! What can be wrong with a repository, what it is called, and what its owner can do.

use crate::restic::Kind;

/// Something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// There is no folder for a repository that was named.
    NoRepository,
    /// It has no config.
    NoConfig,
    /// It has no key.
    NoKey,
    /// It has snapshots but no index.
    NoIndex,
    /// It has snapshots but no packs.
    NoPacks,
    /// A folder isn't there.
    MissingFolder,
    /// Two folders have the same name.
    DoubledFolder,
    /// Two files have the same name.
    DoubledFile,
    /// A file holds nothing.
    ZeroLength,
    /// A name that no file of restic's has.
    WrongName,
    /// A pack in another folder than its name says.
    WrongFolder,
    /// 123pan's content audit has rejected it.
    Rejected,
    /// It lies in the bin, where this server hasn't put it.
    Trashed,
    /// A lock that is more than a day old.
    OldLock,
}

impl Flaw {
    /// Its name, as `--json` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRepository => "no-repository",
            Self::NoConfig => "no-config",
            Self::NoKey => "no-key",
            Self::NoIndex => "no-index",
            Self::NoPacks => "no-packs",
            Self::MissingFolder => "missing-folder",
            Self::DoubledFolder => "doubled-folder",
            Self::DoubledFile => "doubled-file",
            Self::ZeroLength => "zero-length",
            Self::WrongName => "wrong-name",
            Self::WrongFolder => "wrong-folder",
            Self::Rejected => "rejected",
            Self::Trashed => "trashed",
            Self::OldLock => "old-lock",
        }
    }

    /// Whether it is worth a word but nothing that must be mended.
    pub fn is_note(self) -> bool {
        self == Self::OldLock
    }

    /// What its owner can do, in a sentence.
    pub fn advice(self, what: Thing) -> &'static str {
        let fits = |(flaw, things, _): &&(Self, &[Thing], &str)| {
            *flaw == self && (things.is_empty() || things.contains(&what))
        };
        ADVICE.iter().find(fits).map_or("", |(.., text)| text)
    }
}

/// What a flaw is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A repository's config.
    Config,
    /// A file of a kind.
    File(Kind),
    /// The folder of a kind, or one of its 256.
    Folder(Kind),
    /// Anything else.
    Other,
}

/// What to do about a flaw in one of these things, or in any: the first line that fits counts.
const ADVICE: &[(Flaw, &[Thing], &str)] = &[
    (
        Flaw::NoRepository,
        &[],
        "look at the name; a folder that was deleted is brought back on 123pan's website",
    ),
    (
        Flaw::NoConfig,
        &[],
        "nobody can open the repository without it: look for it in the bin on 123pan's website",
    ),
    (
        Flaw::NoKey,
        &[],
        "nobody can open the repository without one: bring one back with `restic-123pan bin \
         restore` and the first digits of its id, which `bin list` shows",
    ),
    (Flaw::NoIndex, &[], "run `restic repair index`"),
    (
        Flaw::NoPacks,
        &[],
        "run `restic-123pan bin restore`, then `restic repair index` and `restic check`",
    ),
    (
        Flaw::MissingFolder,
        &[Thing::Folder(Kind::Data)],
        "look for it in the bin on 123pan's website; if it isn't there, run `restic repair index` \
         and `restic check` to see what is lost",
    ),
    (
        Flaw::MissingFolder,
        &[],
        "look for it in the bin on 123pan's website; if nothing of it is missed, the server makes \
         a new one with the next file",
    ),
    (
        Flaw::DoubledFolder,
        &[],
        "both are read as one; in 123pan's app move what is in this one into the other, and delete \
         it",
    ),
    (
        Flaw::DoubledFile,
        &[Thing::Config],
        "clients read the oldest; see that it opens the repository, and delete this one in \
         123pan's app",
    ),
    (
        Flaw::DoubledFile,
        &[],
        "clients read the newest; if its SHA-256 is its name, delete this one in 123pan's app, or \
         else the newest",
    ),
    (
        Flaw::ZeroLength,
        &[Thing::File(Kind::Data), Thing::File(Kind::Index)],
        "delete it in 123pan's app, run `restic repair index` and `restic check`, and back up again",
    ),
    (
        Flaw::ZeroLength,
        &[Thing::File(Kind::Locks)],
        "run `restic unlock --remove-all` while no client works",
    ),
    (
        Flaw::ZeroLength,
        &[],
        "its content is lost: look in the bin on 123pan's website for an older one of its name, \
         and delete this one",
    ),
    (
        Flaw::WrongName,
        &[],
        "clients don't see it: move it out of the repository in 123pan's app, or give it its right \
         name if it is a file of restic's",
    ),
    (
        Flaw::WrongFolder,
        &[],
        "clients don't see it: in 123pan's app move it into the folder of its first two digits \
         below data",
    ),
    (
        Flaw::Rejected,
        &[],
        "123pan may not give it out any more: object at 123pan's support, and run `restic check \
         --read-data` to see what is lost",
    ),
    (
        Flaw::Trashed,
        &[Thing::File(Kind::Data), Thing::File(Kind::Keys)],
        "unless a client has removed it, bring it back with `restic-123pan bin restore` and the \
         first digits of its id",
    ),
    (
        Flaw::Trashed,
        &[],
        "bring it back from the bin on 123pan's website",
    ),
    (
        Flaw::OldLock,
        &[],
        "run `restic unlock` if the client that made it has ended",
    ),
];
