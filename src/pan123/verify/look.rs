//! What the rows of one folder tell: what is wrong with it, what it holds, and which folders in it
//! are to be read. No call is made here.

use super::{Pack, Place, Role, Walker};
use crate::cloud::finding::{Contents, Flaw, Subject};
use crate::cloud::layout::{Layout, Layouts};
use crate::pan123::api::{PASSED, Row};
use crate::pan123::tree::known::key;
use crate::pan123::tree::paths::{Path, join, last, owner};
use crate::restic::{Id, Kind};
use std::collections::BTreeMap;

/// Age in seconds from which a lock is told of: clients renew theirs every five minutes.
const OLD: u64 = 24 * 3600;

/// A folder's rows by their names.
#[derive(Default)]
struct Names {
    folders: BTreeMap<String, Vec<Row>>,
    files: BTreeMap<String, Vec<Row>>,
    /// The rows in the bin.
    trashed_rows: Vec<Row>,
}

impl Names {
    fn of(rows: Vec<Row>) -> Self {
        let mut names = Self::default();
        for row in rows {
            let group = match row.trashed == 0 {
                false => {
                    names.trashed_rows.push(row);
                    continue;
                }
                true if row.kind == 1 => &mut names.folders,
                true => &mut names.files,
            };
            group.entry(row.filename.clone()).or_default().push(row);
        }
        names
    }

    fn trashed_folder(&self, name: &str) -> Option<&Row> {
        let is_it = |row: &&Row| row.kind == 1 && row.filename == name;
        self.trashed_rows.iter().find(is_it)
    }
}

