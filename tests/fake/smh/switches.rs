//! Every behaviour of Tencent SMH that its documents leave open, or that varies, as a value that a
//! test can set. The defaults are the documented, well-behaved service. What the values do stands
//! where they are read.

use super::super::choices::{choice, switches};
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

switches! {
    /// Fields in JSON are named as here; durations are milliseconds there.
    Switches {
        // --- All calls ---
        /// Calls to the library host a second; `None` is any number.
        rate: Option<f64>,
        /// What `Retry-After` says when calls are too many, in seconds.
        retry_after: Option<u64>,
        /// Every call waits as long before it is carried out.
        #[serde(with = "millis")]
        latency: Duration,
        /// The same for single calls, in milliseconds, instead of `latency`.
        latency_of: BTreeMap<Call, u64>,
        /// Errors come with HTTP status 200; theirs is in the body.
        errors_as_200: bool,
        /// A write fails while another one in its folder is under way.
        path_conflict: bool,
        /// Seconds by which the service's clock is ahead of the emulator's; below 0 behind.
        date_skew: i64,

        // --- The library ---
        /// Tokens may come as `Authorization: Bearer`.
        bearer: bool,
        /// Reading needs no token.
        public_read: bool,
        /// It keeps media: one level of folders, and files with extensions.
        media: bool,
        /// Earlier versions are kept, so nothing is overwritten.
        history: bool,
        /// There is a recycle bin.
        bin: bool,
        /// Deletes go into the bin, whatever `permanent` says.
        permanent_ignored: bool,
        /// Over quota, nothing is refused: the oldest files lose their bytes.
        quota_removes: bool,

        // --- Lists ---
        /// What a limit above 1,000 leads to.
        over_limit: OverLimit = OverLimit::Refuse,
        /// No page has more entries, whatever `limit` says.
        page_max: usize = 1000,
        /// What stands for the end.
        end: End = End::Absent,
        /// What markers are bound to.
        marker: Marker = Marker::Entry,
        /// How many pages misbehave, with `stuck` and `back`; 0 is all of them.
        marker_times: u32,
        /// Markers are numbers.
        marker_as_number: bool,
        /// Lists tell sizes as numbers.
        size_as_number: bool,
        /// A new file is missing from lists for so long.
        #[serde(with = "millis")]
        lag_new: Duration,
        /// A deleted one is still listed for so long.
        #[serde(with = "millis")]
        lag_deleted: Duration,
        /// The status of HEAD for a folder.
        head_folder: u16 = 200,
        /// And for a file.
        head_file: u16 = 200,

        // --- Uploads ---
        /// How long the headers of an upload are good.
        #[serde(with = "millis")]
        signature_life: Duration = Duration::from_secs(15 * 60),
        /// The status of `UploadIncomplete`.
        incomplete_status: u16 = 400,
        /// So many times each upload is said to be incomplete though its bytes are there.
        incomplete_times: u32,
        /// What confirm does without a strategy.
        unsaid: Unsaid = Unsaid::Inherit,
        /// Confirm says `isOverwrittened`.
        overwritten_spelt_oddly: bool,
        /// Bytes without a length.
        chunked: Oddly = Oddly::Status411,
        /// Files of no bytes.
        zero: Oddly = Oddly::Stored,
        /// The storage host refuses before it has read the body, and closes the connection.
        early_errors: bool,

        // --- Downloads ---
        /// Downloads' addresses are https, which every port takes.
        https_addresses: bool,
        /// The 302 of a download tells of the file.
        redirect_tells: bool,
        /// The storage host sends clients to another port.
        storage_redirects: bool,
        /// The storage host breaks off after so many bytes of each answer.
        cuts_after: Option<u64>,

        // --- Deletes ---
        /// A batch of so many items becomes a task; `None`: never.
        batch_task_from: Option<usize>,
        /// The delete of a folder becomes a task.
        folder_task: bool,
        /// How long a task takes.
        #[serde(with = "millis")]
        task_time: Duration = Duration::from_secs(1),
        /// How long a client must wait before it asks for a task again.
        #[serde(with = "millis")]
        poll_pause: Duration = Duration::from_secs(1),
        /// What is said of a task that isn't there.
        no_task: NoTask = NoTask::Status404,
        /// The status of an item is a text.
        status_as_text: bool,
        /// Items whose path contains this fail with this status and code.
        item_fails: Option<(String, u16, String)>,
    }
}
