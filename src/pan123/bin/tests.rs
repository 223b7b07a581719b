//! What a damaged list does: nothing.

use super::list::List;
use super::pending::PendingPurges;
use super::{earlier, removal::NEVER};
use crate::cloud::Timing;
use crate::cloud::time::Time;
use crate::disk::log::sealed;

/// A damaged file may hold any number.
#[test]
fn numbers_of_a_broken_list_do_no_harm() {
    let (most, due) = (u64::MAX, NEVER - 1);
    let lines = [
        "trashed\t5\tconfigured\tdata\t7\t".to_owned(),
        "trashed\t1800000000\tconfigured\tdata\t8\t".to_owned(),
        "trashed\t5\t9\tdata\t9\t".to_owned(),
        format!("past\t{most}\t0\t{most}\t"),
        "past\t1\t2\t\t".to_owned(),
        "purged\t8 x".to_owned(),
        format!("left\t{most}9"),
    ];
    let logged = List::parse(lines.map(|line| sealed(&line)).concat().as_bytes());
    let json = format!(
        r#"{{"repos":[""],"files":[[7,{due},5,0,"d"],[8,9,1800000000,0,"d"]],
        "past":[{{"repo":0,"from":{most},"to":0,"count":{most}}}]}}"#
    );
    let listed = earlier::listed(json.as_bytes()).unwrap();
    let line = sealed(&format!("{most}\tdata\tconfigured\t7 8\t"));
    let noted = earlier::noted(line.as_bytes());
    let earlier = List::parse((noted + &listed).as_bytes());
    assert_eq!(earlier, logged);
    let time = Time::new(&Timing::default());
    time.tell(1_900_000_000);
    let pending = PendingPurges::of(logged, time);
    assert_eq!(pending.due(), [8]);
    pending.learn(&[7, 8], &[]);
    assert_eq!(pending.len(), 0);
}

/// What is on the list is the same in its log, however much of that is done with.
#[test]
fn a_list_is_read_as_it_was_written() {
    let line = |words: &str| sealed(words);
    let text = [
        line("going\t1800000000\tconfigured\tdata\t1 2 3\ta/b"),
        line("trashed\t1800000000\tconfigured\tdata\t1 2\ta/b"),
        line("left\t3"),
        line("going\t1800000001\timmediate\tlocks\t4\tc"),
        line("purged\t2"),
        line("trashed\t1800000000\tconfigured\tdata\t9\ta/b")[..30].to_owned(),
    ];
    let list = List::parse(text.concat().as_bytes());
    let expected = [
        line("past\t1800000000\t1800000000\t1\ta/b"),
        line("trashed\t1800000000\tconfigured\tdata\t1\ta/b"),
        line("going\t1800000001\timmediate\tlocks\t4\tc"),
    ];
    assert_eq!(list.text(), expected.concat());
    assert_eq!(List::parse(list.text().as_bytes()).text(), list.text());
}