impl Walker<'_> {
    /// Looks at the rows of a folder, and tells what is wrong; answers the folders in it that are
    /// to be read.
    pub(super) fn look(&self, place: &Place, rows: Vec<Row>) -> Vec<Place> {
        let names = Names::of(rows);
        match place.role {
            Role::Any => self.look_at_any(place, &names),
            Role::Data => self.look_at_data(place, &names),
            Role::Files(kind) => self.look_at_files(place, kind, &names),
        }
    }

    fn look_at_any(&self, place: &Place, names: &Names) -> Vec<Place> {
        let of_kind = |name: &String| Kind::from_name(name).is_some();
        let looks_so = names.files.contains_key("config") || names.folders.keys().any(of_kind);
        let mut below = Vec::new();
        for (name, rows) in names.folders.iter().filter(|(name, _)| !of_kind(name)) {
            let path = join(&place.path, name);
            if self.survey.leads_on(self.below(&path)) {
                below.push(Place::new(path, rows, Role::Any));
            }
        }
        if !self.survey.is_meant(self.below(&place.path), looks_so) {
            return below;
        }
        let mut notes = Notes::of(self, &place.path, place);
        notes.below = below;
        for kind in Kind::ALL {
            let role = match kind {
                Kind::Data => Role::Data,
                kind => Role::Files(kind),
            };
            notes.folder(names, kind.name(), kind, role);
            if !names.folders.contains_key(kind.name())
                && names.trashed_folder(kind.name()).is_none()
            {
                notes.missing(kind);
            }
        }
        for (name, rows) in &names.files {
            match key(&place.path, name) {
                Some(_) => notes.file(rows, Subject::Config),
                None => notes.all(Flaw::WrongName, rows, Subject::Other),
            }
        }
        notes.contents.config = names.files.contains_key("config");
        if !notes.contents.config {
            let trashed = |row: &&Row| row.kind == 0 && row.filename == "config";
            match names.trashed_rows.iter().find(trashed) {
                Some(row) => notes.row(Flaw::Trashed, row, Subject::Config),
                None => notes.missing_config(),
            }
        }
        notes.done()
    }

    fn look_at_data(&self, place: &Place, names: &Names) -> Vec<Place> {
        let (repo, _) = owner(&place.path);
        let mut notes = Notes::of(self, repo, place);
        for (name, rows) in &names.folders {
            match is_shard(name) {
                true => notes.folder(names, name, Kind::Data, Role::Files(Kind::Data)),
                false => notes.all(Flaw::WrongName, rows, Subject::Other),
            }
        }
        let trashed = names
            .trashed_rows
            .iter()
            .filter(|row| row.kind == 1 && is_shard(&row.filename));
        for row in trashed.filter(|row| !names.folders.contains_key(&row.filename)) {
            notes.folder(names, &row.filename, Kind::Data, Role::Files(Kind::Data));
        }
        for (name, rows) in &names.files {
            notes.all(misplaced(name), rows, Subject::File(Kind::Data));
        }
        let are_mixed = Layouts::of(names.folders.keys().map(String::as_str)).are_mixed();
        for place in &mut notes.below {
            place.is_mixed = are_mixed;
        }
        notes.done()
    }

    fn look_at_files(&self, place: &Place, kind: Kind, names: &Names) -> Vec<Place> {
        let (repo, _) = owner(&place.path);
        let mut notes = Notes::of(self, repo, place);
        for rows in names.folders.values() {
            notes.all(Flaw::WrongName, rows, Subject::Other);
        }
        for (name, rows) in &names.files {
            if key(&place.path, name).is_none() {
                let flaw = if kind == Kind::Data {
                    misplaced(name)
                } else {
                    Flaw::WrongName
                };
                notes.all(flaw, rows, Subject::File(kind));
                continue;
            }
            notes.file(rows, Subject::File(kind));
            let now = self.time.or_ours();
            let is_old = |row: &&Row| row.made > 0 && row.made.saturating_add(OLD) < now;
            for row in rows.iter().filter(|row| kind == Kind::Locks && is_old(row)) {
                notes.row(Flaw::OldLock, row, Subject::File(kind));
            }
        }
        // Clients remove the others all the time, on whatever server.
        if matches!(kind, Kind::Data | Kind::Keys) {
            self.look_at_bin(&mut notes, kind, names);
        }
        notes.done()
    }

    /// Files in the bin whose names don't exist again.
    fn look_at_bin(&self, notes: &mut Notes<'_>, kind: Kind, names: &Names) {
        let is_lost = |row: &&Row| {
            let ours = row.kind == 0 && key(&notes.place.path, &row.filename).is_some();
            ours && !names.files.contains_key(&row.filename)
        };
        let lost: BTreeMap<&str, &Row> = names
            .trashed_rows
            .iter()
            .filter(is_lost)
            .map(|row| (row.filename.as_str(), row))
            .collect();
        for row in lost.into_values() {
            match self.deleted.contains(&row.file_id) {
                true => notes.contents.deleted += 1,
                false => notes.row(Flaw::Trashed, row, Subject::File(kind)),
            }
        }
    }
}

impl Place {
    fn new(path: String, rows: &[Row], role: Role) -> Self {
        let mut ids: Vec<u64> = rows.iter().map(|row| row.file_id).collect();
        ids.sort_unstable();
        Self {
            path,
            ids,
            role,
            is_mixed: false,
        }
    }
}

/// What is noted of a folder.
struct Notes<'a> {
    walker: &'a Walker<'a>,
    repo: &'a str,
    place: &'a Place,
    below: Vec<Place>,
    /// What the folder adds to its repository.
    contents: Contents,
    /// Packs that may lie in another folder as well.
    packs: Vec<(Id, Pack)>,
}

impl<'a> Notes<'a> {
    /// Nothing, of a folder in the one of a repository.
    fn of(walker: &'a Walker<'a>, repo: &'a Path, place: &'a Place) -> Self {
        let notes = Self {
            walker,
            repo: walker.below(repo),
            place,
            below: Vec::new(),
            contents: Contents::default(),
            packs: Vec::new(),
        };
        let thing = match place.role {
            Role::Any => Subject::Other,
            Role::Data => Subject::Folder(Kind::Data),
            Role::Files(kind) => Subject::Folder(kind),
        };
        // The first is the one that new files go into.
        for id in place.ids.iter().skip(1) {
            notes.note(Flaw::DoubledFolder, &place.path, Some(*id), thing);
        }
        notes
    }

