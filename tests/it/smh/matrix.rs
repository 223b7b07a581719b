//! Tencent SMH's matrix of faults: what its hosts may say.

use super::rig::{Library, path};
use crate::fake::smh::Call;
use crate::fake::{Fault, How};
use crate::matrix::{
    self, Mishap, There, before, cases, downloads, fill, hasten, nonsense, operations, run_all, way,
};
use restic_123pan::restic::{Id, Kind};

/// What is there before an operation.
struct World {
    library: Library,
    there: There,
}

impl World {
    fn new() -> Self {
        let library = Library::start();
        let server = library.server_with(|c| hasten(&mut c.shared.timing));
        let there = fill(server.memory(0, None));
        Self { library, there }
    }
}

impl matrix::World for World {
    type Call = Call;

    fn there(&self) -> &There {
        &self.there
    }

    fn stored(&self, kind: Kind, id: Id) -> Vec<Vec<u8>> {
        let file = self.library.file(&path(kind, id));
        file.iter().map(|file| file.bytes()).collect()
    }

    fn calls(&self, act: impl FnOnce()) -> Vec<Call> {
        self.library.reset_counters();
        act();
        self.library.trail()
    }

    fn fail(&self, fault: Fault<Call>) {
        self.library.fail(fault);
    }

    fn mend(&self, _: &How) {
        self.library.clear_faults();
    }

    fn is_full(how: &How) -> bool {
        matches!(how, How::Code(400, code) if code == "QuotaLimitReached")
    }
}

fn code(status: i64, code: &str) -> How {
    How::Code(status, code.to_owned())
}

/// What may befall a call.
fn mishaps(call: Call) -> Vec<Mishap> {
    match call {
        Call::Get => downloads([code(403, "AccessDenied")]),
        Call::Put => way().into_iter().chain(before(storage())).collect(),
        call => {
            let said = before(refusals().into_iter().chain(own(call)));
            way().into_iter().chain(said).chain(nonsense()).collect()
        }
    }
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

#[test]
fn every_call_with_every_mishap() {
    run_all(cases("", World::new, operations(), mishaps));
}
