//! The table of calls: how each one looks on the wire. From a request's head to what it asks for;
//! what it comes to is left to others.

use super::super::args::decode;
use super::super::exchange::Head;
use super::super::faults::How;
use super::super::mix::{Fails, HANG};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Everything a client can call. `Other` stands for what Tencent SMH doesn't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    Token,
    RenewToken,
    EndToken,
    EndTokens,
    Mkdir,
    HeadFolder,
    Info,
    Stats,
    List,
    DeleteFolder,
    HeadFile,
    FileInfo,
    Download,
    Start,
    StartParts,
    RenewParts,
    Confirm,
    Session,
    Abort,
    DeleteFile,
    Batch,
    Task,
    TaskResult,
    ListBin,
    Purge,
    PurgeMany,
    Restore,
    Lifecycle,
    Usage,
    Size,
    Quota,
    History,
    /// Bytes to the storage host.
    Put,
    /// Bytes from it.
    Get,
    Other,
}

/// The first segment of a path, the method, a flag of the query (empty: none is needed), the call.
/// The first line that fits counts.
#[rustfmt::skip]
const TABLE: &[(&str, &str, &str, Call)] = &[
    ("directory",         "PUT",    "",          Call::Mkdir),
    ("directory",         "HEAD",   "",          Call::HeadFolder),
    ("directory",         "GET",    "info",      Call::Info),
    ("directory",         "GET",    "stats",     Call::Stats),
    ("directory",         "GET",    "",          Call::List),
    ("directory",         "DELETE", "",          Call::DeleteFolder),
    ("file",              "HEAD",   "",          Call::HeadFile),
    ("file",              "GET",    "info",      Call::FileInfo),
    ("file",              "GET",    "upload",    Call::Session),
    ("file",              "GET",    "",          Call::Download),
    ("file",              "PUT",    "",          Call::Start),
    ("file",              "POST",   "multipart", Call::StartParts),
    ("file",              "POST",   "renew",     Call::RenewParts),
    ("file",              "POST",   "confirm",   Call::Confirm),
    ("file",              "DELETE", "upload",    Call::Abort),
    ("file",              "DELETE", "",          Call::DeleteFile),
    ("batch",             "POST",   "delete",    Call::Batch),
    ("task",              "GET",    "",          Call::Task),
    ("task-result",       "GET",    "",          Call::TaskResult),
    ("recycled",          "GET",    "by-marker", Call::ListBin),
    ("recycled",          "DELETE", "",          Call::Purge),
    ("recycled",          "POST",   "delete",    Call::PurgeMany),
    ("recycled",          "POST",   "restore",   Call::Restore),
    ("recycled",          "POST",   "lifecycle", Call::Lifecycle),
    ("usage",             "GET",    "",          Call::Usage),
    ("space",             "GET",    "",          Call::Size),
    ("space-quota",       "GET",    "",          Call::Quota),
    ("directory-history", "GET",    "",          Call::History),
];

impl Call {
    /// Whether it only looks, so that public reading allows it without a token.
    pub fn reads(self) -> bool {
        matches!(
            self,
            Call::HeadFolder
                | Call::Info
                | Call::Stats
                | Call::List
                | Call::HeadFile
                | Call::FileInfo
                | Call::Download
        )
    }
}

impl Fails for Call {
    fn hows(self) -> Vec<How> {
        let code = |status: i64, code: &str| How::Code(status, code.to_owned());
        let mut hows = vec![
            How::Html(503),
            How::Reset,
            How::Reset,
            How::Refuse,
            How::Cut,
        ];
        match self {
            Call::Get => return hows,
            Call::Put => {
                let denied = code(403, "AccessDenied");
                hows.extend([denied, code(500, "InternalError"), How::ResetInBody(100)]);
                return hows;
            }
            _ => hows.extend([
                code(429, "RateLimitExceeded"),
                code(500, "InternalServerError"),
                code(503, "ServerOverloaded"),
                How::Html(502),
                How::Hang(HANG),
            ]),
        }
        if self != Call::Token {
            hows.extend([code(409, "PathConflict"), code(403, "InvalidAccessToken")]);
        }
        // For others it would be a success that isn't one.
        if matches!(
            self,
            Call::Token | Call::List | Call::Start | Call::FileInfo
        ) {
            hows.extend([How::Empty, How::BadJson, How::NullData, How::WrongShape]);
        }
        hows
    }
}

/// Parameters of a query.
#[derive(Clone, Debug, Default)]
pub struct Query(HashMap<String, String>);

impl Query {
    /// Takes a query apart.
    pub fn parse(text: &str) -> Query {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Query(pairs.map(|(k, v)| (decode(k), decode(v))).collect())
    }

    /// Whether a flag is there: bare, or with any value at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A parameter; an empty one is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|text| !text.is_empty())
    }

    /// A number; outer `None`: something else stands there.
    pub fn number(&self, name: &str) -> Option<Option<u64>> {
        match self.text(name) {
            None => Some(None),
            Some(text) => text.parse().ok().map(Some),
        }
    }

    /// A parameter's parts, which commas divide.
    pub fn list(&self, name: &str) -> Vec<String> {
        let parts = self.text(name).unwrap_or("").split(',');
        let parts = parts.map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    /// Whether a parameter says yes.
    pub fn says(&self, name: &str) -> bool {
        matches!(self.text(name), Some("1" | "true"))
    }
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct Route {
    pub call: Call,
    pub library: String,
    pub space: String,
    /// The rest of the path, segment by segment: mostly that of a file.
    pub path: Vec<String>,
    pub query: Query,
}

impl Route {
    /// The path's first segment where it is a key or an id.
    pub fn key(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// The folder in which the last name of the path stands.
    pub fn folder(&self) -> &[String] {
        self.path.split_last().map_or(&[], |(_, above)| above)
    }
}

/// Which call this is; `None` if there is no such call.
pub fn route(head: &Head) -> Option<Route> {
    let rest = head.path.strip_prefix("/api/v1/")?;
    let mut parts = rest.splitn(4, '/');
    let kind = parts.next()?;
    let library = decode_path(parts.next().unwrap_or(""));
    let space = decode_path(parts.next().unwrap_or(""));
    let path = segments(&decode_path(parts.next().unwrap_or("")));
    let query = Query::parse(&head.query);
    let call = match kind {
        "token" => token_call(&head.method, &library, &space)?,
        _ => find(kind, &head.method, &query)?,
    };
    Some(Route {
        call,
        library,
        space,
        path,
        query,
    })
}

fn find(kind: &str, method: &str, query: &Query) -> Option<Call> {
    let fits = |line: &&(&str, &str, &str, Call)| {
        line.0 == kind && line.1 == method && (line.2.is_empty() || query.has(line.2))
    };
    TABLE.iter().find(fits).map(|line| line.3)
}

fn token_call(method: &str, library: &str, token: &str) -> Option<Call> {
    match (method, library.is_empty(), token.is_empty()) {
        ("GET" | "POST", true, true) => Some(Call::Token),
        ("POST", false, false) => Some(Call::RenewToken),
        ("DELETE", false, false) => Some(Call::EndToken),
        ("DELETE", false, true) => Some(Call::EndTokens),
        _ => None,
    }
}

/// The names of a path. A slash at its beginning or end says nothing.
pub fn segments(path: &str) -> Vec<String> {
    let names = path.split('/').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// Undoes the encoding of paths, where a plus is a plus.
fn decode_path(text: &str) -> String {
    decode(&text.replace('+', "%2B"))
}
