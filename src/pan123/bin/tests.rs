//! What a damaged list does: nothing.

use super::*;

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
    let waste = Waste::of(list, Clock::new(|| 1_900_000_000));
    assert_eq!(waste.due(), [8]);
    waste.learn(&Fate {
        gone: HashSet::from([7, 8]),
        ..Fate::default()
    });
    let list = waste.into_list();
    assert!(list.waiting.is_empty() && list.past.len() <= 3);
}

/// So may a damaged journal.
#[test]
fn numbers_of_a_broken_journal_do_no_harm() {
    let thrown = Thrown {
        repo: String::new(),
        kind: Kind::Data,
        files: vec![7],
        purge: Purge::Usual,
    };
    let waste = Waste::of(List::default(), Clock::new(|| 0));
    waste.add_since(&[thrown], u64::MAX);
    assert_eq!(waste.len(), 1);
}
