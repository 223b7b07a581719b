//! What the things in one folder tell: what is wrong with it, what it holds, and which folders in it
//! are to be read. Nothing is read here.

use super::{Names, Place, Role, Thing, Walker};
use crate::cloud::finding::{Contents, Flaw, Subject};
use crate::cloud::layout::{Layout, Layouts};
use crate::cloud::paths::join;
use crate::restic::{Id, Kind};
use crate::sync::lock;
use std::collections::{BTreeSet, HashMap};

/// Age in seconds from which a lock is told of: clients renew theirs every five minutes.
const OLD: u64 = 24 * 3600;
/// Packs whose places are remembered, to find those that lie in two. Each takes about 150 bytes.
const MOST: usize = 500_000;

/// Where packs lie, by their repositories.
pub(super) type Copies = HashMap<(String, Id), Copy>;

/// One of the places in which a pack lies.
pub(super) struct Copy {
    path: String,
    number: Option<u64>,
    content: Content,
    /// Whether it lies where packs of its name belong, and so is counted.
    belongs: bool,
}

/// Size and checksum, as far as they are known.
type Content = (Option<u64>, Option<u64>);

impl Thing {
    fn content(&self) -> Content {
        (self.size, self.sum)
    }
}

/// What is noted of a folder of a repository.
pub(super) struct Notes<'a> {
    walker: &'a Walker<'a>,
    place: &'a Place,
    names: &'a Names<'a>,
    /// The folders in it that are to be read.
    below: Vec<Place>,
    /// What it adds to its repository.
    contents: Contents,
}

impl<'a> Notes<'a> {
    pub(super) fn of(walker: &'a Walker<'a>, place: &'a Place, names: &'a Names<'a>) -> Self {
        let notes = Self {
            walker,
            place,
            names,
            below: Vec::new(),
            contents: Contents::default(),
        };
        let about = match place.role {
            Role::Any => Subject::Other,
            Role::Data => Subject::Folder(Kind::Data),
            Role::Files(kind) => Subject::Folder(kind),
        };
        for number in &place.doubles {
            notes.found(Flaw::DoubledFolder, &place.path, Some(*number), about);
        }
        notes
    }

    /// A repository.
    pub(super) fn repository(mut self) -> Vec<Place> {
        for kind in Kind::ALL {
            let role = match kind {
                Kind::Data => Role::Data,
                kind => Role::Files(kind),
            };
            if !self.folder(kind.name(), kind, role) && !self.walker.about.filled {
                let path = join(&self.place.path, kind.name());
                self.found(Flaw::MissingFolder, &path, None, Subject::Folder(kind));
            }
        }
        for (name, files) in &self.names.files {
            match *name {
                "config" if self.names.has_config() => self.file(files, Subject::Config),
                _ => self.all(Flaw::WrongName, files, Subject::Other),
            }
        }
        let path = join(&self.place.path, "config");
        match self.names.trashed_files.get("config") {
            _ if self.contents.config => {}
            Some(config) => self.one(Flaw::Trashed, config, Subject::Config),
            None => self.found(Flaw::NoConfig, &path, None, Subject::Config),
        }
        self.done()
    }

    /// A repository's folder of folders of packs.
    pub(super) fn data(mut self) -> Vec<Place> {
        let names = self.names;
        let is_shard = |name: &str| Layout::of(name).is_some();
        let all = names.folders.keys().chain(names.trashed_folders.keys());
        for name in all.filter(|name| is_shard(name)).collect::<BTreeSet<_>>() {
            self.contents.shards.insert((*name).to_owned(), 0);
            self.folder(name, Kind::Data, Role::Files(Kind::Data));
        }
        for (_, others) in names.folders.iter().filter(|(name, _)| !is_shard(name)) {
            self.all(Flaw::WrongName, others, Subject::Other);
        }
        for files in names.files.values() {
            self.named(Kind::Data, files);
        }
        let are_mixed = Layouts::of(names.folders.keys().copied()).are_mixed();
        for place in &mut self.below {
            place.is_mixed = are_mixed;
        }
        self.done()
    }

    /// A folder of files.
    pub(super) fn files(mut self, kind: Kind) -> Vec<Place> {
        let (names, about) = (self.names, Subject::File(kind));
        for folders in names.folders.values() {
            self.all(Flaw::WrongName, folders, Subject::Other);
        }
        for files in names.files.values() {
            self.named(kind, files);
        }
        let is_lost = |(name, file): &(&&str, &&Thing)| {
            // Clients remove others all the time, on whatever server.
            let matters = matches!(kind, Kind::Data | Kind::Keys);
            let is_ours = self.place.misplaced(kind, file).is_none();
            matters && is_ours && !names.files.contains_key(*name)
        };
        for (_, file) in names.trashed_files.iter().filter(is_lost) {
            let deleted = &self.walker.about.deleted;
            match file.number.is_some_and(|number| deleted.contains(&number)) {
                true => self.contents.deleted += 1,
                false => self.one(Flaw::Trashed, file, about),
            }
        }
        self.done()
    }

