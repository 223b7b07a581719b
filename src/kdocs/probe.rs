//! The probe: about fifteen calls on the user's own files that settle what no document says and the
//! store depends on. All that it stores goes into the bin again.

use super::api::{Api, Place, Row};
use super::config::Config;
use super::facts::Facts;
use super::names::SUFFIX;
use super::remove::Removals;
use super::tree::Tree;
use crate::cloud::probe::{End, MadeUp, Observation, Observations, Question, folder, keep};
use crate::cloud::{Fault, Priority, Reason, look};
use crate::restic::{Part, hex};
use crate::store::Error;
use crate::units::bytes;
use sha2::{Digest, Sha256};
use std::sync::Arc;

const BARE: Question = ("name without extension", OFFICE, "refused");
const DOTTED: Question = ("name with .bin", OFFICE, "refused");
const FOLDERS: Question = ("new folders", PARENT, "missing levels are made");
const SIZES: Question = ("size in lists", "nothing", "fsize, in bytes");
const TAKEN: Question = ("a name that is taken", "nothing", ANYTHING);
const RANGES: Question = ("ranges of downloads", "nothing", "ignored");
const SIZE: Question = ("size of a file", "nothing", "150 MiB");
const DELETING: Question = ("deleting", BINNED, "a task, which lists confirm");

const OFFICE: &str = "\"see type table\": office formats";
const PARENT: &str = "an upload may name a parent_path";
const ANYTHING: &str = "anything: what came is looked for";
const BINNED: &str = "into the bin, at once or as a task";

/// Bytes of the small test files.
const SMALL: u64 = 1 << 20;
/// The size in bytes below which restic's usual packs, of 16 MiB and a blob more, don't fit.
const LEAST: u64 = 24 << 20;
/// Where a range is read, and how many bytes.
const RANGE: Part = Part {
    start: 100_003,
    len: 1000,
};

/// Tries Kdocs out, keeps what was found, and tells of each finding. Ok says that the store can be
/// used.
pub fn probe(config: &Config, tell: &mut dyn FnMut(&Observation)) -> Result<String, String> {
    let (mut probe, mut observed) = (Probe::new(config), Observations::new(tell));
    let made = probe.run(&mut observed);
    let withdrawn = probe.withdraw(&mut observed);
    if let Some(refusal) = made.err().or(withdrawn.err()) {
        probe.facts.refusal = refusal;
    }
    let file = config.state_file("probe", "json");
    keep(&file.ok_or("there is no state directory")?, &probe.facts)?;
    match probe.facts.refusal.as_str() {
        "" => Ok(format!(
            "Kdocs can be used: files up to {} under names {}; deleting frees no space",
            bytes(probe.facts.largest),
            match probe.facts.suffix.as_str() {
                "" => "without an extension".to_owned(),
                suffix => format!("that end in {suffix}"),
            }
        )),
        refusal => Err(format!("Kdocs can't be used: {refusal}")),
    }
}

struct Probe {
    api: Arc<Api>,
    tree: Arc<Tree>,
    removals: Removals,
    folder: String,
    largest: u64,
    facts: Facts,
}

impl Probe {
    fn new(config: &Config) -> Self {
        let api = Arc::new(Api::new(config));
        let tree = Arc::new(Tree::new(&api));
        Self {
            removals: Removals::new(&api, &tree),
            folder: folder(&config.shared.repo_path),
            largest: config.largest,
            facts: Facts::default(),
            api,
            tree,
        }
    }

    fn run(&mut self, observed: &mut Observations<'_>) -> End {
        let name = self.names(observed)?;
        let row = self.look(&name, SMALL, observed)?;
        self.clash(&name, observed)?;
        self.ranges(&row, observed)?;
        self.size(observed)
    }

    /// Which names are taken for a file that is no document.
    fn names(&mut self, observed: &mut Observations<'_>) -> End<String> {
        let digits = hex(&Sha256::digest(&self.folder));
        let dotted = format!("{}{SUFFIX}", hex(&Sha256::digest(&digits)));
        let bare = self.store(&digits, SMALL);
        let with = self.store(&dotted, SMALL);
        for (question, sent) in [(BARE, &bare), (DOTTED, &with)] {
            observed.add(question, said(sent), bare.is_ok() || with.is_ok());
        }
        let (name, suffix) = match (&bare, &with) {
            (Ok(()), _) => (digits, ""),
            (_, Ok(())) => (dotted, SUFFIX),
            (Err(fault), _) if fault.reason == Reason::NoFile => {
                return Err(format!("an upload doesn't make its folder ({fault})"));
            }
            (Err(fault), _) => {
                return Err(format!("it takes no binary files from this app ({fault})"));
            }
        };
        suffix.clone_into(&mut self.facts.suffix);
        Ok(name)
    }

    /// Whether the file, its folder and its size are shown.
    fn look(&self, name: &str, size: u64, observed: &mut Observations<'_>) -> End<Row> {
        let rows = self.rows_with(name).map_err(String::from);
        let made = rows.as_ref().is_ok_and(|rows| !rows.is_empty());
        let found = match &rows {
            Ok(_) if made => "they are made",
            Ok(_) => "no list shows the file",
            Err(error) => error,
        };
        observed.add(FOLDERS, found, made);
        let Some(row) = rows?.into_iter().next() else {
            return Err("what is uploaded isn't found in its folder".to_owned());
        };
        let good = row.size == Some(size);
        let told = row
            .size
            .map_or("no fsize".to_owned(), |size| format!("fsize {size}"));
        observed.add(SIZES, &*told, good);
        match good {
            true => Ok(row),
            false => Err(format!(
                "its lists don't tell sizes ({told} for {size} bytes)"
            )),
        }
    }

