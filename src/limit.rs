//! How many bytes a second all clients together may send or get, by a timetable. Whoever moves
//! bytes takes small steps and pays for each, in order of arrival, so that every connection moves
//! on and none starves another. No lock is held while somebody waits.

use crate::civil;
use crate::sync::lock;
use crate::units::size;
use crate::zone;
use std::io::{self, Read};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// Least bytes a second. With less a hundred connections would each stand still for so long that
/// their clients give up.
const LEAST: u64 = 1 << 10;
/// Steps that a second's bytes are divided into: with a hundred connections each moves every six
/// seconds, however low the limit is.
const STEPS: u64 = 16;
/// Largest step in bytes: what is copied at once where there is no limit.
const LARGEST: u64 = 64 << 10;
/// How much of the time in which nothing moved may be made up for.
const BURST: Duration = Duration::from_millis(250);
/// Minutes of a day.
const DAY: u32 = 24 * 60;
/// Most entries of a timetable.
const MOST: usize = 48;

/// Bytes a second by the time of day. None is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timetable(
    /// From which minute of the day on, in order.
    Vec<(u32, Option<u64>)>,
);

impl Timetable {
    /// Reads `off`, a size such as `2M`, or sizes with the times from which they hold, such as
    /// `08:00,512K 23:00,off`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.contains(',') {
            return Ok(Self(vec![(0, rate(text.trim())?)]));
        }
        let entry = |word: &str| {
            let (time, limit) = word.split_once(',').ok_or_else(wrong)?;
            Ok((minute(time).ok_or_else(wrong)?, rate(limit)?))
        };
        let entries = text.split_whitespace().map(entry);
        let mut entries = entries.collect::<Result<Vec<_>, String>>()?;
        entries.sort_by_key(|(from, _)| *from);
        let twice = entries.windows(2).any(|pair| pair[0].0 == pair[1].0);
        match twice || entries.len() > MOST {
            true => Err("name each time once, and at most 48 of them".to_owned()),
            false => Ok(Self(entries)),
        }
    }

    /// Whether there is never a limit.
    pub fn is_off(&self) -> bool {
        self.0.iter().all(|(_, rate)| rate.is_none())
    }

    /// The limit at a minute of the day; before the first time the last one of the day before
    /// holds.
    fn at(&self, minute: u32) -> Option<u64> {
        let begun = self.0.iter().rev().find(|(from, _)| *from <= minute);
        begun.or(self.0.last())?.1
    }
}

fn rate(text: &str) -> Result<Option<u64>, String> {
    match text {
        "off" => Ok(None),
        text => match size(text)? {
            rate if rate >= LEAST => Ok(Some(rate)),
            _ => Err("at least 1K a second, or off".to_owned()),
        },
    }
}

/// The minute of the day of `08:30`.
fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|c| c.is_ascii_digit());
        plain.then(|| text.parse::<u32>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

fn wrong() -> String {
    "write off, bytes a second such as 2M, or times such as \"08:00,512K 23:00,off\"".to_owned()
}

/// One direction's limit.
#[derive(Debug, Default)]
pub struct Limit {
    table: Timetable,
    next: Mutex<Next>,
}

/// When the next byte may pass; None before the first.
#[derive(Debug, Default)]
struct Next(Option<Instant>);

impl Next {
    /// Takes the next place for so many bytes; how long to wait for it.
    fn take(&mut self, bytes: u64, rate: u64, now: Instant) -> Duration {
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let next = self.0.map_or(earliest, |next| next.max(earliest));
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
        let costs = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.0 = Some(next + costs);
        (next + costs).saturating_duration_since(now)
    }
}

impl Limit {
    /// A limit by a timetable.
    pub fn new(table: Timetable) -> Self {
        let next = Mutex::default();
        Self { table, next }
    }

    /// Bytes a second now; None without a limit.
    pub fn rate(&self) -> Option<u64> {
        match self.table.is_off() {
            true => None,
            false => self.table.at(minute_of_day()),
        }
    }

    /// How many bytes may be moved at once; None without a limit.
    pub fn step(&self) -> Option<usize> {
        let step = (self.rate()? / STEPS).clamp(1, LARGEST);
        usize::try_from(step).ok()
    }

    /// Waits as long as it takes to move so many bytes.
    pub fn pay(&self, bytes: usize) {
        let Some(rate) = self.rate() else { return };
        let wait = lock(&self.next).take(bytes as u64, rate, Instant::now());
        thread::sleep(wait);
    }
}

/// What clients send, and is paid for.
pub struct Paid<'a> {
    /// Where it comes from.
    pub source: &'a mut dyn Read,
    /// By which limit.
    pub limit: &'a Limit,
}

