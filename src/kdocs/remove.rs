//! Removing files: up to 100 a call, into the bin. The contract is the vendor's: an empty task id says
//! that it is done, another one that it was accepted, and then only lists can say that it is done.

use super::api::{Api, BATCH, Row};
use super::names::is_named;
use super::tree::Tree;
use crate::cloud::{Fault, Priority, Reason, look};
use crate::restic::File;
use crate::store::{Cause, Error, absent_is};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Removes files.
pub struct Removals {
    api: Arc<Api>,
    tree: Arc<Tree>,
}

/// A row, and the folder that it is in.
type Placed = (String, Row);

impl Removals {
    /// A way to remove files.
    pub fn new(api: &Arc<Api>, tree: &Arc<Tree>) -> Self {
        Self {
            api: Arc::clone(api),
            tree: Arc::clone(tree),
        }
    }

    /// Removes files, each with the folders that may hold it, and answers for each in the same order.
    pub fn remove(
        &self,
        files: &[(Vec<String>, File)],
        priority: Priority,
    ) -> Vec<Result<(), Error>> {
        let mut results: Vec<Result<(), Error>> = files.iter().map(|_| Ok(())).collect();
        let mut listed: HashMap<&str, Result<Vec<Row>, Error>> = HashMap::new();
        for folder in files.iter().flat_map(|(folders, _)| folders) {
            let list = || self.tree.rows_or_none(folder, priority);
            listed.entry(folder).or_insert_with(list);
        }
        let mut going: Vec<(usize, Placed)> = Vec::new();
        for (n, (folders, file)) in files.iter().enumerate() {
            for folder in folders {
                match &listed[folder.as_str()] {
                    Err(error) => results[n] = Err(error.clone()),
                    Ok(rows) => {
                        let here = rows.iter().filter(|row| is_named(&row.name, file));
                        going.extend(here.map(|row| (n, (folder.clone(), row.clone()))));
                    }
                }
            }
        }
        for batch in going.chunks(BATCH) {
            let rows: Vec<Placed> = batch.iter().map(|(_, row)| row.clone()).collect();
            let gone = self.bin(&rows, priority);
            for ((n, _), gone) in batch.iter().zip(gone) {
                if let (Ok(()), Err(error)) = (&results[*n], gone) {
                    results[*n] = Err(error);
                }
            }
        }
        results
    }

    /// Puts up to 100 rows into the bin, and tells of each.
    pub fn bin(&self, rows: &[Placed], priority: Priority) -> Vec<Result<(), Error>> {
        let ids: Vec<&str> = rows.iter().map(|(_, row)| row.id()).collect();
        match self.api.delete(&ids, priority) {
            Ok(deleted) if deleted.task_id.is_empty() => {
                rows.iter().for_each(|(_, row)| self.tree.removed(row));
                rows.iter().map(|_| Ok(())).collect()
            }
            // Accepted, or nobody knows.
            Ok(_) => self.confirm(rows, None, priority),
            Err(fault) if fault.reason == Reason::Lost => self.confirm(rows, Some(fault), priority),
            Err(fault) => {
                let error = Error::from(fault).during("deleting");
                rows.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    /// Waits until lists don't show the rows any more.
    fn confirm(
        &self,
        rows: &[Placed],
        fault: Option<Fault>,
        priority: Priority,
    ) -> Vec<Result<(), Error>> {
        let see = || Ok::<_, Error>(self.shown(rows, priority));
        let gone = |shown: &Result<HashSet<_>, _>| shown.as_ref().is_ok_and(HashSet::is_empty);
        let open = look(self.api.timing(), see, gone).and_then(|shown| shown);
        let why = fault.map_or_else(
            || "Kdocs has accepted the deletion, but lists still show the file".to_owned(),
            |fault| format!("the deletion isn't certain: {fault}"),
        );
        let told = |(_, row): &Placed| match &open {
            Err(error) => Err(error.clone()),
            Ok(open) if open.contains(row.id()) => Err(Error::new(Cause::Busy, &*why)),
            Ok(_) => {
                self.tree.removed(row);
                Ok(())
            }
        };
        rows.iter().map(told).collect()
    }

    /// Which of these rows lists show.
    fn shown(&self, rows: &[Placed], priority: Priority) -> Result<HashSet<String>, Error> {
        let ours: HashSet<&str> = rows.iter().map(|(_, row)| row.id()).collect();
        let folders: HashSet<&String> = rows.iter().map(|(folder, _)| folder).collect();
        let mut shown = HashSet::new();
        for folder in folders {
            let rows = absent_is(self.tree.all(folder, priority), Vec::new())?;
            let ids = rows.iter().map(Row::id).filter(|id| ours.contains(id));
            shown.extend(ids.map(str::to_owned));
        }
        Ok(shown)
    }
}
