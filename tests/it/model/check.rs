//! What is left of a history when all is quiet: the lists and files of its server, of a server
//! without a state, and of the cloud itself are held against the store in memory, into which goes
//! what was acknowledged, and what a list shows of that of which nobody was told the outcome.

use super::client::{Client, path};
use super::oracle::{BELIEVED, Look, Oracle, Place};
use super::plan::Plan;
use super::stage::{Server, Stage, lock};
use crate::fake::HANG;
use restic_123pan::body::{Body, Budget};
use restic_123pan::cloud::layout::Layout;
use restic_123pan::restic::{File, Kind, Repo};
use restic_123pan::store::Store;
use restic_123pan::store::memory::Memory;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// What may still be on its way when the last client was answered, in the emulator's time: files
/// that appear late, lists that lag.
const SETTLES: Duration = Duration::from_secs(5);
/// The same in earnest: calls that hang.
const STILL: Duration = HANG.saturating_add(Duration::from_millis(200));
/// When everything that lagged has been seen.
const AT_LAST: u64 = 1 << 60;

/// Compares everything.
pub(super) fn all(
    stage: &Stage,
    plan: &Plan,
    oracle: &Mutex<Oracle>,
    repo: &str,
) -> Result<(), String> {
    thread::sleep(STILL);
    for server in &stage.servers {
        let unlocked = Client::new(plan, oracle, server, repo).unlock();
        // A cloud that has lied may still be mistrusted.
        unlocked.or_else(|wrong| if plan.is_gloomy() { Ok(()) } else { Err(wrong) })?;
    }
    stage.cloud.advance(SETTLES);
    let fresh = stage.fresh();
    // The others may believe for a while in what was never stored, or not dare to ask.
    let old: &[Server] = if plan.is_gloomy() {
        &[]
    } else {
        &stage.servers
    };
    let servers: Vec<&Server> = old.iter().chain([&fresh]).collect();
    let last = old.last().unwrap_or(&fresh);
    let client = |server| Client::new(plan, oracle, server, repo);
    let kept = twice(plan, || Kept::settle(plan, repo, &mut client(last)))?;
    thread::scope(|scope| {
        let compare = |server| twice(plan, || kept.compare(&mut client(server)));
        let running: Vec<_> = servers
            .iter()
            .map(|server| scope.spawn(move || compare(server)))
            .collect();
        let ended: Vec<_> = running.into_iter().map(|one| one.join().unwrap()).collect();
        ended.into_iter().collect::<Result<(), String>>()
    })
    .map_err(|wrong| format!("{wrong}\nthe fresh server:\n{}", fresh.log()))?;
    kept.compare_tree(stage)?;
    let complaints = stage.cloud.complaints();
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(format!("the cloud complains: {complaints:#?}")),
    }
}

/// Tries again where another server may have removed what this one has just seen.
fn twice<T>(plan: &Plan, run: impl Fn() -> Result<T, String>) -> Result<T, String> {
    let first = run();
    if first.is_ok() || plan.servers == 1 {
        return first;
    }
    thread::sleep(BELIEVED);
    run()
}

/// What must be there.
struct Kept<'a> {
    plan: &'a Plan,
    repo: &'a str,
    place: Repo,
    memory: Memory,
}

impl<'a> Kept<'a> {
    /// What a server shows, as far as that may be.
    fn settle(plan: &'a Plan, repo: &'a str, client: &mut Client<'_>) -> Result<Self, String> {
        let kept = Self {
            plan,
            repo,
            place: Repo::new(repo.trim_matches('/')).unwrap(),
            memory: Memory::default(),
        };
        let mut listed: BTreeSet<File> = BTreeSet::new();
        for kind in Kind::ALL {
            let names = names(client, kind)?;
            let of_kind =
                |file: &File| file.kind() == Some(kind) && names.contains_key(&file.name());
            listed.extend(kept.files().filter(of_kind));
        }
        for (n, named) in plan.files.iter().enumerate() {
            let there = match named.file {
                File::Config => {
                    client.insist("GET", "config", "")?.body == Some(named.bytes.clone())
                }
                file => listed.contains(&file),
            };
            let look = Look {
                by: client.server.now().1,
                begun: AT_LAST,
                ended: AT_LAST,
            };
            let place = Place::File(named.file);
            let allowed = lock(client.oracle).allowed(place, look);
            // Another config may stand where this one doesn't.
            let fits = match (there, named.file) {
                (true, _) => allowed.contains(&Some(n)),
                (false, File::Config) => allowed.iter().any(|state| *state != Some(n)),
                (false, _) => allowed.contains(&None),
            };
            if !fits {
                let file = plan.tell_file(n);
                let said = lock(client.oracle).check(place, there.then_some(n), look);
                return Err(format!("at the end, {file} is there: {there}; {said:?}"));
            }
            if there {
                kept.save(n);
            }
        }
        Ok(kept)
    }

    fn save(&self, n: usize) {
        let named = &self.plan.files[n];
        let (mut bytes, len) = (&*named.bytes, named.bytes.len() as u64);
        let budget = Budget::new(len, None);
        let mut body = Body::fixed(&mut bytes, len, named.file.id(), &budget).unwrap();
        self.memory
            .save(&self.place, &named.file, &mut body)
            .unwrap();
    }