impl Read for Paid<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.limit.step().unwrap_or(usize::MAX);
        let most = buffer.len().min(step);
        let read = self.source.read(&mut buffer[..most])?;
        self.limit.pay(read);
        Ok(read)
    }
}

/// Both directions.
#[derive(Debug, Default)]
pub struct Limits {
    /// What clients send.
    pub upload: Limit,
    /// What they get.
    pub download: Limit,
}

/// The minute of the day where this machine stands.
fn minute_of_day() -> u32 {
    let now = civil::now();
    let local = i64::try_from(now).unwrap_or(0) + zone::offset(now);
    let minute = (local / 60).rem_euclid(i64::from(DAY));
    u32::try_from(minute).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timetables_are_read() {
        let cases = [
            ("off", vec![(0, None)]),
            ("2M", vec![(0, Some(2 << 20))]),
            (
                "23:00,off 08:00,512K",
                vec![(480, Some(512 << 10)), (1380, None)],
            ),
            (" 08:30,1K ", vec![(510, Some(1 << 10))]),
        ];
        for (text, table) in cases {
            assert_eq!(Timetable::parse(text), Ok(Timetable(table)), "{text}");
        }
        for bad in [
            "",
            "fast",
            "1",
            "8:00,1M",
            "24:00,1M",
            "08:60,1M",
            "08:00",
            "08:00,1M 08:00,2M",
            "08:00,1M 2M",
            "08:00,512",
            "-1M",
            "08:00,1M,2M",
        ] {
            assert!(Timetable::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_time_of_day_decides() {
        let table = Timetable::parse("08:00,512K 23:00,off").unwrap();
        let cases = [
            (0, None),
            (479, None),
            (480, Some(512 << 10)),
            (1379, Some(512 << 10)),
            (1380, None),
        ];
        for (minute, rate) in cases {
            assert_eq!(table.at(minute), rate, "{minute}");
        }
        assert_eq!(Timetable::default().at(700), None);
    }

    /// A second's bytes take a second, however they are divided, and whoever comes first goes first.
    #[test]
    fn bytes_take_their_time() {
        let now = Instant::now() + Duration::from_secs(1000);
        for step in [1, 100, 1000] {
            let mut next = Next(Some(now));
            let waits = (0..1000 / step).map(|_| next.take(step, 1000, now));
            let waits: Vec<Duration> = waits.collect();
            assert!(waits.is_sorted());
            assert_eq!(waits.last(), Some(&Duration::from_secs(1)));
        }
        // What wasn't used is made up for a little.
        let mut next = Next(Some(now - Duration::from_secs(60)));
        assert_eq!(next.take(250, 1000, now), Duration::ZERO);
        assert_eq!(next.take(250, 1000, now), Duration::from_millis(250));
    }

    /// Connections that ask again as soon as they may get the same, whoever comes first, and each
    /// moves on every few seconds, a hundred of them at the lowest limit too.
    #[test]
    fn connections_share_it() {
        let start = Instant::now() + Duration::from_secs(1000);
        let mut timetable = Next(Some(start));
        let step = LEAST / STEPS;
        // When each may ask again, and how often it has moved.
        let mut connections = vec![(start, 0); 100];
        for _ in 0..10_000 {
            let next = connections.iter_mut().min_by_key(|(at, _)| *at).unwrap();
            let wait = timetable.take(step, LEAST, next.0);
            assert!(wait < Duration::from_secs(7), "{wait:?}");
            *next = (next.0 + wait, next.1 + 1);
        }
        assert!(connections.iter().all(|(_, moved)| *moved == 100));
    }
}
