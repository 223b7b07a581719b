//! restic's REST protocol as values: repositories, files, ids, ranges, and the request line that
//! names them. Everything here is pure; what a request does is `service`'s business, and how
//! bytes move is `server`'s.
//!
//! Source of the facts: restic's "REST Backend" specification and what restic 0.14, restic 0.19
//! and rustic 0.11 send.

mod id;
mod range;
#[cfg(test)]
mod tests;

pub use id::{Id, hex};
pub use range::{Part, Range};

use crate::lines::shown;
use id::digit;
use std::fmt;

/// Most path segments that a repository may have below the server's root.
pub const MAX_DEPTH: usize = 8;
/// Longest path segment in bytes, as file systems have it.
pub const MAX_SEGMENT: usize = 255;
/// Most characters of a wrong name that are shown.
const SHOWN: usize = 40;
/// Longest request target in bytes that is looked at.
pub const MAX_TARGET: usize = 4096;

/// A repository: its path below the server's root, without slashes at the ends; empty for `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repo(String);

impl Repo {
    /// The repository with this path, or None if a segment may not be one.
    pub fn new(path: &str) -> Option<Self> {
        if path.is_empty() {
            return Some(Self(String::new()));
        }
        let segments: Vec<&str> = path.split('/').collect();
        let fits = segments.len() <= MAX_DEPTH && segments.iter().all(|name| segment_ok(name));
        fits.then(|| Self(path.to_owned()))
    }

    /// The path's segments, outermost first.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// Whether its path is a folder's or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        let mut own = self.segments();
        folder.segments().all(|name| own.next() == Some(name))
    }

    /// The path, without slashes at the ends.
    pub fn path(&self) -> &str {
        &self.0
    }
}

/// As messages name it.
impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", shown(&self.0))
    }
}

/// Names that would be mistaken for a repository's own folders, or for the server's own pages.
const RESERVED: [&str; 7] = ["-", "config", "data", "keys", "locks", "snapshots", "index"];

/// What the names of this program's own files begin with, which stand beside a repository's.
const OWN: &str = ".restic-123pan-";

/// Whether a name may be a folder on a cloud: nothing that a path could be tricked with, and none
/// of the characters that file systems and clouds forbid alike. What one of them forbids besides,
/// its store says (`store::Limits`).
pub fn segment_ok(name: &str) -> bool {
    segment_flaw(name).is_none()
}

/// Why a name may not be a folder on the cloud.
fn segment_flaw(name: &str) -> Option<&'static str> {
    let bad = |c: char| c.is_control() || "\"\\/:*?|><".contains(c);
    let flaws = [
        (name.is_empty(), "is empty"),
        (name.len() > MAX_SEGMENT, "has more than 255 bytes"),
        (name != name.trim(), "begins or ends with a blank"),
        (
            name.ends_with('.'),
            "ends with a dot, which the cloud refuses",
        ),
        (
            name.contains(bad),
            "has a control character or one of \" \\ / : * ? | > <, which the cloud refuses",
        ),
        (
            RESERVED.contains(&name) || name.starts_with(OWN),
            "is kept for a repository's own files and the server's",
        ),
    ];
    let mut flaws = flaws.into_iter().filter(|(flawed, _)| *flawed);
    flaws.next().map(|(_, why)| why)
}

/// Why nothing can be at a path, for whoever typed it.
pub fn path_flaw(target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    if names.len() > MAX_DEPTH || path.len() > MAX_TARGET {
        return format!("a repository lies at most {MAX_DEPTH} folders deep");
    }
    // The folder of a kind stands where it should; it is the file's name that is wrong.
    let before = match names.as_slice() {
        [before @ .., kind, id] if Kind::from_name(kind).is_some() && *id != "config" => before,
        all => all,
    };
    let flaw = before.iter().find_map(|name| {
        let why = match decode(name) {
            Some(plain) => segment_flaw(&plain)?,
            None => "isn't UTF-8, or hides a slash or a dot",
        };
        let shown: String = name.chars().take(SHOWN).collect();
        Some(format!("{shown:?} {why}"))
    });
    flaw.unwrap_or_else(|| "no file of a repository is called like this".to_owned())
}

/// The kinds of files that a repository has besides its config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Packs, in folders by the first digits of their ids.
    Data,
    /// Keys.
    Keys,
    /// Locks, the fences between clients.
    Locks,
    /// Snapshots.
    Snapshots,
    /// Index files.
    Index,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Data,
        Self::Keys,
        Self::Locks,
        Self::Snapshots,
        Self::Index,
    ];

    /// The kind's folder name, which is also its name in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Keys => "keys",
            Self::Locks => "locks",
            Self::Snapshots => "snapshots",
            Self::Index => "index",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One file of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum File {
    /// The repository's config; the only file that isn't named by its hash.
    Config,
    /// A file named by the SHA-256 of its content.
    Hashed(Kind, Id),
}

