//! How things were at one moment, as plain values: what every renderer works from, and the JSON
//! of `/-/status`.

use super::histogram::Histogram;
use super::repos::Repository;
use super::warnings::Warning;
use crate::store::Health;
use serde::Serialize;

/// How things were at one moment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// The program's version.
    pub version: &'static str,
    /// The moment, in seconds since 1970.
    pub now: u64,
    /// When the server started.
    pub started: u64,
    /// Bytes of memory that held bodies take.
    pub memory: u64,
    /// Bytes of memory that they may take.
    pub memory_most: u64,
    /// Bytes a second that clients may send together; None without a limit.
    pub limit_upload: Option<u64>,
    /// Bytes a second that they may get.
    pub limit_download: Option<u64>,
    /// Answered requests.
    pub requests: Vec<Requests>,
    /// How long they took.
    pub latencies: Vec<Latency>,
    /// Requests that broke off before their answer was whole.
    pub cut: u64,
    /// Bytes that clients have sent.
    pub received: u64,
    /// Bytes that clients have been sent.
    pub sent: u64,
    /// The queues.
    pub lanes: Vec<Lane>,
    /// The repositories, the last used first.
    pub repositories: Vec<Repository>,
    /// Uploads and downloads under way.
    pub transfers: Vec<Transfer>,
    /// The last warnings of the log, the newest first.
    pub warnings: Vec<Warning>,
    /// How the cloud does.
    pub cloud: Health,
}

impl Snapshot {
    /// Leaves out what tells of repositories that aren't to be known; the log's lines and the
    /// cloud's words may name any.
    pub fn keep(&mut self, may_know: impl Fn(&str) -> bool) {
        self.repositories
            .retain(|repo| !repo.name.is_empty() && may_know(&repo.name));
        self.transfers
            .retain(|transfer| may_know(&transfer.repository));
        self.warnings.clear();
        for trouble in &mut self.cloud.troubles {
            trouble.text.clear();
        }
    }
}

/// Answered requests of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// The kind of files, or `repository`, `page`, `other`.
    pub kind: &'static str,
    /// The answer; 0 when there was none.
    pub status: u16,
    /// How many.
    pub count: u64,
}

/// How long the requests took that do the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// What they do.
    pub operation: &'static str,
    /// Their times.
    #[serde(flatten)]
    pub times: Histogram,
}

/// A queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Its name.
    pub name: &'static str,
    /// Requests in it.
    pub waiting: usize,
    /// Requests that its workers have.
    pub running: usize,
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// The repository.
    pub repository: String,
    /// The kind of file.
    pub kind: &'static str,
    /// The start of its name.
    pub file: String,
    /// Whether it goes to the cloud.
    pub upload: bool,
    /// Bytes that have passed.
    pub done: u64,
    /// All of its bytes, if they are known.
    pub total: Option<u64>,
    /// Seconds since the request came.
    pub seconds: u64,
}
