//! Lines of the log: what others have written is made harmless before it stands in one, and
//! refusals and warnings that say the same again become one line a minute with their count. What says
//! the same is told by kind and subject where a line has them.

use crate::sync::lock;
use crate::warning::Line;
use log::{Level, Record};
use std::collections::HashMap;
use std::fmt::Write;
use std::mem;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The target of lines that tell of a refused request, so that they are counted like warnings.
pub const REFUSED: &str = "restic_123pan::refused";
/// The target of lines that tell how often others were said.
pub const REPEATED: &str = "restic_123pan::repeated";
/// Most bytes of a foreign text in a line.
pub const LONGEST: usize = 200;
/// How long lines that say the same are counted before they are told of.
const MINUTE: Duration = Duration::from_secs(60);
/// Most lines that are counted at a time; beyond it they are written as they come.
const MOST: usize = 256;

/// A foreign text as a line shows it: without what could end the line, steer a terminal or turn
/// the text around, and cut.
pub fn shown(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        let before = safe.len();
        push(&mut safe, c);
        if safe.len() > LONGEST {
            safe.truncate(before);
            safe.push_str("...");
            break;
        }
    }
    safe
}

/// A whole line, made harmless in the same way, in case a part of it wasn't.
pub fn harmless(line: &str) -> String {
    let mut safe = String::new();
    line.chars().for_each(|c| push(&mut safe, c));
    safe
}

fn push(safe: &mut String, c: char) {
    match c {
        '"' | '\'' | '\\' => safe.push(c),
        // Marks that can't stand alone count as unprintable too.
        c => drop(write!(safe, "{}", c.escape_debug())),
    }
}

/// A line without its numbers and traces, by which lines that say the same are known. Addresses
/// and names stay, whatever digits are in them.
pub fn alike(line: &str) -> String {
    let mut same = String::new();
    let mut traced = false;
    for word in line.split_inclusive([' ', '(', ')', ',', ';']) {
        let bare = word.trim_end_matches([' ', '(', ')', ',', ';']);
        let end = &word[bare.len()..];
        match traced || is_number(bare) {
            true => same.push('#'),
            false => same.push_str(bare),
        }
        same.push_str(end);
        traced = bare == "trace";
    }
    same
}

/// Whether a word is a number, perhaps with a sign or an end around it.
fn is_number(word: &str) -> bool {
    let word = word.trim_matches(['"', ':', '.', '%', '+', '-']);
    let mut bytes = word.bytes();
    let digits = bytes.all(|c| c.is_ascii_digit() || b".,".contains(&c));
    !word.is_empty() && digits && word.parse::<IpAddr>().is_err()
}

/// What was said within a minute.
#[derive(Debug)]
pub struct Repeats {
    minute: Duration,
    state: Mutex<State>,
}

impl Default for Repeats {
    fn default() -> Self {
        let (minute, state) = (MINUTE, Mutex::default());
        Self { minute, state }
    }
}

#[derive(Debug, Default)]
struct State {
    all: HashMap<String, Said>,
    /// Whether a thread waits until it is time to tell.
    tells: bool,
}

#[derive(Debug)]
struct Said {
    since: Instant,
    level: Level,
    /// How often it was said again.
    again: usize,
    /// How it was said last.
    last: String,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Written,
    Counted,
    /// It is counted, and somebody must tell of it later.
    CountedFirst,
}

impl Repeats {
    /// Whether a line is to be written now. One that says the same as another within a minute is
    /// counted instead, and told of in a line of its own when the minute is over.
    pub fn admits(self: &Arc<Self>, record: &Record<'_>, line: &str) -> bool {
        let counted = record.level() == Level::Warn || record.target() == REFUSED;
        if !counted || record.target() == REPEATED {
            return true;
        }
        let key = match Line::of(record.target()) {
            Line::Warning(..) => record.target().to_owned(),
            _ => alike(line),
        };
        let fate = self.count(record.level(), key, line, Instant::now());
        if fate == Fate::CountedFirst {
            // While nothing waits there is no thread, so that an idle server has one less.
            let repeats = Arc::clone(self);
            let body = move || repeats.tell();
            let _ = thread::Builder::new().name("repeats".into()).spawn(body);
        }
        fate == Fate::Written
    }

    fn count(&self, level: Level, key: String, line: &str, now: Instant) -> Fate {
        let mut state = lock(&self.state);
        if let Some(said) = state.all.get_mut(&key)
            && (said.again > 0 || now < said.since + self.minute)
        {
            said.again += 1;
            line.clone_into(&mut said.last);
            return match mem::replace(&mut state.tells, true) {
                true => Fate::Counted,
                false => Fate::CountedFirst,
            };
        }
        if state.all.len() >= MOST {
            let is_young = |said: &Said| said.again > 0 || now < said.since + self.minute;
            state.all.retain(|_, said| is_young(said));
        }
        if state.all.len() < MOST {
            let said = Said {
                since: now,
                level,
                again: 0,
                last: String::new(),
            };
            state.all.insert(key, said);
        }
        Fate::Written
    }

