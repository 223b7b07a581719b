//! The matrix of faults: every operation, at every call that it makes, with every mishap, once and
//! until it is mended. Whatever happens, nothing is lost or half there, nothing is answered that
//! isn't so, nothing hangs, and afterwards the same server works.

use super::rig::{Library, path};
use crate::cloud::rig::{Server, ms};
use crate::fake::smh::Call;
use crate::fake::{Fault, How, When};
use crate::matrix::{self, Act, LONGEST, check_rest, fill, operations, try_all};
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::Cause;
use std::collections::BTreeMap;
use std::thread;
use std::time::Instant;

/// What is there before an operation.
struct World {
    library: Library,
    server: Server,
    pack: Id,
    lock: Id,
}

impl World {
    fn new() -> Self {
        let library = Library::start();
        let server = library.server_with(|c| {
            (c.shared.timing.retry, c.shared.timing.rate_wait) = (ms(120), ms(1500));
            (c.shared.timing.stall, c.shared.timing.answer) = (ms(500), ms(500));
            c.shared.timing.token_again = ms(5);
        });
        let server = server.memory(0, None);
        let (pack, lock) = fill(&server);
        Self {
            library,
            server,
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
        let file = self.library.file(&path(kind, id));
        file.iter().map(|file| file.bytes()).collect()
    }
}

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
    act: Act<World>,
    fault: Fault<Call>,
}

/// All cases, by the calls that each operation makes when nothing is wrong.
fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (operation, act) in operations() {
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
    check_rest(&world.server);
}

#[test]
fn every_call_with_every_mishap() {
    try_all(cases(), |case| &case.name, run);
}
