//! The matrix of faults: every operation, at every call that it makes, with every mishap, once and
//! until it is mended. Whatever happens, nothing is lost or half there, nothing is answered that
//! isn't so, nothing hangs, and afterwards the same server works.

use super::budgets::DAY;
use super::rig::{Account, path};
use crate::cloud::rig::{Server, ms};
use crate::fake::kdocs::{Call, Clash, Switches};
use crate::fake::{Fault, How, When};
use crate::matrix::{self, Act, LONGEST, check_rest, fill, operations, removed, saved, try_all};
use restic_123pan::cloud::{Clock, now};
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::Cause;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// What is there before an operation.
struct World {
    account: Account,
    /// One that has stored what is there.
    server: Server,
    /// One that knows nothing yet.
    cold: Server,
    /// Days by which their clocks are ahead.
    days: Arc<AtomicU64>,
    pack: Id,
    lock: Id,
}

impl World {
    fn new(change: Change) -> Self {
        let (account, days) = (Account::known(change), Arc::new(AtomicU64::new(0)));
        let server = || {
            let days = Arc::clone(&days);
            let server = account.server_with(|c| {
                (c.shared.timing.retry, c.shared.timing.rate_wait) = (ms(120), ms(1500));
                (c.shared.timing.stall, c.shared.timing.answer) = (ms(500), ms(500));
                c.shared.timing.token_again = ms(5);
                c.shared.timing.clock =
                    Clock::new(move || now() + DAY * days.load(Ordering::SeqCst));
            });
            server.memory(0, None)
        };
        let (server, cold) = (server(), server());
        let (pack, lock) = fill(&server);
        Self {
            account,
            server,
            cold,
            days,
            pack,
            lock,
        }
    }
}

impl matrix::World for World {
    fn server(&self) -> &Server {
        &self.server
    }

    fn pack(&self) -> Id {
        self.pack
    }

    fn lock(&self) -> Id {
        self.lock
    }

    fn stored(&self, kind: Kind, id: Id) -> Vec<Vec<u8>> {
        let files = self.account.files(&path(kind, id));
        files.iter().map(|file| file.bytes().to_vec()).collect()
    }
}

/// Operations of a server that knows nothing yet, and a list of nothing.
const OPERATIONS: [(&str, Act<World>); 5] = [
    ("list packs anew", |w| {
        let told = w.cold.list(Kind::Data)?;
        assert_eq!(told.len(), 2, "a list that isn't whole");
        Ok(())
    }),
    ("list no snapshots", |w| {
        assert_eq!(w.server.list(Kind::Snapshots)?, []);
        Ok(())
    }),
    ("load anew", |w| {
        assert_eq!(w.cold.load(Kind::Data, w.pack)?, b"a pack");
        Ok(())
    }),
    ("save a pack anew", |w| {
        let told = w.cold.save(Kind::Data, b"a new pack");
        saved(w, b"a new pack", Kind::Data, told)
    }),
    ("remove a lock anew", |w| {
        let told = w.cold.remove(Kind::Locks, w.lock);
        removed(w, Kind::Locks, w.lock, told)
    }),
];

/// What makes Kdocs behave otherwise.
type Change = fn(&mut Switches);

/// Ways of Kdocs' in which operations go differently.
const WAYS: [(&str, Change); 2] = [
    ("", |_| {}),
    (" in odd ways", |s| {
        (s.clash, s.ranges, s.task_from) = (Clash::Duplicate, false, Some(1));
        s.page_max = 1;
    }),
];

fn code(code: i64, text: &str) -> How {
    How::Code(code, text.to_owned())
}

/// What may befall a call.
fn mishaps(call: Call) -> Vec<(When, How)> {
    let (before, after) = (When::Before, When::After);
    let both = [How::Reset, How::Cut, How::Html(502), How::Hang(ms(700))];
    let both = both.map(|how| [(before, how.clone()), (after, how)]);
    let mut all: Vec<(When, How)> = both.into_iter().flatten().collect();
    if call == Call::Get {
        all.retain(|(when, _)| *when == before);
        all.extend(downloads().map(|how| (before, how)));
        return all;
    }
    all.extend(refusals().map(|how| (before, how)));
    let odd = [How::Empty, How::BadJson, How::WrongShape, How::NullData];
    all.extend(odd.map(|how| (after, how)));
    let task = || How::Data(json!({"task_id": "a-task"}));
    match call {
        Call::Upload => all.push((before, How::ResetInBody(100))),
        // It is accepted and never done, or done and told as if it weren't.
        Call::DeleteMany => all.extend([(before, task()), (after, task())]),
        _ => {}
    }
    all
}

