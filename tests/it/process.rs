//! The program's own server in a process of its own, as users start it: with its log at hand, killed
//! and started again where clients look for it. Which cloud it is over is the users' of this business:
//! what an emulator must know of itself for that is [`Emulated`].

use crate::tree::TempDir;
use crate::waiting::awaited;
use crate::wire::Wire;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for a line of the log.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where servers listen: below the ports that the system gives to emulators and connections, so that
/// a server that is killed finds its own free when it starts again.
const PORTS: Range<u16> = 20_000..32_000;

/// Makes a command of the program from its first words.
type Program = dyn Fn(&[&str]) -> Command + Send + Sync;

/// A server, which ends when it is dropped.
pub(crate) struct Process {
    program: Box<Program>,
    options: Vec<String>,
    server: Mutex<Child>,
    port: AtomicU16,
    log: PathBuf,
}

impl Process {
    /// Starts the server with these options; `program` makes commands of the program, given their
    /// first words.
    pub(crate) fn start(
        program: impl Fn(&[&str]) -> Command + Send + Sync + 'static,
        log: PathBuf,
        options: &[&str],
    ) -> Self {
        let options: Vec<String> = options.iter().map(|word| (*word).to_owned()).collect();
        let port = next_port();
        let server = serve(&program, port, &options, &log);
        let process = Self {
            program: Box::new(program),
            options,
            server: Mutex::new(server),
            port: AtomicU16::new(port),
            log,
        };
        if !process.listens() {
            process.start_again(false);
        }
        process
    }

    /// Kills the server as a power cut would.
    pub(crate) fn kill(&self) {
        let mut server = self.server();
        let _ = server.kill();
        let _ = server.wait();
    }

