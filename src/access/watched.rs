//! A small file that is read again when it changes. A broken new one leaves the old one in force.

use crate::text_file;
use log::{error, info};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two looks at a file.
const LOOK: Duration = Duration::from_secs(1);
/// Most bytes of a file; it is read by the thread that accepts requests.
const LARGEST: u64 = 1 << 20;

/// The line where a file is wrong, and why.
pub(super) type Wrong = (usize, String);

/// What a file says.
pub(super) struct Watched<T> {
    path: PathBuf,
    parse: fn(&str) -> Result<T, Wrong>,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    /// What the file looked like when it was read; None to read it whatever it looks like.
    stamp: Option<Stamp>,
    looked: Instant,
}

/// What changes when a file does: its number, its size, and the time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp(u64, u64, i64, i64);

impl Stamp {
    fn of(data: &Metadata) -> Self {
        Self(data.ino(), data.len(), data.mtime(), data.mtime_nsec())
    }
}

impl<T> Watched<T> {
    /// Reads the file for the first time, when it must be right.
    pub(super) fn open(
        path: &Path,
        parse: fn(&str) -> Result<T, Wrong>,
        now: Instant,
    ) -> Result<Self, String> {
        // Before reading, so that a change in between is noticed later.
        let stamp = stamp(path)?;
        let value = Arc::new(read(path, parse)?);
        Ok(Self {
            path: path.to_owned(),
            parse,
            state: Mutex::new(State {
                value,
                stamp: Some(stamp),
                looked: now,
            }),
        })
    }

    /// What the file says now, or said before it became wrong.
    pub(super) fn value(&self, now: Instant) -> Arc<T> {
        let mut state = self.state();
        let rested = now.saturating_duration_since(state.looked) >= LOOK;
        if rested || state.stamp.is_none() {
            state.looked = now;
            self.look(&mut state);
        }
        Arc::clone(&state.value)
    }

    /// Has the file read at the next opportunity.
    pub(super) fn reload(&self) {
        self.state().stamp = None;
    }

    fn look(&self, state: &mut State<T>) {
        let new = stamp(&self.path);
        let unchanged = matches!(&new, Ok(new) if state.stamp.as_ref() == Some(new));
        if unchanged {
            return;
        }
        // A file that is gone is complained about once, as one without a stamp is.
        let gone = Stamp(0, 0, 0, 0);
        let before = state.stamp.replace(*new.as_ref().unwrap_or(&gone));
        match new.and_then(|_| read(&self.path, self.parse)) {
            Ok(value) => {
                state.value = Arc::new(value);
                info!("{} has been read again", self.path.display());
            }
            Err(_) if before == Some(gone) && state.stamp == Some(gone) => {}
            Err(why) => error!("{why}; what it said before stays in force"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(path: &Path) -> Result<Stamp, String> {
    let data = fs::metadata(path);
    let data = data.map_err(|error| format!("can't read {}: {error}", path.display()))?;
    match data.len() > LARGEST || !data.is_file() {
        true => Err(format!("{} is no file of a sensible size", path.display())),
        false => Ok(Stamp::of(&data)),
    }
}

fn read<T>(path: &Path, parse: fn(&str) -> Result<T, Wrong>) -> Result<T, String> {
    let text = text_file::read(path);
    let text = text.map_err(|error| format!("can't read {}: {error}", path.display()))?;
    parse(&text).map_err(|(line, why)| format!("{}:{line}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<u32, Wrong> {
        text.parse().map_err(|_| (1, "no number".to_owned()))
    }

    #[test]
    fn a_change_is_seen_within_a_second_and_a_mistake_changes_nothing() {
        let path = std::env::temp_dir().join(format!("watched-{}", std::process::id()));
        fs::write(&path, "1").expect("a writable folder");
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let watched = Watched::open(&path, number, start).expect("it is right");
        fs::write(&path, "22").expect("again");
        assert_eq!(*watched.value(start), 1, "not yet");
        assert_eq!(*watched.value(at(1)), 22);
        fs::write(&path, "nonsense").expect("again");
        assert_eq!(*watched.value(at(2)), 22, "the old one stays");
        fs::remove_file(&path).expect("it is there");
        assert_eq!(*watched.value(at(3)), 22, "the old one stays");
        fs::write(&path, "333").expect("again");
        watched.reload();
        assert_eq!(*watched.value(at(3)), 333, "at once, when told to");
        fs::remove_file(&path).expect("it is there");
    }
}
