//! Whether a call is made again after it has failed; pure: reasons, counts and times come in as
//! arguments. And how it is looked again for what lists don't show yet.

use super::call::{Spec, Way};
use super::outcome::Reason;
use super::timing::Timing;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What to do after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after this pause.
    Again(Duration),
    /// Get a new token and try again.
    Renew,
    /// Give up.
    Fail,
}

/// Whether a call is made again, after `tries` of them and `spent` since the first. `repeatable`
/// says that its body, if any, can be sent again.
pub fn verdict(
    spec: &Spec,
    reason: Reason,
    tries: u32,
    spent: Duration,
    repeatable: bool,
    timing: &Timing,
) -> Verdict {
    let pause = pause(timing.pause, tries);
    let within = |most: Duration| match spent + pause <= most {
        true => Verdict::Again(pause),
        false => Verdict::Fail,
    };
    match reason {
        _ if !repeatable => Verdict::Fail,
        Reason::Token | Reason::PushedOut if tries == 1 => Verdict::Renew, // one a call
        // How long to wait `pace` knows best.
        Reason::Throttled => match spent < timing.rate_wait {
            true => Verdict::Again(Duration::ZERO),
            false => Verdict::Fail,
        },
        Reason::Verifying if spec.is(Way::Polled) => match spent <= timing.retry {
            true => Verdict::Again(timing.poll),
            false => Verdict::Fail,
        },
        // Whoever uploads tries another host first, and looks for what may be there (safety rule 7).
        Reason::Unreachable if spec.is(Way::Elsewhere) => Verdict::Fail,
        Reason::Server if spec.is(Way::Makes) => Verdict::Fail,
        Reason::Unreachable | Reason::Server => within(timing.retry),
        Reason::Lost | Reason::Intercepted if spec.is(Way::Idempotent) => within(timing.retry),
        _ => Verdict::Fail,
    }
}

/// The pause before try number `tries` + 1: doubling from `first`, at most sixteen times as long.
pub fn pause(first: Duration, tries: u32) -> Duration {
    first * (1 << tries.saturating_sub(1).min(4))
}

/// Looks, with growing pauses, until what is seen will do or has had its time to become visible;
/// answers what was seen last.
pub fn look<T, E>(
    timing: &Timing,
    mut see: impl FnMut() -> Result<T, E>,
    will_do: impl Fn(&T) -> bool,
) -> Result<T, E> {
    let (start, mut tries) = (Instant::now(), 0);
    loop {
        tries += 1;
        let seen = see()?;
        if will_do(&seen) || start.elapsed() > timing.visible {
            return Ok(seen);
        }
        sleep(pause(timing.look, tries));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(ways: &'static [Way]) -> Spec {
        Spec {
            number: 0,
            queue: 0,
            name: "",
            method: "",
            ways,
            rates: &[],
        }
    }

    #[test]
    fn only_what_can_do_no_harm_is_repeated() {
        let timing = Timing::default();
        let again = Verdict::Again(timing.pause);
        let upload: &[Way] = &[Way::Makes, Way::Writes, Way::Elsewhere];
        for (ways, reason, repeatable, expected) in [
            (&[Way::Idempotent][..], Reason::Lost, true, again),
            (upload, Reason::Lost, true, Verdict::Fail),
            (&[], Reason::Lost, true, Verdict::Fail),
            (
                &[Way::Makes, Way::Writes],
                Reason::Lost,
                true,
                Verdict::Fail,
            ),
            (&[Way::Makes, Way::Writes], Reason::Unreachable, true, again),
            (upload, Reason::Throttled, false, Verdict::Fail),
            (&[Way::Idempotent], Reason::Token, true, Verdict::Renew),
        ] {
            let spec = spec(ways);
            let found = verdict(&spec, reason, 1, Duration::ZERO, repeatable, &timing);
            assert_eq!(found, expected, "{ways:?} {reason:?}");
        }
    }

    #[test]
    fn patience_ends() {
        let (timing, list) = (Timing::default(), spec(&[Way::Idempotent]));
        let found = |reason, tries, spent| verdict(&list, reason, tries, spent, true, &timing);
        assert_eq!(found(Reason::Token, 2, Duration::ZERO), Verdict::Fail);
        assert_eq!(found(Reason::Unreachable, 9, timing.retry), Verdict::Fail);
        let throttled = found(Reason::Throttled, 9, timing.retry);
        assert!(matches!(throttled, Verdict::Again(_)));
        assert_eq!(found(Reason::Throttled, 9, timing.rate_wait), Verdict::Fail);
    }
}