/// What may befall bytes on their way from the host of downloads.
fn downloads() -> [How; 6] {
    [
        How::OtherRange,
        How::OtherSize,
        How::Short,
        How::Stall(ms(700)),
        How::Html(403),
        How::Html(404),
    ]
}

/// What the API may say to anything.
fn refusals() -> [How; 13] {
    [
        code(40_001, "invalid argument"),
        code(20_003, "access_token invalid"),
        absent(),
        code(40_900, "file exists"),
        code(40_010, "file type not supported"),
        code(40_011, "file too large"),
        code(40_012, "space is not enough"),
        code(40_000_429, OVER),
        code(99_999, "something new"),
        How::Html(404),
        How::Html(403),
        How::Html(429),
        How::Refuse,
    ]
}

fn absent() -> How {
    code(40_400, "file not exists")
}

/// The calls of the day are used up.
const OVER: &str = "request count over the limit of the day";

struct Case {
    name: String,
    act: Act<World>,
    change: Change,
    fault: Fault<Call>,
}

/// All cases, by the calls that each operation makes when nothing is wrong.
fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (way, change) in WAYS {
        for (operation, act) in operations().into_iter().chain(OPERATIONS) {
            for (call, count) in calls(act, change) {
                all.extend(faults(call, count).into_iter().map(|fault| Case {
                    name: format!("{operation}{way} × {fault:?}"),
                    act,
                    change,
                    fault,
                }));
            }
        }
    }
    all
}

/// The calls that an operation makes, and how often.
fn calls(act: Act<World>, change: Change) -> BTreeMap<Call, u32> {
    let world = World::new(change);
    world.account.reset_counters();
    act(&world).unwrap();
    let mut counts = BTreeMap::new();
    for call in world.account.trail() {
        *counts.entry(call).or_insert(0) += 1;
    }
    counts
}

/// Everything that may befall the first and the second of so many calls, once or from then on.
fn faults(endpoint: Call, count: u32) -> Vec<Fault<Call>> {
    let orders = (0..count.min(2)).flat_map(|skip| [(skip, 1), (skip, 9999)]);
    let each = orders.flat_map(|(skip, times)| {
        mishaps(endpoint).into_iter().map(move |(when, how)| Fault {
            endpoint,
            skip,
            times,
            when,
            how,
        })
    });
    // If all lists say that nothing is there, nothing is.
    let is_empty =
        |fault: &Fault<Call>| fault.times > 1 && fault.how == absent() && endpoint == Call::AppList;
    each.filter(|fault| !is_empty(fault)).collect()
}

/// What an operation answers is so (its own checks), it ends, and when all is mended the server
/// does what it couldn't.
fn run(case: &Case) {
    let world = World::new(case.change);
    world.account.fail(case.fault.clone());
    let start = Instant::now();
    let told = (case.act)(&world);
    let millis = start.elapsed().as_millis();
    assert!(start.elapsed() < LONGEST, "it took {millis} ms");
    let says = |words: &str| matches!(&case.fault.how, How::Code(_, text) if text.contains(words));
    assert_ne!(told, Err(Cause::Absent), "what is there isn't absent");
    assert!(says("space") || told != Err(Cause::Full), "nothing is full");
    world.account.clear_faults();
    if says(OVER) {
        world.days.fetch_add(1, Ordering::SeqCst);
    }
    thread::sleep(ms(10));
    assert_eq!((case.act)(&world), Ok(()), "when all is mended");
    check_rest(&world.server);
    let names = world.account.living();
    assert!(!names.iter().any(|name| name.contains('(')), "{names:?}");
}

#[test]
fn every_call_with_every_mishap() {
    try_all(cases(), |case| &case.name, run);
}
