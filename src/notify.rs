//! Telling systemd how the server is, as sd_notify(3) has it: one datagram to the socket that
//! `NOTIFY_SOCKET` names. Without it, or where nobody listens there, nothing is told; what is to be
//! told, and when, is others' business.

use std::env;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::process;
use std::time::{Duration, Instant};

/// Whom to tell, and how often that there is still life.
#[derive(Debug, Default)]
pub struct Notify {
    socket: Option<UnixDatagram>,
    /// Between two signs of life; None where nobody waits for them.
    pause: Option<Duration>,
    last: Option<Instant>,
}

impl Notify {
    /// Whom the environment names.
    pub fn from_env() -> Self {
        let text = |name: &str| env::var(name).ok();
        let socket = text("NOTIFY_SOCKET").and_then(|name| connected(&name).ok());
        let ours = text("WATCHDOG_PID").is_none_or(|pid| pid == process::id().to_string());
        let most = text("WATCHDOG_USEC").filter(|_| ours);
        Self {
            socket,
            pause: most.as_deref().and_then(pause),
            last: None,
        }
    }

    /// Clients are served from now on.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// What the server does, for people.
    pub fn status(&self, what: &str) {
        self.tell(&format!("STATUS={}", what.replace('\n', " ")));
    }

    /// The server ends on purpose.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// A sign of life, from where the server can't be without working; it may be given as often as
    /// one likes.
    pub fn alive(&mut self, now: Instant) {
        let Some(pause) = self.pause else { return };
        let rested = |last| now.saturating_duration_since(last) >= pause;
        if self.last.is_none_or(rested) {
            self.last = Some(now);
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket {
            // A manager that doesn't listen is no reason not to serve.
            let _ = socket.send(what.as_bytes());
        }
    }
}

/// A socket whose other end has this name, of a file or, after an `@`, of the kernel's own.
fn connected(name: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // A manager that doesn't read must not stop the server.
    socket.set_nonblocking(true)?;
    match name.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            use std::os::unix::net::SocketAddr;
            socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
        }
        _ => socket.connect(name)?,
    }
    Ok(socket)
}

/// How often to give signs of life where one is waited for so many microseconds: thrice as often,
/// so that a slow one is no death.
fn pause(micros: &str) -> Option<Duration> {
    let most = micros.parse().ok().filter(|micros| *micros > 0)?;
    Some(Duration::from_micros(most) / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(manager: &UnixDatagram) -> Vec<String> {
        let mut all = Vec::new();
        let mut buffer = [0; 256];
        manager.set_nonblocking(true).unwrap();
        while let Ok(len) = manager.recv(&mut buffer) {
            all.push(String::from_utf8_lossy(&buffer[..len]).into_owned());
        }
        all
    }

    fn check(name: &str, manager: &UnixDatagram) {
        let mut notify = Notify {
            socket: Some(connected(name).unwrap()),
            pause: pause("3000000"),
            last: None,
        };
        let start = Instant::now();
        notify.ready();
        notify.status("listening\non 1");
        for millis in [0, 400, 999, 1000, 1500, 2000] {
            notify.alive(start + Duration::from_millis(millis));
        }
        notify.stopping();
        let dog = "WATCHDOG=1";
        let told = [
            "READY=1",
            "STATUS=listening on 1",
            dog,
            dog,
            dog,
            "STOPPING=1",
        ];
        assert_eq!(heard(manager), told);
    }

    #[test]
    fn the_manager_hears_each_word_and_signs_of_life_in_time() {
        let path = env::temp_dir().join(format!("notify-{}", process::id()));
        let manager = UnixDatagram::bind(&path).unwrap();
        check(path.to_str().unwrap(), &manager);
        std::fs::remove_file(&path).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_of_the_kernel_s_own() {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::SocketAddr;
        let name = format!("restic-123pan-notify-{}", process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        check(&format!("@{name}"), &manager);
    }

    #[test]
    fn without_a_manager_nothing_happens() {
        assert!(connected("/nowhere/at/all").is_err());
        let mut nobody = Notify::default();
        nobody.ready();
        nobody.alive(Instant::now());
        let pauses = ["0", "", "soon", "-1"].map(pause);
        assert_eq!(pauses, [None; 4]);
    }
}
