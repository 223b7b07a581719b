//! The real clients over Kdocs. A client that isn't in the cache is skipped with a printed reason.

use super::process::Process;
use crate::clients::{Session, cycle};
use crate::fake::kdocs::{Budget, Clash, Switches};
use crate::restic::{RESTIC, RUSTIC, Restic, cases};
use crate::tree::TempDir;

// One test a line: its name, the client, how the account behaves.
cases! {
    try_client;
    restic_cycle: RESTIC, usual;
    rustic_cycle: RUSTIC, usual;
    restic_cycle_where_all_is_odd: RESTIC, odd;
}

/// The budgets of a formal app.
fn usual(switches: &mut Switches) {
    switches.budget = Some(Budget {
        writes: 100_000,
        lists: 1_000_000,
        shared: false,
    });
}

fn odd(switches: &mut Switches) {
    switches.bare_refused = true;
    switches.ranges = false;
    switches.clash = Clash::Duplicate;
    switches.page_max = 3;
    switches.task_from = Some(1);
    switches.errors_as_200 = true;
}

/// Lines of the log that belong to Kdocs.
const EXPECTED: [&str; 2] = ["recycle bin", "no space is freed"];

fn try_client(client: &str, account: fn(&mut Switches)) {
    let process = Process::with(&["--kdocs-app", "formal"], account);
    let dir = TempDir::new();
    let Some(restic) = Restic::find(client, process.url("/"), dir.path()) else {
        return;
    };
    let session = Session::new(client, restic, dir.path());
    let expected = cycle(&session);
    let all: Vec<&str> = expected.iter().chain(&EXPECTED).copied().collect();
    process.assert_clean(&all);
    assert!(process.cloud.binned() > 0, "nothing was deleted");
}
