//! The probe: some forty calls with five small files in a folder of its own that settle what
//! 123pan's documents leave open. Whatever comes of it, the folder and all that is in it goes into
//! the bin again, and out of that where programs may empty it.

use super::Config;
use super::api::{Api, BATCH, Page, Row};
use super::bin::look::{Examined, destroy, examine};
use super::download::expiry;
use super::facts::Facts;
use super::tree::Tree;
use super::upload::hosts::Hosts;
use crate::cloud::form::{Form, md5_of};
use crate::cloud::probe::{
    End, Lag, MadeUp, Observation, Observations, PART, PATIENCE, Question, SIZE, folder, wait,
};
use crate::cloud::{Fault, Priority, Reason, now};
use std::collections::HashSet;
use std::sync::Arc;

const LATE: Question = ("late etag", "parts in no order", "taken, until refused");
const INFOS: Question = ("ids of infos", "nothing", "100 a call, less unknown ones");
const LIFE: Question = ("life of addresses", "nothing", "by their t, or 10 min");
const PURGE: Question = ("purge of the bin", "until 2025", "there, until it fails");
const PAGES: Question = ("pages of lists", "by a cursor", "in order of ids");
const TRASH: Question = ("trash of unknown ids", "nothing", "success is believed");
const PURGES: Question = ("purge of unknown ids", "refused", "all is refused");
const TAKEN: Question = ("a name that is taken", "refused", "refused, or taken back");
const RATES: Question = ("too many calls", "code 429", "sent again in time");

/// Names of the test files: three pages of a list, as two go into one.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Rows of a page that is asked for.
const PAGE: u32 = 2;
/// Most pages that are read: each of the files may have a copy.
const PAGES_MOST: usize = 10;
/// Numbers of ids that `infos` is asked for, until it takes as many.
const ASKED: [usize; 4] = [BATCH, 50, 20, 10];
/// From here on no file has a number: those seen have 13 digits at most.
const UNKNOWN: u64 = 9_000_000_000_000_000;
/// Who goes first.
const FIRST: Priority = Priority::Small;

/// Tries 123pan out, keeps what was found, and tells of each finding. Ok says that the store can be
/// used.
pub fn probe(config: &Config, tell: &mut dyn FnMut(&Observation)) -> Result<String, String> {
    let (mut probe, mut observed) = (Probe::new(config), Observations::new(tell));
    let ended = probe.run(&mut observed);
    let (path, pause) = (probe.path.clone(), config.shared.timing.pause);
    observed.remove(&path, pause, &mut || probe.remove());
    let file = config.state_file("probe", "json");
    observed.end("123pan", ended, file, &probe.facts)
}

struct Probe {
    api: Arc<Api>,
    tree: Tree,
    hosts: Hosts,
    path: String,
    folder: u64,
    facts: Facts,
    /// What makes each file's bytes others.
    seed: u64,
    /// What was made, as far as is known.
    ids: HashSet<u64>,
    /// What of it is gone for good.
    gone: HashSet<u64>,
}

/// A test file.
struct Test {
    name: &'static str,
    file: MadeUp,
    md5: String,
}

impl Test {
    fn is(&self, row: &Row) -> bool {
        row.is_file() && row.filename == self.name && row.holds(SIZE, &self.md5)
    }
}

impl Probe {
    fn new(config: &Config) -> Self {
        let mut config = config.clone();
        config.shared.timing.visible *= PATIENCE;
        // What an earlier probe has found must not colour what this one finds.
        let api = Arc::new(Api::by(&config, Facts::default()));
        Self {
            tree: Tree::new(Arc::clone(&api)),
            hosts: Hosts::new(&config),
            api,
            path: folder(&config.shared.repo_path),
            folder: 0,
            facts: Facts::default(),
            seed: now() << 8,
            ids: HashSet::new(),
            gone: HashSet::new(),
        }
    }

