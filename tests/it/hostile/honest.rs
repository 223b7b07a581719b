//! The client that wants nothing but its backup: restic, or the same requests where there is no
//! restic.

use crate::restic::{RESTIC, Restic, text};
use crate::rig::Rig;
use crate::tree::{self, TempDir};
use crate::wire::Wire;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

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
    let dir = TempDir::new();
    let restic = Restic::find(RESTIC, rig.url("/honest/"), dir.path());
    let repeated = match &restic {
        Some(restic) => with_restic(restic, dir.path(), inits),
        None => by_hand(rig.address()),
    };
    Seen {
        took: start.elapsed(),
        repeated,
        restic: restic.is_some(),
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

fn with_restic(restic: &Restic, dir: &Path, inits: usize) -> usize {
    let files = dir.join("files");
    tree::grow(&files, 1, SIZE);
    let commands: [(&[&str], usize); 3] = [
        (&["init"], inits),
        (&["backup", text(&files)], 1),
        (&["check", "--read-data"], 1),
    ];
    let mut repeated = 0;
    for (words, tries) in commands {
        let done = (1..=tries).any(|number| {
            let (done, output, errors) = restic.start(words).end();
            let said = output + &errors;
            assert!(done || number < tries, "{said}");
            repeated += said.matches("retrying").count() + said.matches("returned error").count();
            repeated += usize::from(!done);
            done
        });
        assert!(done);
    }
    repeated
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
