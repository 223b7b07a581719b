//! The local time of this machine: how far it is ahead of UTC at a moment, and moments as people
//! read them. Found once, in the variable TZ, in `/etc/localtime`, or in `/etc/TZ`, where OpenWrt
//! keeps it; UTC without any.

use crate::civil;
use std::env;
use std::fs;
use std::sync::OnceLock;
use tz::TimeZone;

/// Seconds by which the local time is ahead of UTC at a moment, in seconds since 1970.
pub fn offset(now: u64) -> i64 {
    static HERE: OnceLock<TimeZone> = OnceLock::new();
    ahead(HERE.get_or_init(here), now)
}

fn ahead(zone: &TimeZone, now: u64) -> i64 {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let found = zone.find_local_time_type(now);
    found.map_or(0, |found| i64::from(found.ut_offset()))
}

fn here() -> TimeZone {
    let named = env::var("TZ").ok().filter(|name| !name.is_empty());
    if let Some(zone) = named.and_then(|name| TimeZone::from_posix_tz(&name).ok()) {
        return zone;
    }
    let kept = || TimeZone::from_posix_tz(fs::read_to_string("/etc/TZ").ok()?.trim()).ok();
    let local = TimeZone::local().ok().or_else(kept);
    local.unwrap_or_else(TimeZone::utc)
}

/// A moment to the minute, by this machine's zone, which is named. Which zone the reader is in, only
/// a script could tell.
pub fn moment(at: u64) -> String {
    written(at, offset(at))
}

/// A moment where it is so many seconds later than in UTC.
fn written(at: u64, offset: i64) -> String {
    let text = civil::rfc3339(at.saturating_add_signed(offset));
    let (sign, minutes) = (
        if offset < 0 { '-' } else { '+' },
        offset.unsigned_abs() / 60,
    );
    let zone = match (minutes / 60, minutes % 60) {
        (0, 0) => String::new(),
        (hours, 0) => format!("{sign}{hours}"),
        (hours, minutes) => format!("{sign}{hours}:{minutes:02}"),
    };
    format!("{} {} UTC{zone}", &text[..10], &text[11..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_ahead_as_their_rules_say() {
        let (winter, summer) = (1_764_547_200, 1_782_864_000); // 2025-12-01 and 2026-07-01, UTC
        let rules = [
            ("CST-8", 8 * 3600, 8 * 3600),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200),
            ("UTC0", 0, 0),
        ];
        for (rule, cold, warm) in rules {
            let zone = TimeZone::from_posix_tz(rule).unwrap();
            assert_eq!(ahead(&zone, winter), cold, "{rule}");
            assert_eq!(ahead(&zone, summer), warm, "{rule}");
        }
    }

    #[test]
    fn moments_name_their_zone() {
        for (offset, text) in [
            (0, "2025-12-31 23:59 UTC"),
            (8 * 3600, "2026-01-01 07:59 UTC+8"),
            (19_800, "2026-01-01 05:29 UTC+5:30"),
            (-3600, "2025-12-31 22:59 UTC-1"),
        ] {
            assert_eq!(written(1_767_225_599, offset), text);
        }
    }
}
