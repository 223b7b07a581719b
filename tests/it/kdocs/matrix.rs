//! Kdocs' matrix of faults: what it may say, and operations of a server that knows nothing yet.

use super::budgets::DAY;
use super::rig::{Account, path};
use crate::cloud::rig::Server;
use crate::fake::kdocs::{Call, Clash, Switches};
use crate::fake::{Fault, How, When};
use crate::matrix::{
    self, Act, Mishap, There, before, cases, downloads, fill, hasten, nonsense, operations,
    removed, run_all, saved, way,
};
use restic_123pan::cloud::{Clock, now};
use restic_123pan::restic::{Id, Kind};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is there before an operation.
struct World {
    account: Account,
    there: There,
    /// One that knows nothing yet.
    cold: Server,
    /// Days by which their clocks are ahead.
    days: Arc<AtomicU64>,
}

impl World {
    fn new(change: fn(&mut Switches)) -> Self {
        let (account, days) = (Account::known(change), Arc::new(AtomicU64::new(0)));
        let server = || {
            let days = Arc::clone(&days);
            let server = account.server_with(|c| {
                hasten(&mut c.shared.timing);
                c.shared.timing.clock =
                    Clock::new(move || now() + DAY * days.load(Ordering::SeqCst));
            });
            server.memory(0, None)
        };
        let (there, cold) = (fill(server()), server());
        Self {
            account,
            there,
            cold,
            days,
        }
    }
}

impl matrix::World for World {
    type Call = Call;

    fn there(&self) -> &There {
        &self.there
    }

    fn stored(&self, kind: Kind, id: Id) -> Vec<Vec<u8>> {
        let files = self.account.files(&path(kind, id));
        files.iter().map(|file| file.bytes().to_vec()).collect()
    }

    fn calls(&self, act: impl FnOnce()) -> Vec<Call> {
        self.account.reset_counters();
        act();
        self.account.trail()
    }

    fn fail(&self, fault: Fault<Call>) {
        self.account.fail(fault);
    }

    fn mend(&self, how: &How) {
        self.account.clear_faults();
        if says(how, OVER) {
            self.days.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn is_full(how: &How) -> bool {
        says(how, "space")
    }

    /// If all lists say that nothing is there, nothing is.
    fn is_hopeless(fault: &Fault<Call>) -> bool {
        fault.times > 1 && fault.how == absent() && fault.endpoint == Call::AppList
    }

    fn check_rest(&self) {
        matrix::check_rest(&self.there.server);
        let names = self.account.living();
        assert!(!names.iter().any(|name| name.contains('(')), "{names:?}");
    }
}

/// Whether Kdocs refuses with a text that has these words.
fn says(how: &How, words: &str) -> bool {
    matches!(how, How::Code(_, text) if text.contains(words))
}

/// Operations of a server that knows nothing yet, and a list of nothing.
const OPERATIONS: [(&str, Act<World>); 5] = [
    ("list packs anew", |w| {
        let told = w.cold.list(Kind::Data)?;
        assert_eq!(told.len(), 2, "a list that isn't whole");
        Ok(())
    }),
    ("list no snapshots", |w| {
        assert_eq!(w.there.server.list(Kind::Snapshots)?, []);
        Ok(())
    }),
    ("load anew", |w| {
        assert_eq!(w.cold.load(Kind::Data, w.there.pack)?, b"a pack");
        Ok(())
    }),
    ("save a pack anew", |w| {
        let told = w.cold.save(Kind::Data, b"a new pack");
        saved(w, b"a new pack", Kind::Data, told)
    }),
    ("remove a lock anew", |w| {
        let told = w.cold.remove(Kind::Locks, w.there.lock);
        removed(w, Kind::Locks, w.there.lock, told)
    }),
];

fn code(code: i64, text: &str) -> How {
    How::Code(code, text.to_owned())
}

/// What may befall a call.
fn mishaps(call: Call) -> Vec<Mishap> {
    if call == Call::Get {
        return downloads([How::Html(403), How::Html(404)]);
    }
    let said = before(refusals()).chain(nonsense());
    let task = || How::Data(json!({"task_id": "a-task"}));
    let own = match call {
        Call::Upload => vec![(When::Before, How::ResetInBody(100))],
        // It is accepted and never done, or done and told as if it weren't.
        Call::DeleteMany => vec![(When::Before, task()), (When::After, task())],
        _ => Vec::new(),
    };
    way().into_iter().chain(said).chain(own).collect()
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

/// How Kdocs behaves, and what that is called.
type Way = (&'static str, fn() -> World);

/// Also in ways of Kdocs' in which operations go differently.
#[test]
fn every_call_with_every_mishap() {
    let ways: [Way; 2] = [
        ("", || World::new(|_| {})),
        (" in odd ways", || {
            World::new(|s| {
                (s.clash, s.ranges, s.task_from) = (Clash::Duplicate, false, Some(1));
                s.page_max = 1;
            })
        }),
    ];
    let all = ways.into_iter().flat_map(|(way, world)| {
        let operations = operations().into_iter().chain(OPERATIONS);
        cases(way, world, operations.collect(), mishaps)
    });
    run_all(all.collect());
}
