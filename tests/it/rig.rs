//! The server's own binary, started for one test over an emulator of its own in this process. What
//! clients do with it is the other files' business.

use crate::fake::Fake;
use crate::process::Process;
use crate::tree::TempDir;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// The variables of a developer's client, and of an OAuth app.
const CLIENT: [&str; 2] = ["PAN123_CLIENT_ID", "PAN123_CLIENT_SECRET"];
const APP: [&str; 2] = ["PAN123_OAUTH_CLIENT_ID", "PAN123_OAUTH_CLIENT_SECRET"];
/// The file of an OAuth grant in the state directory.
const GRANT: &str = "oauth-token.json";

/// A server over an emulator. The server ends when it is dropped, and the emulator with the last.
pub(crate) struct Rig {
    /// The emulator, which may have other servers besides.
    pub(crate) cloud: Arc<Fake>,
    process: Process,
    account: Account,
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
        let options = [&["--allow-http-upload"], options].concat();
        let program = account.clone();
        let program = move |words: &[&str]| program.command(words);
        Self {
            process: Process::start(program, dir.path().join("log"), &options),
            cloud,
            account,
            dir,
        }
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

    /// The file of the OAuth grant.
    pub(crate) fn grant(&self) -> PathBuf {
        self.account.state.join(GRANT)
    }

    /// The emulated account.
    pub(crate) fn cloud(&self) -> &Fake {
        &self.cloud
    }

    /// Fails if anything went wrong that no client saw: a warning or an error in the log, except
    /// lines with one of the `expected` words; a call that 123pan's rules forbid; a call too many.
    pub(crate) fn assert_clean(&self, expected: &[&str]) {
        self.assert_quiet(expected);
        let complaints = self.cloud.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
        let calls = self.cloud.calls();
        let limited: u64 = calls.endpoints.values().map(|count| count.limited).sum();
        assert_eq!(limited, 0, "calls refused for their rate: {calls:#?}");
    }
}

impl Deref for Rig {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// A program, and the account that it works on.
#[derive(Clone)]
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
}
