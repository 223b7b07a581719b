//! What meets the network, through the server's own binary and real clients: TLS, Unix sockets,
//! sockets of systemd's, browsers, proxies, slow lines. What misbehaves is `hostile`'s.

mod browsers;
mod slow;
mod sockets;
pub(crate) mod tls;

use crate::clients;
use crate::tree::{self, TempDir};
use std::path::Path;
use std::process::{Command, Output};

/// Bytes that are backed up.
const SIZE: usize = 3 << 20;

/// A restic with a repository; None where there is none in the cache.
struct Restic {
    command: Box<dyn Fn() -> Command>,
    dir: TempDir,
}

impl Restic {
    fn new(repository: &str, ca: Option<&Path>) -> Option<Self> {
        let Some(program) = clients::restic() else {
            eprintln!("SKIPPED: restic is not in the cache; tests/clients.sh says why");
            return None;
        };
        let dir = TempDir::new();
        tree::grow(&dir.path().join("files"), 1, SIZE);
        let (home, ca) = (dir.path().to_owned(), ca.map(Path::to_owned));
        let repository = repository.to_owned();
        let command = move || {
            let mut command = Command::new(&program);
            command.env_clear().env("HOME", &home);
            command.env("RESTIC_PASSWORD", "secret");
            command.env("RESTIC_REPOSITORY", &repository);
            if let Some(ca) = &ca {
                command.arg("--cacert").arg(ca);
            }
            command
        };
        let command = Box::new(command);
        Some(Self { command, dir })
    }

    fn run(&self, args: &[&str]) {
        succeeds((self.command)().args(args));
    }

    /// Makes the repository, backs up, reads all of it, and restores it.
    fn cycle(&self) {
        self.run(&["init"]);
        self.backup();
        self.run(&["check", "--read-data"]);
        let to = self.dir.path().join("restored");
        self.run(&["restore", "latest", "--target", to.to_str().unwrap()]);
        let files = self.dir.path().join("files");
        let restored = to.join(files.strip_prefix("/").unwrap());
        assert!(tree::read(&files) == tree::read(&restored));
    }

    fn backup(&self) {
        let files = self.dir.path().join("files");
        self.run(&["backup", files.to_str().unwrap()]);
    }
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    output
}

/// Whether a program is there.
fn have(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("SKIPPED: there is no {program}");
    }
    found
}
