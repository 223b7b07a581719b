//! The probe: some twenty calls with a few small files in a folder of its own that settle what
//! Tencent's documents leave open. Whatever comes of it, the folder and all that is in it is deleted
//! again.

use super::Config;
use super::api::meaning::is_absent;
use super::api::{Api, Deleted, Filter, Item, Scope, StartedUpload, Strategy};
use super::facts::Facts;
use super::upload::sum::sum_of;
use crate::civil::seconds;
use crate::cloud::form::Content;
use crate::cloud::paths::join;
use crate::cloud::probe::{
    End, MadeUp, Observation, Observations, PART, PATIENCE, Question, SIZE, folder, wait,
};
use crate::cloud::{Fault, Priority, Reason, now};

const RATES: Question = ("too many calls", "code 429", "20 a second at first");
const LIFE: Question = ("life of an upload", "over 5 min", "begun anew when over");
const MANY: Question = ("deletion of many", "at once or a task", "either");
const CHUNKS: Question = ("upload without a length", "nothing", "refused");
const TOKEN: Question = ("life of a token", "24 h from its last use", "as it says");
const EMPTY: Question = ("file without bytes", "nothing", "there is none");
const RACE: Question = (
    "two uploads of a name",
    "first confirmed",
    "the second is refused",
);
const CASE: Question = ("name in other case", "nothing", "another name");
const FOLDER: Question = ("deletion of a folder", "at once", "either");

/// The test files: one, one that is stored twice at a time, and one without bytes.
const NAMES: [&str; 3] = ["a", "b", "c"];
/// Who goes first.
const FIRST: Priority = Priority::Small;

/// Tries a library out, keeps what was found, and tells of each finding. Ok says that it can be
/// used.
pub fn probe(config: &Config, tell: &mut dyn FnMut(&Observation)) -> Result<String, String> {
    let (mut probe, mut observed) = (Probe::new(config), Observations::new(tell));
    let ended = probe.run(&mut observed);
    let (path, pause) = (probe.path.clone(), config.shared.timing.pause);
    observed.remove(&path, pause, &mut || probe.remove());
    if let Some(as_task) = probe.folder_task {
        observed.add(FOLDER, told(as_task), true);
    }
    let file = config.state_file("probe", "json");
    observed.end("Tencent SMH", ended, file, &probe.facts)
}

struct Probe {
    api: Api,
    path: String,
    facts: Facts,
    /// Uploads that may not have ended.
    open: Vec<String>,
    /// What went into the bin, though it wasn't to.
    binned: Vec<u64>,
    /// Whether the folder's deletion was a task.
    folder_task: Option<bool>,
}

impl Probe {
    fn new(config: &Config) -> Self {
        let mut config = config.clone();
        config.shared.timing.visible *= PATIENCE;
        // What an earlier probe has found must not colour what this one finds.
        let facts = Facts::default();
        Self {
            api: Api::by(&config, Scope::Space, &facts),
            path: folder(&config.shared.repo_path),
            facts,
            open: Vec::new(),
            binned: Vec::new(),
            folder_task: None,
        }
    }

    fn run(&mut self, observed: &mut Observations<'_>) -> End {
        self.api.mkdir(&self.path, FIRST)?;
        let life = self.api.client.token_expires().unwrap_or(0);
        let found = format!("{} s", life.saturating_sub(now()));
        observed.add(TOKEN, found, true);
        self.first(observed)?;
        self.race(observed)?;
        self.empty(observed)?;
        observed.add(CHUNKS, "not tried: a length is always sent", true);
        self.many(observed)?;
        observed.rates(RATES, &self.api.client);
        Ok(())
    }

    /// One file: stored, listed, looked for in other case, read.
    fn first(&mut self, observed: &mut Observations<'_>) -> End {
        let file = MadeUp::new(now(), SIZE);
        let ticket = self.send(NAMES[0], &file)?;
        let end = ticket.until.as_deref().and_then(seconds);
        let life = end.map_or("not told".to_owned(), |end| {
            format!("{} s", end.saturating_sub(self.api.client.time.or_ours()))
        });
        observed.add(LIFE, life, true);
        let path = self.confirm(&ticket, &file)?;
        if path.as_deref() != Some(NAMES[0]) {
            return Err("a file isn't stored under its name".to_owned());
        }
        let lag = wait(self.api.timing(), &mut || self.lists(&NAMES[..1]))?;
        self.facts.lag = lag.ok_or("lists don't show in time what was stored")?;
        observed.shown(self.facts.lag);
        let other = self.api.info(&self.at(&NAMES[0].to_uppercase()), FIRST);
        let found = match other {
            Ok(_) => "the same name",
            Err(fault) if is_absent(fault.reason) => "another name",
            Err(fault) => return Err(fault.into()),
        };
        observed.add(CASE, found, true);
        let address = self.api.address(&self.at(NAMES[0]), FIRST)?;
        observed.came(file.read_back(&self.api.client, &address.url, PART));
        Ok(())
    }

