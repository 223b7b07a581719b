//! What the owner of a repository can do about what `verify` finds, as Tencent's console lets him.

use crate::cloud::finding::{Flaw, Subject};
use crate::cloud::survey::Remedy;
use crate::restic::Kind;

/// What is this cloud's own.
pub(super) const ADVICE: &[Remedy] = &[
    (
        Flaw::NoConfig,
        &[],
        "nobody can open the repository without it: look for it with `restic-123pan bin list`",
    ),
    (
        Flaw::MissingFolder,
        &[],
        "if nothing of it is missed, the server makes a new one with the next file",
    ),
    (
        Flaw::DoubledFile,
        &[],
        "it lies in another folder as well, with the same content; delete the one that isn't in \
         the folder of its first digits",
    ),
    (
        Flaw::Contradiction,
        &[],
        "it lies in another folder as well, with other content; download both, keep the one whose \
         SHA-256 is its name, and run `restic check --read-data`",
    ),
    (
        Flaw::ZeroLength,
        &[Subject::File(Kind::Data), Subject::File(Kind::Index)],
        "delete it, run `restic repair index` and `restic check`, and back up again",
    ),
    (
        Flaw::ZeroLength,
        &[],
        "its content is lost: look for an older one of its name with `restic-123pan bin list`, and \
         delete this one",
    ),
    (
        Flaw::BytesGone,
        &[],
        "the space was over its quota, which then removes files: switch that off in Tencent's \
         console, run `restic repair index` and `restic check`, and back up again",
    ),
];
