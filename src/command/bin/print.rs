//! How things are written for people: times, numbers, names, and a line on the terminal that says
//! how far something is.

pub(super) use super::super::progress::size;

use crate::civil;
use crate::pan123::{Item, What};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two changes of a progress line.
const SHORT: Duration = Duration::from_millis(200);

/// A number of files.
pub(super) fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_owned(),
        _ => format!("{count} files"),
    }
}

/// A time to the minute, such as `2026-11-22 05:48`.
pub(super) fn minute(seconds: u64) -> String {
    civil::rfc3339(seconds)[..16].replace('T', " ")
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

/// A line on the terminal that says how far something is; nothing where there is no terminal.
pub(super) struct Progress(Option<Mutex<Option<Instant>>>);

impl Progress {
    /// No line yet.
    pub(super) fn new() -> Self {
        Self(io::stderr().is_terminal().then(Mutex::default))
    }

    /// Says how far it is, unless that was just said.
    pub(super) fn say(&self, text: &str) {
        let Some(said) = &self.0 else { return };
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|at| at.elapsed() >= SHORT) {
            *said = Some(Instant::now());
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.0.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
