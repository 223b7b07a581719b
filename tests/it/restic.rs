//! The real clients, run one way everywhere: in an environment of their own, with a cache and a
//! password of their own, within a bound of time. What they are run for is the tests' business.

use crate::tools;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longest that any one command of a client may take. Clients repeat failed requests for up to
/// 15 minutes, which a test shouldn't wait for.
const PATIENCE: Duration = Duration::from_secs(240);

/// The clients, by their places in the cache.
pub(crate) const DEBIAN: &str = "restic-debian";
pub(crate) const RESTIC: &str = "restic-0.19.1";
pub(crate) const RUSTIC: &str = "rustic-root/bin/rustic";

/// Tests of one function, each a line: its name, and what the function is called with.
macro_rules! cases {
    ($try:ident; $($name:ident: $($word:expr),*;)*) => {
        $(#[test]
        fn $name() {
            $try($($word),*);
        })*
    };
}
pub(crate) use cases;

/// A client, on a machine of its own, with the repository that it works on.
pub(crate) struct Restic {
    program: PathBuf,
    /// The repository's address.
    pub(crate) repository: String,
    home: PathBuf,
}

impl Restic {
    /// A client of the cache; None, and the reason printed, where it isn't there. `home` holds its
    /// cache and its outputs.
    pub(crate) fn find(
        client: &str,
        repository: impl Into<String>,
        home: impl Into<PathBuf>,
    ) -> Option<Self> {
        let program = tools::client(client)?;
        let (repository, home) = (repository.into(), home.into());
        fs::create_dir_all(&home).unwrap();
        Some(Self {
            program,
            repository,
            home,
        })
    }

    /// The same client with another repository.
    pub(crate) fn with(&self, repository: impl Into<String>) -> Self {
        Self {
            program: self.program.clone(),
            repository: repository.into(),
            home: self.home.clone(),
        }
    }

    /// A command, which may be changed before it is started.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        let host = self.home.file_name().unwrap_or(OsStr::new("host"));
        command
            .args(words)
            .env_clear()
            .env("HOME", &self.home)
            .env("HOSTNAME", host)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("RESTIC_CACHE_DIR", self.home.join("cache"))
            .env("RESTIC_FROM_PASSWORD", "secret")
            .env("RESTIC_REPOSITORY", &self.repository)
            .env("RUSTIC_NO_PROGRESS", "true")
            .env("RUSTIC_CACHE_DIR", self.home.join("cache"))
            .env("RUSTIC_REPOSITORY", &self.repository)
            .stdin(Stdio::null());
        if !words.contains(&"--password-file") {
            command
                .env("RESTIC_PASSWORD", "secret")
                .env("RUSTIC_PASSWORD", "secret");
        }
        command
    }

    /// Starts a command.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        self.start_as(self.command(words), words)
    }

    /// Starts a command that was changed.
    pub(crate) fn start_as(&self, mut command: Command, words: &[&str]) -> Running {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let [output, errors] = ["out", "err"].map(|end| self.home.join(format!("{number}.{end}")));
        command
            .stdout(File::create(&output).unwrap())
            .stderr(File::create(&errors).unwrap());
        Running {
            child: command.spawn().unwrap(),
            what: format!("{} {}", self.program.display(), words.join(" ")),
            output,
            errors,
        }
    }

    /// Runs a command to its end, which must be a good one; returns what it printed.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        self.start(words).succeed()
    }

    /// Runs a command that must fail; returns all that it said.
    pub(crate) fn refused(&self, words: &[&str]) -> String {
        self.start(words).fail()
    }

    /// Restores restic's newest snapshot and compares it with the folder that it was made of.
    pub(crate) fn restore_and_compare(&self, files: &Path) {
        let target = crate::tree::TempDir::new();
        self.run(&["restore", "latest", "--target", text(target.path())]);
        let restored = target.path().join(files.strip_prefix("/").unwrap());
        crate::tree::compare(files, &restored);
    }
}

/// A path as a word of a command.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A command under way, which ends when this is dropped.
pub(crate) struct Running {
    /// Its process.
    pub(crate) child: Child,
    what: String,
    output: PathBuf,
    errors: PathBuf,
}

impl Running {
    /// Waits for its end: whether it was a good one, what it printed, and what it complained of.
    pub(crate) fn end(mut self) -> (bool, String, String) {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status.to_string(),
                None if Instant::now() > end => break "did not end".to_owned(),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        let (output, errors) = (read(&self.output), read(&self.errors));
        let good = status == "exit status: 0";
        (good, output, format!("{}: {status}\n{errors}", self.what))
    }

    /// Waits until it says one of these, or ends; all that it has said. Clients repeat for a quarter
    /// of an hour what may succeed later.
    pub(crate) fn until(mut self, words: &[&str]) -> String {
        self.hear(words)
    }

    /// The same of a command that then goes on.
    pub(crate) fn hear(&mut self, words: &[&str]) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().unwrap().is_some() || Instant::now() > end;
            let read = |path| fs::read_to_string(path).unwrap_or_default();
            let said = read(&self.output) + &read(&self.errors);
            if ended || words.iter().any(|word| said.contains(word)) {
                return said;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end, which must be a good one; what it printed.
    pub(crate) fn succeed(self) -> String {
        let (good, output, errors) = self.end();
        assert!(good, "{errors}\n{output}");
        output
    }

    /// Waits for its end, which must be a bad one; all that it said.
    pub(crate) fn fail(self) -> String {
        let (good, output, errors) = self.end();
        assert!(!good, "{errors}\n{output}");
        output + &errors
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
