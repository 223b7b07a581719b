//! 123pan's calls: one table with their paths, rates and what is special about each.

use super::super::config::Tier;
use crate::cloud::call::{Spec, endpoints};
use crate::cloud::pace::share;

// A second trash, purge or recovery would do no harm either, but what they say about ids that are
// gone already is unknown; `bin` looks instead. The pause between polls of a download's address is
// documented: at least a second.
//
// Calls a second from API reference 2.1: for free and for VIP accounts columns A, B and C; where
// they differ, the lower one; where nobody official names one, 10, or less where a client was told
// less. For OAuth column C; where it is silent, as for free accounts.
endpoints! {
    /// A new access token.
    AccessToken, [GivesTokens], own, "POST", "/api/v1/access_token", 8.0, 10.0, 8.0;
    /// The tokens of an OAuth app. 100 calls a minute are allowed; more, and the address is limited.
    OauthToken, [GivesTokens], own, "POST", "/api/v1/oauth2/access_token", 1.0, 1.0, 1.0;
    /// The account: space, VIP, developer benefit.
    UserInfo, [Idempotent], own, "GET", "/api/v1/user/info", 10.0, 10.0, 10.0;
    /// One page of a folder.
    List, [Idempotent], own, "GET", "/api/v2/file/list", 5.0, 10.0, 15.0;
    /// A new folder.
    Mkdir, [Makes, Writes], own, "POST", "/upload/v1/file/mkdir", 5.0, 20.0, 5.0;
    /// Details of up to 100 files.
    Infos, [Idempotent], own, "POST", "/api/v1/file/infos", 10.0, 10.0, 10.0;
    /// Details of one file or folder.
    Detail, [Idempotent], own, "GET", "/api/v1/file/detail", 10.0, 10.0, 10.0;
    /// Up to 100 files into the bin. No table for developers names it; 5 is the OAuth figure, and
    /// the support told of none. `pace` finds out.
    Trash, [], own, "POST", "/api/v1/file/trash", 10.0, 10.0, 5.0;
    /// Up to 100 files out of the bin for good.
    Purge, [], own, "POST", "/api/v1/file/delete", 1.0, 10.0, 1.0;
    /// Up to 100 files back out of the bin.
    Recover, [], own, "POST", "/api/v1/file/recover", 10.0, 10.0, 10.0;
    /// The same into another folder.
    RecoverByPath, [], own, "POST", "/api/v1/file/recover/by_path", 10.0, 10.0, 10.0;
    /// The address to download a file from; 5 is the OAuth figure.
    DownloadInfo, [Idempotent, Polled], own, "GET", "/api/v1/file/download_info", 5.0, 10.0, 5.0;
    /// Where uploads go.
    Domain, [Idempotent], own, "GET", "/upload/v2/file/domain", 10.0, 10.0, 10.0;
    /// A whole file in one call.
    Single, [Makes, Writes, Elsewhere], own, "POST", "/upload/v2/file/single/create", 10.0, 10.0, 10.0;
    /// The start of an upload in slices; 1 and 20 were told by the support, 2 and 5 noted there.
    Create, [Makes, Writes], own, "POST", "/upload/v2/file/create", 1.0, 5.0, 1.0;
    /// One slice.
    Slice, [Idempotent, Writes, Elsewhere], own, "POST", "/upload/v2/file/slice", 10.0, 10.0, 10.0;
    /// The end of an upload in slices.
    Complete, [Idempotent, Writes], own, "POST", "/upload/v2/file/upload_complete", 5.0, 10.0, 5.0;
}

/// The rates of an account's tier of which so large a share is used.
pub fn rates(tier: Tier, part: f64) -> Vec<f64> {
    let all = TABLE.iter().map(|spec| spec.rates[tier as usize]);
    all.map(|rate| share(rate, part)).collect()
}
