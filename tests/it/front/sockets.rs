//! Unix sockets, and sockets that systemd hands over.

use super::{Host, have};
use crate::fake::Fake;
use crate::rig::Rig;
use crate::tree::TempDir;
use crate::waiting::eventually;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command};

#[test]
fn restic_over_a_unix_socket() {
    let dir = TempDir::new();
    let path = dir.path().join("socket");
    // A stale one, as a killed server leaves it.
    drop(UnixListener::bind(&path).unwrap());
    let listen = format!("unix:{}", path.display());
    let rig = Rig::start(&["--listen", &listen]);
    let found = fs::symlink_metadata(&path).unwrap();
    assert!(found.file_type().is_socket() && found.mode() & 0o777 == 0o660);
    let url = format!("rest:http+unix://{}:/a/", path.display());
    if let Some(restic) = Host::new(&url, None) {
        restic.cycle();
    }
    let mut ask = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    let asked = ask.args(["healthcheck", "--listen", &listen]).output();
    assert!(asked.unwrap().status.success());
    rig.assert_clean(&[]);
    let pid = Pid::from_raw(i32::try_from(rig.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    eventually("it ends", || rig.ended().is_some());
    assert!(!path.exists(), "it goes with the server");
}

#[test]
fn a_socket_in_use_is_left_alone() {
    let dir = TempDir::new();
    let path = dir.path().join("socket");
    let _other = UnixListener::bind(&path).unwrap();
    let output = serve(dir.path(), "x")
        .args(["--listen", &format!("unix:{}", path.display())])
        .output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("is in use"),
        "{said}"
    );
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn sockets_that_systemd_hands_over() {
    if !have("systemd-socket-activate") {
        return;
    }
    let (dir, cloud) = (TempDir::new(), Fake::start());
    let (path, port) = (dir.path().join("socket"), free_port());
    let inner = serve(dir.path(), &cloud.url());
    let mut outer = Command::new("systemd-socket-activate");
    outer
        .args(["-l", &format!("127.0.0.1:{port}"), "-l"])
        .arg(&path);
    for name in [
        "PAN123_CLIENT_ID",
        "PAN123_CLIENT_SECRET",
        "PAN123_STATE_DIR",
    ] {
        outer.args(["-E", name]);
    }
    outer.env("PAN123_CLIENT_ID", cloud.client_id());
    outer.env("PAN123_CLIENT_SECRET", cloud.client_secret());
    outer.env("PAN123_STATE_DIR", dir.path());
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.stderr(fs::File::create(dir.path().join("log")).unwrap());
    let mut server = Server(outer.spawn().unwrap());
    eventually("it listens", || UnixStream::connect(&path).is_ok());
    for url in [
        format!("rest:http://127.0.0.1:{port}/a/"),
        format!("rest:http+unix://{}:/b/", path.display()),
    ] {
        if let Some(restic) = Host::new(&url, None) {
            restic.cycle();
        }
    }
    let pid = Pid::from_child(&server.0);
    kill_process(pid, Signal::TERM).unwrap();
    assert!(server.0.wait().unwrap().success());
}

/// What others can reach needs passwords, also where no option says so.
#[test]
fn a_wide_socket_of_systemds_needs_passwords() {
    if !have("systemd-socket-activate") {
        return;
    }
    let (dir, port) = (TempDir::new(), free_port());
    let inner = serve(dir.path(), "http://127.0.0.1:9");
    let mut outer = Command::new("systemd-socket-activate");
    outer.args(["-l", &format!("0.0.0.0:{port}")]);
    outer.args(["-E", "PAN123_CLIENT_ID=x", "-E", "PAN123_CLIENT_SECRET=x"]);
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.arg("--state-dir").arg(dir.path());
    outer.stderr(fs::File::create(dir.path().join("log")).unwrap());
    let mut server = Server(outer.spawn().unwrap());
    eventually("it listens", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    assert_eq!(server.0.wait().unwrap().code(), Some(2));
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(log.contains("--htpasswd-file"), "{log}");
}

/// A process that ends with its test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The server's command line for an emulated cloud.
fn serve(state: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    command
        .args(["serve", "--allow-http-upload", "--tier", "vip", "--api-url"])
        .arg(if url == "x" {
            "http://127.0.0.1:9"
        } else {
            url
        })
        .env("PAN123_CLIENT_ID", "x")
        .env("PAN123_CLIENT_SECRET", "x")
        .env("PAN123_STATE_DIR", state);
    command
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
