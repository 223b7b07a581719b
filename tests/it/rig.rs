//! The server's own binary, started for one test over an emulator of its own in this process,
//! with its log at hand. What clients do with it is the other files' business.

use crate::fake::Fake;
use crate::tree::TempDir;
use std::cell::RefCell;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Longest wait for a line of the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server over an emulator. Both end when it is dropped.
pub(crate) struct Rig {
    cloud: Fake,
    server: RefCell<Child>,
    port: u16,
    ways: Ways,
    // Last, because the server writes into it.
    _dir: TempDir,
}

/// How the program is called.
struct Ways {
    program: PathBuf,
    /// Where it finds the emulator.
    url: String,
    state: PathBuf,
    log: PathBuf,
    options: Vec<String>,
}

impl Rig {
    /// Starts both; `options` are the server's, besides those that every test needs.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::broken(options, |_| {})
    }

    /// The same over an emulator that something was done to before.
    pub(crate) fn broken(options: &[&str], breaks: impl FnOnce(&Fake)) -> Self {
        let cloud = Fake::start();
        breaks(&cloud);
        let url = cloud.url();
        let program = Path::new(env!("CARGO_BIN_EXE_restic-123pan"));
        Self::with(program, cloud, &url, options)
    }

    /// The same with another program and another emulator, which the server reaches at `url`.
    pub(crate) fn with(program: &Path, cloud: Fake, url: &str, options: &[&str]) -> Self {
        let dir = TempDir::new();
        let log = dir.path().join("log");
        let state = dir.path().join("state");
        let options: Vec<String> = options.iter().map(|word| (*word).to_owned()).collect();
        let ways = Ways {
            program: program.to_owned(),
            url: url.to_owned(),
            state,
            log,
            options,
        };
        let server = ways.spawn(&cloud, 0);
        let mut rig = Self {
            cloud,
            server: RefCell::new(server),
            port: 0,
            ways,
            _dir: dir,
        };
        rig.port = rig.wait_for(port);
        rig
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The emulator.
    pub(crate) fn cloud(&self) -> &Fake {
        &self.cloud
    }

    /// Kills the server and starts it again on its port, with a new log.
    pub(crate) fn kill_and_restart(&self) {
        let mut server = self.server.borrow_mut();
        let _ = server.kill();
        let _ = server.wait();
        *server = self.ways.spawn(&self.cloud, self.port);
        drop(server);
        self.wait_for(port);
    }

    /// Runs another command of the program for the same account; what it prints.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        let mut command = self.ways.program(&self.cloud);
        let output = command.args(&words[..2]).args(self.ways.account());
        let output = output.args(&words[2..]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A repository's address, as clients want it.
    pub(crate) fn url(&self, repo: &str) -> String {
        format!("rest:http://127.0.0.1:{}{repo}", self.port)
    }

    /// Where the server listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The number of the server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.server.borrow().id()
    }

    /// The server's log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.ways.log).unwrap_or_default()
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

impl Ways {
    /// The program with credentials.
    fn program(&self, cloud: &Fake) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("PAN123_CLIENT_ID", cloud.client_id())
            .env("PAN123_CLIENT_SECRET", cloud.client_secret())
            .env("PAN123_STATE_DIR", &self.state);
        command
    }

    /// The options that name an account.
    fn account(&self) -> [&str; 4] {
        ["--tier", "vip", "--api-url", &self.url]
    }

    fn spawn(&self, cloud: &Fake, port: u16) -> Child {
        self.program(cloud)
            .args(self.account())
            .args(["--allow-http-upload", "--listen"])
            .arg(format!("127.0.0.1:{port}"))
            .args(&self.options)
            .env("RUST_LOG", "info")
            .stderr(File::create(&self.log).unwrap())
            .spawn()
            .unwrap()
    }
}

/// The port that a line of the log names.
fn port(line: &str) -> Option<u16> {
    let (_, after) = line.split_once("127.0.0.1:")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    line.contains("listening").then(|| digits.parse().ok())?
}

impl Drop for Rig {
    fn drop(&mut self) {
        let server = self.server.get_mut();
        let _ = server.kill();
        let _ = server.wait();
    }
}
