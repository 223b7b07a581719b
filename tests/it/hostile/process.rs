//! What the kernel tells of the server's process: memory, descriptors, threads.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// A process, by its folder in /proc.
pub(super) struct Process(String);

/// What it takes now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Megabytes in memory, and the most there ever were.
    pub(super) memory: u64,
    pub(super) peak: u64,
    /// Kilobytes of the process's own.
    pub(super) own: u64,
    pub(super) descriptors: usize,
    pub(super) threads: usize,
}

impl Process {
    pub(super) fn of(pid: u32) -> Self {
        Self(format!("/proc/{pid}"))
    }

    pub(super) fn look(&self) -> Look {
        let text = fs::read_to_string(format!("{}/status", self.0)).unwrap();
        let number = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let word = line.and_then(|rest| rest.split_whitespace().next());
            word.unwrap().parse().unwrap()
        };
        Look {
            memory: number("VmRSS:") >> 10,
            peak: number("VmHWM:") >> 10,
            own: number("RssAnon:"),
            descriptors: self.descriptors(),
            threads: usize::try_from(number("Threads:")).unwrap(),
        }
    }

    /// The most descriptors that were open at a look, until it is told to stop.
    pub(super) fn most_descriptors(&self, stop: &AtomicBool) -> usize {
        let mut most = 0;
        while !stop.load(Ordering::SeqCst) {
            most = most.max(self.descriptors());
            thread::sleep(Duration::from_millis(50));
        }
        most
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(format!("{}/fd", self.0)).map_or(0, Iterator::count)
    }
}
