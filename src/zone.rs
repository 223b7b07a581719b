//! The local time of this machine: how far it is ahead of UTC at a moment. Found once, in the
//! variable TZ, in `/etc/localtime`, or in `/etc/TZ`, where OpenWrt keeps it; UTC without any.

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
}
