//! A machine that runs the server's own binary: it can lose its power at any moment, its disk can
//! be full, its clock wrong, its network away. What the server keeps is there after the next
//! start. How that is done is `shim.c`'s, which is loaded into the server.

use crate::fake::Fake;
use crate::tools::missing;
use crate::tree::TempDir;
use crate::wire::Wire;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// The machine. It is switched off when it is dropped.
pub(super) struct Machine {
    /// The account, which other machines may use too.
    pub(super) cloud: Arc<Fake>,
    /// Where the server finds it.
    pub(super) url: String,
    options: Vec<String>,
    server: Option<Child>,
    dir: TempDir,
}

impl Machine {
    /// A machine that is off, over an account of its own; None, and the reason printed, where the
    /// shim can't be built.
    pub(super) fn new(options: &[&str]) -> Option<Self> {
        let Some(_) = shim() else {
            missing("there is no C compiler, `cc`, that can build a library to preload");
            return None;
        };
        let cloud = Fake::start();
        // Each machine that begins anew takes a token.
        cloud.set(|s| (s.tokens_allowed, s.tokens_live) = (1000, 1000));
        let dir = TempDir::new();
        fs::create_dir(dir.path().join("control")).unwrap();
        Some(Self {
            url: cloud.url(),
            cloud: Arc::new(cloud),
            options: options.iter().map(|word| (*word).to_owned()).collect(),
            server: None,
            dir,
        })
    }

    /// Switches it on, and waits until the server listens or has been killed.
    pub(super) fn start(&mut self) {
        let log = self.dir.path().join("log");
        let port = self.cloud.url().rsplit(':').next().unwrap().to_owned();
        let server = Command::new(env!("CARGO_BIN_EXE_restic-123pan"))
            .args(["--tier", "vip", "--rate-share", "1", "--allow-http-upload"])
            .args(["--listen", "127.0.0.1:0", "--api-url", &self.url])
            .args(&self.options)
            .arg("--state-dir")
            .arg(self.state())
            .env("PAN123_CLIENT_ID", self.cloud.client_id())
            .env("PAN123_CLIENT_SECRET", self.cloud.client_secret())
            .env("RUST_LOG", "info")
            .env("LD_PRELOAD", shim().unwrap())
            .env("POWER_CONTROL", self.dir.path().join("control"))
            .env("POWER_STATE", self.state())
            .env("POWER_PORT", port)
            .stderr(File::create(log).unwrap())
            .spawn();
        self.server = Some(server.unwrap());
        self.wait_for("it to listen", |machine| {
            machine.port().is_some() || machine.is_dead()
        });
    }

    /// Takes its power away.
    pub(super) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Takes its power away and gives it back.
    pub(super) fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// Whether the server has ended by itself.
    pub(super) fn is_dead(&mut self) -> bool {
        let server = self.server.as_mut();
        server.is_none_or(|server| server.try_wait().unwrap().is_some())
    }

    /// Sets what the shim reads.
    pub(super) fn set(&self, name: &str, value: u64) {
        let path = self.dir.path().join("control").join(name);
        // In one step, as the server reads it all the time.
        let new = self.dir.path().join("new control");
        fs::write(&new, value.to_string()).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// Takes that back.
    pub(super) fn unset(&self, name: &str) {
        fs::remove_file(self.dir.path().join("control").join(name)).unwrap();
    }

    /// Has the clock begin in 1970, a minute after the start of time.
    pub(super) fn begin_in_1970(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.set("behind", now.unwrap().as_secs() - 60);
    }

    /// The state directory.
    pub(super) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// A file of the state directory whose name begins and ends so.
    pub(super) fn state_file(&self, start: &str, end: &str) -> Option<PathBuf> {
        let mut all = self.state_files().into_iter();
        all.find(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(start) && name.ends_with(end)
        })
    }

    /// All files of the state directory.
    pub(super) fn state_files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.state()).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The log since the last start.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The lines of the log that hold a word.
    pub(super) fn lines(&self, word: &str) -> Vec<String> {
        let log = self.log();
        let lines = log.lines().filter(|line| line.contains(word));
        lines.map(str::to_owned).collect()
    }

    /// A request, and the status of its answer; None if the server was killed meanwhile.
    pub(super) fn ask(&self, method: &str, path: &str, body: &[u8]) -> Option<u16> {
        Some(ask(self.port()?, method, path, body)?.0)
    }

    /// The same, with the answer's body.
    pub(super) fn get(&self, path: &str) -> Option<(u16, Vec<u8>)> {
        ask(self.port()?, "GET", path, b"")
    }

    /// Removes a lock of `/r` that isn't there: before that is answered, packs are gone.
    pub(super) fn unlock(&self) -> Option<u16> {
        let path = format!("/r/locks/{}", name(b"no lock"));
        self.ask("DELETE", &path, b"")
    }

    /// Where it listens.
    pub(super) fn port(&self) -> Option<u16> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains("listening on"))?;
        let (_, after) = line.split_once("127.0.0.1:")?;
        after.split(',').next()?.parse().ok()
    }

    /// Waits until something is so.
    pub(super) fn wait_for(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(
                Instant::now() < end,
                "waited in vain for {what}:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A request on a connection of its own.
pub(super) fn ask(port: u16, method: &str, path: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut wire = Wire::try_open(([127, 0, 0, 1], port).into(), PATIENCE).ok()?;
    let answer = wire.try_ask(method, path, "Connection: close\r\n", body)?;
    Some((answer.status, answer.body?))
}

/// The name of a file with these bytes.
pub(super) fn name(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The library to preload, built once.
fn shim() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/power/shim.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("power.so");
        let new = library.with_extension(std::process::id().to_string());
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([new.as_os_str(), source.as_ref(), "-ldl".as_ref()])
            .status();
        let is_built = built.is_ok_and(|status| status.success());
        (is_built && fs::rename(&new, &library).is_ok()).then_some(library)
    };
    BUILT.get_or_init(build).as_deref()
}
