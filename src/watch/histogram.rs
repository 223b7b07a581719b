//! How long requests take, in a few steps that fit both a lock and a pack.

use serde::Serialize;
use std::time::Duration;

/// The upper ends of the steps in milliseconds; beyond the last there is one more.
pub const BOUNDS: [u64; 8] = [10, 50, 250, 1_000, 5_000, 20_000, 60_000, 300_000];

/// Counts of times by their length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Histogram {
    /// How many fell into each step, the one beyond the last bound included.
    pub steps: [u64; BOUNDS.len() + 1],
    /// All times together, in milliseconds.
    pub sum_ms: u64,
}

impl Histogram {
    /// Counts a time.
    pub fn add(&mut self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.steps[BOUNDS.partition_point(|bound| *bound < millis)] += 1;
        self.sum_ms = self.sum_ms.saturating_add(millis);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.steps.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_has_its_step() {
        let mut times = Histogram::default();
        for millis in [0, 10, 11, 300_000, 300_001] {
            times.add(Duration::from_millis(millis));
        }
        assert_eq!(times.steps, [2, 1, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((times.count(), times.sum_ms), (5, 600_022));
    }
}
