//! Why Tencent SMH says no: its codes, and the HTTP statuses that go with them, in one table.

use super::answer::Answer;

/// A refusal by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub &'static str);

/// What a call comes to.
pub type Outcome = Result<Answer, Refusal>;

/// A refusal, where an outcome is wanted.
pub fn no<T>(code: &'static str) -> Result<T, Refusal> {
    Err(Refusal(code))
}

/// The statuses of all codes that the emulator says by itself.
#[rustfmt::skip]
const STATUSES: &[(u16, &[&str])] = &[
    (
        400,
        &[
            "BadCrc64",
            "CloseOldList",
            "DirectoryLevelExceed",
            "DirectoryNameLengthExceed",
            "EmptyAccessToken",
            "ExtnameNotAllowed",
            "FileNameLengthExceed",
            "IllegalFileName",
            "InvalidConflictResolutionStrategy",
            "MultipartUploadIncomplete",
            "MultipartUploadPartTooSmall",
            "NoItemsProvided",
            "NotMultipartUpload",
            "OverwriteFileNotAllowed",
            "ParamInvalid",
            "QuotaLimitReached",
            "RecycleBinNotEnabled",
            "RootDirectoryNotAllowed",
            "TooManyItems",
            "UploadIncomplete",
        ],
    ),
    (
        403,
        &[
            "AccessTokenNotMatchLibrary",
            "AccessTokenNotMatchSpace",
            "InvalidAccessToken",
            "NoPermission",
        ],
    ),
    (
        404,
        &[
            "ConfirmKeyNotFound",
            "DirectoryNotFound",
            "FileNotFound",
            "FileRemovedByQuota",
            "MarkerNotFound",
            "NoQuota",
            "PathNotFound",
            "RecycledItemNotFound",
            "RouteNotFound",
            "SpaceNotFound",
            "TaskNotFound",
            "UploadNotFound",
            "WrongLibraryIdOrSecret",
        ],
    ),
    (409, &["PathConflict", "SameNameDirectoryOrFileExists", "UploadComplete"]),
    (413, &["RequestEntityTooLarge"]),
    (429, &["RateLimitExceeded"]),
];

impl Refusal {
    /// The HTTP status that goes with the code.
    pub fn status(self) -> u16 {
        let line = STATUSES.iter().find(|(_, codes)| codes.contains(&self.0));
        line.unwrap_or_else(|| panic!("no status for {}", self.0)).0
    }
}
