//! What meets the network, through the server's own binary and real clients: TLS, Unix sockets,
//! sockets of systemd's, browsers, proxies, slow lines. What misbehaves is `hostile`'s.

mod browsers;
mod slow;
mod sockets;
pub(crate) mod tls;

use crate::restic::{RESTIC, Restic, text};
use crate::tools::tool;
use crate::tree::{self, TempDir};
use std::path::Path;
use std::process::{Command, Output};

/// Bytes that are backed up.
const SIZE: usize = 3 << 20;

/// A restic that may trust an authority of its own, and what it backs up.
struct Host {
    restic: Restic,
    ca: Option<String>,
    dir: TempDir,
}

impl Host {
    /// None, and the reason printed, where there is no restic.
    fn new(repository: &str, ca: Option<&Path>) -> Option<Self> {
        let dir = TempDir::new();
        let restic = Restic::find(RESTIC, repository, dir.path())?;
        tree::grow(&dir.path().join("files"), 1, SIZE);
        let ca = ca.map(|path| text(path).to_owned());
        Some(Self { restic, ca, dir })
    }

    fn run(&self, words: &[&str]) {
        let ca = self.ca.iter().flat_map(|ca| ["--cacert", ca]);
        let words: Vec<&str> = ca.chain(words.iter().copied()).collect();
        self.restic.run(&words);
    }

    /// Makes the repository, backs up, reads all of it, and restores it.
    fn cycle(&self) {
        self.run(&["init"]);
        self.backup();
        self.run(&["check", "--read-data"]);
        let to = self.dir.path().join("restored");
        self.run(&["restore", "latest", "--target", text(&to)]);
        let files = self.dir.path().join("files");
        tree::compare(&files, &to.join(files.strip_prefix("/").unwrap()));
    }

    fn backup(&self) {
        self.run(&["backup", text(&self.dir.path().join("files"))]);
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
    tool(program).is_some()
}