    fn run(&mut self, observed: &mut Observations<'_>) -> End {
        self.folder = self.tree.ensure(&self.path, FIRST)?;
        let mut tests = vec![self.late_etag(observed)?];
        self.facts.lag = self.shown(&tests)?.1;
        observed.shown(self.facts.lag);
        for name in &NAMES[1..] {
            tests.push(self.store(name, false)?);
        }
        let ids = self.shown(&tests)?.0;
        self.infos(&ids, observed)?;
        self.download(&tests[0], ids[0], observed)?;
        let page = self.api.page(self.folder, None, PAGE, FIRST);
        self.purge(ids[0], observed)?;
        self.pages(page?, &ids[1..], observed)?;
        self.unknown(ids[0], ids[1], observed)?;
        self.taken(&tests[NAMES.len() - 1], observed)?;
        observed.rates(RATES, &self.api.client);
        Ok(())
    }

    /// Stores a new file; a fault is an answer.
    fn store(&mut self, name: &'static str, late: bool) -> Result<Test, Fault> {
        self.seed += 1;
        let file = MadeUp::new(self.seed, SIZE);
        let mut content = file.content();
        let md5 = md5_of(&mut content).map_err(|e| Fault::new(Reason::Lost, e.to_string()))?;
        let host = self.hosts.pick(&self.api, FIRST)?;
        let (folder, size) = (self.folder.to_string(), SIZE.to_string());
        let mut fields = vec![("parentFileID", &*folder), ("filename", name)];
        fields.push(("size", &size));
        if !late {
            fields.push(("etag", &md5));
        }
        let mut form = Form::new(&fields, ("file", "file"), late, &mut content);
        match self.api.single(&host, &mut form, FIRST) {
            Ok(uploaded) => self.ids.extend(uploaded.file()),
            // It comes later.
            Err(fault) if fault.reason == Reason::Queued => {}
            Err(fault) => return Err(fault),
        }
        Ok(Test { name, file, md5 })
    }

    /// Whether an `etag` may come after its file.
    fn late_etag(&mut self, observed: &mut Observations<'_>) -> End<Test> {
        let stored = self.store(NAMES[0], true);
        let Err(fault) = stored.as_ref().map_err(|fault| fault.reason) else {
            observed.add(LATE, "taken", true);
            return Ok(stored?);
        };
        if fault != Reason::Unknown {
            return Ok(stored?);
        }
        let stored = self.store(NAMES[0], false)?;
        self.facts.late_refused = true;
        observed.add(LATE, "refused: files are held before they are sent", true);
        Ok(stored)
    }

    /// The files' numbers, once a list shows them as they were stored, and how long that took.
    fn shown(&mut self, tests: &[Test]) -> End<(Vec<u64>, Lag)> {
        let mut ids = Vec::new();
        let lag = self.rows_until(&mut |rows| {
            let of = |test: &Test| rows.iter().find(|row| test.is(row));
            ids = tests.iter().filter_map(|t| Some(of(t)?.file_id)).collect();
            ids.len() == tests.len()
        })?;
        let lag = lag.ok_or("lists don't show in time what was stored")?;
        Ok((ids, lag))
    }

    /// Reads the list until it is as it should be, and tells how long that took.
    fn rows_until(&mut self, is_so: &mut dyn FnMut(&[Row]) -> bool) -> End<Option<Lag>> {
        wait(self.api.timing(), &mut || {
            let rows = self.tree.read(&[self.folder], FIRST)?;
            self.ids.extend(rows.iter().map(|row| row.file_id));
            Ok(is_so(&rows))
        })
    }

    /// How many ids `infos` takes, what it makes of unknown ones, and when it knows new files.
    fn infos(&mut self, ids: &[u64], observed: &mut Observations<'_>) -> End {
        let all: Vec<u64> = ids.iter().copied().chain(UNKNOWN..).take(BATCH).collect();
        for most in ASKED {
            if refusal(self.api.infos(&all[..most], FIRST).map(drop))?.is_some() {
                continue;
            }
            let mut known = Vec::new();
            let lag = wait(self.api.timing(), &mut || {
                let rows = self.api.infos(&all[..most], FIRST)?;
                known = rows.iter().map(|row| row.file_id).collect();
                Ok(ids.iter().all(|id| known.contains(id)))
            })?;
            let lag = lag.ok_or("infos doesn't know in time what was stored")?;
            (self.facts.infos, self.facts.lag) = (most, self.facts.lag.max(lag));
            let found = format!("{most} a call, less unknown ones; a file shows {lag}");
            observed.add(INFOS, found, known.len() == ids.len());
            return Ok(());
        }
        observed.add(INFOS, "refused where some are unknown", false);
        Ok(())
    }

