//! What has become of files that were put into the bin, and their end there.

use crate::cloud::{Fault, Priority, Reason};
use crate::pan123::api::{Api, Row};
use std::collections::HashMap;

/// What `infos` says of files that were put into the bin.
#[derive(Default)]
pub struct Examined {
    /// Those that are still there, in the order asked.
    pub in_bin: Vec<Row>,
    /// Those that 123pan doesn't know: they have been destroyed.
    pub missing: Vec<u64>,
    /// Those that aren't in the bin.
    pub alive: Vec<u64>,
}

/// Looks at up to a hundred files that were put into the bin.
pub fn examine(api: &Api, files: &[u64], priority: Priority) -> Result<Examined, Fault> {
    let rows = api.infos(files, priority)?;
    let mut rows: HashMap<u64, Row> = rows.into_iter().map(|row| (row.file_id, row)).collect();
    let mut looked = Examined::default();
    for file in files {
        match rows.remove(file) {
            Some(row) if row.trashed != 0 => looked.in_bin.push(row),
            Some(_) => looked.alive.push(*file),
            None => looked.missing.push(*file),
        }
    }
    Ok(looked)
}

/// Destroys up to a hundred files that are in the bin.
pub fn destroy(api: &Api, files: &[u64]) -> Result<(), Fault> {
    match files {
        [] => Ok(()),
        _ => match api.purge(files) {
            // It may well have been done.
            Err(fault) if fault.reason == Reason::Lost => {
                let looked = examine(api, files, Priority::Background)?;
                looked.in_bin.is_empty().then_some(()).ok_or(fault)
            }
            done => done,
        },
    }
}
