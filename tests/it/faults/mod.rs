//! The matrix of faults: every operation, at every call that it makes, with every mishap, once and
//! until it is mended. Whatever happens, the answer makes restic do the right thing, nothing is
//! lost or half there, nothing hangs, and afterwards the same server works.
//!
//! `operations` and `mishaps` are the tables (`mishap` says what one is), `rules` says what may come
//! of a case, `world` is what it happens in. Which calls an operation makes is learned by letting it
//! make them. A part of the matrix is run by `FAULTS="save lock × list" cargo test --test it
//! every_call`.

mod mishap;
mod mishaps;
mod operations;
mod rules;
mod world;

use crate::cases::try_all;
use crate::fake::{Endpoint, Fake, How, When};
use mishap::{Leave, Mishap, Place, What};
use mishaps::mishaps;
use operations::{Act, Item, Operation, operations};
use restic_123pan::restic::Kind;
use rules::Tree;
use std::collections::BTreeMap;
use world::World;

/// Cases at a time: most of their time is waiting.
const WORKERS: usize = 24;
/// Most calls for one operation, whatever goes wrong: what is polled is polled for a while, and
/// all else is tried a few times.
const MOST_CALLS: usize = 150;

/// One field of the matrix.
struct Case<'a> {
    operation: &'a Operation,
    /// The call that the mishap befalls, and how many calls to the same endpoint go well before;
    /// None if it befalls no single one.
    call: Option<(Endpoint, u32)>,
    mishap: &'a Mishap,
    /// Whether it happens once, or until it is mended.
    once: bool,
}

/// The matrix.
#[test]
fn every_call_with_every_mishap() {
    let (operations, mishaps) = (operations(), mishaps());
    let cases = matrix(&operations, &mishaps);
    try_all("FAULTS", WORKERS, cases, Case::name, Case::run);
}

/// An API whose name nobody knows, or whose port is dead, is a cloud that is away for now.
#[test]
fn every_operation_without_a_cloud() {
    for url in ["http://nobody.invalid", "http://127.0.0.1:1"] {
        let world = World::over(Fake::start(), url);
        for operation in operations() {
            let told = world.ask(operation.act, &(operation.file)());
            assert_eq!(told.status, 503, "{} at {url}", operation.name);
        }
        assert_eq!(world.cloud.calls().all(), 0);
    }
}

/// All cases, by the calls that each operation makes when nothing is wrong.
fn matrix<'a>(operations: &'a [Operation], mishaps: &'a [Mishap]) -> Vec<Case<'a>> {
    let (mut cases, mut fetched) = (Vec::new(), false);
    for operation in operations {
        let mut calls = calls(operation);
        if operation.streams() {
            // The others are alike for all packs, and long ones take their time.
            calls.retain(|endpoint, _| *endpoint == Endpoint::Single);
        }
        // Tokens are fetched alike, whatever for; what operations make of having none may differ.
        let first = calls.insert(Endpoint::Token, 1).is_some() && !fetched;
        fetched |= first;
        for mishap in mishaps {
            let field = |call, once| Case {
                operation,
                call,
                mishap,
                once,
            };
            let other =
                |e| e != Endpoint::Token || first || matches!(mishap.place, Place::Always(_));
            let befallen = calls
                .iter()
                .filter(|(e, _)| mishap.place.includes(**e) && other(**e));
            let mut befallen = befallen.peekable();
            match mishap.what {
                _ if befallen.peek().is_none() => {}
                What::State(_) => cases.push(field(None, false)),
                What::Uploads(_) => cases.extend([true, false].map(|once| field(None, once))),
                What::Fault(..) | What::Resume(_) => befallen.for_each(|(endpoint, count)| {
                    let once = 0..mishap.place.once(*endpoint, *count);
                    cases.extend(once.map(|before| field(Some((*endpoint, before)), true)));
                    cases.push(field(Some((*endpoint, 0)), false));
                }),
            }
        }
    }
    cases
}

/// The calls that an operation makes, and how often.
fn calls(operation: &Operation) -> BTreeMap<Endpoint, u32> {
    let world = World::of(operation);
    world.cloud.reset_counters();
    let told = world.ask(operation.act, &(operation.file)());
    assert_eq!(told.status, operation.good(), "{}", operation.name);
    let mut calls = BTreeMap::new();
    for endpoint in world.cloud.trail() {
        *calls.entry(endpoint).or_default() += 1;
    }
    calls
}