    /// The living files of a name among those of a kind.
    fn named(&mut self, kind: Kind, files: &[&Thing]) {
        let Some(newest) = files.last() else { return };
        let flaw = self.place.misplaced(kind, newest);
        match flaw {
            Some(flaw) => self.all(flaw, files, Subject::File(kind)),
            None => self.file(files, Subject::File(kind)),
        }
        let id = Id::from_hex(&newest.name).filter(|_| kind == Kind::Data && newest.is_file);
        // Where numbers tell which one clients read, it matters only that they see both.
        let is_open = newest.number.is_none() || (self.place.is_mixed && flaw.is_none());
        if let Some(id) = id.filter(|_| is_open) {
            self.pack(id, newest, flaw.is_none());
        }
    }

    /// The living files of a name that is right.
    fn file(&mut self, files: &[&Thing], about: Subject) {
        // A config is never replaced: the first one has made the repository.
        let read = match about {
            Subject::Config => files.first(),
            _ => files.last(),
        };
        let Some(read) = read else { return };
        match about {
            Subject::File(kind) => self.contents.files[kind as usize] += 1,
            _ => self.contents.config = true,
        }
        if about == Subject::File(Kind::Data) {
            let shard = self.place.name().to_owned();
            *self.contents.shards.entry(shard).or_default() += 1;
        }
        self.contents.bytes += read.size.unwrap_or(0);
        for file in files {
            if !std::ptr::eq(*file, *read) {
                self.one(twins(read.content(), file), file, about);
            }
            self.state(file, about);
        }
    }

    /// What a file's row tells.
    fn state(&self, file: &Thing, about: Subject) {
        let made = file.made.filter(|_| about == Subject::File(Kind::Locks));
        let time = &self.walker.about.client.time;
        let is_old = |made: u64| made.saturating_add(OLD) < time.or_ours();
        let is_empty = file.size.unwrap_or(0) == 0;
        for (flaw, is_so) in [
            (Flaw::BytesGone, file.removed),
            (Flaw::ZeroLength, is_empty && !file.removed),
            (Flaw::Rejected, file.rejected),
            (Flaw::OldLock, made.is_some_and(is_old)),
        ] {
            if is_so {
                self.one(flaw, file, about);
            }
        }
    }

    /// A pack that lies in another folder as well counts once; the older one is told, if it is known
    /// which that is.
    fn pack(&mut self, id: Id, pack: &Thing, belongs: bool) {
        let key = (self.place.repo.clone(), id);
        let here = Copy {
            path: join(&self.place.path, &pack.name),
            number: pack.number,
            content: pack.content(),
            belongs,
        };
        let mut packs = lock(&self.walker.packs);
        if packs.len() >= MOST && !packs.contains_key(&key) {
            return;
        }
        let Some(other) = packs.insert(key.clone(), here) else {
            return;
        };
        if belongs && other.belongs {
            self.contents.files[Kind::Data as usize] -= 1;
            self.contents.bytes -= pack.size.unwrap_or(0);
        }
        let flaw = twins(other.content, pack);
        let told = match other.number > pack.number {
            true => packs.insert(key, other),
            false => Some(other),
        };
        drop(packs);
        if let Some(Copy { path, number, .. }) = told {
            self.found(flaw, &path, number, Subject::File(Kind::Data));
        }
    }

    /// A folder that belongs there, living or in the bin; false if there is none.
    fn folder(&mut self, name: &str, kind: Kind, role: Role) -> bool {
        let path = join(&self.place.path, name);
        match (
            self.names.folders.get(name),
            self.names.trashed_folders.get(name),
        ) {
            (Some(all), _) => self
                .below
                .push(Place::new(path, &self.place.repo, role, all)),
            (None, Some(trashed)) => self.one(Flaw::Trashed, trashed, Subject::Folder(kind)),
            (None, None) => return false,
        }
        true
    }

    fn all(&self, flaw: Flaw, things: &[&Thing], about: Subject) {
        things.iter().for_each(|thing| self.one(flaw, thing, about));
    }

    fn one(&self, flaw: Flaw, thing: &Thing, about: Subject) {
        let path = join(&self.place.path, &thing.name);
        self.found(flaw, &path, thing.number, about);
    }

    fn found(&self, flaw: Flaw, path: &str, number: Option<u64>, about: Subject) {
        let survey = &self.walker.about.survey;
        let path = survey.root.at(path);
        survey.found(flaw, &self.place.repo, &path, number, about);
    }

    /// Counts what is noted; the folders that are to be read.
    fn done(self) -> Vec<Place> {
        let survey = &self.walker.about.survey;
        survey.count(&self.place.repo, |contents| contents.add(&self.contents));
        self.below
    }
}

/// What is wrong with a file that has the name of another one. Where numbers tell which one clients
/// read, what is in the other doesn't matter.
fn twins(other: Content, file: &Thing) -> Flaw {
    match file.number.is_some() || other == file.content() {
        true => Flaw::DoubledFile,
        false => Flaw::Contradiction,
    }
}
