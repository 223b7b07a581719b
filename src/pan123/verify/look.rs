//! What the rows of one folder tell: what is wrong with it, what it holds, and which folders in it
//! are to be read. No call is made here.

use super::super::api::Row;
use super::super::known::{Path, join, key, owner};
use super::super::list::is_shard;
use super::flaw::{Flaw, Thing};
use super::{Finding, Place, Role, Walker};
use crate::restic::{Id, Kind};
use std::collections::BTreeMap;

/// Folders of packs.
const SHARDS: usize = 256;
/// So many packs leave none of 256 folders without any, save once in a million repositories:
/// 256 × (255/256)^5000. The server makes these folders when they are first needed, so that with
/// fewer packs one that isn't there says nothing.
const MANY: u64 = 5000;
/// Age in seconds from which a lock is told of: clients renew theirs every five minutes.
const OLD: u64 = 24 * 3600;

/// What a repository holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Whether there is a config.
    pub config: bool,
    /// Living files by kind, in the order of [`Kind::ALL`]; those of the same name once.
    pub files: [u64; Kind::ALL.len()],
    /// Their bytes.
    pub bytes: u64,
    /// Folders of packs by their names, living or in the bin.
    pub shards: Vec<String>,
    /// Packs and keys in the bin that the server has put there.
    pub deleted: u64,
}

impl Holding {
    /// Living files of a kind.
    pub fn count(&self, kind: Kind) -> u64 {
        self.files[kind as usize]
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.config |= more.config;
        for (sum, count) in self.files.iter_mut().zip(more.files) {
            *sum += count;
        }
        self.bytes += more.bytes;
        self.shards.extend_from_slice(&more.shards);
        self.deleted += more.deleted;
    }

    /// What is wrong with a repository as a whole.
    pub(super) fn judge(&self, repo: &str, path: &Path) -> Vec<Finding> {
        let snapshots = self.count(Kind::Snapshots) > 0;
        let lacks = |kind| self.count(kind) == 0;
        let whole = [
            (Flaw::NoKey, self.config && lacks(Kind::Keys)),
            (Flaw::NoIndex, snapshots && lacks(Kind::Index)),
            (Flaw::NoPacks, snapshots && lacks(Kind::Data)),
        ];
        let flaws = whole.into_iter().filter(|(_, is_so)| *is_so);
        let mut findings: Vec<Finding> = flaws
            .map(|(flaw, _)| Finding::new(flaw, repo, path, None, Thing::Other))
            .collect();
        if self.count(Kind::Data) >= MANY {
            let data = join(path, Kind::Data.name());
            let shards = (0..SHARDS).map(|shard| format!("{shard:02x}"));
            for shard in shards.filter(|shard| !self.shards.contains(shard)) {
                let (path, what) = (join(&data, &shard), Thing::Folder(Kind::Data));
                let finding = Finding::new(Flaw::MissingFolder, repo, &path, None, what);
                findings.push(finding);
            }
        }
        findings
    }
}

/// What came of looking at a folder.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) findings: Vec<Finding>,
    pub(super) below: Vec<Place>,
    /// What the folder adds to its repository.
    pub(super) holding: Option<(String, Holding)>,
}

/// A folder's rows by their names.
#[derive(Default)]
struct Names {
    folders: BTreeMap<String, Vec<Row>>,
    files: BTreeMap<String, Vec<Row>>,
    /// The rows in the bin.
    binned: Vec<Row>,
}

impl Names {
    fn of(rows: Vec<Row>) -> Self {
        let mut names = Self::default();
        for row in rows {
            let group = match row.trashed == 0 {
                false => {
                    names.binned.push(row);
                    continue;
                }
                true if row.kind == 1 => &mut names.folders,
                true => &mut names.files,
            };
            group.entry(row.filename.clone()).or_default().push(row);
        }
        names
    }

    fn binned_folder(&self, name: &str) -> Option<&Row> {
        let is_it = |row: &&Row| row.kind == 1 && row.filename == name;
        self.binned.iter().find(is_it)
    }
}

