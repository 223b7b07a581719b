//! Moments as text, in UTC, and back; and which one it is now, by this machine's clock, which is
//! read nowhere else.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 before which a clock is certainly wrong: a router without a battery starts
/// there. 2020-01-01.
pub const SANE: u64 = 1_577_836_800;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
/// Years after which the calendar repeats itself.
const ERA: u64 = 4 * 100;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Seconds since 1970 by this machine's clock.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A moment, by the seconds since 1970, as HTTP writes it (RFC 9110, 5.6.7).
pub fn http(now: u64) -> String {
    let (year, month, day) = date(now);
    let weekday = name(&WEEKDAYS, now / 86_400 % 7);
    let month = name(&MONTHS, month - 1);
    format!("{weekday}, {day:02} {month} {year} {} GMT", time(now))
}

/// The moment that HTTP writes so.
pub fn from_http(text: &str) -> Option<u64> {
    let mut words = text.split_once(", ")?.1.split(' ');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    seconds(&format!("{year}-{month:02}-{day}T{}Z", words.next()?))
}

/// The same as RFC 3339 writes it.
pub fn rfc3339(now: u64) -> String {
    let (year, month, day) = date(now);
    format!("{year}-{month:02}-{day:02}T{}Z", time(now))
}

/// Seconds since 1970 of an RFC 3339 time such as `2027-02-20T10:00:00+08:00`; None if it isn't
/// one.
pub fn seconds(text: &str) -> Option<u64> {
    // `parse` alone would take a sign.
    let field = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        let plain = digits.bytes().all(|c| c.is_ascii_digit());
        plain.then(|| digits.parse::<i64>().ok())?
    };
    let (year, month, day) = (field(0..4)?, field(5..7)?, field(8..10)?);
    let (hour, minute, second) = (field(11..13)?, field(14..16)?, field(17..19)?);
    let zone = text
        .get(19..)?
        .trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let at = text.len() - zone.len();
    let offset = || Some(field(at + 1..at + 3)? * 60 + field(at + 4..at + 6)?);
    let offset = match (zone.as_bytes(), zone.len()) {
        (b"Z" | b"z", _) => 0,
        ([b'+', _, _, b':', ..], 6) => offset()?,
        ([b'-', _, _, b':', ..], 6) => -offset()?,
        _ => return None,
    };
    // Days since 1970-01-01, counting years from March so that the leap day comes last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second;
    u64::try_from(seconds).ok()
}

/// The same of a time as 123pan writes it: a Chinese one, mostly without a zone.
pub fn chinese(text: &str) -> Option<u64> {
    seconds(text).or_else(|| seconds(&format!("{text}+08:00")))
}

fn time(now: u64) -> String {
    let second = now % 86_400;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// Year, month from 1 and day from 1.
fn date(now: u64) -> (u64, u64, u64) {
    // Years here begin in March, so that a leap day is a year's last; 719468 days lie between
    // March of the year 0 and 1970.
    let days = now / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    (era * ERA + year_of_era + u64::from(month < 3), month, day)
}

fn name(names: &[&'static str], index: u64) -> &'static str {
    let index = usize::try_from(index).ok();
    index.and_then(|index| names.get(index)).unwrap_or(&"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let table = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
            (
                951_782_399,
                "Mon, 28 Feb 2000 23:59:59 GMT",
                "2000-02-28T23:59:59Z",
            ),
            (
                951_782_400,
                "Tue, 29 Feb 2000 00:00:00 GMT",
                "2000-02-29T00:00:00Z",
            ),
            (
                1_767_225_599,
                "Wed, 31 Dec 2025 23:59:59 GMT",
                "2025-12-31T23:59:59Z",
            ),
            (
                4_107_542_400,
                "Mon, 01 Mar 2100 00:00:00 GMT",
                "2100-03-01T00:00:00Z",
            ),
        ];
        for (now, as_http, as_rfc3339) in table {
            assert_eq!(http(now), as_http);
            assert_eq!(from_http(as_http), Some(now));
            assert_eq!(rfc3339(now), as_rfc3339);
        }
    }

    #[test]
    fn chinese_times_are_read() {
        assert_eq!(chinese("2027-01-01 00:00:00"), Some(1_798_732_800));
        assert_eq!(chinese("2027-01-01T00:00:00+08:00"), Some(1_798_732_800));
        assert_eq!(chinese(""), None);
    }

    #[test]
    fn texts_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:30:15+00:00", Some(951_827_415)),
            ("2027-02-20T10:00:00+08:00", Some(1_803_088_800)),
            ("2027-02-20T10:00:00.123+08:00", Some(1_803_088_800)),
            ("2026-12-31T23:59:59-01:30", Some(1_798_766_999)),
            ("soon", None),
            ("2027-02-20T10:00:00+999999999999999999:00", None),
            ("2027-02-20T10:00:00+08:00:00", None),
            ("2027-02-20T10:00:00 08:00", None),
            ("+027-02-20T10:00:00Z", None),
            ("2027-02-20T10:00:00", None),
            ("2027-02-20T10:00:00+é8:00", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
