//! The table of endpoints: where each one lives, how it is called, how often. Facts only: who
//! counts the calls is `limits`, who answers them is `api`, `upload` and `cdn`.

use serde::{Deserialize, Serialize};

/// Everything a client can call. `Other` stands for paths that 123pan doesn't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    Token,
    Oauth,
    UserInfo,
    List,
    Detail,
    Infos,
    Mkdir,
    Create,
    Slice,
    Complete,
    Domain,
    Single,
    Trash,
    Delete,
    Recover,
    RecoverByPath,
    Rename,
    Move,
    DownloadInfo,
    Cdn,
    Other,
}

/// Which of the emulator's ports a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Api,
    Upload,
    Cdn,
    /// Where the CDN sends clients by 302.
    Edge,
}

/// Accounts differ in how many calls a second they may make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// No limits at all.
    #[default]
    Off,
    /// The developer table of October 2025, free accounts.
    Free,
    /// The same table, VIP accounts.
    Vip,
    /// The single column of April 2026.
    B,
    /// The table of OAuth apps.
    Oauth,
}

/// One line of the table.
pub struct Line {
    pub endpoint: Endpoint,
    pub host: Host,
    pub method: &'static str,
    pub path: &'static str,
    /// Calls a second for free accounts, VIP accounts, in the newer table, and for OAuth apps.
    rates: [f64; 4],
}

/// Shortens the table below.
const fn line(
    endpoint: Endpoint,
    host: Host,
    method: &'static str,
    path: &'static str,
    rates: [f64; 4],
) -> Line {
    Line {
        endpoint,
        host,
        method,
        path,
        rates,
    }
}

/// All endpoints. Rates that no table gives are 10 a second.
#[rustfmt::skip]
pub const TABLE: &[Line] = &[
    line(Endpoint::Token,         Host::Api,    "POST", "/api/v1/access_token",            [8.0, 10.0, 10.0, 8.0]),
    line(Endpoint::Oauth,         Host::Api,    "POST", "/api/v1/oauth2/access_token",     [1.6, 1.6, 1.6, 1.6]),
    line(Endpoint::UserInfo,      Host::Api,    "GET",  "/api/v1/user/info",               [10.0, 10.0, 10.0, 10.0]),
    line(Endpoint::List,          Host::Api,    "GET",  "/api/v2/file/list",               [5.0, 10.0, 15.0, 15.0]),
    line(Endpoint::Detail,        Host::Api,    "GET",  "/api/v1/file/detail",             [10.0, 10.0, 10.0, 10.0]),
    line(Endpoint::Infos,         Host::Api,    "POST", "/api/v1/file/infos",              [10.0, 10.0, 10.0, 10.0]),
    line(Endpoint::Mkdir,         Host::Api,    "POST", "/upload/v1/file/mkdir",           [5.0, 20.0, 20.0, 5.0]),
    line(Endpoint::Create,        Host::Api,    "POST", "/upload/v2/file/create",          [1.0, 10.0, 10.0, 1.0]),
    line(Endpoint::Complete,      Host::Api,    "POST", "/upload/v2/file/upload_complete", [5.0, 10.0, 10.0, 5.0]),
    line(Endpoint::Domain,        Host::Api,    "GET",  "/upload/v2/file/domain",          [10.0, 10.0, 10.0, 10.0]),
    line(Endpoint::Trash,         Host::Api,    "POST", "/api/v1/file/trash",              [5.0, 10.0, 10.0, 5.0]),
    line(Endpoint::Delete,        Host::Api,    "POST", "/api/v1/file/delete",             [1.0, 10.0, 10.0, 1.0]),
    line(Endpoint::Recover,       Host::Api,    "POST", "/api/v1/file/recover",            [10.0, 10.0, 10.0, 10.0]),
    line(Endpoint::RecoverByPath, Host::Api,    "POST", "/api/v1/file/recover/by_path",    [10.0, 10.0, 10.0, 10.0]),
    line(Endpoint::Rename,        Host::Api,    "PUT",  "/api/v1/file/name",               [10.0, 10.0, 10.0, 10.0]),
    line(Endpoint::Move,          Host::Api,    "POST", "/api/v1/file/move",               [3.0, 10.0, 20.0, 10.0]),
    line(Endpoint::DownloadInfo,  Host::Api,    "GET",  "/api/v1/file/download_info",      [5.0, 10.0, 10.0, 5.0]),
    line(Endpoint::Slice,         Host::Upload, "POST", "/upload/v2/file/slice",           [10.0, 10.0, 10.0, 10.0]),
    line(Endpoint::Single,        Host::Upload, "POST", "/upload/v2/file/single/create",   [10.0, 10.0, 10.0, 10.0]),
];

/// The line for a path on a host, whatever the method.
pub fn find(host: Host, path: &str) -> Option<&'static Line> {
    TABLE.iter().find(|l| l.host == host && l.path == path)
}

/// Calls a second of an endpoint in a tier; `None` is no limit.
pub fn rate(endpoint: Endpoint, tier: Tier) -> Option<f64> {
    let column = match tier {
        Tier::Off => return None,
        Tier::Free => 0,
        Tier::Vip => 1,
        Tier::B => 2,
        Tier::Oauth => 3,
    };
    let line = TABLE.iter().find(|l| l.endpoint == endpoint)?;
    Some(line.rates[column])
}
