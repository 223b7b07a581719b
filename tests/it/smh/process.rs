//! The server's own binary over an emulated library, as users start it.

use super::rig::BASE;
use crate::fake::smh::{Fake, Options, Switches};
use crate::tree::TempDir;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest wait for a line of the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server over an emulated library. The server ends when it is dropped.
pub(crate) struct Process {
    pub(crate) library: Arc<Fake>,
    server: Child,
    port: u16,
    log: PathBuf,
    options: Vec<String>,
    // Last, because the server writes into it.
    dir: TempDir,
}

impl Process {
    /// Starts both; `options` are the server's, besides those that every test needs.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::with(options, |_| {})
    }

    /// The same over a library that behaves otherwise.
    pub(crate) fn with(options: &[&str], change: impl FnOnce(&mut Switches)) -> Self {
        let mut switches = Switches::default();
        change(&mut switches);
        let emulated = Options {
            switches,
            ..Options::default()
        };
        Self::over(Arc::new(Fake::with(emulated).unwrap()), options)
    }

    /// One more server over the same library, as on another machine.
    pub(crate) fn beside(&self) -> Self {
        Self::over(Arc::clone(&self.library), &[])
    }

    fn over(library: Arc<Fake>, options: &[&str]) -> Self {
        let dir = TempDir::new();
        let log = dir.path().join("log");
        let options: Vec<String> = options.iter().map(|word| (*word).to_owned()).collect();
        let mut words = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
        words.extend(options.iter().cloned());
        let mut process = Self {
            server: start(command(&library, &dir, &words), &log),
            library,
            port: 0,
            log,
            options,
            dir,
        };
        process.port = process.listens();
        process
    }

    /// Waits until the server listens.
    fn listens(&mut self) -> u16 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(port) = self.log().lines().find_map(port) {
                return port;
            }
            let ended = self.server.try_wait().unwrap().is_some();
            assert!(!ended, "the server has ended:\n{}", self.log());
            assert!(Instant::now() < end, "it never listens:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Starts it again, where clients look for it.
    pub(crate) fn restart(&mut self) {
        let mut words = vec!["--listen".to_owned(), format!("127.0.0.1:{}", self.port)];
        words.extend(self.options.iter().cloned());
        self.server = start(command(&self.library, &self.dir, &words), &self.log);
        self.port = self.listens();
    }

    /// The same on another port.
    pub(crate) fn restart_elsewhere(&mut self) {
        self.port = 0;
        self.restart();
    }

    /// The number of the server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.server.id()
    }

    /// A repository's address, as clients want it.
    pub(crate) fn url(&self, repo: &str) -> String {
        format!("rest:http://127.0.0.1:{}{repo}", self.port)
    }

    /// Where the server listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The server's log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Another command of the program for the same library.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        command(&self.library, &self.dir, &words)
    }

    /// The same, which must succeed; what it prints.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{words:?}: {told}{errors}");
        told
    }

    /// The same, which must fail; all that it says.
    pub(crate) fn refused(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        assert!(!output.status.success(), "{words:?} succeeded");
        let all = [output.stdout, output.stderr].concat();
        String::from_utf8(all).unwrap()
    }

    /// Fails if anything went wrong that no client saw: a warning or an error in the log, except
    /// lines with one of the `expected` words; a call that breaks a rule.
    pub(crate) fn assert_clean(&self, expected: &[&str]) {
        let log = self.log();
        let loud = |line: &&str| {
            let head: String = line.chars().take(40).collect();
            let loud = ["WARN", "ERROR", "panicked"];
            loud.iter().any(|word| head.contains(word))
                && !expected.iter().any(|word| line.contains(word))
        };
        let bad: Vec<&str> = log.lines().filter(loud).collect();
        assert!(bad.is_empty(), "in the log:\n{}", bad.join("\n"));
        let complaints = self.library.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

fn command(library: &Fake, dir: &TempDir, words: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    command
        .args(words)
        .args(["--cloud", "smh", "--allow-http-upload", "--repo-path", BASE])
        .args([
            "--smh-host",
            &library.url(),
            "--smh-library",
            library.library(),
        ])
        .args(["--smh-space", library.space()])
        .env("PAN123_SMH_LIBRARY_SECRET", library.secret())
        .env("PAN123_STATE_DIR", dir.path().join("state"))
        .env("RUST_LOG", "info")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
    command
}

fn start(mut command: Command, log: &PathBuf) -> Child {
    command.stderr(File::create(log).unwrap()).spawn().unwrap()
}

/// The port that a line of the log names.
fn port(line: &str) -> Option<u16> {
    let (_, after) = line.split_once("127.0.0.1:")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    line.contains("listening").then(|| digits.parse().ok())?
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