    /// A request on a connection of its own; None if the server doesn't answer it.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &[u8]) -> Option<u16> {
        let mut wire = Wire::try_open(self.address(), PATIENCE).ok()?;
        let answer = wire.try_ask(method, path, "Connection: close\r\n", body)?;
        Some(answer.status)
    }

    /// Kills the server as soon as something is so, or what is done meanwhile has ended; what that
    /// came to.
    pub(crate) fn kill_when<T: Send>(
        &self,
        is_so: impl Fn() -> bool,
        work: impl FnOnce() -> T + Send,
    ) -> T {
        thread::scope(|scope| {
            let working = scope.spawn(work);
            self.until("its moment", || is_so() || working.is_finished());
            self.kill();
            working.join().unwrap()
        })
    }

    /// Starts it again where clients look for it, with a new log.
    pub(crate) fn restart(&self) {
        self.start_again(true);
    }

    /// Both.
    pub(crate) fn kill_and_restart(&self) {
        self.kill();
        self.restart();
    }

    /// The same on another port.
    pub(crate) fn kill_and_move(&self) {
        self.kill();
        self.start_again(false);
    }

    /// Has the server stop, and starts it again on its port, with a new log.
    pub(crate) fn stop_and_restart(&self) {
        let pid = rustix::process::Pid::from_child(&self.server());
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.restart();
    }

    /// Waits for the server's end and starts it again, on its port or another one.
    fn start_again(&self, keep: bool) {
        let _ = self.server().wait();
        let end = Instant::now() + PATIENCE;
        loop {
            let port = if keep { self.port() } else { next_port() };
            *self.server() = serve(&self.program, port, &self.options, &self.log);
            if self.listens() {
                return;
            }
            assert!(Instant::now() < end, "{port} stays in use");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the server listens; false if something else has its port.
    fn listens(&self) -> bool {
        match self.find(port) {
            Ok(port) => self.port.store(port, Ordering::SeqCst),
            Err(log) if log.contains("is in use") => return false,
            Err(log) => panic!("the server has ended:\n{log}"),
        }
        true
    }

    fn server(&self) -> MutexGuard<'_, Child> {
        self.server.lock().unwrap()
    }

    /// Another command of the program for the same cloud.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        (self.program)(words)
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

    /// A repository's address, as clients want it.
    pub(crate) fn url(&self, repo: &str) -> String {
        format!("rest:http://127.0.0.1:{}{repo}", self.port())
    }

    /// Where the server listens.
    pub(crate) fn port(&self) -> u16 {
        self.port.load(Ordering::SeqCst)
    }

    /// The address on which it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port()).into()
    }

    /// The number of the server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.server().id()
    }

    /// Its exit code, if the server has ended by itself.
    pub(crate) fn ended(&self) -> Option<Option<i32>> {
        let status = self.server().try_wait().unwrap()?;
        Some(status.code())
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
        awaited(|| {
            let ended = self.ended().is_some();
            let log = self.log();
            match log.lines().find_map(&find) {
                Some(found) => Ok(Ok(found)),
                None if ended => Ok(Err(log)),
                None => Err(log),
            }
        })
    }

    /// Waits until something is so that the log may tell of.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        awaited(|| {
            let tell = || format!("{what}\n{}", self.log());
            is_so().then_some(()).ok_or_else(tell)
        });
    }

    /// Fails if there is a warning or an error in the log, except lines with one of these words.
    pub(crate) fn assert_quiet(&self, expected: &[&str]) {
        let log = self.log();
        let is_bad = |line: &&str| {
            let head: String = line.chars().take(40).collect();
            let is_loud = ["WARN", "ERROR", "panicked"]
                .iter()
                .any(|word| head.contains(word));
            is_loud && !expected.iter().any(|word| line.contains(word))
        };
        let bad: Vec<&str> = log.lines().filter(is_bad).collect();
        assert!(bad.is_empty(), "in the log:\n{}", bad.join("\n"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An emulated cloud, as a server must know it.
pub(crate) trait Emulated: Send + Sync + Sized + 'static {
    /// What makes it behave otherwise.
    type Switches: Default;

    /// One that behaves so.
    fn with_switches(switches: Self::Switches) -> Self;

    /// Gives a command of the program the words and variables of the account.
    fn name_account(&self, command: &mut Command);

    /// What is done in the state directory before a server starts.
    fn prepare(&self, _state: &Path, _program: &dyn Fn(&[&str]) -> Command) {}

    /// Each breach of a rule by the client.
    fn complaints(&self) -> Vec<String>;
}

/// A server over an emulated cloud. The server ends when it is dropped.
pub(crate) struct Over<C> {
    /// The emulator, which may have other servers besides.
    pub(crate) cloud: Arc<C>,
    process: Process,
    // Last, because the server writes into it.
    _dir: TempDir,
}

impl<C: Emulated> Over<C> {
    /// Starts both; `options` are the server's, besides those that every test needs.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::with(options, |_| {})
    }

    /// The same over a cloud that behaves otherwise.
    pub(crate) fn with(options: &[&str], change: impl FnOnce(&mut C::Switches)) -> Self {
        let mut switches = C::Switches::default();
        change(&mut switches);
        Self::beginning(Arc::new(C::with_switches(switches)), options)
    }

    /// One more server over the same cloud, as on another machine.
    pub(crate) fn beside(&self) -> Self {
        Self::beginning(Arc::clone(&self.cloud), &[])
    }

    fn beginning(cloud: Arc<C>, options: &[&str]) -> Self {
        let dir = TempDir::new();
        let (account, state) = (Arc::clone(&cloud), dir.path().join("state"));
        let in_state = state.clone();
        let program = move |words: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
            command.args(words).env("PAN123_STATE_DIR", &in_state);
            command.env("RUST_LOG", "info").env("RUST_BACKTRACE", "0");
            account.name_account(command.stdin(Stdio::null()));
            command
        };
        cloud.prepare(&state, &program);
        Self {
            process: Process::start(program, dir.path().join("log"), options),
            cloud,
            _dir: dir,
        }
    }

    /// Fails if anything went wrong that no client saw: a warning or an error in the log, except
    /// lines with one of the `expected` words; a call that breaks a rule.
    pub(crate) fn assert_clean(&self, expected: &[&str]) {
        self.assert_quiet(expected);
        let complaints = self.cloud.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

impl<C> Deref for Over<C> {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// Starts a server on a port.
fn serve(program: &Program, port: u16, options: &[String], log: &PathBuf) -> Child {
    let listen = format!("127.0.0.1:{port}");
    let options = options.iter().map(String::as_str);
    let words: Vec<&str> = ["--listen", &listen].into_iter().chain(options).collect();
    let mut command = program(&words);
    command
        .env("RUST_LOG", "info")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stderr(File::create(log).unwrap());
    command.spawn().unwrap()
}

/// The port that a line of the log names.
pub(crate) fn port(line: &str) -> Option<u16> {
    let (_, after) = line.split_once("127.0.0.1:")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    line.contains("listening").then(|| digits.parse().ok())?
}

/// A port for a server, not the same soon again, nor at once in another process.
fn next_port() -> u16 {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let own = process::id() as usize * 97;
    let at = own + COUNT.fetch_add(1, Ordering::Relaxed);
    PORTS.clone().nth(at % PORTS.len()).unwrap()
}