impl Walker<'_> {
    /// Looks at the rows of a folder.
    pub(super) fn look(&self, place: &Place, rows: Vec<Row>) -> Looked {
        let names = Names::of(rows);
        match place.role {
            Role::Any => self.look_at_any(place, &names),
            Role::Data => self.look_at_data(place, &names),
            Role::Files(kind) => self.look_at_files(place, kind, &names),
        }
    }

    fn look_at_any(&self, place: &Place, names: &Names) -> Looked {
        let of_kind = |name: &String| Kind::ALL.iter().any(|kind| kind.name() == name);
        let looks_so = names.files.contains_key("config") || names.folders.keys().any(of_kind);
        let mut looked = Looked::default();
        for (name, rows) in names.folders.iter().filter(|(name, _)| !of_kind(name)) {
            let path = join(&place.path, name);
            if self.leads_on(&path) {
                looked.below.push(Place::new(path, rows, Role::Any));
            }
        }
        if !self.is_meant(&place.path, looks_so) {
            return looked;
        }
        let mut page = Page::of(self.below(&place.path), place, looked);
        for kind in Kind::ALL {
            let role = match kind {
                Kind::Data => Role::Data,
                kind => Role::Files(kind),
            };
            page.folder(names, kind.name(), kind, role);
            if !names.folders.contains_key(kind.name())
                && names.binned_folder(kind.name()).is_none()
            {
                page.missing(kind);
            }
        }
        for (name, rows) in &names.files {
            match key(&place.path, name) {
                Some(_) => page.file(rows, Thing::Config),
                None => page.all(Flaw::WrongName, rows, Thing::Other),
            }
        }
        page.holding.config = names.files.contains_key("config");
        if !page.holding.config {
            let binned = |row: &&Row| row.kind == 0 && row.filename == "config";
            match names.binned.iter().find(binned) {
                Some(row) => page.row(Flaw::Trashed, row, Thing::Config),
                None => page.missing_config(),
            }
        }
        page.done()
    }

    fn look_at_data(&self, place: &Place, names: &Names) -> Looked {
        let (repo, _) = owner(&place.path);
        let mut page = Page::of(self.below(repo), place, Looked::default());
        for (name, rows) in &names.folders {
            match is_shard(name) {
                true => page.folder(names, name, Kind::Data, Role::Files(Kind::Data)),
                false => page.all(Flaw::WrongName, rows, Thing::Other),
            }
        }
        let binned = names
            .binned
            .iter()
            .filter(|row| row.kind == 1 && is_shard(&row.filename));
        for row in binned.filter(|row| !names.folders.contains_key(&row.filename)) {
            page.folder(names, &row.filename, Kind::Data, Role::Files(Kind::Data));
        }
        for (name, rows) in &names.files {
            page.all(misplaced(name), rows, Thing::File(Kind::Data));
        }
        page.done()
    }

    fn look_at_files(&self, place: &Place, kind: Kind, names: &Names) -> Looked {
        let (repo, _) = owner(&place.path);
        let mut page = Page::of(self.below(repo), place, Looked::default());
        for rows in names.folders.values() {
            page.all(Flaw::WrongName, rows, Thing::Other);
        }
        for (name, rows) in &names.files {
            if key(&place.path, name).is_none() {
                let flaw = if kind == Kind::Data {
                    misplaced(name)
                } else {
                    Flaw::WrongName
                };
                page.all(flaw, rows, Thing::File(kind));
                continue;
            }
            page.file(rows, Thing::File(kind));
            let is_old = |row: &&Row| row.made > 0 && row.made.saturating_add(OLD) < self.now;
            for row in rows.iter().filter(|row| kind == Kind::Locks && is_old(row)) {
                page.row(Flaw::OldLock, row, Thing::File(kind));
            }
        }
        // Clients remove the others all the time, on whatever server.
        if matches!(kind, Kind::Data | Kind::Keys) {
            self.look_at_bin(&mut page, kind, names);
        }
        page.done()
    }

    /// Files in the bin whose names don't exist again.
    fn look_at_bin(&self, page: &mut Page<'_>, kind: Kind, names: &Names) {
        let is_lost = |row: &&Row| {
            let ours = row.kind == 0 && key(&page.place.path, &row.filename).is_some();
            ours && !names.files.contains_key(&row.filename)
        };
        let lost: BTreeMap<&str, &Row> = names
            .binned
            .iter()
            .filter(is_lost)
            .map(|row| (row.filename.as_str(), row))
            .collect();
        for row in lost.into_values() {
            match self.deleted.contains(&row.file_id) {
                true => page.holding.deleted += 1,
                false => page.row(Flaw::Trashed, row, Thing::File(kind)),
            }
        }
    }
}

