//! Files that aren't at the cloud what was stored there. Each list that is read for whatever
//! reason is compared with what this server has stored or seen before, which costs no call.
//!
//! A damaged file stays in lists as 123pan shows it, with its wrong size: then `restic check`
//! names it and `restic repair index` reads it anew, while a pack that is left out of the list
//! makes `prune` stop and looks like one that somebody has removed. When a client sends the same
//! name again, it is replaced (safety rule 3).

use super::files::{Files, Known};
use super::paths::Path;
use crate::pan123::api::{PASSED, Row};
use crate::sync::lock;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

/// Own files whose hashes are remembered, some 50 bytes each; beyond it the oldest are forgotten.
const MOST: usize = 10_000;
/// Damaged files that are remembered; a repository with more of them is past mending.
const MOST_FOUND: usize = 1000;

/// What is known of damage.
#[derive(Debug, Default)]
pub struct Damage(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    /// The MD5s of what this server has stored, by number: numbers grow with time.
    sums: BTreeMap<u64, u128>,
    /// The numbers of what was found damaged.
    found: BTreeSet<u64>,
}

impl Damage {
    /// A file that this server has stored.
    pub fn stored(&self, file: u64, md5: &str) {
        let mut inside = lock(&self.0);
        if let Some(sum) = sum(md5) {
            inside.sums.insert(file, sum);
        }
        while inside.sums.len() > MOST && inside.sums.pop_first().is_some() {}
    }

    /// Compares a folder's rows with what was known of its files, and tells of each that is found
    /// damaged for the first time.
    pub fn compare(&self, path: &Path, known: &Files, rows: &[Row]) -> Vec<String> {
        let sizes: HashMap<u64, u64> = known.iter().map(|k| (k.file, k.size)).collect();
        let mut told = Vec::new();
        for row in rows {
            let wrong = self.wrong(row, sizes.get(&row.file_id).copied());
            if let Some(wrong) = wrong.filter(|_| self.find(row.file_id)) {
                told.push(format!(
                    "/{path}/{} is damaged at 123pan: {wrong}",
                    row.filename
                ));
            }
        }
        told
    }

    /// What is wrong with a row; a size that was seen before, and a hash, never change.
    fn wrong(&self, row: &Row, size: Option<u64>) -> Option<String> {
        if row.status > PASSED {
            return Some("the content audit has rejected it".to_owned());
        }
        if let Some(size) = size.filter(|size| *size != row.size) {
            return Some(format!("it has {} bytes instead of {size}", row.size));
        }
        let stored = lock(&self.0).sums.get(&row.file_id).copied()?;
        // A row without a hash says nothing.
        let shown = sum(&row.etag)?;
        (shown != stored).then(|| "it has another MD5 than what was stored".to_owned())
    }

    /// Notes a damaged file; tells whether that is news.
    pub fn find(&self, file: u64) -> bool {
        let mut inside = lock(&self.0);
        let is_new = inside.found.insert(file);
        while inside.found.len() > MOST_FOUND && inside.found.pop_first().is_some() {}
        is_new
    }

    /// Whether a file was found damaged, whatever its row says.
    pub fn has(&self, file: u64) -> bool {
        lock(&self.0).found.contains(&file)
    }

    /// Whether one of these was.
    pub fn is_among(&self, files: &[Known]) -> bool {
        files.iter().any(|known| self.has(known.file))
    }
}

/// An MD5 as a number; None if it isn't one.
fn sum(md5: &str) -> Option<u128> {
    u128::from_str_radix(md5, 16).ok()
}