    /// What becomes of a name that is taken.
    fn clash(&self, name: &str, observed: &mut Observations<'_>) -> End {
        let again = self.store(name, SMALL + 1);
        let rows = self.rows_with(name)?;
        let same = rows.iter().filter(|row| row.name == name).count();
        let is_new = |row: &Row| row.name == name && row.size == Some(SMALL + 1);
        let replaced = rows.iter().any(is_new);
        let found = match (&again, same, replaced) {
            (Err(fault), ..) => format!("the upload is refused ({fault})"),
            (Ok(()), 2.., _) => "there are two of the name".to_owned(),
            (Ok(()), 1, true) => "the old file is replaced".to_owned(),
            _ if rows.len() > 1 => "the new file gets another name".to_owned(),
            _ => "nobody knows: lists show nothing new".to_owned(),
        };
        observed.add(TAKEN, found, true);
        Ok(())
    }

    /// Whether a part can be read, and is right.
    fn ranges(&self, row: &Row, observed: &mut Observations<'_>) -> End {
        let read = self.read(row);
        let found = match &read {
            Ok(true) => "obeyed",
            Ok(false) => "ignored: parts are read from the start of their file",
            Err(error) => error,
        };
        observed.add(RANGES, found, read.is_ok());
        read.map(drop)
    }

    /// Reads a part of a file; whether it came alone.
    fn read(&self, row: &Row) -> End<bool> {
        let link = self.api.link(row.id(), Priority::Small)?;
        let came = made_up(SMALL).read_back(&self.api.client, &link.url, RANGE);
        came.map(|came| came.is_part)
    }

    /// How large files may be.
    fn size(&mut self, observed: &mut Observations<'_>) -> End {
        let smaller = [self.largest, 100 << 20, 32 << 20, LEAST];
        let sizes = smaller.into_iter().filter(|size| *size <= self.largest);
        let mut found = Vec::new();
        for size in sizes {
            let name = format!("{size}{SUFFIX}");
            let sent = self.store(&name, size).map_err(String::from);
            let shown = sent.and_then(|()| {
                let rows = self.rows_with(&name)?;
                let whole = rows.iter().any(|row| row.size == Some(size));
                whole.then_some(()).ok_or("no list shows it".to_owned())
            });
            match shown {
                Ok(()) => {
                    found.push(format!("{} are taken", bytes(size)));
                    self.facts.largest = size;
                    break;
                }
                Err(error) => found.push(format!("{} aren't ({error})", bytes(size))),
            }
        }
        let good = self.facts.largest >= LEAST.min(self.largest);
        observed.add(SIZE, found.join(", "), good);
        match good {
            true => Ok(()),
            false => Err("restic's packs, of 16 MiB and more, are too large for it".to_owned()),
        }
    }

    /// Puts everything into the bin again, and sees how that is told.
    fn withdraw(&self, observed: &mut Observations<'_>) -> End {
        let rows = self.tree.rows_or_none(&self.folder, Priority::Small);
        let rows = rows?;
        if rows.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| (self.folder.clone(), row))
            .collect();
        let binned = self.removals.bin(&rows, Priority::Small);
        let binned: Result<(), Error> = binned.into_iter().collect();
        let found = match &binned {
            Ok(()) => "the files are gone from lists, and lie in the bin".to_owned(),
            Err(error) => error.to_string(),
        };
        observed.add(DELETING, found, binned.is_ok());
        // An empty folder that stays does no harm.
        if let Some(folder) = self.tree.known(&self.folder) {
            let _ = self.api.delete(&[&folder], Priority::Small);
        }
        binned.map_err(|error| format!("deleting doesn't work ({error})"))
    }

    fn store(&self, name: &str, size: u64) -> Result<(), Fault> {
        let (file, place) = (made_up(size), Place::Path(&self.folder));
        self.api
            .upload(&place, name, &mut file.content(), Priority::Small)
    }

    /// The rows whose names begin as this one does, once there are some; lists may lag.
    fn rows_with(&self, name: &str) -> Result<Vec<Row>, Error> {
        let stem = name.strip_suffix(SUFFIX).unwrap_or(name);
        let see = || {
            let mut here = self.tree.rows_or_none(&self.folder, Priority::Small)?;
            here.retain(|row| row.name.starts_with(stem) && !row.is_folder());
            // The exact one first.
            here.sort_by_key(|row| row.name != name);
            Ok(here)
        };
        let shown = |here: &Vec<Row>| here.first().is_some_and(|row| row.name == name);
        look(self.api.timing(), see, shown)
    }
}

/// What became of an upload.
fn said(sent: &Result<(), Fault>) -> String {
    match sent {
        Ok(()) => "taken".to_owned(),
        Err(fault) if fault.reason == Reason::BadName => format!("refused ({fault})"),
        Err(fault) => fault.to_string(),
    }
}

/// A test file.
fn made_up(size: u64) -> MadeUp {
    MadeUp::new(0, size)
}
