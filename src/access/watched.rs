//! A small file that is read again when it changes. As long as a new one is broken or can't be read,
//! the old one stays in force, the new one is tried again, and the log says so each minute.

use crate::sync::lock;
use crate::text_file;
use crate::warning::Kind;
use log::{error, info};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Least time between two looks at a file.
const LOOK: Duration = Duration::from_secs(1);
/// Time between two complaints about a file that stays wrong.
const COMPLAINT: Duration = Duration::from_secs(60);
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
    /// What the file looked like when it was read.
    stamp: Stamp,
    looked: Instant,
    /// Whether it is to be read whatever it looks like.
    reload: bool,
    /// When the log was told last that it can't be read or is wrong, and why, if it still is.
    complained: Option<(Instant, String)>,
}

/// What changes when a file or its rights do: its number, its size, and its times with their
/// nanoseconds.
type Stamp = (u64, u64, [i64; 2], [i64; 2]);

fn stamp_of(data: &Metadata) -> Stamp {
    let written = [data.mtime(), data.mtime_nsec()];
    let changed = [data.ctime(), data.ctime_nsec()];
    (data.ino(), data.len(), written, changed)
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
                stamp,
                looked: now,
                reload: false,
                complained: None,
            }),
        })
    }

    /// What the file says now, or said before it became wrong.
    pub(super) fn value(&self, now: Instant) -> Arc<T> {
        let mut state = lock(&self.state);
        let rested = now.saturating_duration_since(state.looked) >= LOOK;
        if rested || state.reload {
            state.looked = now;
            self.look(&mut state, now);
        }
        Arc::clone(&state.value)
    }

    /// Has the file read at the next opportunity.
    pub(super) fn reload(&self) {
        lock(&self.state).reload = true;
    }

    fn look(&self, state: &mut State<T>, now: Instant) {
        let new = stamp(&self.path);
        let unchanged = new.as_ref() == Ok(&state.stamp);
        if unchanged && state.complained.is_none() && !state.reload {
            return;
        }
        state.reload = false;
        match new.and_then(|new| Ok((new, read(&self.path, self.parse)?))) {
            Ok((new, value)) => {
                (state.stamp, state.value, state.complained) = (new, Arc::new(value), None);
                let path = self.path.display();
                info!(target: &Kind::Reload.over(&path), "{path} has been read again");
            }
            Err(why) => {
                let told = |(at, before): &(Instant, String)| {
                    *before == why && now.saturating_duration_since(*at) < COMPLAINT
                };
                if !state.complained.as_ref().is_some_and(told) {
                    let target = Kind::Reload.about(self.path.display());
                    error!(target: &target, "{why}; what it said before stays in force");
                    state.complained = Some((now, why));
                }
            }
        }
    }
}

fn stamp(path: &Path) -> Result<Stamp, String> {
    let data = fs::metadata(path);
    let data = data.map_err(|error| format!("can't read {}: {error}", path.display()))?;
    match data.len() > LARGEST || !data.is_file() {
        true => Err(format!("{} is no file of a sensible size", path.display())),
        false => Ok(stamp_of(&data)),
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

    #[test]
    fn what_cannot_be_read_is_tried_again_and_told_each_minute() {
        let path = std::env::temp_dir().join(format!("watched-again-{}", std::process::id()));
        let aside = path.with_extension("aside");
        fs::write(&path, "1").expect("a writable folder");
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let watched = Watched::open(&path, number, start).expect("it is right");
        fs::rename(&path, &aside).expect("it is there");
        let complained = || lock(&watched.state).complained.as_ref().map(|(at, _)| *at);
        for (seconds, told) in [(1, 1), (2, 1), (60, 1), (61, 61), (100, 61), (121, 121)] {
            assert_eq!(*watched.value(at(seconds)), 1);
            assert_eq!(complained(), Some(at(told)), "{seconds} s");
        }
        fs::rename(&aside, &path).expect("it is there");
        assert_eq!(*watched.value(at(122)), 1, "the same file as before");
        assert_eq!(complained(), None);
        fs::write(&path, "x").expect("it is there");
        watched.value(at(123));
        assert_eq!(complained(), Some(at(123)));
        fs::write(&path, "2").expect("it is there");
        assert_eq!(*watched.value(at(124)), 2);
        fs::remove_file(&path).expect("it is there");
    }
}
