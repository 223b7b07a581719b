//! The log: lines to standard error, as `RUST_LOG` wants them. What is said is others' business, and
//! how often the same is said `lines`'.
//!
//! Whoever reads it may stand still: a stopped terminal, a full pipe. The server goes on; what
//! nobody takes is counted, and the count is told when somebody reads again.

use crate::civil;
use crate::lines::{REPEATED, Repeats, harmless};
use crate::server;
use crate::watch::Watch;
use log::{Level, LevelFilter, warn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use std::env;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

/// Bytes written at once. A pipe that can take something takes as many without a wait (POSIX).
const ATOMIC: usize = 4096;
/// Longest wait for a reader that has kept up so far; one that hasn't is waited for no more.
const PATIENCE: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};
const NONE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Starts the log at a level, unless `RUST_LOG` names another; warnings go to `watch` as well.
pub fn start_log(level: &str, watch: Option<Arc<Watch>>) {
    let asked = env::var("RUST_LOG").unwrap_or_default();
    let is_bogus = is_bogus(&asked);
    let filters = if asked.is_empty() || is_bogus {
        level
    } else {
        &asked
    };
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(filters);
    // systemd puts the time before each line itself, and reads the priority there.
    let journal = env::var_os("JOURNAL_STREAM").is_some();
    let repeats = Arc::<Repeats>::default();
    builder.format(move |out, record| {
        // It calls it an error that its accept loop ends, which is what we want of it.
        if record.target().starts_with(server::LIBRARY) {
            return Ok(());
        }
        if let Some(watch) = watch.as_ref().filter(|_| record.target() != REPEATED) {
            watch.log(record);
        }
        let line = harmless(&record.args().to_string());
        if !repeats.admits(record, &line) {
            return Ok(());
        }
        write!(out, "{}", beginning(record.level(), journal))?;
        writeln!(out, "{:<5} {line}", record.level())
    });
    let patient = Patient::new(io::stderr());
    builder.target(env_logger::Target::Pipe(Box::new(patient)));
    builder.init();
    // At trace the HTTP library writes whole addresses, some of which hold secrets.
    log::set_max_level(log::max_level().min(LevelFilter::Debug));
    if is_bogus {
        warn!(
            "RUST_LOG {asked:?} is no level: write error, warn, info, debug or off; {level} counts"
        );
    }
}

/// Whether it is one word that is neither a level nor this program, so that nothing would be said.
fn is_bogus(asked: &str) -> bool {
    let is_word = !asked.is_empty() && !asked.contains([',', '=', ':', '/']);
    is_word && asked.parse::<LevelFilter>().is_err() && asked != env!("CARGO_CRATE_NAME")
}

/// What stands before a line: for the journal its priority, as sd-daemon(3) has it, for others the
/// time.
fn beginning(level: Level, journal: bool) -> String {
    let priority = match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    };
    match journal {
        true => format!("<{priority}>"),
        false => format!("{} ", civil::rfc3339(civil::now())),
    }
}

/// Writes lines as long as somebody takes them.
struct Patient<W> {
    to: W,
    /// Lines that nobody took, since the last that somebody did.
    lost: u64,
}

impl<W: Write + AsFd> Patient<W> {
    fn new(to: W) -> Self {
        Self { to, lost: 0 }
    }

    /// Writes a line, if that works without standing still.
    fn line(&mut self, line: &[u8]) -> io::Result<bool> {
        for part in line.chunks(ATOMIC) {
            if !self.takes() {
                return Ok(false);
            }
            self.to.write_all(part)?;
        }
        Ok(true)
    }

    fn takes(&self) -> bool {
        let mut fds = [PollFd::new(&self.to, PollFlags::OUT)];
        let wait = if self.lost == 0 { PATIENCE } else { NONE };
        retry_on_intr(|| poll(&mut fds, Some(&wait))).is_ok_and(|ready| ready > 0)
    }
}

impl<W: Write + AsFd> Write for Patient<W> {
    /// The logger hands over a line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let lost = self.lost;
        if lost > 0 && self.takes() {
            self.lost = 0;
            let note =
                format!("WARN  {lost} lines of the log are missing here: nobody took them\n");
            self.line(note.as_bytes())?;
        }
        if self.lost > 0 || !self.line(line)? {
            self.lost += 1;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};

    #[test]
    fn a_reader_that_stands_still_stops_nobody() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let mut log = Patient::new(writer);
        let line = |number: u32| format!("{number:99}\n");
        for number in 0..10_000 {
            log.write_all(line(number).as_bytes()).expect("a reader");
        }
        let lost = log.lost;
        assert!(lost > 0);
        let mut lines = BufReader::new(reader).lines();
        let mut next = || lines.next().expect("a line").expect("it is text");
        // Of the last line before the gap some may be missing.
        for number in 0..10_000 - u32::try_from(lost).expect("few") - 1 {
            assert_eq!(next(), line(number).trim_end());
        }
        log.write_all(b"again\n").expect("a reader");
        drop(log);
        let rest: Vec<String> = lines.map(|line| line.expect("text")).collect();
        let note = format!("WARN  {lost} lines of the log are missing here");
        assert!(rest.iter().any(|line| line.starts_with(&note)), "{rest:?}");
        assert_eq!(rest.last().expect("the last"), "again");
    }

    #[test]
    fn words_that_are_no_levels() {
        for (asked, is) in [
            ("bogus", true),
            ("", false),
            ("INFO", false),
            ("off", false),
            ("restic_123pan", false),
            ("restic_123pan::front=debug,warn", false),
        ] {
            assert_eq!(is_bogus(asked), is, "{asked}");
        }
    }
}
