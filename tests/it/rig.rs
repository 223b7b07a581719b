//! The server's own binary, started for one test over an emulator of its own in this process,
//! with its log at hand. What clients do with it is the other files' business.

use crate::fake::Fake;
use crate::tree::TempDir;
use std::cell::RefCell;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Longest wait for a line of the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server over an emulator. Both end when it is dropped.
pub(crate) struct Rig {
    cloud: Fake,
    server: RefCell<Child>,
    port: u16,
    log: PathBuf,
    // Last, because the server writes into it.
    _dir: TempDir,
}

impl Rig {
    /// Starts both; `options` are the server's, besides those that every test needs.
    pub(crate) fn start(options: &[&str]) -> Self {
        let cloud = Fake::start();
        let dir = TempDir::new();
        let log = dir.path().join("log");
        let state = dir.path().join("state");
        let server = Command::new(env!("CARGO_BIN_EXE_restic-123pan"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--tier",
                "vip",
                "--allow-http-upload",
            ])
            .args(["--api-url", &cloud.url(), "--state-dir"])
            .arg(&state)
            .args(options)
            .env("PAN123_CLIENT_ID", cloud.client_id())
            .env("PAN123_CLIENT_SECRET", cloud.client_secret())
            .env("RUST_LOG", "info")
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut rig = Self {
            cloud,
            server: RefCell::new(server),
            port: 0,
            log,
            _dir: dir,
        };
        rig.port = rig.wait_for(|line| {
            let (_, after) = line.split_once("127.0.0.1:")?;
            let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
            line.contains("listening").then(|| digits.parse().ok())?
        });
        rig
    }

    /// The account.
    pub(crate) fn cloud(&self) -> &Fake {
        &self.cloud
    }

    /// A repository's address, as clients want it.
    pub(crate) fn url(&self, repo: &str) -> String {
        format!("rest:http://127.0.0.1:{}{repo}", self.port)
    }

    /// The server's log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until something is found in a line of the log.
    pub(crate) fn wait_for<T>(&self, find: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = self.log().lines().find_map(&find) {
                return found;
            }
            let ended = self.server.borrow_mut().try_wait().unwrap();
            assert!(ended.is_none(), "the server has ended:\n{}", self.log());
            assert!(Instant::now() < end, "waited in vain:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Fails if anything went wrong that no client saw: a warning or an error in the log, except
    /// lines with one of the `expected` words; a call that 123pan's rules forbid; a call too many.
    pub(crate) fn assert_clean(&self, expected: &[&str]) {
        let log = self.log();
        let bad = |line: &&str| {
            let head: String = line.chars().take(40).collect();
            let loud = ["WARN", "ERROR", "panicked"]
                .iter()
                .any(|word| head.contains(word));
            loud && !expected.iter().any(|word| line.contains(word))
        };
        let bad: Vec<&str> = log.lines().filter(bad).collect();
        assert!(bad.is_empty(), "in the log:\n{}", bad.join("\n"));
        let complaints = self.cloud.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
        let calls = self.cloud.calls();
        let limited: u64 = calls.endpoints.values().map(|count| count.limited).sum();
        assert_eq!(limited, 0, "calls refused for their rate: {calls:#?}");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let server = self.server.get_mut();
        let _ = server.kill();
        let _ = server.wait();
    }
}
