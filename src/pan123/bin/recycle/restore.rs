//! Takes files out of the bin again (safety rule 20). What 123pan can't put back because its
//! folder is gone, goes into a folder of that path, made anew if need be. What the calls do with
//! ids that they don't like isn't documented, so `infos` has the last word on each file.

use super::super::look::examine;
use super::RecycleBin;
use crate::cloud::{Fault, Item, Priority, Reason, Restored, pause};
use crate::pan123::api::BATCH;
use crate::store::Error;
use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

/// Brings files back. `progress` is told how many are done; the caller learns what was done also
/// after a failure.
pub fn restore(
    bin: &RecycleBin,
    items: &[&Item],
    progress: &dyn Fn(usize),
) -> (Restored, Result<(), Error>) {
    let mut restored = Restored::default();
    for (number, batch) in (1..).zip(items.chunks(BATCH)) {
        if let Err(error) = bin.restore_batch(batch, &mut restored) {
            return (restored, Err(error.during("bringing files back")));
        }
        progress((number * BATCH).min(items.len()));
    }
    (restored, Ok(()))
}

impl RecycleBin {
    fn restore_batch(&self, batch: &[&Item], restored: &mut Restored) -> Result<(), Error> {
        let in_bin = self.in_bin(batch)?;
        let refused = match self.recover(&in_bin) {
            Ok(homeless) => homeless,
            Err(fault) if is_lasting(&fault) => return Err(fault.into()),
            Err(_) => self.in_bin(batch)?,
        };
        let mut folders: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for item in batch.iter().filter(|item| refused.contains(&item.file)) {
            folders.entry(&item.path).or_default().push(item.file);
        }
        for (path, files) in folders {
            self.recover_into(path, &files)?;
        }
        self.tell_apart(batch, restored)
    }

    /// Those of up to a hundred files that are in the bin.
    fn in_bin(&self, items: &[&Item]) -> Result<Vec<u64>, Error> {
        let files: Vec<u64> = items.iter().map(|item| item.file).collect();
        let looked = examine(&self.api, &files, Priority::Background)?;
        Ok(looked.in_bin.iter().map(|row| row.file_id).collect())
    }

    fn recover(&self, files: &[u64]) -> Result<Vec<u64>, Fault> {
        match files {
            [] => Ok(Vec::new()),
            _ => self.api.recover(files),
        }
    }

    fn recover_into(&self, path: &str, files: &[u64]) -> Result<(), Error> {
        let api = &self.api;
        let folder = self.tree.ensure(path, Priority::Background)?;
        match api.recover_into(files, folder) {
            Ok(()) => Ok(()),
            Err(fault) if is_lasting(&fault) => Err(fault.into()),
            Err(_) => {
                // One of them may spoil it for the others; `infos` is asked at the end.
                for file in files.iter().filter(|_| files.len() > 1) {
                    match api.recover_into(&[*file], folder) {
                        Err(fault) if is_lasting(&fault) => return Err(fault.into()),
                        _ => {}
                    }
                }
                Ok(())
            }
        }
    }

    /// Asks what has become of a batch, with growing pauses, because `infos` may lag.
    fn tell_apart(&self, batch: &[&Item], restored: &mut Restored) -> Result<(), Error> {
        let (start, timing) = (Instant::now(), &self.api.timing());
        let files: Vec<u64> = batch.iter().map(|item| item.file).collect();
        let mut tries = 0;
        let looked = loop {
            tries += 1;
            let looked = examine(&self.api, &files, Priority::Background)?;
            let pause = pause(timing.look, tries);
            if looked.in_bin.is_empty() || start.elapsed() + pause > timing.visible {
                break looked;
            }
            std::thread::sleep(pause);
        };
        let left: HashSet<u64> = looked.in_bin.iter().map(|row| row.file_id).collect();
        for item in batch {
            let names = match item.file {
                file if looked.alive.contains(&file) => &mut restored.back,
                file if left.contains(&file) => &mut restored.left,
                _ => &mut restored.gone,
            };
            names.push(item.name.clone());
        }
        Ok(())
    }
}

/// Whether a failure is about the account, not about the files.
fn is_lasting(fault: &Fault) -> bool {
    !matches!(
        fault.reason,
        Reason::Unknown | Reason::NoFile | Reason::NoParent | Reason::Taken | Reason::Lost
    )
}
