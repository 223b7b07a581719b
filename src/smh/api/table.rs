//! Tencent SMH's calls: one table with what is special about each. No document names a rate; all
//! calls to the library's host share one, with which `pace` begins and from which it learns.

use crate::cloud::call::{Spec, endpoints};

/// Calls a second to the library's host to begin with; `pace` halves it when they are too many.
const PER_SECOND: f64 = 20.0;
/// The same to the storage hosts, which have no such limit: those that upload are few.
const STORAGE: f64 = 1000.0;
/// Calls to the library's host at a time.
pub const AT_A_TIME: usize = 8;

// A start whose answer was lost leaves nothing that anybody sees; a second deletion finds nothing.
// A confirmation is looked up, never repeated blindly.
endpoints! {
    /// A new access token.
    Token, [GivesTokens], 0, "GET", "a new token";
    /// One page of a folder.
    List, [Idempotent], 0, "GET", "a list";
    /// Details of a file or folder, without an address.
    Info, [Idempotent], 0, "GET", "a look at a file";
    /// The same, but without a token, which must fail.
    Knock, [Idempotent, Unsigned], 0, "GET", "a look without a token";
    /// A new folder, with those above it.
    Mkdir, [Idempotent, Writes], 0, "PUT", "a new folder";
    /// The start of an upload.
    Start, [Idempotent, Writes], 0, "PUT", "the start of an upload";
    /// Its bytes, to the storage host.
    Put, [Unsigned, Writes, Elsewhere], 1, "PUT", "an upload's bytes";
    /// Its confirmation, which publishes it.
    Confirm, [Writes, Polled], 0, "POST", "the confirmation of an upload";
    /// What has become of it.
    Session, [Idempotent], 0, "GET", "a look at an upload";
    /// Its end without a file.
    Abort, [Idempotent], 0, "DELETE", "the end of an upload";
    /// Where a file can be downloaded.
    Address, [Idempotent], 0, "GET", "a download's address";
    /// A file's deletion.
    Delete, [Idempotent], 0, "DELETE", "a deletion";
    /// The deletion of a folder with all that is in it.
    DeleteFolder, [Idempotent], 0, "DELETE", "a folder's deletion";
    /// The deletion of up to 1,000 files.
    Batch, [Idempotent], 0, "POST", "a deletion of many";
    /// What has become of one that takes long.
    Task, [Idempotent], 0, "GET", "a look at a task";
    /// One page of the recycle bin.
    BinList, [Idempotent], 0, "GET", "a list of the bin";
    /// Up to 100 files out of the bin for good.
    BinPurge, [Idempotent], 0, "POST", "a purge";
    /// A file back out of the bin.
    BinRestore, [], 0, "POST", "a return from the bin";
    /// The space that there is.
    Usage, [Idempotent], 0, "GET", "the space's usage";
    /// How much lies below a folder.
    Stats, [Idempotent], 0, "GET", "a folder's usage";
    /// The space's quota.
    Quota, [Idempotent], 0, "GET", "the space's quota";
    /// Whether earlier versions of files are kept.
    History, [Idempotent], 0, "GET", "the library's history";
}

/// The rates of which so large a share is used.
pub fn rates(share: f64) -> [f64; 2] {
    [crate::cloud::pace::share(PER_SECOND, share), STORAGE]
}
