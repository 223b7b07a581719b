//! What time it is at the cloud, by the `Date` of its answers. Whatever must not be wrong by hours
//! is counted by it, and not by this machine's clock: a router without a battery starts with the
//! time of its last shutdown, and clocks are set. Nothing here asks the cloud.

use super::timing::{Clock, SANE, Timing};
use crate::civil;
use crate::sync::lock;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Seconds by which this machine's clock and the cloud's may differ; more, and one of them is wrong.
const APART: u64 = 3600;

/// The cloud's time, as far as it has told it.
pub struct Time {
    clock: Clock,
    /// How long both clocks must have agreed.
    agreed: Duration,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// What the cloud told last, in seconds since 1970, and when.
    told: Option<(u64, Instant)>,
    /// When both clocks were last seen to differ.
    apart: Option<Instant>,
}

impl Time {
    /// Nothing has been told yet.
    pub fn new(timing: &Timing) -> Self {
        Self {
            clock: timing.clock.clone(),
            agreed: timing.agreed,
            inside: Mutex::default(),
        }
    }

    /// Notes what the cloud has just told. An answer says that both clocks differ, unless it was
    /// known.
    pub fn tell(&self, theirs: u64) -> Option<String> {
        if theirs < SANE {
            return None;
        }
        let ours = self.clock.now();
        let known = !self.agrees();
        let mut inside = lock(&self.inside);
        inside.told = Some((theirs, Instant::now()));
        if ours.abs_diff(theirs) <= APART {
            return None;
        }
        inside.apart = Some(Instant::now());
        let (ours, theirs) = (civil::rfc3339(ours), civil::rfc3339(theirs));
        (!known).then(|| format!("this machine's clock says {ours}, the cloud's {theirs}"))
    }

    /// Seconds since 1970 at the cloud; None before it has told any.
    pub fn now(&self) -> Option<u64> {
        let told = lock(&self.inside).told;
        told.map(|(time, at)| time.saturating_add(at.elapsed().as_secs()))
    }

    /// The same, or by this machine's clock as long as nothing is known.
    pub fn or_ours(&self) -> u64 {
        self.now().unwrap_or_else(|| self.clock.now())
    }

    /// Whether both clocks have agreed for long enough, as far as is known: nothing is destroyed
    /// otherwise.
    pub fn agrees(&self) -> bool {
        let apart = lock(&self.inside).apart;
        apart.is_none_or(|at| at.elapsed() >= self.agreed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000;

    fn time(ours: u64, agreed: Duration) -> Time {
        Time::new(&Timing {
            clock: Clock::new(move || ours),
            agreed,
            ..Timing::default()
        })
    }

    #[test]
    fn clocks_that_differ_are_said_once() {
        for (theirs, differs) in [
            (NOW, false),
            (NOW + APART, false),
            (NOW - APART, false),
            (NOW + APART + 1, true),
            (NOW - 10 * 24 * 3600, true),
        ] {
            let time = time(NOW, Duration::from_secs(3600));
            assert_eq!(time.now(), None);
            assert!(time.agrees());
            assert_eq!(time.tell(theirs).is_some(), differs, "{theirs}");
            assert_eq!(time.tell(theirs), None, "{theirs}");
            assert_eq!(time.agrees(), !differs, "{theirs}");
            assert!(time.now().is_some_and(|now| now.abs_diff(theirs) < 60));
        }
    }

    #[test]
    fn they_must_agree_for_a_while() {
        let time = time(NOW, Duration::from_millis(20));
        assert!(time.tell(NOW - 10 * 24 * 3600).is_some());
        assert_eq!(time.tell(NOW), None);
        assert!(!time.agrees());
        std::thread::sleep(Duration::from_millis(20));
        assert!(time.agrees());
    }

    #[test]
    fn no_cloud_is_in_the_past() {
        let time = time(NOW, Duration::ZERO);
        assert_eq!(time.tell(SANE - 1), None);
        assert_eq!((time.now(), time.or_ours()), (None, NOW));
    }
}
