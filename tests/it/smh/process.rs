//! The server's own binary over an emulated library, as users start it.

use super::rig::BASE;
use crate::fake::smh::{Fake, Options, Switches};
use crate::process;
use crate::tree::TempDir;
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A server over an emulated library. The server ends when it is dropped.
pub(crate) struct Process {
    pub(crate) library: Arc<Fake>,
    process: process::Process,
    // Last, because the server writes into it.
    _dir: TempDir,
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
        let (cloud, state) = (Arc::clone(&library), dir.path().join("state"));
        let program = move |words: &[&str]| command(&cloud, &state, words);
        Self {
            process: process::Process::start(program, dir.path().join("log"), options),
            library,
            _dir: dir,
        }
    }

    /// Fails if anything went wrong that no client saw: a warning or an error in the log, except
    /// lines with one of the `expected` words; a call that breaks a rule.
    pub(crate) fn assert_clean(&self, expected: &[&str]) {
        self.assert_quiet(expected);
        let complaints = self.library.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

fn command(library: &Fake, state: &Path, words: &[&str]) -> Command {
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
        .env("PAN123_STATE_DIR", state)
        .env("RUST_LOG", "info")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
    command
}

impl Deref for Process {
    type Target = process::Process;

    fn deref(&self) -> &process::Process {
        &self.process
    }
}
