//! Every behaviour of Tencent SMH that its documents leave open, or that varies, as a value that a
//! test can set. The defaults are the documented, well-behaved service. What the values do stands
//! where they are read.

use super::super::choices::choice;
use super::super::switches::millis;
use super::call::Call;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

choice! {
    /// What a limit above the largest leads to.
    OverLimit {
        /// 400 `ParamInvalid`.
        Refuse,
        /// The largest page.
        Clamp,
    }
}
choice! {
    /// What stands for the end of a list.
    End {
        /// No `nextMarker`.
        Absent,
        /// `nextMarker: null`.
        Null,
        /// An empty one.
        Empty,
    }
}
choice! {
    /// What a marker is bound to.
    Marker {
        /// An entry: when that is gone, 404 `MarkerNotFound`.
        Entry,
        /// A number of entries: what comes or goes meanwhile makes others double or skipped.
        Offset,
        /// It is always the one that was asked with.
        Stuck,
        /// It goes back.
        Back,
    }
}
choice! {
    /// What confirm does without a strategy.
    Unsaid {
        /// What start said.
        Inherit,
        /// It stores under another name.
        Rename,
    }
}
choice! {
    /// What is said of a task that isn't there.
    NoTask {
        /// 404.
        Status404,
        /// 403.
        Status403,
        /// 400.
        Status400,
        /// 200 and no task.
        Empty,
    }
}
choice! {
    /// What becomes of bytes without a length, or of no bytes.
    Oddly {
        /// They are stored.
        Stored,
        /// 411.
        Status411,
        /// 400.
        Status400,
    }
}

/// Fields in JSON are named as here; durations are milliseconds there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    // --- All calls ---
    /// Calls to the library host a second; `None` is any number.
    pub rate: Option<f64>,
    /// What `Retry-After` says when calls are too many, in seconds.
    pub retry_after: Option<u64>,
    /// Every call waits as long before it is carried out.
    #[serde(with = "millis")]
    pub latency: Duration,
    /// The same for single calls, in milliseconds, instead of `latency`.
    pub latency_of: BTreeMap<Call, u64>,
    /// Errors come with HTTP status 200; theirs is in the body.
    pub errors_as_200: bool,
    /// A write fails while another one in its folder is under way.
    pub path_conflict: bool,
    /// Seconds by which the service's clock is ahead of the emulator's; below 0 behind.
    pub date_skew: i64,

    // --- The library ---
    /// Tokens may come as `Authorization: Bearer`.
    pub bearer: bool,
    /// Reading needs no token.
    pub public_read: bool,
    /// It keeps media: one level of folders, and files with extensions.
    pub media: bool,
    /// Earlier versions are kept, so nothing is overwritten.
    pub history: bool,
    /// There is a recycle bin.
    pub bin: bool,
    /// Deletes go into the bin, whatever `permanent` says.
    pub permanent_ignored: bool,
    /// Over quota, nothing is refused: the oldest files lose their bytes.
    pub quota_removes: bool,

    // --- Lists ---
    /// What a limit above 1,000 leads to.
    pub over_limit: OverLimit,
    /// No page has more entries, whatever `limit` says.
    pub page_max: usize,
    /// What stands for the end.
    pub end: End,
    /// What markers are bound to.
    pub marker: Marker,
    /// How many pages misbehave, with `stuck` and `back`; 0 is all of them.
    pub marker_times: u32,
    /// Markers are numbers.
    pub marker_as_number: bool,
    /// Lists tell sizes as numbers.
    pub size_as_number: bool,
    /// A new file is missing from lists for so long.
    #[serde(with = "millis")]
    pub lag_new: Duration,
    /// A deleted one is still listed for so long.
    #[serde(with = "millis")]
    pub lag_deleted: Duration,
    /// The status of HEAD for a folder.
    pub head_folder: u16,
    /// And for a file.
    pub head_file: u16,

    // --- Uploads ---
    /// How long the headers of an upload are good.
    #[serde(with = "millis")]
    pub signature_life: Duration,
    /// The status of `UploadIncomplete`.
    pub incomplete_status: u16,
    /// So many times each upload is said to be incomplete though its bytes are there.
    pub incomplete_times: u32,
    /// What confirm does without a strategy.
    pub unsaid: Unsaid,
    /// Confirm says `isOverwrittened`.
    pub overwritten_spelt_oddly: bool,
    /// Bytes without a length.
    pub chunked: Oddly,
    /// Files of no bytes.
    pub zero: Oddly,
    /// The storage host refuses before it has read the body, and closes the connection.
    pub early_errors: bool,

    // --- Downloads ---
    /// Downloads' addresses are https, which every port takes.
    pub https_addresses: bool,
    /// The 302 of a download tells of the file.
    pub redirect_tells: bool,
    /// The storage host sends clients to another port.
    pub storage_redirects: bool,
    /// The storage host breaks off after so many bytes of each answer.
    pub cuts_after: Option<u64>,

    // --- Deletes ---
    /// A batch of so many items becomes a task; `None`: never.
    pub batch_task_from: Option<usize>,
    /// The delete of a folder becomes a task.
    pub folder_task: bool,
    /// How long a task takes.
    #[serde(with = "millis")]
    pub task_time: Duration,
    /// How long a client must wait before it asks for a task again.
    #[serde(with = "millis")]
    pub poll_pause: Duration,
    /// What is said of a task that isn't there.
    pub no_task: NoTask,
    /// The status of an item is a text.
    pub status_as_text: bool,
    /// Items whose path contains this fail with this status and code.
    pub item_fails: Option<(String, u16, String)>,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches {
            rate: None,
            retry_after: None,
            latency: Duration::ZERO,
            latency_of: BTreeMap::new(),
            errors_as_200: false,
            path_conflict: false,
            date_skew: 0,
            bearer: false,
            public_read: false,
            media: false,
            history: false,
            bin: false,
            permanent_ignored: false,
            quota_removes: false,
            over_limit: OverLimit::Refuse,
            page_max: 1000,
            end: End::Absent,
            marker: Marker::Entry,
            marker_times: 0,
            marker_as_number: false,
            size_as_number: false,
            lag_new: Duration::ZERO,
            lag_deleted: Duration::ZERO,
            head_folder: 200,
            head_file: 200,
            signature_life: Duration::from_secs(15 * 60),
            incomplete_status: 400,
            incomplete_times: 0,
            unsaid: Unsaid::Inherit,
            overwritten_spelt_oddly: false,
            chunked: Oddly::Status411,
            zero: Oddly::Stored,
            early_errors: false,
            https_addresses: false,
            redirect_tells: false,
            storage_redirects: false,
            cuts_after: None,
            batch_task_from: None,
            folder_task: false,
            task_time: Duration::from_secs(1),
            poll_pause: Duration::from_secs(1),
            no_task: NoTask::Status404,
            status_as_text: false,
            item_fails: None,
        }
    }
}
