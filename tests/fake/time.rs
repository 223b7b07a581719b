//! Times: milliseconds since 1970 inside the emulator, Chinese local time on the wire, and a clock
//! that tests can put forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The emulator's clock. It never goes back, whatever the system's does.
pub struct Clock {
    start: u64,
    since: Instant,
    ahead: AtomicU64,
}

impl Clock {
    /// A clock that shows the system's time.
    pub fn new() -> Clock {
        let start = SystemTime::now().duration_since(UNIX_EPOCH);
        Clock {
            start: ms(start.unwrap_or_default()),
            since: Instant::now(),
            ahead: AtomicU64::new(0),
        }
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> u64 {
        self.start + ms(self.since.elapsed()) + self.ahead.load(Ordering::Relaxed)
    }

    /// Puts the clock forward.
    pub fn advance(&self, by: Duration) {
        self.ahead.fetch_add(ms(by), Ordering::Relaxed);
    }
}

/// A duration in the emulator's unit of time.
pub fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

/// Year, month, day, hour, minute, second at UTC+8.
fn parts(at: u64) -> [u64; 6] {
    let seconds = at / 1000 + 8 * 3600;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days counted from 1 March of year 0, so that the leap day is the last day of a year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    [year, month, day, rest / 3600, rest / 60 % 60, rest % 60]
}

/// `2026-11-01 12:00:00`, without a zone, as rows have it.
pub fn plain(at: u64) -> String {
    let [y, mo, d, h, mi, s] = parts(at);
    format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}")
}

/// `2026-11-01T12:00:00+08:00`, as tokens have it.
pub fn rfc3339(at: u64) -> String {
    let [y, mo, d, h, mi, s] = parts(at);
    format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}+08:00")
}
