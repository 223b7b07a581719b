//! Everything that Kdocs' documents leave open, as switches. The defaults are what clients have seen,
//! or else the kindest reading.

use super::super::switches::millis;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What becomes of a name that is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clash {
    /// The new file gets another name: `x(1).bin`.
    #[default]
    Rename,
    /// There are two files of that name.
    Duplicate,
    /// The old file is replaced, and keeps its id.
    Overwrite,
    /// The upload is refused.
    Error,
}

/// What becomes of a deletion in the background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// It is done after `task_time`.
    #[default]
    Ends,
    /// It never ends, or it fails and nobody says so: the files stay in the lists.
    Fails,
    /// It is done for all files but the first.
    Half,
}

/// Where failures have their text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Texts {
    #[default]
    Msg,
    Message,
    Result,
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

/// How the service behaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// What the user has agreed to, with commas between.
    pub scopes: String,
    /// Names without an extension are refused.
    pub bare_refused: bool,
    /// Names that end in `.bin` are refused as well: no office format.
    pub binary_refused: bool,
    /// The largest file.
    pub size_cap: Option<u64>,
    pub clash: Clash,
    /// Downloads obey a range.
    pub ranges: bool,
    /// Milliseconds for which a download's address is good.
    #[serde(with = "millis")]
    pub link_life: Duration,
    /// Levels of `parent_path` that are missing are made.
    pub makes_folders: bool,
    /// The name that a row's size has; none if rows don't tell it.
    pub size_field: Option<String>,
    /// Most rows of a page.
    pub page_max: usize,
    /// Rows appear in lists, and go from them, so much later.
    #[serde(with = "millis")]
    pub lag: Duration,
    /// Deletions of so many files or more are tasks.
    pub task_from: Option<usize>,
    #[serde(with = "millis")]
    pub task_time: Duration,
    pub task: Task,
    /// Budgets a day.
    pub budget: Option<Budget>,
    /// The code of a call beyond the budget, and its HTTP status.
    pub budget_code: (i64, u16),
    /// Failures come with HTTP 200.
    pub errors_as_200: bool,
    pub texts: Texts,
    /// The second page repeats the first.
    pub page_repeats: bool,
    /// Folders and files come in lists one after the other, with `next_filter`.
    pub filters: bool,
    #[serde(with = "millis")]
    pub latency: Duration,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            scopes: "access_personal_files,create_personal_files,download_personal_files,\
                     remove_personal_files"
                .to_owned(),
            bare_refused: false,
            binary_refused: false,
            size_cap: None,
            clash: Clash::default(),
            ranges: true,
            link_life: Duration::from_secs(600),
            makes_folders: true,
            size_field: Some("fsize".to_owned()),
            page_max: 100,
            lag: Duration::ZERO,
            task_from: None,
            task_time: Duration::from_millis(50),
            task: Task::default(),
            budget: None,
            budget_code: (40_000_429, 403),
            errors_as_200: false,
            texts: Texts::default(),
            page_repeats: false,
            filters: true,
            latency: Duration::ZERO,
        }
    }
}