    /// How a file is downloaded.
    fn download(&mut self, test: &Test, id: u64, observed: &mut Observations<'_>) -> End {
        let url = self.api.download_info(id, FIRST)?;
        let time = self.api.client.time.or_ours();
        let life = match expiry(&url) {
            Some(end) if end > time => format!("their t is {} s ahead", end - time),
            Some(_) => "their t isn't their end".to_owned(),
            None => "they have no t".to_owned(),
        };
        observed.add(LIFE, life, true);
        observed.came(test.file.read_back(&self.api.client, &url, PART));
        Ok(())
    }

    /// Whether programs may destroy what lies in the bin.
    fn purge(&mut self, id: u64, observed: &mut Observations<'_>) -> End {
        self.api.trash(&[id], FIRST)?;
        let found = match self.api.purge(&[id]) {
            Ok(()) if self.is(id, true, is_gone)? => {
                self.gone.insert(id);
                "there, and the file is gone".to_owned()
            }
            Ok(()) => "there, but the file stays".to_owned(),
            Err(fault) if fault.reason == Reason::NoEndpoint => {
                self.facts.purge_missing = true;
                "missing: deleted files stay until you empty the bin by hand".to_owned()
            }
            failed => refusal(failed)?.map_or(String::new(), |fault| format!("refused ({fault})")),
        };
        observed.add(PURGE, found, true);
        Ok(())
    }

    /// What `infos` says of a file; asked again as long as that isn't so if it should become so.
    fn is(&self, id: u64, comes: bool, is_so: fn(&Examined) -> bool) -> End<bool> {
        let mut so = false;
        wait(self.api.timing(), &mut || {
            so = is_so(&examine(&self.api, &[id], FIRST)?);
            Ok(so || !comes)
        })?;
        Ok(so)
    }

    /// How the pages go on of which this is the first; a row of it has gone meanwhile.
    fn pages(&mut self, page: Page, living: &[u64], observed: &mut Observations<'_>) -> End {
        let (mut page, mut all, mut stuck) = (page, Vec::new(), false);
        for _ in 0..PAGES_MOST {
            all.extend(page.rows.iter().map(|row| row.file_id));
            let Some(after) = page.next.filter(|_| !stuck) else {
                break;
            };
            let next = self.api.page(self.folder, Some(after), PAGE, FIRST);
            page = next?;
            stuck = page.next.is_some_and(|next| next <= after);
        }
        let (found, good) = if stuck {
            ("a cursor repeats or goes back", false)
        } else if !living.iter().all(|id| all.contains(id)) {
            ("rows are skipped when others go: infos finds them", true)
        } else if !all.is_sorted_by(|a, b| a < b) {
            ("complete, in no order of ids", true)
        } else {
            ("complete, in order of ids, also when rows go", true)
        };
        observed.add(PAGES, found, good);
        Ok(())
    }

    /// What trash and purge do with an id that is there no more beside one that is.
    fn unknown(&mut self, gone: u64, other: u64, observed: &mut Observations<'_>) -> End {
        let sent = refusal(self.api.trash(&[gone, other], FIRST))?;
        let binned = self.is(other, sent.is_none(), |looked| !looked.in_bin.is_empty())?;
        tell_of_unknown(observed, TRASH, sent.as_ref(), binned);
        let binned = binned || refusal(self.api.trash(&[other], FIRST))?.is_none();
        if self.gone.is_empty() || !binned {
            observed.add(PURGES, "not tried", true);
            return Ok(());
        }
        let sent = refusal(self.api.purge(&[gone, other]))?;
        let purged = self.is(other, sent.is_none(), is_gone)?;
        self.gone.extend(purged.then_some(other));
        tell_of_unknown(observed, PURGES, sent.as_ref(), purged);
        Ok(())
    }

