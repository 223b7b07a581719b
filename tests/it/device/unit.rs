//! What the systemd unit says, done without systemd: its own lines give copies of passwords and
//! roles, a reload renews them, and the server tells a manager how it is.

use super::{PROGRAM, printed, run};
use crate::tree::TempDir;
use crate::waiting::eventually;
use crate::wire::Wire;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The commands of a setting in the unit, as a shell runs them, for the folder of a test.
fn commands(unit: &str, name: &str, dir: &Path) -> Vec<String> {
    let unit = unit.replace("\\\n", " ");
    let lines = unit
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let lines = lines.map(|line| {
        let line = line.trim_start_matches('+').replace("$$", "$");
        line.replace("/etc/restic-123pan", &dir.join("etc").display().to_string())
    });
    lines.collect()
}

/// Runs them as systemd does, with the folder that it makes.
fn carry_out(commands: &[String], dir: &Path, server: u32) {
    assert!(!commands.is_empty());
    for command in commands {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir("/");
        run(shell
            .env("RUNTIME_DIRECTORY", dir.join("run"))
            .env("MAINPID", server.to_string()));
    }
}

/// Gives a user the password "secret".
fn passwd(user: &str, dir: &Path) {
    let mut command = Command::new(PROGRAM);
    command.args(["passwd", user, "--htpasswd-file"]);
    let mut child = command
        .arg(dir.join("etc/users"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"secret\n").unwrap();
    assert!(child.wait().unwrap().success());
}

/// A server as the unit starts it, and what it tells.
struct Unit {
    dir: TempDir,
    text: String,
    manager: UnixDatagram,
    server: Child,
}

impl Unit {
    fn start() -> Self {
        let dir = TempDir::new();
        for folder in ["etc", "run", "disk", "state"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        passwd("laptop", dir.path());
        let text = printed(&["service", "systemd"]);
        carry_out(&commands(&text, "ExecStartPre", dir.path()), dir.path(), 0);
        let manager = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let server = Command::new(PROGRAM)
            .arg("serve")
            .env("PAN123_CLOUD", "local")
            .env("PAN123_LOCAL_DIR", dir.path().join("disk"))
            .env("PAN123_LISTEN", "127.0.0.1:0")
            .env("PAN123_HTPASSWD_FILE", dir.path().join("run/users"))
            .env("STATE_DIRECTORY", dir.path().join("state"))
            .env("NOTIFY_SOCKET", dir.path().join("notify"))
            .env("WATCHDOG_USEC", "900000")
            .env("JOURNAL_STREAM", "8:1234")
            .stderr(fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        Self {
            dir,
            text,
            manager,
            server,
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// The rest of the next word to the manager that begins like this.
    fn told(&self, beginning: &str) -> String {
        let end = Instant::now() + PATIENCE;
        let mut buffer = [0; 1024];
        while Instant::now() < end {
            let len = self.manager.recv(&mut buffer);
            let len = len.unwrap_or_else(|error| panic!("{beginning}: {error}\n{}", self.log()));
            let word = String::from_utf8_lossy(&buffer[..len]).into_owned();
            if let Some(rest) = word.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
        panic!("{beginning} was never told\n{}", self.log());
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn status(address: SocketAddr, user: &str) -> u16 {
    let header = restic_123pan::access::authorization(user, "secret");
    let header = format!("Authorization: {header}\r\n");
    Wire::open(address)
        .ask("GET", "/-/status", &header, b"")
        .status
}

#[test]
fn the_unit_s_manager_hears_of_the_server_and_a_reload_renews_the_users() {
    let mut unit = Unit::start();
    let place = unit.told("STATUS=listening on ");
    let address: SocketAddr = place.parse().unwrap();
    unit.told("READY=1");
    for _ in 0..3 {
        unit.told("WATCHDOG=1");
    }
    assert_eq!(
        (status(address, "laptop"), status(address, "desk")),
        (200, 401)
    );

    passwd("desk", unit.dir.path());
    assert_eq!(status(address, "desk"), 401, "not before the reload");
    let reload = commands(&unit.text, "ExecReload", unit.dir.path());
    carry_out(&reload, unit.dir.path(), unit.server.id());
    eventually("the password is good", || status(address, "desk") == 200);
    let log = unit.log();
    assert!(log.lines().all(|line| line.starts_with('<')), "{log}");
    assert!(log.contains("<6>INFO  listening on"), "{log}");

    let pid = rustix::process::Pid::from_child(&unit.server);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    unit.told("STOPPING=1");
    assert!(unit.server.wait().unwrap().success());
}

#[test]
fn copies_are_the_user_s_alone_and_go_with_the_file() {
    let dir = TempDir::new();
    let (etc, run) = (dir.path().join("etc"), dir.path().join("run"));
    fs::create_dir(&etc).unwrap();
    fs::create_dir(&run).unwrap();
    let unit = printed(&["service", "systemd"]);
    let copy = commands(&unit, "ExecStartPre", dir.path());
    carry_out(&copy, dir.path(), 0);
    assert_eq!(fs::read_dir(&run).unwrap().count(), 0);
    for text in ["one", "two"] {
        fs::write(etc.join("roles"), text).unwrap();
        carry_out(&copy, dir.path(), 0);
        assert_eq!(fs::read_to_string(run.join("roles")).unwrap(), text);
        let mode = fs::metadata(run.join("roles"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o400);
    }
    // Neither a file nor a folder in its place, nor a link there, is followed.
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "untouched").unwrap();
    for name in ["roles.new", "users"] {
        std::os::unix::fs::symlink(&elsewhere, run.join(name)).unwrap();
    }
    fs::write(etc.join("users"), "three").unwrap();
    carry_out(&copy, dir.path(), 0);
    assert_eq!(fs::read_to_string(run.join("users")).unwrap(), "three");
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");
    fs::remove_file(etc.join("roles")).unwrap();
    carry_out(&copy, dir.path(), 0);
    assert_eq!(fs::read_dir(&run).unwrap().count(), 1);
    for line in ["Type=notify", "WatchdogSec=60", "LimitCORE=0"] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
}
