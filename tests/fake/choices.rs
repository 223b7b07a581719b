//! How switches are declared, and the ways in which the service may behave where more than yes and no
//! are possible: the types of some `switches`. What they do stands where they are read.

use serde::{Deserialize, Serialize};

/// Declares an enum of switches: the first value is the default, JSON says it in snake case.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident, $($(#[$value_doc:meta])* $value:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[$first_doc])* #[default] $first,
            $($(#[$value_doc])* $value,)*
        }
    };
}
pub(crate) use choice;

/// Declares a struct of switches with their defaults: where none is said, the type's own, which is
/// off, 0, or none.
macro_rules! switches {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty $(= $value:expr)?,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: switches!(@default $($value)?),)*
                }
            }
        }
    };
    (@default) => { Default::default() };
    (@default $value:expr) => { $value };
}
pub(crate) use switches;

choice! {
    /// How a list continues.
    Cursor {
        /// Rows whose id is greater.
        Id,
        /// As many rows further on: rows that went meanwhile make others be skipped.
        Offset,
        /// The answer's cursor is the one that was asked with.
        Stuck,
        /// The answer's cursor is smaller than the one that was asked with.
        Back,
    }
}
choice! {
    /// What a limit above 100 leads to.
    LimitOver {
        /// Code 1.
        Error,
        /// A page of 100.
        Clamp,
    }
}
choice! {
    /// What a list of a missing folder says.
    MissingFolder {
        /// Code 1.
        Error,
        /// An empty page, and success.
        Empty,
        /// `data: null`, and success.
        NullData,
        /// `fileList: null`, and success.
        NullList,
        /// For a folder in the bin: its rows, as if nothing had happened. Error for unknown ids.
        Rows,
    }
}
choice! {
    /// The key of the rows of `infos`.
    InfosKey {
        /// As the newer documents have it.
        FileList,
        /// As the older sample has it.
        List,
    }
}
choice! {
    /// What an upload to an existing name leads to.
    Taken {
        /// Code 1, 重复.
        Repeat,
        /// Code 1, 已存在.
        Exists,
        /// Code 5060.
        Code5060,
        /// Stored as `name(1)`, and success.
        Suffix,
        /// Stored beside the other under the same name, and success.
        Twin,
        /// Stored in the other's place, and success.
        Replace,
    }
}
choice! {
    /// Where an overwritten version stays.
    Overwritten {
        /// In the recycle bin.
        Bin,
        /// Nowhere.
        Vanish,
    }
}
choice! {
    /// The order of the parts of a single upload.
    Parts {
        /// Any order.
        Any,
        /// `etag` must come before `file`.
        EtagFirst,
    }
}
choice! {
    /// What a single upload comes to.
    Single {
        /// Stored and said so.
        Done,
        /// `completed: false`; stored later.
        Unfinished,
        /// `fileID: 0`; stored later.
        NoId,
        /// Code 1 秒传队列; stored later.
        Queued,
        /// Code 1 秒传队列; never stored.
        QueuedNever,
        /// Success is reported, nothing is ever stored.
        Lost,
        /// Stored, but the answer is HTTP 500.
        StoredThen500,
        /// HTTP 500 and not stored.
        Only500,
        /// Success is reported; the stored row is one byte short.
        WrongSize,
        /// Success is reported; the stored row has another MD5.
        WrongEtag,
    }
}
choice! {
    /// What `create` makes of known content.
    Reuse {
        /// The file is there at once.
        Yes,
        /// `reuse: true` and `fileID: 0`; the file appears later.
        NoId,
        /// Never: always asks for the bytes.
        Never,
    }
}
choice! {
    /// What a call with some impossible ids does.
    BadIds {
        /// Nothing, and fails.
        Fail,
        /// The possible ones, and fails.
        Partial,
        /// The possible ones, and succeeds.
        Silent,
    }
}