    fn files(&self) -> impl Iterator<Item = File> {
        self.plan.files.iter().map(|named| named.file)
    }

    /// The names of a kind with their sizes, by the memory.
    fn wanted(&self, kind: Kind) -> BTreeMap<String, Option<u64>> {
        let mut all = BTreeMap::new();
        // A folder that was never made is as good as an empty one.
        let _ = self.memory.list(&self.place, kind, &mut |entry| {
            all.insert(entry.id.to_string(), Some(entry.size));
            Ok(())
        });
        all
    }

    /// A file's bytes, by the memory.
    fn bytes(&self, file: &File) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut loaded = self.memory.load(&self.place, file, None).ok()?;
        loaded.reader.read_to_end(&mut bytes).unwrap();
        Some(bytes)
    }

    /// Compares a server's lists and files.
    fn compare(&self, client: &mut Client<'_>) -> Result<(), String> {
        for kind in Kind::ALL {
            let (found, wanted) = (names(client, kind)?, self.wanted(kind));
            if found != wanted {
                let kind = kind.name();
                return Err(format!("{kind}: {found:#?} are listed, not {wanted:#?}"));
            }
        }
        let mut absent: BTreeSet<Option<Kind>> = BTreeSet::new();
        let mut sized: BTreeSet<Option<Kind>> = BTreeSet::new();
        for file in self.files().collect::<BTreeSet<File>>() {
            let wanted = self.bytes(&file);
            // Of what isn't there, one of a kind is asked for, and sizes are in the lists.
            if wanted.is_none() && !absent.insert(file.kind()) {
                continue;
            }
            if sized.insert(file.kind()) {
                compare_size(client, &file, wanted.as_ref().map(Vec::len))?;
            }
            let found = client.insist("GET", &path(&file), "")?;
            let right = match &wanted {
                None => found.status == 404,
                Some(_) => found.status == 200 && found.body == wanted,
            };
            if !right {
                return Err(format!("GET {file}: {}", found.status));
            }
        }
        Ok(())
    }

    /// Compares what lives in the cloud: each file once, and nothing else.
    fn compare_tree(&self, stage: &Stage) -> Result<(), String> {
        let place = format!("/{}{}", self.plan.climate.base, self.repo);
        let tree = stage.cloud.tree();
        let mut rows: BTreeMap<String, usize> = BTreeMap::new();
        for path in tree.keys().filter(|path| path.starts_with(&place)) {
            let (folder, name) = path.rsplit_once('/').unwrap();
            let living = stage.cloud.names(folder);
            rows.insert(path.clone(), living.iter().filter(|n| *n == name).count());
        }
        for file in self.files().collect::<BTreeSet<File>>() {
            let path = place.clone() + &at(&file);
            let found = tree.get(&path).cloned();
            let wanted = self.bytes(&file);
            let wanted = wanted.map(|bytes| (bytes.len() as u64, stage.cloud.sum(&bytes)));
            let count = rows.remove(&path).unwrap_or(0);
            let copies = self.plan.has_copies();
            // The tree tells of the last row; of several configs the first one counts, which the
            // servers have just been asked for.
            let is_copy = copies && count > 1 && file == File::Config;
            if (found != wanted && !is_copy) || (count > 1 && !copies) {
                return Err(format!("{path}: {count} rows, {found:?}, not {wanted:?}"));
            }
            if copies {
                rows.retain(|row, _| !row.starts_with(&format!("{path}(")));
            }
        }
        match rows.is_empty() {
            true => Ok(()),
            false => Err(format!("nobody stored {rows:#?}")),
        }
    }
}

fn compare_size(client: &mut Client<'_>, file: &File, wanted: Option<usize>) -> Result<(), String> {
    let answer = client.insist("HEAD", &path(file), "")?;
    let length = answer.header("content-length").map(str::to_owned);
    let is = (answer.status == 200).then_some(length).flatten();
    match is == wanted.map(|len| len.to_string()) {
        true => Ok(()),
        false => Err(format!("HEAD {file}: {answer:?}")),
    }
}

/// Where a file is in the cloud, from its repository on.
fn at(file: &File) -> String {
    match file {
        File::Hashed(Kind::Data, id) => format!("data/{}/{id}", Layout::Sixteen.folder(id)),
        file => file.to_string(),
    }
}

/// A list with sizes; empty also where there is no folder.
fn names(client: &mut Client<'_>, kind: Kind) -> Result<BTreeMap<String, Option<u64>>, String> {
    let header = super::client::VERSION_2;
    let answer = client.insist("GET", &format!("{}/", kind.name()), header)?;
    match answer.status {
        404 => return Ok(BTreeMap::new()),
        200 => {}
        status => return Err(format!("the list of {}: {status}", kind.name())),
    }
    let rows: Vec<Value> = serde_json::from_str(&answer.text()).map_err(|e| e.to_string())?;
    let row = |row: &Value| {
        (
            row["name"].as_str().unwrap_or("").to_owned(),
            row["size"].as_u64(),
        )
    };
    let names: BTreeMap<_, _> = rows.iter().map(row).collect();
    match names.len() == rows.len() {
        true => Ok(names),
        false => Err(format!("a name of {} is listed twice", kind.name())),
    }
}
