//! Makes a history that went wrong shorter, as long as it still goes wrong.

use super::run::{self, Violation};
use std::time::{Duration, Instant};

/// How long it is tried.
const PATIENCE: Duration = Duration::from_secs(60);

/// The shortest history that was found to go wrong. Threads meet by chance, so a plan that once
/// goes right isn't proven right.
pub(super) fn shrink(mut violation: Box<Violation>) -> Box<Violation> {
    let end = Instant::now() + PATIENCE;
    let mut chunk = violation.plan.events.len() / 2;
    while chunk > 0 {
        let mut from = 0;
        while from < violation.plan.events.len() {
            if Instant::now() > end {
                return violation;
            }
            let mut less = violation.plan.clone();
            let to = (from + chunk).min(less.events.len());
            less.events.drain(from..to);
            match run::run(&less) {
                Err(again) => violation = again,
                Ok(_) => from += chunk,
            }
        }
        chunk /= 2;
    }
    violation
}
