//! What the owner of a repository can do about what `verify` finds, as 123pan's website and app let
//! him.

use crate::cloud::finding::{Flaw, Subject};
use crate::cloud::survey::Remedy;
use crate::restic::Kind;

/// What is this cloud's own.
pub(super) const ADVICE: &[Remedy] = &[
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
        Flaw::MissingFolder,
        &[Subject::Folder(Kind::Data)],
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
        &[Subject::Config],
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
        &[Subject::File(Kind::Data), Subject::File(Kind::Index)],
        "delete it in 123pan's app, run `restic repair index` and `restic check`, and back up again",
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
        "clients don't see it: in 123pan's app move it into the folder of its first digit below \
         data, or of its first two digits where those folders have two",
    ),
    (
        Flaw::Rejected,
        &[],
        "123pan may not give it out any more: object at 123pan's support, and run `restic check \
         --read-data` to see what is lost",
    ),
    (
        Flaw::Trashed,
        &[Subject::File(Kind::Data), Subject::File(Kind::Keys)],
        "unless a client has removed it, bring it back with `restic-123pan bin restore` and the \
         first digits of its id",
    ),
    (
        Flaw::Trashed,
        &[],
        "bring it back from the bin on 123pan's website",
    ),
];
