//! HTTPS: certificates of every kind, new ones while the server works, wrong ones, and clients that
//! speak something else.

use super::{Host, SIZE, have, succeeds};
use crate::rig::Rig;
use crate::tree::{self, TempDir};
use crate::wire::Wire;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A certificate and its key, in files.
pub(crate) struct Identity {
    dir: TempDir,
}

impl Identity {
    /// A new one for this machine, with a key of this kind.
    pub(crate) fn new(kind: &str) -> Self {
        let identity = Self {
            dir: TempDir::new(),
        };
        identity.renew(kind, "localhost");
        identity
    }

    fn renew(&self, kind: &str, name: &str) {
        let mut command = Command::new("openssl");
        let kind: Vec<&str> = kind.split(' ').collect();
        command.args(["req", "-x509", "-nodes", "-days", "9", "-newkey"]);
        command.args(kind).args(["-subj", &format!("/CN={name}")]);
        command.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        command.arg("-keyout").arg(self.new_file("key"));
        command.arg("-out").arg(self.new_file("cert"));
        succeeds(&mut command);
        // In one step each, as tools that renew certificates do it.
        for name in ["key", "cert"] {
            fs::rename(self.new_file(name), self.file(name)).unwrap();
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.pem"))
    }

    fn new_file(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.new"))
    }

    /// A server with it.
    pub(crate) fn serve(&self) -> Rig {
        let (cert, key) = (self.file("cert"), self.file("key"));
        let options = [
            "--tls-cert",
            cert.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
        ];
        Rig::start(&options)
    }
}

/// The usual kind of key.
pub(crate) const EC: &str = "ec -pkeyopt ec_paramgen_curve:prime256v1";

#[test]
fn restic_over_tls_with_every_kind_of_key() {
    if !have("openssl") {
        return;
    }
    for kind in [EC, "rsa:2048", "ed25519"] {
        let identity = Identity::new(kind);
        let rig = identity.serve();
        let url = format!("rest:https://localhost:{}/a/", rig.port());
        let Some(restic) = Host::new(&url, Some(&identity.file("cert"))) else {
            return;
        };
        restic.cycle();
        rig.assert_clean(&[]);
    }
}

#[test]
fn a_certificate_is_replaced_in_the_middle_of_a_backup() {
    if !have("openssl") {
        return;
    }
    let identity = Identity::new(EC);
    let rig = identity.serve();
    let ca = identity.dir.path().join("ca.pem");
    fs::copy(identity.file("cert"), &ca).unwrap();
    let url = format!("rest:https://127.0.0.1:{}/a/", rig.port());
    let Some(restic) = Host::new(&url, Some(&ca)) else {
        return;
    };
    restic.run(&["init"]);
    let words = ["backup", "--stdin", "--limit-upload", "1024", "--cacert"];
    let mut command = restic.restic.command(&words);
    let mut backup = command
        .arg(&ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = backup.stdin.take().unwrap();
    stdin.write_all(&tree::random(1, SIZE)).unwrap();
    // A wrong one first, which changes nothing.
    fs::write(identity.file("cert"), "nonsense").unwrap();
    rig.wait_for(|line| line.contains("stays the one before").then_some(()));
    identity.renew(EC, "renewed");
    rig.wait_for(|line| line.contains("is in use now").then_some(()));
    assert!(subject(&rig).contains("renewed"));
    stdin.write_all(&tree::random(2, SIZE)).unwrap();
    drop(stdin);
    // restic goes on with its connections, and must trust the new certificate for others.
    let both = [
        fs::read(&ca).unwrap(),
        fs::read(identity.file("cert")).unwrap(),
    ]
    .concat();
    fs::write(&ca, both).unwrap();
    assert!(backup.wait().unwrap().success());
    restic.run(&["check", "--read-data"]);
    rig.assert_clean(&["stays the one before"]);
}

#[test]
fn a_hangup_reads_the_certificate_again() {
    if !have("openssl") {
        return;
    }
    let identity = Identity::new(EC);
    let rig = identity.serve();
    let pid = Pid::from_raw(i32::try_from(rig.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    rig.wait_for(|line| line.contains("is in use now").then_some(()));
    identity.renew("rsa:2048", "second");
    rig.until("the new one is shown", || subject(&rig).contains("second"));
}

/// Whose certificate the server shows.
fn subject(rig: &Rig) -> String {
    let script = format!(
        "openssl s_client -connect 127.0.0.1:{} </dev/null 2>/dev/null | openssl x509 -noout -subject",
        rig.port()
    );
    let output = succeeds(Command::new("sh").args(["-c", &script]));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn versions_and_status_commands() {
    if !have("openssl") || !have("curl") {
        return;
    }
    let identity = Identity::new(EC);
    let rig = identity.serve();
    let url = format!("https://localhost:{}/-/healthz", rig.port());
    let ask = |version: &str| {
        let mut command = Command::new("curl");
        command.args(["-sS", &format!("--tlsv{version}"), "--tls-max", version]);
        command.arg("--cacert").arg(identity.file("cert")).arg(&url);
        command.output().unwrap()
    };
    for version in ["1.2", "1.3"] {
        assert_eq!(ask(version).stdout, b"ok\n", "{version}");
    }
    assert!(!ask("1.1").status.success());
    let asked = |word: &str, cert: &PathBuf| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
        command.env("PAN123_LISTEN", format!("127.0.0.1:{}", rig.port()));
        command
            .env("PAN123_TLS_CERT", cert)
            .arg(word)
            .output()
            .unwrap()
    };
    for word in ["healthcheck", "status"] {
        let output = asked(word, &identity.file("cert"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{word}: {said}");
    }
    // Another's certificate isn't trusted.
    let other = Identity::new(EC);
    assert!(!asked("healthcheck", &other.file("cert")).status.success());
}

#[test]
fn what_is_no_tls_gets_a_plain_answer() {
    if !have("openssl") {
        return;
    }
    let identity = Identity::new(EC);
    let rig = identity.serve();
    let mut wire = Wire::open(rig.address());
    let answer = wire.ask("GET", "/-/healthz", "", b"");
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("https://"), "{answer:?}");
    assert!(wire.ended());
    // A greeting that stops, and one that is none.
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let mut half = TcpStream::connect(rig.address()).unwrap();
    half.write_all(hello).unwrap();
    let mut wrong = TcpStream::connect(rig.address()).unwrap();
    wrong.write_all(&[&hello[..], &[7; 600]].concat()).unwrap();
    let begin = Instant::now();
    assert!(wrong.read_to_end(&mut Vec::new()).is_ok());
    let _ = half.read_to_end(&mut Vec::new());
    assert!(begin.elapsed() < Duration::from_secs(80));
    rig.assert_clean(&[]);
    // And HTTPS where there is none.
    let plain = Rig::start(&[]);
    let mut wire = Wire::open(plain.address());
    let answer = wire.send(hello).answer(false);
    assert_eq!((answer.status, wire.ended()), (400, true));
    assert!(answer.text().contains("not HTTPS"), "{answer:?}");
}

#[test]
fn a_wrong_pair_is_one_line_and_exit_2() {
    if !have("openssl") {
        return;
    }
    let (one, other) = (Identity::new(EC), Identity::new("rsa:2048"));
    let none = one.dir.path().join("none");
    let (cert, key) = (one.file("cert"), one.file("key"));
    let table = [
        (&cert, &other.file("key"), "isn't the key"),
        (&key, &key, "no certificate"),
        (&cert, &cert, "no private key"),
        (&none, &key, "No such file"),
        (&cert, &none, "No such file"),
    ];
    for (cert, key, word) in table {
        for command in ["serve", "check-config"] {
            let output = Command::new(env!("CARGO_BIN_EXE_restic-123pan"))
                .args([command, "--listen", "127.0.0.1:0", "--tls-cert"])
                .arg(cert)
                .arg("--tls-key")
                .arg(key)
                .env("PAN123_CLIENT_ID", "x")
                .env("PAN123_CLIENT_SECRET", "x")
                .env("PAN123_STATE_DIR", one.dir.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.lines().count() == 1 && said.contains(word), "{said}");
        }
    }
}
