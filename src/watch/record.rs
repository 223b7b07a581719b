//! What has been seen of the repositories, kept in the state directory over restarts. It is written
//! rarely, to spare flash memory: nothing is lost by it but some minutes of a picture. But a
//! repository that nobody knows any more after a power cut would never be missed, so it is written
//! soon after its first snapshot.

use super::Watch;
use super::repos::Row;
use crate::civil::now;
use crate::disk;
use crate::sync::lock;
use crate::warning::Kind;
use log::{debug, warn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Least time between two writes, except for the last one and what is new.
const PAUSE: Duration = Duration::from_secs(15 * 60);
/// Pause between looks for what is new.
const LOOK: Duration = Duration::from_secs(5);

/// The record; it is written a last time when it is dropped.
#[derive(Debug)]
pub struct Record(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    watch: Arc<Watch>,
    path: PathBuf,
    /// What the file says.
    written: Mutex<Vec<Row>>,
}

impl Record {
    /// Takes in what an earlier process has left in a file, and writes it from now on; nothing
    /// without one.
    pub fn start(watch: &Arc<Watch>, path: Option<PathBuf>) -> Option<Self> {
        let path = path?;
        let rows: Vec<Row> = read(&path);
        lock(&watch.inside)
            .repositories
            .restore(rows.clone(), now());
        let (watch, written) = (Arc::clone(watch), Mutex::new(rows));
        let inside = Arc::new(Inside {
            watch,
            path,
            written,
        });
        let weak = Arc::downgrade(&inside);
        let body = move || {
            let mut last: Option<Instant> = None;
            while let Some(inside) = weak.upgrade() {
                if last.is_none_or(|at| at.elapsed() >= PAUSE) || inside.has_news() {
                    inside.write();
                    last = Some(Instant::now());
                }
                drop(inside);
                thread::sleep(LOOK);
            }
        };
        // Without the thread, the end still writes.
        let _ = thread::Builder::new().name("record".into()).spawn(body);
        Some(Self(inside))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.0.write();
    }
}

impl Inside {
    /// Whether a repository has its first snapshot, which the file doesn't know.
    fn has_news(&self) -> bool {
        let written = lock(&self.written);
        let rows = lock(&self.watch.inside).repositories.rows();
        let is_known = |row: &Row| written.iter().any(|old| old.has_snapshot_of(row));
        rows.iter().any(|row| row.has_snapshot() && !is_known(row))
    }

    /// Writes what has changed, if anything has.
    fn write(&self) {
        let mut written = lock(&self.written);
        let rows = lock(&self.watch.inside).repositories.rows();
        if rows != *written && write(&self.path, &rows) {
            *written = rows;
        }
    }
}

/// What an earlier process has left in a file; nothing if it can't be read.
pub(super) fn read<T: Default + DeserializeOwned>(path: &Path) -> T {
    let text = match disk::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return T::default(),
        text => text,
    };
    let read = text.and_then(|text| Ok(serde_json::from_slice(&text)?));
    read.unwrap_or_else(|why| {
        let path = path.display();
        warn!(target: &Kind::StateUnread.about(&path), "{path} is ignored: {why}");
        T::default()
    })
}

/// Leaves it for the next one; tells whether that worked.
pub(super) fn write(path: &Path, what: &impl Serialize) -> bool {
    let text = serde_json::to_vec(what).unwrap_or_default();
    let written = disk::replace(path, &text);
    let failed = |error: &_| debug!("writing {}: {error}", path.display());
    written.inspect_err(failed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Subject, Track};
    use super::*;
    use crate::restic::{File, Id, Kind, Operation, Repo};
    use crate::store::Health;
    use std::fs;

    fn snapshot(track: &Track) {
        let repo = Repo::new("a").unwrap_or_else(|| unreachable!());
        let file = File::Hashed(Kind::Snapshots, Id([7; 32]));
        track.about(Subject::operation(&Operation::Save(repo, file), 0));
        track.end(200, false);
    }

    fn last(watch: &Watch) -> Option<u64> {
        let seen = watch.snapshot(Health::default(), (0, 0));
        seen.repositories.first()?.last_snapshot
    }

    #[test]
    fn the_last_snapshot_outlives_a_restart_and_garbage_is_ignored() {
        let folder = std::env::temp_dir().join(format!("record-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a writable folder");
        let path = folder.join("repositories.json");
        let start = || {
            let watch = Arc::<Watch>::default();
            let record = Record::start(&watch, Some(path.clone())).expect("a folder");
            (watch, record)
        };
        let (watch, record) = start();
        assert_eq!(last(&watch), None);
        assert!(!record.0.has_news());
        snapshot(&watch.arrive());
        assert!(record.0.has_news());
        record.0.write();
        assert!(!record.0.has_news());
        drop(record);
        let (after, record) = start();
        assert!(last(&after).is_some());
        assert_eq!(last(&after), last(&watch));
        drop(record);
        for garbage in ["", "[[1]]", "[[\"/a\",null,0,0,[0]]]"] {
            fs::write(&path, garbage).expect("a writable folder");
            let (watch, record) = start();
            assert_eq!(last(&watch), None, "{garbage}");
            drop(record);
        }
        assert!(Record::start(&watch, None).is_none());
        fs::remove_dir_all(&folder).expect("it is there");
    }
}