impl File {
    /// The id that the content must hash to; none for the config.
    pub fn id(&self) -> Option<Id> {
        match self {
            Self::Config => None,
            Self::Hashed(_, id) => Some(*id),
        }
    }

    /// The kind; none for the config.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Config => None,
            Self::Hashed(kind, _) => Some(*kind),
        }
    }

    /// The file's own name, without its folders.
    pub fn name(&self) -> String {
        match self {
            Self::Config => "config".to_owned(),
            Self::Hashed(_, id) => id.to_string(),
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config => f.write_str("config"),
            Self::Hashed(kind, id) => write!(f, "{}/{id}", kind.name()),
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Make a repository's folder; done already is fine.
    Create(Repo),
    /// The files of one kind.
    List(Repo, Kind),
    /// A file's size.
    Stat(Repo, File),
    /// A file's bytes, whole or in part.
    Load(Repo, File),
    /// Store a file.
    Save(Repo, File),
    /// Remove a file; gone already is fine.
    Remove(Repo, File),
}

impl Operation {
    /// The repository that is meant.
    pub fn repo(&self) -> &Repo {
        match self {
            Self::Create(repo) | Self::List(repo, _) | Self::Stat(repo, _) => repo,
            Self::Load(repo, _) | Self::Save(repo, _) | Self::Remove(repo, _) => repo,
        }
    }
}

/// Why a request line is no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing can be at this path.
    NotFound,
    /// The path is known but not with this method; the methods that it has.
    Method(&'static str),
    /// A POST to a repository without `create=true`.
    NoCreate,
}

/// Reads a request line.
pub fn parse(method: &str, target: &str) -> Result<Operation, Refusal> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match place(path).ok_or(Refusal::NotFound)? {
        Place::Repo(repo) => match method {
            "POST" if query.split('&').any(|pair| pair == "create=true") => {
                Ok(Operation::Create(repo))
            }
            "POST" => Err(Refusal::NoCreate),
            _ => Err(Refusal::Method("POST")),
        },
        Place::Kind(repo, kind) => match method {
            "GET" => Ok(Operation::List(repo, kind)),
            _ => Err(Refusal::Method("GET")),
        },
        Place::File(repo, file) => match method {
            "HEAD" => Ok(Operation::Stat(repo, file)),
            "GET" => Ok(Operation::Load(repo, file)),
            "POST" => Ok(Operation::Save(repo, file)),
            "DELETE" => Ok(Operation::Remove(repo, file)),
            _ => Err(Refusal::Method("HEAD, GET, POST, DELETE")),
        },
    }
}

/// What a path names.
enum Place {
    Repo(Repo),
    Kind(Repo, Kind),
    File(Repo, File),
}

fn place(path: &str) -> Option<Place> {
    if path.len() > MAX_TARGET {
        return None;
    }
    let path = path.strip_prefix('/')?;
    // Several slashes count as one: scripts and proxies join paths like that.
    let names = path.split('/').filter(|name| !name.is_empty());
    let names: Vec<String> = names.map(decode).collect::<Option<_>>()?;
    if names.is_empty() {
        return Some(Place::Repo(Repo(String::new())));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let is_folder = path.ends_with('/');
    let repo = |names: &[&str]| Repo::new(&names.join("/"));
    match names.as_slice() {
        [before @ .., "config"] if !is_folder => Some(Place::File(repo(before)?, File::Config)),
        [before @ .., kind, id] if !is_folder && Kind::from_name(kind).is_some() => {
            let file = File::Hashed(Kind::from_name(kind)?, Id::from_hex(id)?);
            Some(Place::File(repo(before)?, file))
        }
        // restic lists with a slash at the end; without it the same folder is meant.
        [before @ .., kind] if Kind::from_name(kind).is_some() => {
            Some(Place::Kind(repo(before)?, Kind::from_name(kind)?))
        }
        all => Some(Place::Repo(repo(all)?)),
    }
}

/// A path segment without its percent signs; None for what no honest client sends: a broken
/// escape, an escaped slash or dot, bytes that aren't UTF-8.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let pair = [rest.next()?, rest.next()?].map(|c| digit(c.to_ascii_lowercase()));
        let [Some(high), Some(low)] = pair else {
            return None;
        };
        match high << 4 | low {
            b'/' | b'.' | b'\\' | 0 => return None,
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// The media type of the first version of lists: names only.
pub const V1: &str = "application/vnd.x.restic.rest.v1";
/// The media type of the second version of lists: names and sizes.
pub const V2: &str = "application/vnd.x.restic.rest.v2";

/// Whether an `Accept` header asks for lists with sizes.
pub fn wants_v2(accept: &str) -> bool {
    let types = accept.split(',').filter_map(|item| item.split(';').next());
    types
        .map(str::trim)
        .any(|name| name.eq_ignore_ascii_case(V2))
}
