//! The matrix of faults: every operation, at every call that it makes, with every mishap, once and
//! until it is mended. Whatever happens, nothing is lost or half there, nothing is answered that
//! isn't so, nothing hangs, and afterwards the same server works.

use super::rig::{Library, path};
use crate::cloud::rig::{Server, id, ms};
use crate::fake::smh::Call;
use crate::fake::{Fault, How, When};
use crate::tree::random;
use restic_123pan::restic::{File, Id, Kind, Range};
use restic_123pan::store::Cause;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// Cases at a time: most of their time is waiting.
const WORKERS: usize = 12;
/// Longest time of an operation, whatever goes wrong: a few repetitions, and waits for the rate.
const LONGEST: Duration = Duration::from_secs(30);

/// What is there before an operation.
struct World {
    library: Library,
    server: Server,
    pack: Id,
    lock: Id,
}

/// Larger than what is always held, so that it is streamed.
fn large() -> Vec<u8> {
    random(7, (1 << 20) + 70_000)
}

impl World {
    fn new() -> Self {
        let library = Library::start();
        let server = library.server_with(|c| {
            (c.timing.retry, c.timing.rate_wait) = (ms(120), ms(1500));
            (c.timing.stall, c.timing.answer) = (ms(500), ms(500));
            c.timing.token_again = ms(5);
        });
        let server = server.memory(0, None);
        server.create().unwrap();
        server.save_config(b"the config").unwrap();
        let pack = server.save(Kind::Data, b"a pack").unwrap();
        server.save(Kind::Data, b"another pack").unwrap();
        let lock = server.save(Kind::Locks, b"a lock").unwrap();
        server.save(Kind::Keys, b"a key").unwrap();
        Self {
            library,
            server,
            pack,
            lock,
        }
    }
}

/// What an operation came to, and whether that may be.
type Act = fn(&World) -> Result<(), Cause>;

/// A stored file is there and whole after Ok, and absent or whole after an Err.
fn saved(world: &World, kind: Kind, bytes: &[u8], told: Result<Id, Cause>) -> Result<(), Cause> {
    let there = world.library.file(&path(kind, id(bytes)));
    match (&told, there) {
        (_, Some(file)) => assert_eq!(file.bytes(), bytes, "half a file"),
        (Ok(_), None) => panic!("acknowledged and not there"),
        (Err(_), None) => {}
    }
    told.map(drop)
}

/// A removed file is gone after Ok.
fn removed(world: &World, kind: Kind, id: Id, told: Result<(), Cause>) -> Result<(), Cause> {
    let there = world.library.file(&path(kind, id)).is_some();
    assert!(told.is_err() || !there, "acknowledged and still there");
    told
}

const OPERATIONS: &[(&str, Act)] = &[
    ("create", |w| w.server.create()),
    ("list packs", |w| {
        let told = w.server.list(Kind::Data)?;
        assert_eq!(told.len(), 2, "a list that isn't whole");
        Ok(())
    }),
    ("list locks", |w| {
        let told = w.server.list(Kind::Locks)?;
        assert_eq!(told, [w.lock], "a list that isn't whole");
        Ok(())
    }),
    ("stat", |w| {
        assert_eq!(w.server.size(Kind::Data, w.pack)?, 6);
        Ok(())
    }),
    ("load", |w| {
        assert_eq!(w.server.load(Kind::Data, w.pack)?, b"a pack");
        Ok(())
    }),
    ("load a part", |w| {
        let file = File::Hashed(Kind::Data, w.pack);
        let part = w.server.load_part(&file, Some(Range::Between(2, 3)))?;
        assert_eq!(part, b"pa");
        Ok(())
    }),
    ("load config", |w| {
        assert_eq!(w.server.load_part(&File::Config, None)?, b"the config");
        Ok(())
    }),
    ("save a pack", |w| {
        let told = w.server.save(Kind::Data, b"a new pack");
        saved(w, Kind::Data, b"a new pack", told)
    }),
    ("save a stream", |w| {
        let told = w.server.save(Kind::Data, &large());
        saved(w, Kind::Data, &large(), told)
    }),
    ("save it again", |w| {
        let told = w.server.save(Kind::Data, b"a pack");
        saved(w, Kind::Data, b"a pack", told)
    }),
    ("save an index", |w| {
        let told = w.server.save(Kind::Index, b"an index");
        saved(w, Kind::Index, b"an index", told)
    }),
    ("save a lock", |w| {
        let told = w.server.save(Kind::Locks, b"a new lock");
        saved(w, Kind::Locks, b"a new lock", told)
    }),
    ("save another config", |w| {
        let told = w.server.save_config(b"the other!");
        assert!(told.is_err(), "a config was replaced");
        match told {
            Err(Cause::Exists) => Ok(()),
            told => told,
        }
    }),
    ("remove a pack", |w| {
        let told = w.server.remove(Kind::Data, w.pack);
        removed(w, Kind::Data, w.pack, told)
    }),
    ("remove a lock", |w| {
        let told = w.server.remove(Kind::Locks, w.lock);
        removed(w, Kind::Locks, w.lock, told)
    }),
];

fn code(status: i64, code: &str) -> How {
    How::Code(status, code.to_owned())
}

