//! How things are written for people: times, numbers, names.

pub(super) use super::super::progress::Line;
pub(super) use crate::units::bytes as size;

use crate::cloud::{Item, What};

/// A number of files.
pub(super) fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_owned(),
        _ => format!("{count} files"),
    }
}

/// What something is, in a word.
pub(super) fn kind(item: &Item) -> &'static str {
    match (item.what, item.kind()) {
        (What::Folder, _) => "folder",
        (What::Other, _) => "other",
        (What::File(_), Some(kind)) => kind.name(),
        (What::File(_), None) => "config",
    }
}
