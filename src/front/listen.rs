//! Where to listen: what users write, and the sockets that come of it. Who comes in is the others'
//! business.

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, SocketFlags, acceptfrom_with, listen, sockopt};
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Connections that wait to be taken: a crowd may come while the thread does something else.
const BACKLOG: i32 = 4_096;
/// Bytes that may wait in a connection. The kernel would take megabytes, which small devices don't
/// have.
const RECEIVED: usize = 256 << 10;
/// How long bytes may stay unacknowledged: whoever has vanished is noticed.
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);
/// The mode of a Unix socket: for its owner and a group.
const MODE: u32 = 0o660;
/// The first descriptor that systemd hands over.
const FIRST: RawFd = 3;
/// Most descriptors that are taken from systemd.
const HANDED: RawFd = 64;

/// Where to listen, as it is written: `host:port`, `:port`, `port`, `[::1]:port`, `unix:/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A host, or nothing for every interface, and a port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Default for Listen {
    fn default() -> Self {
        Self::Tcp("127.0.0.1".to_owned(), 8000)
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "write host:port, :port, port, [ipv6]:port or unix:/path, such as 127.0.0.1:8000"
                .to_owned()
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return (path.is_absolute().then_some(Self::Unix(path))).ok_or_else(wrong);
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let plain = !host.contains([':', '[', ']', '/']);
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits && (bracketed || plain));
        let port = port.ok_or_else(wrong)?;
        Ok(Self::Tcp(host.to_owned(), port))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Listen {
    /// Whether nobody but this machine can reach it; of other names than `localhost` nobody knows.
    pub fn is_private(&self) -> bool {
        let Self::Tcp(host, _) = self else {
            return true;
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address = host.parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// Where a server can be reached that listens there: on this machine, when it listens everywhere.
    #[must_use]
    pub fn reachable(&self) -> Self {
        match self {
            Self::Tcp(host, port) if host.is_empty() || host == "0.0.0.0" => {
                Self::Tcp("127.0.0.1".to_owned(), *port)
            }
            Self::Tcp(host, port) if host == "[::]" => Self::Tcp("[::1]".to_owned(), *port),
            other => other.clone(),
        }
    }

    /// Whether it is a port that not every user may listen on.
    fn is_low(&self) -> bool {
        matches!(self, Self::Tcp(_, port) if *port < 1024)
    }

    pub(super) fn bind(&self) -> io::Result<Door> {
        let bound = match self {
            Self::Tcp(host, port) => tcp(host, *port).map(|socket| (socket, None)),
            Self::Unix(path) => unix(path).map(|socket| (socket, Some(path.clone()))),
        };
        let explain = |error: io::Error| match error.kind() {
            ErrorKind::AddrInUse => io::Error::new(
                error.kind(),
                format!("{self} is in use; choose another with --listen"),
            ),
            ErrorKind::PermissionDenied if self.is_low() => io::Error::new(
                error.kind(),
                format!(
                    "can't listen on {self}: ports below 1024 want a right that this user lacks; \
                     choose a higher one with --listen, such as :8000, or give the service \
                     AmbientCapabilities=CAP_NET_BIND_SERVICE"
                ),
            ),
            kind => io::Error::new(kind, format!("can't listen on {self}: {error}")),
        };
        let (socket, path) = bound.map_err(explain)?;
        Door::over(socket, path)
    }
}

fn tcp(host: &str, port: u16) -> io::Result<OwnedFd> {
    let addresses = match host {
        // The first takes IPv4 as well, where there is IPv6 at all.
        "" => vec![
            (Ipv6Addr::UNSPECIFIED, port).into(),
            (Ipv4Addr::UNSPECIFIED, port).into(),
        ],
        host => (format!("{host}:{port}").to_socket_addrs()?).collect::<Vec<SocketAddr>>(),
    };
    TcpListener::bind(&*addresses).map(OwnedFd::from)
}

fn unix(path: &Path) -> io::Result<OwnedFd> {
    let stale =
        || UnixStream::connect(path).is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused);
    let socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if socket && stale() {
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    Ok(listener.into())
}

/// A socket that connections come in by.
#[derive(Debug)]
pub(super) struct Door {
    socket: OwnedFd,
    /// None for a Unix socket.
    pub(super) address: Option<SocketAddr>,
    /// The file of a Unix socket of our own, which ends with it.
    path: Option<PathBuf>,
}

impl Door {
    fn over(socket: OwnedFd, path: Option<PathBuf>) -> io::Result<Self> {
        let is_tcp = sockopt::socket_domain(&socket)? != AddressFamily::UNIX;
        listen(&socket, BACKLOG)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        let address = match is_tcp {
            true => {
                // On Linux what is accepted inherits these.
                sockopt::set_socket_recv_buffer_size(&socket, RECEIVED)?;
                sockopt::set_socket_keepalive(&socket, true)?;
                sockopt::set_tcp_nodelay(&socket, true)?;
                let millis = u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX);
                sockopt::set_tcp_user_timeout(&socket, millis)?;
                Some(SocketAddr::try_from(rustix::net::getsockname(&socket)?)?)
            }
            false => None,
        };
        Ok(Self {
            socket,
            address,
            path,
        })
    }

    /// The sockets that systemd hands over.
    pub(super) fn handed_over() -> io::Result<Vec<Self>> {
        let number = |name: &str| std::env::var(name).ok()?.parse::<RawFd>().ok();
        let ours =
            number("LISTEN_PID").is_some_and(|pid| u32::try_from(pid) == Ok(std::process::id()));
        let count = number("LISTEN_FDS").filter(|_| ours).unwrap_or(0);
        let all = FIRST..FIRST + count.clamp(0, HANDED);
        all.map(|fd| Self::over(take(fd)?, None)).collect()
    }

    /// The next connection, and who is at its other end; this machine at that of a Unix socket.
    pub(super) fn accept(&self) -> io::Result<(OwnedFd, IpAddr)> {
        let (socket, peer) = acceptfrom_with(&self.socket, SocketFlags::CLOEXEC)?;
        let address = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        let address = address.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.ip());
        Ok((socket, address.to_canonical()))
    }

    /// Whether nobody but this machine can reach it.
    pub(super) fn is_private(&self) -> bool {
        let address = self.address.as_ref();
        address.is_none_or(|address| address.ip().to_canonical().is_loopback())
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.address, &self.path) {
            (Some(address), _) => address.fmt(f),
            (None, Some(path)) => write!(f, "unix:{}", path.display()),
            (None, None) => f.write_str("a Unix socket of systemd's"),
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Takes over a descriptor that this process was started with.
fn take(fd: RawFd) -> io::Result<OwnedFd> {
    if !Path::new(&format!("/proc/self/fd/{fd}")).exists() && Path::new("/proc/self/fd").exists() {
        return Err(io::Error::other(format!(
            "LISTEN_FDS names {fd}, which isn't open"
        )));
    }
    // SAFETY: the service manager has opened it for us, says so by our own process's number, and
    // nothing else in this process knows of it.
    #[allow(unsafe_code)]
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    if !sockopt::socket_acceptconn(&socket)? {
        return Err(io::Error::other(format!(
            "descriptor {fd} of LISTEN_FDS doesn't listen"
        )));
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_write() {
        let tcp = |host: &str, port| Ok(Listen::Tcp(host.to_owned(), port));
        let table = [
            ("127.0.0.1:8000", tcp("127.0.0.1", 8000)),
            (":8000", tcp("", 8000)),
            ("8000", tcp("", 8000)),
            ("[::1]:81", tcp("[::1]", 81)),
            ("nas:0", tcp("nas", 0)),
            ("unix:/run/x", Ok(Listen::Unix("/run/x".into()))),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Listen>(), expected, "{text}");
        }
        for text in [
            "",
            ":",
            "::1:80",
            "a:70000",
            "a:+1",
            "unix:",
            "unix:run",
            "http://a:1",
            "a",
        ] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn who_can_reach_it() {
        let listen = |text: &str| text.parse::<Listen>().unwrap();
        for text in ["127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/x"] {
            assert!(listen(text).is_private(), "{text}");
        }
        for text in [":1", "0.0.0.0:1", "[::]:1", "192.0.2.1:1", "nas:1", "1"] {
            assert!(!listen(text).is_private(), "{text}");
        }
        assert_eq!(listen(":81").reachable(), listen("127.0.0.1:81"));
        assert_eq!(listen("[::]:81").reachable(), listen("[::1]:81"));
    }
}
