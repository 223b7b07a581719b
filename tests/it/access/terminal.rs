//! Passwords typed at a terminal, which is a real one as far as the program can tell.

use crate::tree::TempDir;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Longest wait for something to be shown.
const PATIENCE: Duration = Duration::from_secs(60);
/// A password that nothing else contains.
const PASSWORD: &str = "Tr0ub4dor";

/// The program at a terminal, with what it shows.
struct Session {
    keyboard: File,
    terminal: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
    child: Child,
}

impl Session {
    fn passwd(user: &str, users: &Path) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let keyboard = File::from(keyboard);
        let terminal = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OpenptFlags::NOCTTY.bits().cast_signed())
            .open(name.to_str().unwrap())
            .unwrap();
        let end = || Stdio::from(terminal.try_clone().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
        let command = command.args(["passwd", user, "--htpasswd-file"]).arg(users);
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn();
        let (shows, screen) = channel();
        let mut output = keyboard.try_clone().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(n @ 1..) = output.read(&mut buffer) {
                if shows.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            keyboard,
            terminal,
            screen,
            shown: String::new(),
            child: child.unwrap(),
        }
    }

    /// Waits until a text has been shown.
    fn wait_for(&mut self, text: &str) {
        while !self.shown.contains(text) {
            let more = self.screen.recv_timeout(PATIENCE);
            let more = more.unwrap_or_else(|_| panic!("{text:?} is not in {:?}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&more));
        }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// Whether the terminal shows what is typed.
    fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.terminal).unwrap().local_modes;
        modes.contains(LocalModes::ECHO)
    }

    fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        assert!(self.echoes(), "the terminal shows nothing any more");
        assert!(!self.shown.contains(PASSWORD), "{:?}", self.shown);
        (status, self.shown)
    }
}

#[test]
fn a_password_is_typed_twice_and_never_shown() {
    let dir = TempDir::new();
    let users = dir.path().join("users");
    let mut session = Session::passwd("anna", &users);
    session.wait_for("Password: ");
    assert!(!session.echoes());
    session.type_line(PASSWORD);
    session.wait_for("Again: ");
    session.type_line(PASSWORD);
    let (status, shown) = session.end();
    assert!(status.success(), "{shown}");
    assert!(fs::read_to_string(&users).unwrap().starts_with("anna:$2y$"));
}

#[test]
fn two_passwords_that_differ_change_nothing() {
    let dir = TempDir::new();
    let users = dir.path().join("users");
    let mut session = Session::passwd("anna", &users);
    session.wait_for("Password: ");
    session.type_line(PASSWORD);
    session.wait_for("Again: ");
    session.type_line("another");
    session.wait_for("they differ");
    assert_eq!(session.end().0.code(), Some(2));
    assert!(!users.exists());
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let dir = TempDir::new();
    let users = dir.path().join("users");
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut session = Session::passwd("anna", &users);
        session.wait_for("Password: ");
        assert!(!session.echoes());
        kill_process(Pid::from_child(&session.child), signal).unwrap();
        assert_eq!(session.end().0.signal(), Some(signal.as_raw()));
        assert!(!users.exists());
    }
}