impl Case<'_> {
    fn name(&self) -> String {
        let call = match self.call {
            None => String::new(),
            Some((endpoint, 0)) => format!("{endpoint:?} × "),
            Some((endpoint, before)) => format!("{endpoint:?} {} × ", before + 1),
        };
        let often = match self.once {
            true => "once",
            false => "for ever",
        };
        format!(
            "{} × {call}{}, {often}",
            self.operation.name, self.mishap.name
        )
    }

    /// What is wrong, if anything is.
    fn run(&self) -> Result<(), String> {
        let (act, item) = (self.operation.act, (self.operation.file)());
        let world = World::of(self.operation);
        let before = world.tree();
        world.cloud.reset_counters();
        self.befall(&world);
        let mut told = world.ask(act, &item);
        rules::judge(&world, self.operation, self.mishap, &told, &before)?;
        if self.mishap.what.is_unknown(self.operation.streams()) {
            self.check_looks(&world)?;
        }
        let calls = world.cloud.trail().len();
        if calls > MOST_CALLS {
            return Err(format!("took {calls} calls"));
        }
        if !self.once && told.status != self.operation.good() && self.operation.changes() {
            told = world.ask_again(act, &item);
            rules::judge(&world, self.operation, self.mishap, &told, &before)?;
        }
        world.mend();
        if self.mishap.leave == Leave::Lies && told.status == 200 && self.operation.is_promised() {
            notices(&world, &item)?;
        }
        afterwards(&world, act, &item, before)?;
        match world.cloud.complaints() {
            complaints if complaints.is_empty() => Ok(()),
            complaints => Err(format!("{complaints:?}")),
        }
    }

    /// Lets the mishap happen.
    fn befall(&self, world: &World) {
        if matches!(self.call, Some((Endpoint::Token, _))) {
            world.cloud.revoke_tokens();
        }
        let times = if self.once { 1 } else { u32::MAX };
        match &self.mishap.what {
            What::State(change) => change(&world.cloud),
            What::Uploads(mode) => world.cloud.set(|switches| {
                switches.single = *mode;
                switches.single_times = u32::from(self.once);
            }),
            What::Fault(when, how) => self.spoil(world, times, *when, how),
            What::Resume(how) => {
                self.spoil(world, 1, When::Before, &How::Cut);
                self.spoil(world, times, When::Before, how);
            }
        }
    }

    /// Has so many calls fail, from the one that the mishap befalls on.
    fn spoil(&self, world: &World, times: u32, when: When, how: &How) {
        let Some((endpoint, skip)) = self.call else {
            return;
        };
        let cloud = &world.cloud;
        cloud.fail_after(skip, endpoint, times, when, how.clone());
    }

    fn check_looks(&self, world: &World) -> Result<(), String> {
        let Some((endpoint, before)) = self.call else {
            return Ok(());
        };
        let trail = world.cloud.trail();
        let mut count = 0;
        let struck = trail.iter().map(|call| {
            count += u32::from(*call == endpoint);
            *call == endpoint && (count == before + 1 || !self.once && count > before)
        });
        rules::looks_before_it_repeats(&trail, &struck.collect::<Vec<bool>>())
    }
}

/// What was acknowledged and isn't there, or not as it should be, is noticed before what is stored
/// next counts (safety rule 5).
fn notices(world: &World, item: &Item) -> Result<(), String> {
    let row = world.cloud.file(&item.path());
    let whole =
        row.is_some_and(|row| row.size == item.bytes.len() as u64 && row.bytes() == item.bytes);
    let next = world.ask(Act::Save, &next());
    match (whole, next.status) {
        (false, 200) => Err("its loss wasn't noticed".to_owned()),
        _ => Ok(()),
    }
}

/// Nothing is wrong any more: the operation gets done, and everything else does.
fn afterwards(world: &World, act: Act, item: &Item, mut before: Tree) -> Result<(), String> {
    let (pack, index) = (
        Item::new(Kind::Data, b"afterwards"),
        Item::new(Kind::Index, b"afterwards"),
    );
    world.insist(act, item);
    for item in [&pack, &index] {
        world.insist(Act::Save, item);
        before.insert(item.path(), vec![item.bytes.clone()]);
    }
    let read = world.insist(Act::Load(None), &pack).body;
    if read.as_deref() != Some(&pack.bytes) {
        return Err("afterwards other bytes are read".to_owned());
    }
    for act in [Act::List, Act::Stat, Act::Remove] {
        world.insist(act, &index);
    }
    before.remove(&index.path());
    if matches!(act, Act::Save | Act::Remove) {
        // As restic does before it repeats a POST.
        world.insist(Act::Remove, item);
        world.insist(Act::Save, item);
        before.insert(item.path(), vec![item.bytes.clone()]);
    }
    let now = world.tree();
    let gone = before
        .iter()
        .find(|(path, held)| now.get(*path) != Some(held));
    // What `notices` may have stored.
    let next = next().path();
    let is_file = |path: &&String| path.len() > next.len() - 10 && **path != next;
    let odd = now
        .keys()
        .filter(is_file)
        .find(|path| !before.contains_key(*path));
    match (gone, odd) {
        (None, None) => Ok(()),
        (gone, odd) => Err(format!(
            "in the end {:?} is wrong, {odd:?} is odd",
            gone.map(|(path, _)| path)
        )),
    }
}

/// What is stored to see whether a loss is noticed.
fn next() -> Item {
    Item::new(Kind::Snapshots, b"next")
}