    /// Two uploads of one name, each begun before the other is there.
    fn race(&mut self, observed: &mut Observations<'_>) -> End {
        let [one, two] = [1, 2].map(|seed| MadeUp::new(now() + seed, SIZE));
        let first = self.send(NAMES[1], &one)?;
        let second = self.send(NAMES[1], &two)?;
        self.confirm(&first, &one)?;
        let (found, good) = match self.confirm(&second, &two) {
            Err(fault) if fault.reason == Reason::Taken => ("the second is refused", true),
            Err(fault) => return Err(fault.into()),
            Ok(Some(name)) if name == NAMES[1] => ("the second replaces the first", false),
            Ok(_) => ("the second gets another name", true),
        };
        observed.add(RACE, found, good);
        Ok(())
    }

    /// A file of no bytes.
    fn empty(&mut self, observed: &mut Observations<'_>) -> End {
        let file = MadeUp::new(0, 0);
        let sent = self.send(NAMES[2], &file);
        let stored = sent.and_then(|ticket| self.confirm(&ticket, &file));
        let found = match stored {
            Ok(_) => "taken".to_owned(),
            Err(fault) => format!("refused ({fault})"),
        };
        observed.add(EMPTY, found, true);
        Ok(())
    }

    /// All files' deletion in one call.
    fn many(&mut self, observed: &mut Observations<'_>) -> End {
        let paths: Vec<String> = NAMES.iter().map(|name| self.at(name)).collect();
        let deleted = self.api.delete_all(&paths, true, FIRST)?;
        let as_task = self.end_of(deleted)?;
        let gone = wait(self.api.timing(), &mut || Ok(!self.lists(&NAMES)?))?;
        let found = format!("{}: {} files", told(as_task), paths.len());
        observed.add(MANY, found, gone.is_some());
        Ok(())
    }

    fn at(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// Whether the folder's list shows any of these.
    fn lists(&self, names: &[&str]) -> End<bool> {
        let page = self.api.list(&self.path, Filter::All, None, FIRST);
        let shown = page?.contents;
        Ok(shown.iter().any(|entry| names.contains(&&*entry.name)))
    }

    /// Begins an upload, and sends its bytes.
    fn send(&mut self, name: &str, file: &MadeUp) -> Result<StartedUpload, Fault> {
        let mut content = file.content();
        let ticket = self
            .api
            .start(&self.at(name), content.len(), Strategy::Ask, FIRST)?;
        self.open.push(ticket.key.clone());
        match self.api.put(&ticket, &mut content, FIRST)? {
            Some(moved) => self.api.put(&moved, &mut content, FIRST).map(|_| ticket),
            None => Ok(ticket),
        }
    }

    /// Ends it; the name under which the file is stored.
    fn confirm(&mut self, ticket: &StartedUpload, file: &MadeUp) -> Result<Option<String>, Fault> {
        let sum =
            sum_of(&mut file.content()).map_err(|e| Fault::new(Reason::Lost, e.to_string()))?;
        let confirmed = self.api.confirm(&ticket.key, Strategy::Ask, sum, FIRST)?;
        self.open.retain(|key| *key != ticket.key);
        Ok(confirmed.path.and_then(|mut path| path.pop()))
    }

    /// Waits for the end of a deletion; whether it was a task.
    fn end_of(&mut self, deleted: Deleted) -> Result<bool, Fault> {
        let as_task = deleted.task.is_some();
        let items = match deleted.task {
            Some(task) => self.api.outcome(&task, FIRST)?,
            None => deleted.result.unwrap_or_default(),
        };
        let binned = items.iter().filter_map(|item: &Item| item.binned);
        self.binned.extend(binned.chain(deleted.binned));
        Ok(as_task)
    }

    /// Removes all that was made, whatever became of the steps.
    fn remove(&mut self) -> Result<&'static str, Fault> {
        for key in std::mem::take(&mut self.open) {
            // One that has ended meanwhile can't be withdrawn, and needn't.
            let _ = self.api.abort(&key, FIRST);
        }
        match self.api.delete_folder(&self.path) {
            Err(fault) if is_absent(fault.reason) => {}
            deleted => self.folder_task = Some(self.end_of(deleted?)?),
        }
        if !self.binned.is_empty() {
            self.api.purge(&self.binned)?;
        }
        match self.api.info(&self.path, FIRST) {
            Err(fault) if is_absent(fault.reason) => Ok("all of it is gone"),
            Err(fault) => Err(fault),
            Ok(_) => Err(Fault::new(Reason::Lost, "it still shows")),
        }
    }
}

fn told(as_task: bool) -> &'static str {
    match as_task {
        true => "as a task",
        false => "at once",
    }
}