    /// What becomes of an upload whose name is taken.
    fn taken(&mut self, old: &Test, observed: &mut Observations<'_>) -> End {
        let new = match self.store(old.name, false) {
            Err(fault) if matches!(fault.reason, Reason::Taken | Reason::Unknown) => {
                observed.add(TAKEN, format!("refused ({fault})"), true);
                return Ok(());
            }
            new => new?,
        };
        let is_new = |row: &&Row| row.is_file() && row.holds(SIZE, &new.md5);
        let (mut name, mut stays) = (None, false);
        self.rows_until(&mut |rows| {
            name = rows.iter().find(is_new).map(|row| row.filename.clone());
            stays = rows.iter().any(|row| old.is(row));
            name.is_some()
        })?;
        let found = match name {
            _ if !stays => "the old file is replaced",
            None => "nothing comes of it, though it says so",
            Some(name) if name == old.name => "there are two of the name",
            Some(_) => "the new file gets another name",
        };
        observed.add(TAKEN, found, stays);
        Ok(())
    }

    /// Removes all that was made, whatever became of the steps.
    fn remove(&mut self) -> Result<&'static str, Fault> {
        if self.folder == 0 {
            // It may have been made all the same.
            let found = self.tree.find(&self.path, FIRST);
            let found = found.map_err(|e| Fault::new(Reason::Unreachable, e.to_string()))?;
            self.folder = found.and_then(|ids| ids.first().copied()).unwrap_or(0);
        }
        if self.folder == 0 {
            return Ok("nothing was made");
        }
        let is_there = |id: &u64| !self.gone.contains(id);
        let seen = self.ids.iter().copied().filter(is_there);
        let seen: Vec<u64> = seen.chain([self.folder]).collect();
        let known = match self.api.infos(&seen, FIRST) {
            // Then lists say it all.
            Err(fault) if is_refusal(&fault) => Vec::new(),
            known => known?,
        };
        let binned = |rows: &[Row]| -> HashSet<u64> {
            let binned = rows.iter().filter(|row| row.trashed != 0);
            binned.map(|row| row.file_id).collect()
        };
        let is_ours = |row: &Row| [row.file_id, row.parent_file_id].contains(&self.folder);
        let mut rows: Vec<Row> = known.into_iter().filter(|row| is_ours(row)).collect();
        let folder_lives = !binned(&rows).contains(&self.folder);
        if folder_lives {
            rows.append(&mut self.tree.read(&[self.folder], FIRST)?);
        }
        let mut all: HashSet<u64> = rows.iter().map(|row| row.file_id).collect();
        all.retain(|id| is_there(id) && *id != self.folder);
        let living: Vec<u64> = all.difference(&binned(&rows)).copied().collect();
        if !living.is_empty() {
            self.api.trash(&living, FIRST)?;
        }
        if folder_lives {
            self.api.trash(&[self.folder], FIRST)?;
        }
        let all: Vec<u64> = all.into_iter().chain([self.folder]).collect();
        Ok(match destroy(&self.api, &all) {
            Ok(()) => "all of it is gone",
            Err(_) => "all of it lies in the bin",
        })
    }
}

fn tell_of_unknown(
    observed: &mut Observations<'_>,
    about: Question,
    sent: Option<&Fault>,
    done: bool,
) {
    let found = match (sent, done) {
        (None, true) => "left out: the others are done".to_owned(),
        (Some(fault), true) => format!("the others are done, though it fails ({fault})"),
        (Some(fault), false) => format!("all is refused ({fault})"),
        (None, false) => "nothing is done, though it says so".to_owned(),
    };
    observed.add(about, found, sent.is_some() || done);
}

fn is_gone(looked: &Examined) -> bool {
    !looked.missing.is_empty()
}

/// 123pan's refusal of a call, if it answered so; an Err if nobody knows what became of it.
fn refusal(sent: Result<(), Fault>) -> End<Option<Fault>> {
    match sent {
        Ok(()) => Ok(None),
        Err(fault) if is_refusal(&fault) => Ok(Some(fault)),
        Err(fault) => Err(fault.into()),
    }
}

fn is_refusal(fault: &Fault) -> bool {
    matches!(fault.reason, Reason::Unknown | Reason::NoFile)
}
