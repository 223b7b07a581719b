//! The client that wants nothing but its backup: restic, or the same requests where there is no
//! restic.

use crate::restic::RESTIC;
use crate::rig::Rig;
use crate::tools::client;
use crate::tree::{self, TempDir};
use crate::wire::Wire;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longest that any one command may take.
const PATIENCE: Duration = Duration::from_secs(240);
/// Bytes that are backed up.
const SIZE: usize = 1 << 20;

/// What it saw.
pub(super) struct Seen {
    took: Duration,
    /// Requests that had to be repeated.
    repeated: usize,
    restic: bool,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = if self.restic {
            "restic"
        } else {
            "no restic here, the same requests"
        };
        let took = self.took.as_secs_f64();
        write!(f, "{client}: fine, {took:.1} s, {} repeated", self.repeated)
    }
}

/// Makes a repository, backs up, and reads all of it again; each must succeed.
///
/// restic repeats everything but the first request of `init`, which people repeat: so often.
pub(super) fn back_up(rig: &Rig, inits: usize) -> Seen {
    let start = Instant::now();
    let program = client(RESTIC);
    let repeated = match &program {
        Some(program) => with_restic(program, rig, inits),
        None => by_hand(rig.address()),
    };
    Seen {
        took: start.elapsed(),
        repeated,
        restic: program.is_some(),
    }
}

/// Whether the server answers somebody who comes now.
pub(super) fn answers(address: SocketAddr) -> bool {
    let Ok(socket) = TcpStream::connect(address) else {
        return false;
    };
    let mut wire = Wire::over(socket);
    wire.send("GET /-/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    wire.try_answer(false)
        .is_some_and(|answer| answer.status == 200)
}

fn with_restic(program: &Path, rig: &Rig, inits: usize) -> usize {
    let dir = TempDir::new();
    let files = dir.path().join("files");
    tree::grow(&files, 1, SIZE);
    let commands: [(&[&str], usize); 3] = [
        (&["init"], inits),
        (&["backup", files.to_str().unwrap()], 1),
        (&["check", "--read-data"], 1),
    ];
    let mut repeated = 0;
    for (words, tries) in commands {
        let done = (1..=tries).any(|number| {
            let (done, said) = run(program, words, rig, dir.path());
            assert!(done || number < tries, "restic {words:?}:\n{said}");
            repeated += said.matches("retrying").count() + said.matches("returned error").count();
            repeated += usize::from(!done);
            done
        });
        assert!(done);
    }
    repeated
}

/// Whether it succeeds, and what it says.
fn run(program: &Path, words: &[&str], rig: &Rig, dir: &Path) -> (bool, String) {
    let output = dir.join("output");
    let file = std::fs::File::create(&output).unwrap();
    let mut child = Command::new(program)
        .args(words)
        .env_clear()
        .env("HOME", dir)
        .env("RESTIC_CACHE_DIR", dir.join("cache"))
        .env("RESTIC_REPOSITORY", rig.url("/honest/"))
        .env("RESTIC_PASSWORD", "secret")
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let end = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let said = std::fs::read_to_string(&output).unwrap();
    (status.success(), said)
}

/// What restic asks for a backup, over one connection at a time.
fn by_hand(address: SocketAddr) -> usize {
    let mut wire = Wire::open(address);
    let mut ask = |method: &str, path: &str, body: &[u8]| {
        let answer = wire.ask(method, path, "", body);
        assert_eq!(answer.status, 200, "{method} {path}");
    };
    let save = |kind: &str, body: &[u8]| format!("/honest/{kind}/{}", hex(&Sha256::digest(body)));
    ask("POST", "/honest/?create=true", b"");
    ask("POST", "/honest/config", &tree::random(1, 200));
    ask("POST", &save("keys", b"key"), b"key");
    ask("POST", &save("locks", b"lock"), b"lock");
    for number in 0..3 {
        let pack = tree::random(number, 1 << 20);
        ask("POST", &save("data", &pack), &pack);
    }
    ask("POST", &save("index", b"index"), b"index");
    ask("POST", &save("snapshots", b"snapshot"), b"snapshot");
    ask("DELETE", &save("locks", b"lock"), b"");
    ask("GET", "/honest/data/", b"");
    0
}