impl Place {
    fn new(path: String, rows: &[Row], role: Role) -> Self {
        let mut ids: Vec<u64> = rows.iter().map(|row| row.file_id).collect();
        ids.sort_unstable();
        Self { path, ids, role }
    }
}

/// What is noted of a folder.
struct Page<'a> {
    repo: String,
    place: &'a Place,
    looked: Looked,
    holding: Holding,
}

impl<'a> Page<'a> {
    fn of(repo: &str, place: &'a Place, looked: Looked) -> Self {
        let repo = repo.to_owned();
        let mut page = Self {
            repo,
            place,
            looked,
            holding: Holding::default(),
        };
        let thing = match place.role {
            Role::Any => Thing::Other,
            Role::Data => Thing::Folder(Kind::Data),
            Role::Files(kind) => Thing::Folder(kind),
        };
        // The first is the one that new files go into.
        for id in place.ids.iter().skip(1) {
            page.note(Flaw::DoubledFolder, &place.path, Some(*id), thing);
        }
        page
    }

    /// A folder that belongs there, living or in the bin.
    fn folder(&mut self, names: &Names, name: &str, kind: Kind, role: Role) {
        let path = join(&self.place.path, name);
        if self.place.role == Role::Data {
            self.holding.shards.push(name.to_owned());
        }
        match names.folders.get(name) {
            Some(rows) => self.looked.below.push(Place::new(path, rows, role)),
            None => {
                if let Some(row) = names.binned_folder(name) {
                    self.row(Flaw::Trashed, row, Thing::Folder(kind));
                }
            }
        }
    }

    /// The living files of a name that is right.
    fn file(&mut self, rows: &[Row], what: Thing) {
        let by_age = |row: &&Row| row.file_id;
        let read = match what {
            Thing::Config => rows.iter().min_by_key(by_age),
            _ => rows.iter().max_by_key(by_age),
        };
        let Some(read) = read else { return };
        if let Thing::File(kind) = what {
            self.holding.files[kind as usize] += 1;
        }
        self.holding.bytes += read.size;
        for row in rows {
            if row.file_id != read.file_id {
                self.row(Flaw::DoubledFile, row, what);
            }
            if row.size == 0 {
                self.row(Flaw::ZeroLength, row, what);
            }
            if row.status > 100 {
                self.row(Flaw::Rejected, row, what);
            }
        }
    }

    fn missing(&mut self, kind: Kind) {
        let path = join(&self.place.path, kind.name());
        self.note(Flaw::MissingFolder, &path, None, Thing::Folder(kind));
    }

    fn missing_config(&mut self) {
        let path = join(&self.place.path, "config");
        self.note(Flaw::NoConfig, &path, None, Thing::Config);
    }

    fn all(&mut self, flaw: Flaw, rows: &[Row], what: Thing) {
        rows.iter().for_each(|row| self.row(flaw, row, what));
    }

    fn row(&mut self, flaw: Flaw, row: &Row, what: Thing) {
        let path = join(&self.place.path, &row.filename);
        self.note(flaw, &path, Some(row.file_id), what);
    }

    fn note(&mut self, flaw: Flaw, path: &Path, number: Option<u64>, what: Thing) {
        let finding = Finding::new(flaw, &self.repo, path, number, what);
        self.looked.findings.push(finding);
    }

    fn done(self) -> Looked {
        Looked {
            holding: Some((self.repo, self.holding)),
            ..self.looked
        }
    }
}

/// What is wrong with a name that has no business in a folder of packs.
fn misplaced(name: &str) -> Flaw {
    match Id::from_hex(name) {
        Some(_) => Flaw::WrongFolder,
        None => Flaw::WrongName,
    }
}
