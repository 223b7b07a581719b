//! The server's own binary over an emulated user of Kdocs, as users start it.

use super::rig::BASE;
use crate::fake::kdocs::{Fake, Options, Switches};
use crate::process;
use crate::tree::TempDir;
use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A server over an emulated user of Kdocs. The server ends when it is dropped.
pub(crate) struct Process {
    pub(crate) account: Arc<Fake>,
    process: process::Process,
    // Last, because the server writes into it.
    _dir: TempDir,
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
        let state = dir.path().join("state");
        fs::create_dir_all(&state).unwrap();
        fs::write(state.join("kdocs-token.json"), account.grant()).unwrap();
        probe(command(&account, &state, &["doctor", "--probe"]));
        let cloud = Arc::clone(&account);
        let program = move |words: &[&str]| command(&cloud, &state, words);
        Self {
            process: process::Process::start(program, dir.path().join("log"), options),
            account,
            _dir: dir,
        }
    }

    /// Fails if anything went wrong that no client saw: a warning or an error in the log, except
    /// lines with one of the `expected` words; a call that breaks a rule.
    pub(crate) fn assert_clean(&self, expected: &[&str]) {
        self.assert_quiet(expected);
        let complaints = self.account.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

fn command(account: &Fake, state: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    command
        .args(words)
        .args(["--cloud", "kdocs", "--repo-path", BASE])
        .args(["--kdocs-host", &account.url(), "--kdocs-largest", "24M"])
        .args(["--kdocs-app-id", account.app_id(), "--rate-share", "1"])
        .env("PAN123_KDOCS_APP_KEY", account.app_key())
        .env("PAN123_STATE_DIR", state)
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

impl Deref for Process {
    type Target = process::Process;

    fn deref(&self) -> &process::Process {
        &self.process
    }
}