    /// Says what was counted, as long as there is something.
    fn tell(&self) {
        loop {
            let (due, next) = self.due(Instant::now());
            for (level, line) in due {
                log::log!(target: REPEATED, level, "{line}");
            }
            match next {
                Some(next) => thread::sleep(next.saturating_duration_since(Instant::now())),
                None => return,
            }
        }
    }

    /// What was counted and whose minute is over; and when the next one's is.
    fn due(&self, now: Instant) -> (Vec<(Level, String)>, Option<Instant>) {
        let mut state = lock(&self.state);
        let mut due = Vec::new();
        for said in state.all.values_mut() {
            if said.again > 0 && now >= said.since + self.minute {
                due.push((said.level, said.line()));
                (said.since, said.again) = (now, 0);
            }
        }
        let waiting = state.all.values().filter(|said| said.again > 0);
        let next = waiting.map(|said| said.since + self.minute).min();
        state.tells = next.is_some();
        (due, next)
    }
}

impl Said {
    fn line(&self) -> String {
        match self.again {
            1 => format!("{} (once more within a minute)", self.last),
            times => format!("{} ({times} times like this within a minute)", self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_are_harmless_and_short() {
        for (text, expected) in [
            (
                "/a b/\u{4f60}\u{597d}'\"\\\\",
                "/a b/\u{4f60}\u{597d}'\"\\\\",
            ),
            ("a\r\nb\0", "a\\r\\nb\\0"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("\u{202e}x\u{2028}", "\\u{202e}x\\u{2028}"),
        ] {
            assert_eq!(shown(text), expected);
            assert_eq!(harmless(text), expected);
        }
        assert_eq!(shown(&"x".repeat(LONGEST)).len(), LONGEST);
        for text in [
            "x".repeat(LONGEST + 1),
            "\u{4f60}".repeat(99),
            "\n".repeat(999),
        ] {
            let cut = shown(&text);
            assert!(cut.len() <= LONGEST + 3 && cut.ends_with("..."), "{cut}");
        }
    }

    #[test]
    fn lines_are_alike_but_for_numbers_and_traces() {
        let same = [
            (
                "x answered 7 \"no\" (trace \"a-1\")",
                "x answered 8 \"no\" (trace \"b\")",
            ),
            (
                "10.0.0.1 GET /a 401, 0 B in, 3 ms",
                "10.0.0.1 GET /a 401, 9 B in, 12 ms",
            ),
            ("80% of 1.5 GiB; 3 tries", "81% of 12.5 GiB; 4 tries"),
        ];
        for (one, other) in same {
            assert_eq!(alike(one), alike(other));
        }
        let different = [
            ("10.0.0.1 GET /a 401", "10.0.0.2 GET /a 401"),
            ("[::1]:80 is", "[::2]:80 is"),
            ("a pack 0a1b is", "a pack 0a1c is"),
            ("GET /a1 401", "GET /a2 401"),
        ];
        for (one, other) in different {
            assert_ne!(alike(one), alike(other));
        }
    }

    #[test]
    fn what_is_said_again_is_one_line_a_minute() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let count =
            |line: &str, seconds| repeats.count(Level::Warn, alike(line), line, at(seconds));
        assert_eq!(count("try 1", 0), Fate::Written);
        assert_eq!(count("another", 0), Fate::Written);
        assert_eq!(count("try 2", 1), Fate::CountedFirst);
        assert_eq!(count("try 3", 2), Fate::Counted);
        assert_eq!(repeats.due(at(59)), (vec![], Some(at(60))));
        let line = "try 3 (2 times like this within a minute)".to_owned();
        assert_eq!(repeats.due(at(60)), (vec![(Level::Warn, line)], None));
        assert_eq!(count("try 4", 61), Fate::CountedFirst);
        let line = "try 4 (once more within a minute)".to_owned();
        assert_eq!(repeats.due(at(130)), (vec![(Level::Warn, line)], None));
        assert_eq!(count("try 5", 191), Fate::Written, "after a silence");
        assert_eq!(count("another", 191), Fate::Written);
    }

    #[test]
    fn who_tells_ends_when_nothing_waits() {
        let minute = Duration::from_millis(300);
        let state = Mutex::default();
        let repeats = Repeats { minute, state };
        for fate in [Fate::Written, Fate::CountedFirst, Fate::Counted] {
            let counted = repeats.count(Level::Warn, alike("try 1"), "try 1", Instant::now());
            assert_eq!(counted, fate);
        }
        let start = Instant::now();
        repeats.tell();
        assert!(start.elapsed() >= minute / 2 && !lock(&repeats.state).tells);
        let state = lock(&repeats.state);
        assert!(state.all.values().all(|said| said.again == 0));
    }

    #[test]
    fn memory_is_bounded() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        let count = |line: &str, now| repeats.count(Level::Warn, alike(line), line, now);
        for number in 0..2 * MOST {
            assert_eq!(count(&format!("line{number}"), now), Fate::Written);
        }
        assert_eq!(lock(&repeats.state).all.len(), MOST);
        assert_eq!(count("new", now + MINUTE), Fate::Written);
        assert_eq!(lock(&repeats.state).all.len(), 1);
    }
}
