//! Everything that Kdocs' documents leave open, as switches. The defaults are what clients have seen,
//! or else the kindest reading.

use super::super::choices::{choice, switches};
use super::super::switches::millis;
use super::call::Call;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

choice! {
    /// What becomes of a name that is taken.
    Clash {
        /// The new file gets another name: `x(1).bin`.
        Rename,
        /// There are two files of that name.
        Duplicate,
        /// The old file is replaced, and keeps its id.
        Overwrite,
        /// The upload is refused.
        Error,
    }
}
choice! {
    /// What becomes of a deletion in the background.
    Task {
        /// It is done after `task_time`.
        Ends,
        /// It never ends, or it fails and nobody says so: the files stay in the lists.
        Fails,
        /// It is done for all files but the first.
        Half,
    }
}
choice! {
    /// Where failures have their text.
    Texts {
        Msg,
        Message,
        Result,
    }
}

/// Calls that an app may make in a day, of each page of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Uploads, deletions, download links.
    pub writes: u64,
    /// Lists.
    pub lists: u64,
    /// Whether all that writes counts together.
    pub shared: bool,
}

switches! {
    /// How the service behaves.
    #[derive(PartialEq)]
    Switches {
        /// What the user has agreed to, with commas between.
        scopes: String = "access_personal_files,create_personal_files,download_personal_files,\
            remove_personal_files"
            .to_owned(),
        /// Names without an extension are refused.
        bare_refused: bool,
        /// Names that end in `.bin` are refused as well: no office format.
        binary_refused: bool,
        /// The largest file.
        size_cap: Option<u64>,
        clash: Clash,
        /// Downloads obey a range.
        ranges: bool = true,
        /// Milliseconds for which a download's address is good.
        #[serde(with = "millis")]
        link_life: Duration = Duration::from_secs(600),
        /// Levels of `parent_path` that are missing are made.
        makes_folders: bool = true,
        /// The name that a row's size has; none if rows don't tell it.
        size_field: Option<String> = Some("fsize".to_owned()),
        /// Most rows of a page.
        page_max: usize = 100,
        /// Rows appear in lists, and go from them, so much later.
        #[serde(with = "millis")]
        lag: Duration,
        /// Deletions of so many files or more are tasks.
        task_from: Option<usize>,
        #[serde(with = "millis")]
        task_time: Duration = Duration::from_millis(50),
        task: Task,
        /// Budgets a day.
        budget: Option<Budget>,
        /// The code of a call beyond the budget, and its HTTP status.
        budget_code: (i64, u16) = (40_000_429, 403),
        /// Failures come with HTTP 200.
        errors_as_200: bool,
        texts: Texts,
        /// The second page repeats the first.
        page_repeats: bool,
        /// Folders and files come in lists one after the other, with `next_filter`.
        filters: bool = true,
        /// Every call waits as long before it is carried out.
        #[serde(with = "millis")]
        latency: Duration,
        /// The same for single calls, in milliseconds, instead of `latency`.
        latency_of: BTreeMap<Call, u64>,
    }
}
