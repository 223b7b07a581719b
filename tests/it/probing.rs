//! What tests of probes share, whatever the cloud: what a probe finds, whether that is what its table
//! should say, and a probe for each call that may fail.

use crate::cases::try_all;
use crate::cloud::contract::AT_ONCE;
use crate::fake::{Fault, How, When};
use restic_123pan::cloud::probe::Observation;
use std::collections::BTreeMap;

/// A file of somebody else's beside the repositories.
pub(crate) const OTHER: &str = "somebody's";

/// How a cloud behaves, a question, words of what is found, and whether the cloud can be used.
pub(crate) type Case<S> = (fn(&mut S), &'static str, &'static str, bool);

/// What a probe found, by question, and how it ended.
pub(crate) type Probed = (BTreeMap<&'static str, Observation>, Result<String, String>);

/// Tries the cases of a table side by side; each is told its number.
pub(crate) fn try_table<S>(table: &[Case<S>], run: impl Fn(usize, &Case<S>) + Sync) {
    let name = |(n, case): &(usize, &Case<S>)| format!("{n}: {}, {}", case.1, case.2);
    let cases = table.iter().enumerate();
    try_all("PROBE", AT_ONCE, cases, name, |(n, case)| {
        run(*n, case);
        Ok(())
    });
}

/// Runs a probe.
pub(crate) fn run(
    probe: impl FnOnce(&mut dyn FnMut(&Observation)) -> Result<String, String>,
) -> Probed {
    let mut findings = BTreeMap::new();
    let end = probe(&mut |finding| {
        println!("{finding}");
        findings.insert(finding.about, finding.clone());
    });
    (findings, end)
}

/// Fails unless a probe found what the case says.
pub(crate) fn check<S>(n: usize, case: &Case<S>, (findings, end): &Probed) {
    let (_, about, words, usable) = case;
    let found = findings
        .get(about)
        .unwrap_or_else(|| panic!("{n}: {end:?}"));
    assert!(found.found.contains(words), "{n}: {found:?}");
    assert_eq!(found.good, *usable, "{n}: {found:?}");
    assert_eq!(end.is_ok(), *usable, "{n}: {end:?}");
}

/// A fault for each of these calls, in each of four ways; `no` is the cloud's refusal.
pub(crate) fn each_call_fails<C: Copy + Ord>(
    trail: &[C],
    no: &How,
    mut probe: impl FnMut(Fault<C>),
) {
    let mut skips = BTreeMap::new();
    for endpoint in trail {
        let skip = skips.entry(*endpoint).or_insert(0);
        for (when, how) in [
            (When::Before, no.clone()),
            (When::Before, How::Html(500)),
            (When::After, How::Reset),
            (When::After, How::WrongShape),
        ] {
            probe(Fault {
                endpoint: *endpoint,
                skip: *skip,
                times: 1,
                when,
                how,
            });
        }
        *skip += 1;
    }
}
