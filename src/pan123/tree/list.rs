//! Lists of a repository's files, and their sizes. Packs lie in many folders, which are read side
//! by side as far as the rate goes, and told as they come.

use super::Tree;
use super::files::{CONFIG, Files, Known, name_of};
use super::paths::{Path, is_data, join};
use crate::cloud::paths::priority_of;
use crate::cloud::walk::{Sender, stream};
use crate::cloud::{Priority, layout};
use crate::pan123::api::Row;
use crate::restic::{File, Id, Kind};
use crate::store::{Cause, Entry, Error, Found};

/// Folders that are read at once: enough for eight calls a second, a VIP account's by default, that
/// take 0.6 s each. Each holds its folder's rows, about 500 bytes a pack.
const READERS: usize = 5;
/// Folders that are read ahead of a slow client.
const AHEAD: usize = 4;

/// Paths of folders that are listed as one.
type Group = Vec<String>;

impl Tree {
    /// Lists the files of a kind, whose folder this is.
    pub fn list(&self, path: &Path, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        let Some(scan) = self.scan(path, priority_of(Some(kind)))? else {
            return Err(Error::new(Cause::Absent, format!("/{path} doesn't exist")));
        };
        if kind != Kind::Data {
            return tell(&scan.files, found);
        }
        let groups = layout::groups(self.known().subfolders(path)).into_iter();
        let paths = |names: Vec<String>| names.iter().map(|name| join(path, name)).collect();
        self.list_groups(groups.map(paths).collect(), found)
    }

    fn list_groups(&self, groups: Vec<Group>, found: &mut Found<'_>) -> Result<(), Error> {
        let mut groups = groups.into_iter();
        // Alone, so that the client soon sees something: side by side all would be done late.
        if let Some(group) = groups.next() {
            tell(&self.read_group(&group)?, found)?;
        }
        let read = |group: Group, sender: &Sender<Files>| {
            let files = self.read_group(&group);
            sender.send(files).is_ok()
        };
        stream(groups, (READERS, AHEAD), &read, |files| tell(&files, found))
    }

    /// The files of folders that a list of `data` has just shown.
    fn read_group(&self, paths: &[String]) -> Result<Files, Error> {
        let read = |path: &String| {
            self.scan_shown(path, Priority::Packs)
                .map(|scan| scan.files)
        };
        if let [path] = paths {
            return read(path);
        }
        let all: Vec<Files> = paths.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Files::new(
            all.iter().flat_map(Files::iter).copied().collect(),
        ))
    }

    /// The size of a file in this folder.
    pub fn stat(&self, path: &Path, file: &File) -> Result<u64, Error> {
        let (name, priority) = (name_of(file), priority_of(file.kind()));
        let known = match file.kind() {
            // The lists of packs are long; and every command begins with the config, about which
            // can be asked together with all folders.
            None | Some(Kind::Data) => self.locate_now(path, name, priority)?,
            _ => self.look(path, name, priority)?,
        };
        match newest(&known) {
            Some(known) => Ok(known.size),
            None => Err(Error::new(
                Cause::Absent,
                format!("/{path} has no {}", file.name()),
            )),
        }
    }

    /// The fresh living rows of a name in a folder.
    pub fn rows(&self, path: &Path, name: Id, priority: Priority) -> Result<Vec<Row>, Error> {
        if is_data(path) && !self.known().explored(path) {
            self.scan(path, priority)?;
        }
        let mut rows = Vec::new();
        let places = self.known().places(path, name);
        for place in places {
            rows.extend(self.rows_in(&place, name, priority)?);
        }
        Ok(rows)
    }

    fn rows_in(&self, path: &Path, name: Id, priority: Priority) -> Result<Vec<Row>, Error> {
        let Some(scan) = self.scan(path, priority)? else {
            return Ok(Vec::new());
        };
        let files = scan.files.named(name);
        let mut rows: Vec<Row> = scan.rows;
        rows.retain(|row| files.iter().any(|known| known.file == row.file_id));
        if rows.is_empty() && !files.is_empty() {
            // Our own, which the list doesn't show yet.
            let ids: Vec<u64> = files.iter().map(|known| known.file).collect();
            rows = self.api.infos(&ids, priority)?;
            rows.retain(Row::is_file);
        }
        Ok(rows)
    }
}

/// Of several files of one name the newest is the one that replaced the others. A config is never
/// replaced: the first one has made the repository.
pub fn newest(known: &[Known]) -> Option<Known> {
    let by_age = known.iter().copied();
    match known.first()?.name {
        CONFIG => by_age.min_by_key(|known| known.file),
        _ => by_age.max_by_key(|known| known.file),
    }
}

/// The rows of a name that hold these bytes. Of several configs the first one alone counts: the
/// servers that have stored the others take them back, at this moment perhaps.
pub fn holding<'r>(
    name: Id,
    rows: &'r [Row],
    size: u64,
    md5: &'r str,
) -> impl Iterator<Item = &'r Row> {
    let first = rows.iter().map(|row| row.file_id).min();
    rows.iter()
        .filter(move |row| name != CONFIG || Some(row.file_id) == first)
        .filter(move |row| row.holds(size, md5))
}

/// Tells files, each name once.
fn tell(files: &Files, found: &mut Found<'_>) -> Result<(), Error> {
    let mut files = files.iter().copied().peekable();
    while let Some(mut known) = files.next() {
        while let Some(double) = files.next_if(|next| next.name == known.name) {
            known = newest(&[known, double]).unwrap_or(known);
        }
        found(Entry {
            id: known.name,
            size: known.size,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_config_alone_counts() {
        let row = |file_id: u64, etag: &str| Row {
            file_id,
            etag: etag.to_owned(),
            size: 155,
            ..serde_json::from_str(r#"{"fileId":0,"filename":"config"}"#).expect("a row")
        };
        let rows = [row(7, "bb"), row(5, "aa"), row(6, "bb")];
        let found = |name, size, md5| -> Vec<u64> {
            let held = holding(name, &rows, size, md5);
            held.map(|row| row.file_id).collect()
        };
        assert_eq!(found(CONFIG, 155, "AA"), [5]);
        assert_eq!(
            found(CONFIG, 155, "bb"),
            [0; 0],
            "it is about to be taken back"
        );
        assert_eq!(found(CONFIG, 156, "aa"), [0; 0]);
        assert_eq!(found(Id([1; 32]), 155, "bb"), [7, 6]);
    }
}
