//! Processes that are measured: started, asked for memory and CPU time through /proc, ended.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A process that ends with its owner.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it and waits for a line, of its output or its log, from which `find` makes
    /// something.
    pub(crate) fn start<T>(
        command: &mut Command,
        log: bool,
        find: impl Fn(&str) -> Option<T>,
    ) -> (Self, T) {
        match log {
            true => command.stderr(Stdio::piped()),
            false => command.stdout(Stdio::piped()),
        };
        let mut child = command.spawn().expect("`make bench` builds the programs");
        let pipe: Box<dyn Read + Send> = match log {
            true => Box::new(child.stderr.take().unwrap()),
            false => Box::new(child.stdout.take().unwrap()),
        };
        let mut lines = BufReader::new(pipe).lines();
        let found = lines.by_ref().find_map(|line| find(&line.unwrap()));
        let found = found.expect("the process ended before it was ready");
        // A full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        (Self(child), found)
    }

    /// Seconds of the processor so far, in user mode and in the kernel.
    pub(crate) fn cpu(&self) -> f64 {
        cpu(self.0.id())
    }

    /// A line of the process's status that counts kilobytes, in bytes.
    fn status(&self, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        let number = line
            .trim_start_matches(':')
            .trim()
            .split(' ')
            .next()
            .unwrap();
        number.parse::<u64>().unwrap() * 1024
    }
}

/// The same of this process.
pub(crate) fn own_cpu() -> f64 {
    cpu(std::process::id())
}

fn cpu(process: u32) -> f64 {
    /// Linux counts them in hundredths for every architecture.
    const TICKS: f64 = 100.0;
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name before it may hold spaces; after it come the state and, eleven further on, the two
    // times.
    let (_, after) = text.rsplit_once(") ").unwrap();
    let times = after.split(' ').skip(11).take(2);
    times.map(|time| time.parse::<f64>().unwrap()).sum::<f64>() / TICKS
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether Tencent SMH is measured, with `CLOUD=smh`, and not 123pan.
pub(crate) fn is_smh() -> bool {
    std::env::var("CLOUD").is_ok_and(|cloud| cloud == "smh")
}

/// What names the emulated account at an address.
fn account(url: &str) -> Vec<&str> {
    const LIBRARY: &str = "smhdemo0123456789";
    match is_smh() {
        true => vec![
            "--cloud",
            "smh",
            "--smh-host",
            url,
            "--smh-library",
            LIBRARY,
        ],
        false => vec!["--api-url", url],
    }
}

/// A server over an emulator.
pub(crate) struct Server {
    process: Process,
    port: u16,
    state: PathBuf,
    started: Duration,
    url: String,
    _emulator: Process,
}

impl Server {
    /// Starts both, the emulator without contents; `memory` is the budget for held bodies.
    pub(crate) fn start(memory: &str) -> Self {
        let server = ["--rate-share", "1", "--memory", memory];
        match is_smh() {
            true => Self::with(&["--cloud", "smh", "--discard"], &server, |_| {}),
            false => {
                let server = [&["--tier", "vip"][..], &server].concat();
                Self::with(&["--discard"], &server, |_| {})
            }
        }
    }

    /// Starts the emulator with its options, lets `prepare` do something with its URL, and starts
    /// the server with its own.
    pub(crate) fn with(emulator: &[&str], server: &[&str], prepare: impl FnOnce(&str)) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let program = PathBuf::from(env!("CARGO_BIN_EXE_restic-123pan"));
        let mut command = Command::new(program.with_file_name("examples").join("fake123pan"));
        command.args(["--listen", "127.0.0.1:0"]).args(emulator);
        let url = |line: &str| line.split(' ').next().map(str::to_owned);
        let (emulator, url) = Process::start(&mut command, false, url);
        prepare(&url);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("restic-123pan-bench-{}-{number}", std::process::id());
        let state = std::env::temp_dir().join(name);
        let mut command = Command::new(program);
        command
            .args(["--listen", "127.0.0.1:0", "--allow-http-upload"])
            .args(account(&url))
            .arg("--state-dir")
            .arg(&state)
            .args(server)
            .env("PAN123_CLIENT_ID", "demo")
            .env("PAN123_CLIENT_SECRET", "demo")
            .env("PAN123_SMH_LIBRARY_SECRET", "demo")
            .env("RUST_LOG", "info");
        let start = Instant::now();
        let (process, port) = Process::start(&mut command, true, |line| {
            let (_, after) = line.split_once("listening on 127.0.0.1:")?;
            let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        });
        Self {
            process,
            port,
            state,
            started: start.elapsed(),
            url,
            _emulator: emulator,
        }
    }

    /// How long it took until it listened.
    pub(crate) fn started(&self) -> Duration {
        self.started
    }

    /// Where the emulator is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The server alone.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Bytes of memory that it holds now.
    pub(crate) fn resident(&self) -> u64 {
        self.process.status("VmRSS")
    }

    /// The most that it has held.
    pub(crate) fn most_resident(&self) -> u64 {
        self.process.status("VmHWM")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.state);
    }
}
