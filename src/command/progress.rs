//! How far something is: for a copy a bar with the time left on a terminal, or a plain line now and
//! then; for shorter work a line on the terminal.

use crate::speech::said;
use crate::sync::lock;
use crate::units::bytes as size;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Between two drawings of the bar.
const FRAME: Duration = Duration::from_millis(250);
/// Between two plain lines, which may go into a log.
const LINE: Duration = Duration::from_secs(60);
/// Width of the bar in characters.
const BAR: u64 = 24;
/// Least time between two changes of a line without a bar.
const SHORT: Duration = Duration::from_millis(200);
/// Before this much has passed, the time left would be a guess.
const WARM: Duration = Duration::from_secs(5);

/// Where it is shown.
pub struct Screen<'a> {
    /// Lines go here.
    pub out: &'a mut (dyn Write + Send),
    /// Whether it is a terminal, on which a line can be drawn again.
    pub terminal: bool,
}

/// What is done of what is to be done. Bytes count when they are read.
#[derive(Debug)]
pub(super) struct Progress {
    /// Files and bytes; behind a lock, as 32-bit MIPS has no 64-bit atomics.
    done: Mutex<(u64, u64)>,
    all: (u64, u64),
    start: Instant,
}

impl Progress {
    /// So much is to be done.
    pub(super) fn new(files: u64, bytes: u64) -> Self {
        Self {
            done: Mutex::default(),
            all: (files, bytes),
            start: Instant::now(),
        }
    }

    /// A file is done.
    pub(super) fn file(&self) {
        lock(&self.done).0 += 1;
    }

    /// So many bytes are done.
    pub(super) fn bytes(&self, n: u64) {
        lock(&self.done).1 += n;
    }

    /// So many bytes must be done again.
    pub(super) fn undo(&self, n: u64) {
        lock(&self.done).1 -= n;
    }

    /// Does the work and shows meanwhile how far it is.
    pub(super) fn shown<T>(&self, screen: Screen<'_>, work: impl FnOnce() -> T) -> T {
        let Screen { out, terminal } = screen;
        let done = AtomicBool::new(false);
        let every = if terminal { FRAME } else { LINE };
        thread::scope(|scope| {
            let painter = scope.spawn(|| {
                let mut shown = Instant::now();
                while !done.load(Ordering::Relaxed) {
                    thread::park_timeout(every);
                    if shown.elapsed() >= every {
                        shown = Instant::now();
                        self.show(out, terminal);
                    }
                }
                self.show(out, terminal);
                let _ = out.write_all(if terminal { b"\n" } else { b"" });
            });
            // Dropped also when the work panics, so that the painter ends.
            let _end = End(&done, painter.thread().clone());
            work()
        })
    }

    fn show(&self, out: &mut dyn Write, terminal: bool) {
        let line = said(&self.line(self.start.elapsed(), terminal));
        // The rest of a longer line is cleared.
        let (before, after) = match terminal {
            true => ("\r", "\x1b[K"),
            false => ("", "\n"),
        };
        let _ = write!(out, "{before}{line}{after}");
        let _ = out.flush();
    }

    fn line(&self, elapsed: Duration, bar: bool) -> String {
        let ((files, bytes), (all_files, all)) = (*lock(&self.done), self.all);
        let bytes = bytes.min(all);
        let mut text = String::new();
        if bar {
            let full = (bytes * BAR).checked_div(all).unwrap_or(BAR);
            text.extend((0..BAR).map(|at| if at < full { '#' } else { '.' }));
            text.push(' ');
        }
        let percent = (bytes * 100).checked_div(all).unwrap_or(100);
        let (done, whole) = (size(bytes), size(all));
        let _ = write!(
            text,
            "{percent}% of {whole}: {done}, {files} of {all_files} files"
        );
        if elapsed >= WARM && bytes > 0 && files < all_files {
            let left = u128::from(all - bytes) * elapsed.as_millis() / u128::from(bytes);
            let left = Duration::from_millis(u64::try_from(left).unwrap_or(u64::MAX));
            let speed = size(bytes / elapsed.as_secs());
            let _ = write!(text, ", {speed}/s, {} left", time(left));
        }
        text
    }
}

/// Ends the painter.
struct End<'a>(&'a AtomicBool, thread::Thread);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.unpark();
    }
}

/// A line on the terminal that says how far something is; nothing where there is no terminal.
#[derive(Debug)]
pub(super) struct Line(Option<Mutex<Option<Instant>>>);

impl Line {
    /// No line yet.
    pub(super) fn new() -> Self {
        Self(io::stderr().is_terminal().then(Mutex::default))
    }

    /// Says how far it is, unless that was just said.
    pub(super) fn say(&self, text: &str) {
        let Some(last) = &self.0 else { return };
        let mut last = lock(last);
        if last.is_none_or(|at| at.elapsed() >= SHORT) {
            *last = Some(Instant::now());
            let _ = write!(io::stderr(), "\r\x1b[K{}", said(text));
        }
    }

    /// Makes room for other text.
    pub(super) fn clear(&self) {
        if self.0.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}

fn time(left: Duration) -> String {
    match left.as_secs() {
        s @ ..60 => format!("{s} s"),
        s @ ..3600 => format!("{} min", s / 60),
        s => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let progress = Progress::new(4, 10 << 20);
        assert_eq!(
            progress.line(Duration::ZERO, false),
            "0% of 10.0 MiB: 0 B, 0 of 4 files"
        );
        progress.file();
        progress.bytes(5 << 20);
        assert_eq!(
            progress.line(Duration::from_secs(10), true),
            "############............ 50% of 10.0 MiB: 5.00 MiB, 1 of 4 files, 512 KiB/s, 10 s left"
        );
        progress.undo(5 << 20);
        assert!(
            progress
                .line(Duration::from_secs(10), false)
                .starts_with("0%")
        );
        assert!(Progress::new(0, 0).line(WARM, true).contains("100% of 0 B"));
    }

    #[test]
    fn times() {
        for (seconds, text) in [(59, "59 s"), (61, "1 min"), (7260, "2 h 1 min")] {
            assert_eq!(time(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_is_shown_ends_with_everything() {
        for (terminal, end) in [(false, "1 of 1 files\n"), (true, "1 of 1 files\x1b[K\n")] {
            let mut out = Vec::new();
            let progress = Progress::new(1, 1);
            let screen = Screen {
                out: &mut out,
                terminal,
            };
            progress.shown(screen, || {
                progress.bytes(1);
                progress.file();
            });
            let text = String::from_utf8(out).expect("text");
            assert!(text.ends_with(end), "{text:?}");
        }
    }
}
