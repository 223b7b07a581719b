//! Where files lie below the app's folder. Packs lie in the folders of the layouts
//! that their repository has; new ones, in few: each folder that is listed costs a call.

use super::api::Row;
use super::tree::Tree;
use crate::cloud::layout::{self, Layouts};
use crate::cloud::paths::{Root, join, priority_of};
use crate::restic::{File, Kind, Repo};
use crate::store::Error;
use crate::sync::lock;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

/// Most repositories whose layouts are remembered.
const MOST: usize = 1000;

/// Where repositories and their files are.
pub struct Layout {
    /// The folder that holds the repositories.
    pub root: Root,
    tree: Arc<Tree>,
    /// A repository's folder of packs → their layouts, once there are any.
    seen: Mutex<HashMap<String, Layouts>>,
}

impl Layout {
    /// Nothing has been seen.
    pub fn new(root: &Repo, tree: &Arc<Tree>) -> Self {
        Self {
            root: Root::new(root),
            tree: Arc::clone(tree),
            seen: Mutex::default(),
        }
    }

    /// The folders that may hold each of these files, as Kdocs shows them now.
    pub fn folders(&self, files: &[(Repo, File)]) -> Result<Vec<Vec<String>>, Error> {
        let mut read: HashMap<String, Layouts> = HashMap::new();
        let mut folders = |(repo, file): &(Repo, File)| {
            let above = self.root.folder(repo, file);
            let File::Hashed(Kind::Data, id) = file else {
                return Ok(vec![above]);
            };
            if !read.contains_key(&above) {
                read.insert(above.clone(), self.read(&above)?);
            }
            let folder = |layout: layout::Layout| join(&above, &layout.folder(id));
            Ok(read[&above].all().map(folder).collect())
        };
        files.iter().map(&mut folders).collect()
    }

    /// The folder into which a file is put.
    pub fn folder(&self, repo: &Repo, file: &File) -> Result<String, Error> {
        let above = self.root.folder(repo, file);
        let File::Hashed(Kind::Data, id) = file else {
            return Ok(above);
        };
        let seen = lock(&self.seen).get(&above).copied();
        let layouts = seen.map_or_else(|| self.read(&above), Ok)?;
        Ok(join(
            &above,
            &layouts.written(layout::Layout::Sixteen).folder(id),
        ))
    }

    /// The folders of packs among the rows of a repository's `data`, which are remembered.
    pub fn learn(&self, data: &str, rows: &[Row]) -> BTreeSet<String> {
        let folders = rows.iter().filter(|row| row.is_folder());
        let names: BTreeSet<String> = folders.map(|row| row.name.clone()).collect();
        let layouts = Layouts::of(names.iter().map(String::as_str));
        let mut seen = lock(&self.seen);
        if seen.len() >= MOST {
            seen.clear();
        }
        match layouts == Layouts::default() {
            true => seen.remove(data),
            false => seen.insert(data.to_owned(), layouts),
        };
        names
    }

    fn read(&self, data: &str) -> Result<Layouts, Error> {
        let rows = self
            .tree
            .rows_or_none(data, priority_of(Some(Kind::Data)))?;
        let names = self.learn(data, &rows);
        Ok(Layouts::of(names.iter().map(String::as_str)))
    }
}
