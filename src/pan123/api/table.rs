//! 123pan's calls: one table with their paths, rates and what is special about each.

use super::super::config::Tier;
use crate::cloud::call::{Spec, Way};

macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident, [$($way:ident),*], $method:literal, $path:literal, $free:literal, $vip:literal, $oauth:literal;)*) => {
        /// The calls that we make.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Endpoint { $($(#[$doc])* $name,)* }

        impl Endpoint {
            /// Every endpoint.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Most calls a second for an account of this tier.
            pub fn per_second(self, tier: Tier) -> f64 {
                match (self, tier) {
                    $((Self::$name, Tier::Free) => $free,
                    (Self::$name, Tier::Vip) => $vip,
                    (Self::$name, Tier::Oauth) => $oauth,)*
                }
            }
        }

        /// The same, as they are made.
        pub static TABLE: &[Spec] = &[$(Spec {
            number: Endpoint::$name as usize,
            queue: Endpoint::$name as usize,
            name: $path,
            method: $method,
            ways: &[$(Way::$way),*],
        }),*];
    };
}

// A second trash, purge or recovery would do no harm either, but what they say about ids that are
// gone already is unknown; `bin` looks instead. The pause between polls of a download's address is
// documented: at least a second.
//
// Calls a second from API reference 2.1: for free and for VIP accounts columns A, B and C; where
// they differ, the lower one; where nobody official names one, 10, or less where a client was told
// less. For OAuth column C; where it is silent, as for free accounts.
endpoints! {
    /// A new access token.
    AccessToken, [GivesTokens], "POST", "/api/v1/access_token", 8.0, 10.0, 8.0;
    /// The tokens of an OAuth app. 100 calls a minute are allowed; more, and the address is limited.
    OauthToken, [GivesTokens], "POST", "/api/v1/oauth2/access_token", 1.0, 1.0, 1.0;
    /// The account: space, VIP, developer benefit.
    UserInfo, [Idempotent], "GET", "/api/v1/user/info", 10.0, 10.0, 10.0;
    /// One page of a folder.
    List, [Idempotent], "GET", "/api/v2/file/list", 5.0, 10.0, 15.0;
    /// A new folder.
    Mkdir, [Makes, Writes], "POST", "/upload/v1/file/mkdir", 5.0, 20.0, 5.0;
    /// Details of up to 100 files.
    Infos, [Idempotent], "POST", "/api/v1/file/infos", 10.0, 10.0, 10.0;
    /// Details of one file or folder.
    Detail, [Idempotent], "GET", "/api/v1/file/detail", 10.0, 10.0, 10.0;
    /// Up to 100 files into the bin. No table for developers names it; 5 is the OAuth figure, and
    /// the support told of none. `pace` finds out.
    Trash, [], "POST", "/api/v1/file/trash", 10.0, 10.0, 5.0;
    /// Up to 100 files out of the bin for good.
    Purge, [], "POST", "/api/v1/file/delete", 1.0, 10.0, 1.0;
    /// Up to 100 files back out of the bin.
    Recover, [], "POST", "/api/v1/file/recover", 10.0, 10.0, 10.0;
    /// The same into another folder.
    RecoverByPath, [], "POST", "/api/v1/file/recover/by_path", 10.0, 10.0, 10.0;
    /// The address to download a file from; 5 is the OAuth figure.
    DownloadInfo, [Idempotent, Polled], "GET", "/api/v1/file/download_info", 5.0, 10.0, 5.0;
    /// Where uploads go.
    Domain, [Idempotent], "GET", "/upload/v2/file/domain", 10.0, 10.0, 10.0;
    /// A whole file in one call.
    Single, [Makes, Writes, Elsewhere], "POST", "/upload/v2/file/single/create", 10.0, 10.0, 10.0;
    /// The start of an upload in slices; 1 and 20 were told by the support, 2 and 5 noted there.
    Create, [Makes, Writes], "POST", "/upload/v2/file/create", 1.0, 5.0, 1.0;
    /// One slice.
    Slice, [Idempotent, Writes, Elsewhere], "POST", "/upload/v2/file/slice", 10.0, 10.0, 10.0;
    /// The end of an upload in slices.
    Complete, [Idempotent, Writes], "POST", "/upload/v2/file/upload_complete", 5.0, 10.0, 5.0;
}

impl Endpoint {
    /// The line of the table.
    pub fn spec(self) -> &'static Spec {
        &TABLE[self as usize]
    }

    /// The endpoint of a line.
    pub fn of(spec: &Spec) -> Self {
        Self::ALL[spec.number]
    }
}

/// The rates of an account's tier of which so large a share is used.
pub fn rates(tier: Tier, share: f64) -> Vec<f64> {
    let all = Endpoint::ALL.iter();
    all.map(|endpoint| crate::cloud::pace::share(endpoint.per_second(tier), share))
        .collect()
}
