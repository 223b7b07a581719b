//! What a damaged list does: nothing.

use super::list::{List, Retention, Trashed};
use super::pending::{PendingPurges, PurgeOutcome};
use crate::cloud::Timing;
use crate::cloud::time::Time;
use crate::restic::Kind;
use std::collections::HashSet;

/// A damaged file may hold any number.
#[test]
fn numbers_of_a_broken_list_do_no_harm() {
    let most = u64::MAX;
    let text = format!(
        r#"{{"repos":[""],"files":[[7,{},5,0,"d"],[8,9,1800000000,0,"d"]],
        "past":[{{"repo":0,"from":{most},"to":0,"count":{most}}}]}}"#,
        most - 1
    );
    let list = List::parse(text.as_bytes()).unwrap();
    let time = Time::new(&Timing::default());
    time.tell(1_900_000_000);
    let pending = PendingPurges::of(list, time);
    assert_eq!(pending.due(), [8]);
    pending.learn(&PurgeOutcome {
        gone: HashSet::from([7, 8]),
        ..PurgeOutcome::default()
    });
    let list = pending.into_list();
    assert!(list.waiting.is_empty() && list.past.len() <= 3);
}

/// So may a damaged journal.
#[test]
fn numbers_of_a_broken_journal_do_no_harm() {
    let trashed = Trashed {
        repo: String::new(),
        kind: Kind::Data,
        files: vec![7],
        retention: Retention::Configured,
    };
    let pending = PendingPurges::of(List::default(), Time::new(&Timing::default()));
    pending.add_since(&[trashed], u64::MAX);
    assert_eq!(pending.len(), 1);
}
