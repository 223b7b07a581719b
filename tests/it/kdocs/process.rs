//! The server's own binary over an emulated user of Kdocs, as users start it.

use super::rig::BASE;
use crate::fake::kdocs::{Fake, Options, Switches};
use crate::tree::TempDir;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest wait for a line of the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server over an emulated user of Kdocs. The server ends when it is dropped.
pub(crate) struct Process {
    pub(crate) account: Arc<Fake>,
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

    /// The same over an account that behaves otherwise.
    pub(crate) fn with(options: &[&str], change: impl FnOnce(&mut Switches)) -> Self {
        let mut switches = Switches::default();
        change(&mut switches);
        let emulated = Options {
            switches,
            ..Options::default()
        };
        Self::over(Arc::new(Fake::with(emulated).unwrap()), options)
    }

    fn over(account: Arc<Fake>, options: &[&str]) -> Self {
        let dir = TempDir::new();
        let log = dir.path().join("log");
        let options: Vec<String> = options.iter().map(|word| (*word).to_owned()).collect();
        let mut words = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
        words.extend(options.iter().cloned());
        let state = dir.path().join("state");
        fs::create_dir_all(&state).unwrap();
        fs::write(state.join("kdocs-token.json"), account.grant()).unwrap();
        let probed = command(&account, &dir, &["doctor".to_owned(), "--probe".to_owned()]);
        probe(probed);
        let mut process = Self {
            server: start(command(&account, &dir, &words), &log),
            account,
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
        self.server = start(command(&self.account, &self.dir, &words), &self.log);
        self.listens();
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

    /// Another command of the program for the same account.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        command(&self.account, &self.dir, &words)
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
        let complaints = self.account.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

fn command(account: &Fake, dir: &TempDir, words: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    command
        .args(words)
        .args(["--cloud", "kdocs", "--repo-path", BASE])
        .args(["--kdocs-host", &account.url(), "--kdocs-largest", "24M"])
        .args(["--kdocs-app-id", account.app_id(), "--rate-share", "1"])
        .env("PAN123_KDOCS_APP_KEY", account.app_key())
        .env("PAN123_STATE_DIR", dir.path().join("state"))
        .env("RUST_LOG", "info")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
    command
}

/// Has the account tried out.
fn probe(mut command: Command) {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    assert!(output.status.success(), "{told}");
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
