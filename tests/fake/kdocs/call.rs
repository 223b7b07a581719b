//! The table of calls: how each looks on the wire. What it comes to is left to others.

use super::super::exchange::Head;
use super::super::faults::How;
use super::super::mix::Fails;
use serde::{Deserialize, Serialize};

/// Everything a client can call. `Other` stands for what Kdocs doesn't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    Token,
    Refresh,
    List,
    AppList,
    Upload,
    Link,
    Delete,
    DeleteMany,
    Bin,
    Recover,
    /// Bytes from the host of downloads.
    Get,
    Other,
}

const V1: &str = "/api/v1/openapi/personal/";

/// The method and the path below [`V1`]; a star stands for a file's token.
const TABLE: [(&str, &str, Call); 8] = [
    ("GET", "files", Call::List),
    ("GET", "apps/files", Call::AppList),
    ("POST", "files/upload", Call::Upload),
    ("GET", "files/*/download", Call::Link),
    ("DELETE", "files/*", Call::Delete),
    ("POST", "tasks/files/delete", Call::DeleteMany),
    ("GET", "recycles", Call::Bin),
    ("POST", "recycles/recover", Call::Recover),
];

impl Call {
    /// Whether it counts among the writes of a day.
    pub fn writes(self) -> bool {
        use Call::{Delete, DeleteMany, Link, Recover, Upload};
        matches!(self, Upload | Link | Delete | DeleteMany | Recover)
    }

    /// Whether it gives tokens, and so needs none.
    pub fn gives_tokens(self) -> bool {
        matches!(self, Call::Token | Call::Refresh)
    }

    /// What the user must have agreed to.
    pub fn scope(self) -> &'static str {
        match self {
            Call::Upload => "create_personal_files",
            Call::Link => "download_personal_files",
            Call::Delete | Call::DeleteMany => "remove_personal_files",
            _ => "access_personal_files",
        }
    }
}

/// The call that a request is, and the token of the file that it names.
pub fn route(head: &Head) -> Option<(Call, String)> {
    let method = head.method.as_str();
    match (method, head.path.as_str()) {
        ("GET", "/api/v1/oauth2/access_token") => return Some((Call::Token, String::new())),
        ("POST", "/api/v1/oauth2/refresh_token") => return Some((Call::Refresh, String::new())),
        _ => {}
    }
    let path = head.path.strip_prefix(V1)?;
    let fits = |(its, pattern, call): &(&str, &str, Call)| {
        let token = matched(pattern, path)?;
        (*its == method).then_some((*call, token))
    };
    TABLE.iter().find_map(fits)
}

/// What stands in a path where the pattern has its star, if it fits.
fn matched(pattern: &str, path: &str) -> Option<String> {
    let mut token = String::new();
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return Some(token),
            (Some("*"), Some(found)) if !found.is_empty() => found.clone_into(&mut token),
            (Some(one), Some(other)) if one == other => {}
            _ => return None,
        }
    }
}

impl Fails for Call {
    fn hows(self) -> Vec<How> {
        if self == Call::Get {
            return vec![How::Html(503), How::Reset, How::Cut, How::Refuse];
        }
        vec![
            How::Html(500),
            How::Html(502),
            How::Empty,
            How::BadJson,
            How::Reset,
            How::Cut,
        ]
    }
}
