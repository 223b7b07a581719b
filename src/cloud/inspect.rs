//! The walk of `verify`: folders that are missing or doubled, files that are empty, doubled, rejected
//! or wrongly named, packs in a wrong place or in two, and what lies in the bin. Nothing is
//! downloaded, and nothing is changed. Which folders are read stands here, what is wrong with what is
//! in one in `notes`; how a folder is read is the cloud's own.

mod notes;

use super::client::Client;
use super::finding::{Flaw, Report};
use super::layout;
use super::paths::join;
use super::survey::Survey;
use super::walk::walk;
use crate::restic::{Id, Kind, MAX_DEPTH};
use crate::store::{Cause, Error};
use notes::{Copies, Notes};
use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

/// Folders within each other that are looked into: those of a repository's path, `data` and one
/// in it.
const DEEPEST: usize = MAX_DEPTH + 2;

/// Something in a folder.
#[derive(Clone, Debug, Default)]
pub struct Thing {
    /// By what clients know it.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Whether it is a file with bytes of its own.
    pub is_file: bool,
    /// Its number, at a cloud where files and folders have some: it grows with time.
    pub number: Option<u64>,
    /// Bytes, as far as it is known.
    pub size: Option<u64>,
    /// Its content's checksum, if there is one.
    pub sum: Option<u64>,
    /// When it was made, in seconds since 1970, if that is told.
    pub made: Option<u64>,
    /// Whether the cloud has removed its bytes.
    pub removed: bool,
    /// Whether the cloud's content audit has rejected it.
    pub rejected: bool,
    /// Whether it lies in the bin.
    pub trashed: bool,
}

/// Reads the folder at a path from the account's root on, and all others that have this path.
pub type ReadFolder<'a> = dyn Fn(&str) -> Result<Vec<Thing>, Error> + Sync + 'a;

/// What is to be known of a cloud to look it through.
pub struct Inspection<'a> {
    /// Which repositories, and who is told.
    pub survey: Survey<'a>,
    /// Whether folders come with their first file, so that one which isn't there is as good as
    /// empty.
    pub filled: bool,
    /// The numbers of what the server of this state directory has put into the bin itself.
    pub deleted: HashSet<u64>,
    /// Tells the cloud's time, and how many calls it took.
    pub client: &'a Client,
    /// How a folder is read.
    pub read: &'a ReadFolder<'a>,
}

impl Inspection<'_> {
    /// Looks repositories through.
    pub fn run(&self) -> Result<Report, Error> {
        let walker = Walker {
            about: self,
            packs: Mutex::default(),
        };
        let base = Place::new(String::new(), "", Role::Any, &[]);
        walk(vec![base], DEEPEST, &|place| walker.read(&place))?;
        Ok(self.survey.end(self.client.seen.made()))
    }
}

struct Walker<'a> {
    about: &'a Inspection<'a>,
    packs: Mutex<Copies>,
}

/// A folder to be read. Paths are those below the folder of repositories.
struct Place {
    path: String,
    /// Its repository, or itself.
    repo: String,
    role: Role,
    /// The numbers of its duplicates, which are read along with it.
    doubles: Vec<u64>,
    /// Whether its packs may lie in another folder as well, because both layouts exist.
    is_mixed: bool,
}

/// What a folder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// To be a repository or to hold some.
    Any,
    /// To hold the folders of packs.
    Data,
    /// To hold files.
    Files(Kind),
}

impl Place {
    /// A folder of a repository, with others of its path.
    fn new(path: String, repo: &str, role: Role, all: &[&Thing]) -> Self {
        Self {
            path,
            repo: repo.to_owned(),
            role,
            // The first is the one that new files go into.
            doubles: all.iter().skip(1).filter_map(|one| one.number).collect(),
            is_mixed: false,
        }
    }

    /// The last part of its path.
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// What is wrong with a file of a kind for lying here, if anything is.
    fn misplaced(&self, kind: Kind, file: &Thing) -> Option<Flaw> {
        let is_here = |id: &Id| kind != Kind::Data || layout::belongs(self.name(), id);
        match Id::from_hex(&file.name).filter(|_| file.is_file) {
            None => Some(Flaw::WrongName),
            Some(id) => (!is_here(&id)).then_some(Flaw::WrongFolder),
        }
    }
}

/// What is in a folder, by name, the oldest of each first.
#[derive(Default)]
struct Names<'t> {
    folders: BTreeMap<&'t str, Vec<&'t Thing>>,
    files: BTreeMap<&'t str, Vec<&'t Thing>>,
    /// What is in the bin.
    trashed_folders: BTreeMap<&'t str, &'t Thing>,
    trashed_files: BTreeMap<&'t str, &'t Thing>,
}

impl<'t> Names<'t> {
    fn of(things: &'t [Thing]) -> Self {
        let mut names = Self::default();
        let mut things: Vec<&Thing> = things.iter().collect();
        things.sort_by_key(|thing| thing.number);
        for thing in things {
            let name = thing.name.as_str();
            match (thing.is_folder, thing.trashed) {
                (true, false) => names.folders.entry(name).or_default().push(thing),
                (false, false) => names.files.entry(name).or_default().push(thing),
                (true, true) => drop(names.trashed_folders.insert(name, thing)),
                (false, true) => drop(names.trashed_files.insert(name, thing)),
            }
        }
        names
    }

    fn has_config(&self) -> bool {
        let configs = self.files.get("config");
        configs.is_some_and(|configs| configs.iter().any(|config| config.is_file))
    }
}

impl Walker<'_> {
    /// Reads a folder; answers those in it that are to be read.
    fn read(&self, place: &Place) -> Result<Vec<Place>, Error> {
        let survey = &self.about.survey;
        let things = match (self.about.read)(&survey.root.at(&place.path)) {
            // It has gone since it was listed.
            Err(error) if error.cause == Cause::Absent && !place.path.is_empty() => Vec::new(),
            things => things?,
        };
        let names = Names::of(&things);
        let below = match place.role {
            Role::Any => self.any(place, &names),
            Role::Data => Notes::of(self, place, &names).data(),
            Role::Files(kind) => Notes::of(self, place, &names).files(kind),
        };
        survey.read(below.len());
        Ok(below)
    }

    /// A folder that is a repository or holds some.
    fn any(&self, place: &Place, names: &Names<'_>) -> Vec<Place> {
        let (survey, mut below) = (&self.about.survey, Vec::new());
        let of_kind = |name: &str| Kind::from_name(name).is_some();
        for (name, folders) in names.folders.iter().filter(|(name, _)| !of_kind(name)) {
            let path = join(&place.path, name);
            if survey.leads_on(&path) {
                below.push(Place::new(path.clone(), &path, Role::Any, folders));
            }
        }
        let looks_so = names.has_config() || names.folders.keys().any(|name| of_kind(name));
        if survey.is_meant(&place.path, looks_so) {
            below.extend(Notes::of(self, place, names).repository());
        }
        below
    }
}