/// What may befall a call.
fn mishaps(call: Call) -> Vec<(When, How)> {
    let (before, after) = (When::Before, When::After);
    let both = [How::Reset, How::Cut, How::Html(502), How::Hang(ms(700))];
    let both = both.map(|how| [(before, how.clone()), (after, how)]);
    let mut all: Vec<(When, How)> = both.into_iter().flatten().collect();
    match call {
        Call::Get => {
            all.retain(|(when, _)| *when == before);
            all.extend(downloads().map(|how| (before, how)));
        }
        Call::Put => all.extend(storage().map(|how| (before, how))),
        call => {
            all.extend(refusals().map(|how| (before, how)));
            let odd = [How::Empty, How::BadJson, How::WrongShape, How::NullData];
            all.extend(odd.map(|how| (after, how)));
            all.extend(own(call).into_iter().map(|how| (before, how)));
        }
    }
    all
}

/// What may befall bytes on their way from the storage host.
fn downloads() -> [How; 5] {
    [
        How::OtherRange,
        How::OtherSize,
        How::Short,
        How::Stall(ms(700)),
        code(403, "AccessDenied"),
    ]
}

/// What the storage host may say to bytes.
fn storage() -> [How; 9] {
    [
        code(403, "AccessDenied"),
        code(403, "SignatureDoesNotMatch"),
        code(403, "RequestTimeTooSkewed"),
        code(400, "ExpiredToken"),
        code(400, "IncompleteBody"),
        code(400, "BadDigest"),
        code(500, "InternalError"),
        code(503, "SlowDown"),
        How::ResetInBody(100),
    ]
}

/// What the library's host may say to anything.
fn refusals() -> [How; 19] {
    [
        code(429, "RateLimitExceeded"),
        code(503, "ServerOverloaded"),
        code(500, "InternalServerError"),
        code(503, "RequestTimeout"),
        code(408, "ReadRequestTimeout"),
        code(409, "PathConflict"),
        code(403, "LibraryInitializing"),
        code(403, "InvalidAccessToken"),
        code(403, "NoPermission"),
        code(403, "SpaceBanned"),
        code(404, "SpaceNotFound"),
        code(404, "WrongLibraryIdOrSecret"),
        code(400, "ParamInvalid"),
        code(400, "QuotaLimitReached"),
        code(451, "SensitiveContentRecognized"),
        code(418, "SomethingNew"),
        How::Html(404),
        How::Html(403),
        How::Refuse,
    ]
}

/// What it may say to one call only.
fn own(call: Call) -> Vec<How> {
    match call {
        Call::Confirm => vec![
            code(400, "UploadIncomplete"),
            code(400, "BadCrc64"),
            code(404, "UploadNotFound"),
            code(409, "UploadComplete"),
            code(409, "SameNameDirectoryOrFileExists"),
        ],
        Call::Start => vec![code(404, "DirectoryNotFound")],
        Call::List => vec![code(404, "MarkerNotFound")],
        _ => Vec::new(),
    }
}

struct Case {
    name: String,
    act: Act,
    fault: Fault<Call>,
}

/// All cases, by the calls that each operation makes when nothing is wrong.
fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (operation, act) in OPERATIONS {
        let world = World::new();
        world.library.reset_counters();
        act(&world).unwrap();
        let mut counts = BTreeMap::new();
        for call in world.library.trail() {
            *counts.entry(call).or_insert(0_u32) += 1;
        }
        for (call, count) in counts {
            for (when, how) in mishaps(call) {
                for (skip, times) in (0..count.min(2)).flat_map(|skip| [(skip, 1), (skip, 9999)]) {
                    let fault = Fault {
                        endpoint: call,
                        skip,
                        times,
                        when,
                        how: how.clone(),
                    };
                    let name = format!("{operation} × {call:?} {skip} × {times} {when:?} {how:?}");
                    let act = *act;
                    all.push(Case { name, act, fault });
                }
            }
        }
    }
    all
}

/// What an operation answers is so (its own checks), it ends, and when all is mended the server
/// does what it couldn't.
fn run(case: &Case) {
    let world = World::new();
    world.library.fail(case.fault.clone());
    let start = Instant::now();
    let told = (case.act)(&world);
    assert!(
        start.elapsed() < LONGEST,
        "it took {} ms",
        start.elapsed().as_millis()
    );
    assert_ne!(told, Err(Cause::Absent), "what is there isn't absent");
    let full = matches!(&case.fault.how, How::Code(400, code) if code == "QuotaLimitReached");
    assert!(full || told != Err(Cause::Full), "nothing is full");
    world.library.clear_faults();
    thread::sleep(ms(10));
    let again = (case.act)(&world);
    assert_eq!(again, Ok(()), "when all is mended");
    assert_eq!(
        world.server.load(Kind::Keys, id(b"a key")),
        Ok(b"a key".to_vec())
    );
    assert_eq!(
        world.server.load_part(&File::Config, None).unwrap(),
        b"the config"
    );
}

#[test]
fn every_call_with_every_mishap() {
    try_all(cases(), |case| &case.name, run);
}

/// Tries cases side by side, those whose names have the word `FAULTS`, if there is one.
pub(crate) fn try_all<C: Send>(mut cases: Vec<C>, name: fn(&C) -> &str, run: fn(&C)) {
    let filter = std::env::var("FAULTS").unwrap_or_default();
    cases.retain(|case| name(case).contains(&filter));
    let (start, count) = (Instant::now(), cases.len());
    let (next, failed) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let case = next.lock().unwrap().next();
                    let Some(case) = case else { return };
                    if catch_unwind(AssertUnwindSafe(|| run(&case))).is_err() {
                        println!("--- failed: {}", name(&case));
                        failed.lock().unwrap().push(name(&case).to_owned());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{count} cases in {} s", start.elapsed().as_secs());
    assert!(
        failed.is_empty(),
        "{} of {count} failed: {failed:#?}",
        failed.len()
    );
}
