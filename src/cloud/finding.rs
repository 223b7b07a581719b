//! What `verify` tells, as values: what can be wrong with a repository and what it is called, what
//! it is about, what a repository holds. What its owner can do, each cloud says in its own words.

use super::layout::Layouts;
use crate::restic::Kind;
use std::collections::BTreeMap;

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
    /// The cloud's content audit has rejected it.
    Rejected,
    /// The cloud has removed its bytes by itself.
    BytesGone,
    /// Two files have the same name but not the same content.
    Contradiction,
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
            Self::BytesGone => "bytes-gone",
            Self::Contradiction => "contradiction",
            Self::Trashed => "trashed",
            Self::OldLock => "old-lock",
        }
    }

    /// Whether it is worth a word but nothing that must be mended.
    pub fn is_note(self) -> bool {
        self == Self::OldLock
    }
}

/// What a flaw is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A repository's config.
    Config,
    /// A file of a kind.
    File(Kind),
    /// The folder of a kind, or one of those of packs.
    Folder(Kind),
    /// Anything else.
    Other,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What is wrong.
    pub flaw: Flaw,
    /// The repository's path below the folder of repositories, without slashes at the ends.
    pub repo: String,
    /// Where, from the account's root on.
    pub path: String,
    /// Its number, at a cloud where files have numbers; None if it isn't there.
    pub number: Option<u64>,
    /// What to do, in a sentence.
    pub advice: &'static str,
}

/// What is told on the way.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something was found. Findings come in the order in which folders are read.
    Found(&'a Finding),
    /// So many folders have been read, of so many that are known, with so many files.
    Read(u64, u64, u64),
}

/// What a repository holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Whether there is a config.
    pub config: bool,
    /// Living files by kind, in the order of [`Kind::ALL`]; those of the same name once.
    pub files: [u64; Kind::ALL.len()],
    /// Their bytes.
    pub bytes: u64,
    /// Folders of packs by their names, living or in the bin, with the living packs in each.
    pub shards: BTreeMap<String, u64>,
    /// Packs and keys in the bin that the server has put there.
    pub deleted: u64,
}

impl Contents {
    /// Living files of a kind.
    pub fn count(&self, kind: Kind) -> u64 {
        self.files[kind as usize]
    }

    /// The layouts of its packs.
    pub fn layouts(&self) -> Layouts {
        Layouts::of(self.shards.keys().map(String::as_str))
    }

    /// Adds what another folder of the same repository holds.
    pub fn add(&mut self, more: &Self) {
        self.config |= more.config;
        for (sum, count) in self.files.iter_mut().zip(more.files) {
            *sum += count;
        }
        self.bytes += more.bytes;
        for (name, packs) in &more.shards {
            *self.shards.entry(name.clone()).or_default() += packs;
        }
        self.deleted += more.deleted;
    }
}

/// What the walk has seen.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The repositories, by their paths below the folder of repositories.
    pub repositories: BTreeMap<String, Contents>,
    /// Folders that were read.
    pub folders: u64,
    /// Calls that it took, without those for the token.
    pub calls: u64,
}
