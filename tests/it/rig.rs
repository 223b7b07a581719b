//! The server's own binary, started for one test over an emulator of its own in this process,
//! with its log at hand. What clients do with it is the other files' business.

use crate::fake::Fake;
use crate::tree::TempDir;
use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for a line of the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where servers listen: below the ports that the system gives to emulators and connections, so that
/// a server that is killed finds its own free when it starts again.
const PORTS: Range<u16> = 20_000..32_000;

/// The variables of a developer's client, and of an OAuth app.
const CLIENT: [&str; 2] = ["PAN123_CLIENT_ID", "PAN123_CLIENT_SECRET"];
const APP: [&str; 2] = ["PAN123_OAUTH_CLIENT_ID", "PAN123_OAUTH_CLIENT_SECRET"];
/// The file of an OAuth grant in the state directory.
const GRANT: &str = "oauth-token.json";

/// A server over an emulator. The server ends when it is dropped, and the emulator with the last.
pub(crate) struct Rig {
    /// The emulator, which may have other servers besides.
    pub(crate) cloud: Arc<Fake>,
    server: RefCell<Child>,
    port: Cell<u16>,
    log: PathBuf,
    account: Account,
    options: Vec<String>,
    // Last, because the server writes into it.
    dir: TempDir,
}

impl Rig {
    /// Starts both; `options` are the server's, besides those that every test needs.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::broken(options, |_| {})
    }

    /// The same over an emulator that something was done to before.
    pub(crate) fn broken(options: &[&str], breaks: impl FnOnce(&Fake)) -> Self {
        let cloud = Arc::new(Fake::start());
        breaks(&cloud);
        let url = cloud.url();
        let program = Path::new(env!("CARGO_BIN_EXE_restic-123pan"));
        Self::over(program, cloud, &url, options)
    }

    /// The same with another program and another emulator, which the server reaches at `url`.
    pub(crate) fn with(program: &Path, cloud: Fake, url: &str, options: &[&str]) -> Self {
        Self::over(program, Arc::new(cloud), url, options)
    }

    /// One more server over the same emulator, as on another machine.
    pub(crate) fn beside(&self) -> Self {
        let cloud = Arc::clone(&self.cloud);
        Self::over(&self.account.program, cloud, &self.account.url, &[])
    }

    fn over(program: &Path, cloud: Arc<Fake>, url: &str, options: &[&str]) -> Self {
        let dir = TempDir::new();
        let account = Account {
            program: program.to_owned(),
            url: url.to_owned(),
            credentials: [cloud.client_id(), cloud.client_secret()].map(str::to_owned),
            names: CLIENT,
            state: dir.path().join("state"),
        };
        Self::with_account(account, cloud, dir, options)
    }

    /// A server that uses the account by an OAuth app, with a user's grant.
    pub(crate) fn by_oauth(cloud: Fake, options: &[&str]) -> Self {
        let dir = TempDir::new();
        let account = Account {
            program: env!("CARGO_BIN_EXE_restic-123pan").into(),
            url: cloud.url(),
            credentials: [cloud.client_id(), cloud.client_secret()].map(str::to_owned),
            names: APP,
            state: dir.path().join("state"),
        };
        fs::create_dir(&account.state).unwrap();
        fs::write(account.state.join(GRANT), cloud.grant()).unwrap();
        Self::with_account(account, Arc::new(cloud), dir, options)
    }

    fn with_account(account: Account, cloud: Arc<Fake>, dir: TempDir, options: &[&str]) -> Self {
        let log = dir.path().join("log");
        let options: Vec<String> = options.iter().map(|word| (*word).to_owned()).collect();
        let port = next_port();
        let server = account.serve(&log, port, &options);
        let rig = Self {
            cloud,
            server: RefCell::new(server),
            port: Cell::new(port),
            log,
            account,
            options,
            dir,
        };
        if !rig.listens() {
            rig.restart(false);
        }
        rig
    }

    /// Kills the server and starts it again on its port, with a new log.
    pub(crate) fn kill_and_restart(&self) {
        let _ = self.server.borrow_mut().kill();
        self.restart(true);
    }

    /// The same on another port.
    pub(crate) fn kill_and_move(&self) {
        let _ = self.server.borrow_mut().kill();
        self.restart(false);
    }

    /// Has the server stop, and starts it again on its port, with a new log.
    pub(crate) fn stop_and_restart(&self) {
        let pid = rustix::process::Pid::from_child(&self.server.borrow());
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.restart(true);
    }

    /// Waits for the server's end and starts it again, on its port or another one.
    fn restart(&self, keep: bool) {
        let _ = self.server.borrow_mut().wait();
        let end = Instant::now() + PATIENCE;
        loop {
            let port = if keep { self.port() } else { next_port() };
            *self.server.borrow_mut() = self.account.serve(&self.log, port, &self.options);
            if self.listens() {
                return;
            }
            assert!(Instant::now() < end, "{port} stays in use");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the server listens; false if something else has its port.
    fn listens(&self) -> bool {
        match self.find(port) {
            Ok(port) => self.port.set(port),
            Err(log) if log.contains("is in use") => return false,
            Err(log) => panic!("the server has ended:\n{log}"),
        }
        true
    }

    /// Runs another command of the program for the same account; what it prints.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        let output = self.account.command(&words[..2]).args(&words[2..]).output();
        let output = output.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A command of the program's own, on the same account and with a state of its own.
    pub(crate) fn spare_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
        command
            .args(words)
            .args(["--tier", "vip", "--allow-http-upload"])
            .args(["--api-url", &self.cloud.url(), "--state-dir"])
            .arg(self.dir.path().join("state of commands"))
            .env("PAN123_CLIENT_ID", self.cloud.client_id())
            .env("PAN123_CLIENT_SECRET", self.cloud.client_secret());
        command
    }

    /// The same command of a user's, whatever comes of it.
    pub(crate) fn try_command(&self, words: &[&str]) -> Command {
        self.account.command(words)
    }

    /// The file of the OAuth grant.
    pub(crate) fn grant(&self) -> PathBuf {
        self.account.state.join(GRANT)
    }

    /// The emulated account.
    pub(crate) fn cloud(&self) -> &Fake {
        &self.cloud
    }

    /// A repository's address, as clients want it.
    pub(crate) fn url(&self, repo: &str) -> String {
        format!("rest:http://127.0.0.1:{}{repo}", self.port())
    }

    /// Where the server listens.
    pub(crate) fn port(&self) -> u16 {
        self.port.get()
    }

    /// The number of the server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.server.borrow().id()
    }

    /// Its exit code, if the server has ended by itself.
    pub(crate) fn ended(&self) -> Option<Option<i32>> {
        let status = self.server.borrow_mut().try_wait().unwrap()?;
        Some(status.code())
    }

    /// The address on which it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port()).into()
    }

    /// The server's log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until something is found in a line of the log.
    pub(crate) fn wait_for<T>(&self, find: impl Fn(&str) -> Option<T>) -> T {
        let found = self.find(find);
        found.unwrap_or_else(|log| panic!("the server has ended:\n{log}"))
    }

    /// The same; an Err with the log if the server ends before.
    fn find<T>(&self, find: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let ended = self.ended().is_some();
            if let Some(found) = self.log().lines().find_map(&find) {
                return Ok(found);
            }
            if ended {
                return Err(self.log());
            }
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

/// A program, and the account that it works on.
struct Account {
    program: PathBuf,
    url: String,
    credentials: [String; 2],
    /// The variables that the credentials stand in.
    names: [&'static str; 2],
    state: PathBuf,
}

impl Account {
    /// A command of the program.
    fn command(&self, words: &[&str]) -> Command {
        let [id, secret] = &self.credentials;
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .args(["--tier", "vip", "--api-url", &self.url])
            .env(self.names[0], id)
            .env(self.names[1], secret)
            .env("PAN123_STATE_DIR", &self.state);
        command
    }

    /// Starts the server; 0 is any port.
    fn serve(&self, log: &Path, port: u16, options: &[String]) -> Child {
        self.command(&["--allow-http-upload"])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(options)
            .env("RUST_LOG", "info")
            .env("RUST_BACKTRACE", "0")
            .stderr(File::create(log).unwrap())
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

/// A port for a server, not the same soon again, nor at once in another process.
fn next_port() -> u16 {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let own = process::id() as usize * 97;
    let at = own + COUNT.fetch_add(1, Ordering::Relaxed);
    PORTS.clone().nth(at % PORTS.len()).unwrap()
}
