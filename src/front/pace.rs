//! How slow a client may be. Bytes are paid for by the time that the server waits for them: who is
//! too far behind holds a worker for nothing.

use std::time::Duration;

/// Slower than this a client falls behind.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Bytes a second, on average, either way.
    pub rate: u64,
    /// How far behind it may fall: more than a minute and a half, for laptops sleep.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            // A tenth of what a bad line takes.
            rate: 1 << 10,
            patience: Duration::from_secs(100),
        }
    }
}

impl Pace {
    /// How long a single wait takes at most before it is looked at the clock again.
    pub(super) fn step(&self) -> Duration {
        let bounds = (Duration::from_millis(10), Duration::from_secs(1));
        (self.patience / 100).clamp(bounds.0, bounds.1)
    }

    /// How far behind a client may fall that sends a body, when others want its worker. Whoever
    /// limits itself to little more than the rate may still send 16 KiB at once, and pause.
    pub(super) fn courtesy(&self) -> Duration {
        self.patience / 5
    }
}

/// How far behind a client is: the time waited for it, less what its bytes are worth. What is ahead
/// isn't saved, and what the cloud takes isn't the client's fault: only waits for the client count.
#[derive(Debug, Default)]
pub(super) struct Behind(pub(super) Duration);

impl Behind {
    /// Takes note of a wait; false if that was too much.
    pub(super) fn note(&mut self, pace: &Pace, waited: Duration, bytes: usize) -> bool {
        let worth =
            Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / pace.rate.max(1));
        self.0 = (self.0 + waited).saturating_sub(worth);
        self.0 <= pace.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a client is borne that lets us wait so many seconds for each of these bytes.
    fn borne(waits: impl IntoIterator<Item = (u64, usize)>) -> bool {
        let (pace, mut behind) = (Pace::default(), Behind::default());
        let mut waits = waits.into_iter();
        waits.all(|(seconds, bytes)| behind.note(&pace, Duration::from_secs(seconds), bytes))
    }

    #[test]
    fn only_what_is_slow_for_long() {
        let hour = || 0..3600;
        // Five downloads at 20 KiB/s each, whose receivers open their window every 384 KiB.
        assert!(borne(hour().map(|_| (20, 384 << 10))));
        // Twenty that share 500 KiB/s.
        assert!(borne(hour().map(|_| (16, 384 << 10))));
        // Five that share 10 KiB/s, and one that has 1 KiB/s.
        assert!(borne(hour().map(|_| (1, 2 << 10))));
        assert!(borne(hour().map(|_| (1, 1 << 10))));
        // A laptop that sleeps a minute and a half again and again.
        assert!(borne(hour().map(|n| if n % 10 == 0 {
            (90, 0)
        } else {
            (1, 20 << 10)
        })));
        // What came fast before doesn't count, nor does it help.
        let stalls = |fast: usize| [(1, fast)].into_iter().chain((0..101).map(|_| (1, 0)));
        assert!(!borne(stalls(0)) && !borne(stalls(1 << 30)));
        assert!(!borne(hour().map(|_| (1, 1))), "a byte a second");
        assert!(!borne(hour().map(|_| (1, 900))), "a little too slow");
    }

    #[test]
    fn nobody_is_judged_within_a_minute() {
        assert!(borne([(60, 0)]) && borne([(99, 0)]) && !borne([(101, 0)]));
    }
}