    /// A folder that belongs there, living or in the bin.
    fn folder(&mut self, names: &Names, name: &str, kind: Kind, role: Role) {
        let path = join(&self.place.path, name);
        if self.place.role == Role::Data {
            self.contents.shards.entry(name.to_owned()).or_default();
        }
        match names.folders.get(name) {
            Some(rows) => self.below.push(Place::new(path, rows, role)),
            None => {
                if let Some(row) = names.trashed_folder(name) {
                    self.row(Flaw::Trashed, row, Subject::Folder(kind));
                }
            }
        }
    }

    /// The living files of a name that is right.
    fn file(&mut self, rows: &[Row], about: Subject) {
        let by_age = |row: &&Row| row.file_id;
        let read = match about {
            Subject::Config => rows.iter().min_by_key(by_age),
            _ => rows.iter().max_by_key(by_age),
        };
        let Some(read) = read else { return };
        if let Subject::File(kind) = about {
            self.contents.files[kind as usize] += 1;
            self.pack(kind, read);
        }
        self.contents.bytes += read.size;
        for row in rows {
            if row.file_id != read.file_id {
                self.row(Flaw::DoubledFile, row, about);
            }
            if row.size == 0 {
                self.row(Flaw::ZeroLength, row, about);
            }
            if row.status > PASSED {
                self.row(Flaw::Rejected, row, about);
            }
        }
    }

    /// Counts a pack in its folder, and remembers it where it may lie in another one as well.
    fn pack(&mut self, kind: Kind, row: &Row) {
        if kind != Kind::Data {
            return;
        }
        let shard = last(&self.place.path).to_owned();
        *self.contents.shards.entry(shard).or_default() += 1;
        let id = Id::from_hex(&row.filename).filter(|_| self.place.is_mixed);
        let pack = Pack {
            path: join(&self.place.path, &row.filename),
            number: row.file_id,
            size: row.size,
        };
        self.packs.extend(id.map(|id| (id, pack)));
    }

    fn missing(&self, kind: Kind) {
        let path = join(&self.place.path, kind.name());
        self.note(Flaw::MissingFolder, &path, None, Subject::Folder(kind));
    }

    fn missing_config(&self) {
        let path = join(&self.place.path, "config");
        self.note(Flaw::NoConfig, &path, None, Subject::Config);
    }

    fn all(&self, flaw: Flaw, rows: &[Row], about: Subject) {
        rows.iter().for_each(|row| self.row(flaw, row, about));
    }

    fn row(&self, flaw: Flaw, row: &Row, about: Subject) {
        let path = join(&self.place.path, &row.filename);
        self.note(flaw, &path, Some(row.file_id), about);
    }

    fn note(&self, flaw: Flaw, path: &Path, number: Option<u64>, about: Subject) {
        let survey = &self.walker.survey;
        survey.found(flaw, self.repo, path, number, about);
    }

    /// Counts what is noted; the folders that are to be read.
    fn done(mut self) -> Vec<Place> {
        for (id, pack) in self.packs {
            self.walker.double(self.repo, id, pack, &mut self.contents);
        }
        let survey = &self.walker.survey;
        survey.count(self.repo, |contents| contents.add(&self.contents));
        self.below
    }
}

fn is_shard(name: &str) -> bool {
    Layout::of(name).is_some()
}

/// What is wrong with a name that has no business in a folder of packs.
fn misplaced(name: &str) -> Flaw {
    match Id::from_hex(name) {
        Some(_) => Flaw::WrongFolder,
        None => Flaw::WrongName,
    }
}
