//! What tiny_http offers no access to: options of sockets, the limit of descriptors, the socket
//! behind a request, and the connections to ourselves that keep tiny_http going.

use rustix::net::{RecvFlags, sockopt};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::net::ToSocketAddrs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

/// Descriptors asked for at most: two for each connection, and far more than there are clients.
const DESCRIPTORS: u64 = 65_536;
/// Bytes that may wait in a connection: what is in there is read even after it has been cut, and a
/// head takes some times as much memory. The kernel would take megabytes.
const RECEIVED: usize = 256 << 10;
/// Descriptors looked through where there is no /proc.
const SCANNED: RawFd = 4_096;
/// How long a connection to ourselves may take; on loopback it takes microseconds.
const KNOCK: Duration = Duration::from_secs(1);
/// How long a client may take to notice that its connection is being closed.
const LINGER: Duration = Duration::from_secs(1);
/// Pause between two looks at a socket that is being closed.
const LOOK: Duration = Duration::from_millis(10);

/// Listens on `host:port`; `:port` is every interface.
pub(super) fn listen(address: &str, timeout: Duration) -> io::Result<TcpListener> {
    let explain = |error: io::Error| match error.kind() {
        ErrorKind::AddrInUse => io::Error::new(
            error.kind(),
            format!("{address} is in use; choose another with --listen"),
        ),
        kind => io::Error::new(kind, format!("can't listen on {address}: {error}")),
    };
    let listener = resolve(address)
        .and_then(|addresses| TcpListener::bind(&*addresses))
        .map_err(explain)?;
    set_options(&listener, timeout)?;
    Ok(listener)
}

fn resolve(address: &str) -> io::Result<Vec<SocketAddr>> {
    match address.strip_prefix(':') {
        None => Ok(address.to_socket_addrs()?.collect()),
        Some(port) => {
            let port = port.parse().map_err(|_| ErrorKind::InvalidInput)?;
            // The first takes IPv4 as well, where there is IPv6 at all.
            Ok(vec![
                (Ipv6Addr::UNSPECIFIED, port).into(),
                (Ipv4Addr::UNSPECIFIED, port).into(),
            ])
        }
    }
}

/// tiny_http knows no timeouts, and a client that stalls would hold its worker for ever. On Linux
/// accepted sockets inherit these options from the listening one.
fn set_options(listener: &TcpListener, timeout: Duration) -> io::Result<()> {
    let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_socket_timeout(listener, sockopt::Timeout::Recv, Some(timeout))?;
    sockopt::set_socket_timeout(listener, sockopt::Timeout::Send, Some(timeout))?;
    sockopt::set_socket_recv_buffer_size(listener, RECEIVED)?;
    sockopt::set_socket_keepalive(listener, true)?;
    sockopt::set_tcp_user_timeout(listener, millis)?;
    sockopt::set_tcp_nodelay(listener, true)?;
    Ok(())
}

/// Raises the limit of descriptors as far as it goes, and tells it: when they run out, tiny_http's
/// accept loop ends.
pub(super) fn raise_descriptors() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(DESCRIPTORS).min(DESCRIPTORS);
    if limit.current.is_some_and(|current| current < most) {
        limit.current = Some(most);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            log::warn!("the limit of open files can't be raised: {error}");
        }
    }
    getrlimit(Resource::Nofile).current.unwrap_or(DESCRIPTORS)
}

/// Where to reach a listener from this machine.
pub(super) fn own_addresses(listening: SocketAddr) -> Vec<SocketAddr> {
    let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    let all: Vec<IpAddr> = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => vec![v4],
        // A machine may have no IPv6 loopback, and still listen on its every address.
        IpAddr::V6(ip) if ip.is_unspecified() => vec![v6, v4],
        ip => vec![ip],
    };
    let with_port = |ip| SocketAddr::new(ip, listening.port());
    all.into_iter().map(with_port).collect()
}

/// Connects to ourselves and closes at once.
pub(super) fn knock(own: &[SocketAddr]) -> io::Result<()> {
    connect(own).map(drop)
}

/// Connects to ourselves and says that nothing will come.
pub(super) fn ask(own: &[SocketAddr]) -> io::Result<TcpStream> {
    let socket = connect(own)?;
    socket.shutdown(Shutdown::Write)?;
    Ok(socket)
}

/// Whether the other end of such a connection hasn't been closed yet.
pub(super) fn unanswered(socket: &TcpStream) -> bool {
    let read = rustix::net::recv(socket, &mut [0; 1], RecvFlags::DONTWAIT);
    matches!(
        read,
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR)
    )
}

fn connect(own: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut result = Err(ErrorKind::AddrNotAvailable.into());
    for address in own {
        result = TcpStream::connect_timeout(address, KNOCK);
        if result.is_ok() {
            break;
        }
    }
    let socket = result?;
    // Closed by a reset, else hundreds of sockets would always be waiting for late packets.
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
    Ok(socket)
}

/// The server's end of the connection from `peer`, which tiny_http doesn't hand out: found among
/// our descriptors by its addresses, and duplicated, so that it stays ours. None also when the
/// connection is dead.
pub(super) fn find(peer: SocketAddr, port: u16) -> Option<TcpStream> {
    let mut numbers = descriptors().into_iter();
    numbers.find_map(|fd| matching(fd, peer, port))
}

/// The clients at the other ends of all connections to this port of ours.
pub(super) fn clients(port: u16) -> Vec<SocketAddr> {
    let ends = descriptors().into_iter().filter_map(|fd| ends(fd, port));
    ends.map(|(_, peer)| peer).collect()
}

/// The client at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) peer: SocketAddr,
    /// Bytes that it has sent and nobody has read.
    pub(super) unread: u64,
}

/// The sockets of all connections to this port of ours, by the kernel's number of each, and their
/// clients; a connection that is dead has none any more.
pub(super) fn connections(port: u16) -> HashMap<u64, Option<Client>> {
    let all = descriptors().into_iter().map(borrowed);
    let ours = all.filter(|fd| {
        let here = rustix::net::getsockname(fd).ok();
        let here = here.and_then(|here| SocketAddr::try_from(here).ok());
        here.is_some_and(|here| here.port() == port)
            && !sockopt::socket_acceptconn(fd).unwrap_or(true)
    });
    ours.filter_map(|fd| Some((number(fd)?, client(fd))))
        .collect()
}

/// The kernel's number of a socket.
fn number(fd: BorrowedFd<'_>) -> Option<u64> {
    // There, rustix's `fstat` crashes in a static program.
    if cfg!(target_arch = "mips") {
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        return fs::metadata(path).ok().map(|metadata| metadata.ino());
    }
    rustix::fs::fstat(fd).ok().map(|stat| stat.st_ino)
}

fn client(fd: BorrowedFd<'_>) -> Option<Client> {
    let there = rustix::net::getpeername(fd).ok()??;
    let peer = SocketAddr::try_from(there).ok()?;
    let unread = rustix::io::ioctl_fionread(fd).unwrap_or(0);
    Some(Client { peer, unread })
}

/// Ends the connections of some clients at once; of which.
pub(super) fn cut_all(port: u16, chosen: impl Fn(SocketAddr) -> bool) -> HashSet<SocketAddr> {
    let mut done = HashSet::new();
    for fd in descriptors() {
        let peer = ends(fd, port).map(|(_, peer)| peer);
        let Some(peer) = peer.filter(|peer| chosen(*peer)) else {
            continue;
        };
        if let Some(socket) = matching(fd, peer, port) {
            cut(&socket);
            done.insert(peer);
        }
    }
    done
}

/// The numbers of the descriptors that may be open.
fn descriptors() -> Vec<RawFd> {
    match fs::read_dir("/proc/self/fd") {
        // Collected first: the folder's own descriptor is among them.
        Ok(folder) => folder
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect(),
        // There is no such folder, or no descriptor left to read it.
        Err(_) => (0..SCANNED).collect(),
    }
}

/// The same, looked for once and then kept.
pub(super) fn find_once(
    kept: &mut Option<TcpStream>,
    peer: SocketAddr,
    port: u16,
) -> Option<&TcpStream> {
    if kept.is_none() {
        *kept = find(peer, port);
    }
    kept.as_ref()
}

/// A descriptor's client, if it is a connection to this port.
fn ends(fd: RawFd, port: u16) -> Option<(BorrowedFd<'static>, SocketAddr)> {
    let borrowed = borrowed(fd);
    let there = rustix::net::getpeername(borrowed).ok()??;
    let peer = SocketAddr::try_from(there).ok()?;
    let here = rustix::net::getsockname(borrowed).ok()?;
    let ours = SocketAddr::try_from(here).ok()?.port() == port;
    ours.then_some((borrowed, peer))
}

/// A number that may be a descriptor.
fn borrowed(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: the number may be closed, or opened anew, by another thread at any time, so nothing
    // is done with it besides calls that change nothing: asking what it is, for its ends and how
    // much is to be read, and duplicating it. What they return is checked, and the duplicate, which
    // is ours, is checked again. -1, the only number that a BorrowedFd mustn't be, comes from
    // nowhere here.
    #[allow(unsafe_code)]
    unsafe {
        BorrowedFd::borrow_raw(fd)
    }
}

fn matching(fd: RawFd, peer: SocketAddr, port: u16) -> Option<TcpStream> {
    let (borrowed, there) = ends(fd, port)?;
    if there != peer {
        return None;
    }
    let socket = TcpStream::from(borrowed.try_clone_to_owned().ok()?);
    let ours = socket.peer_addr().ok()? == peer && socket.local_addr().ok()?.port() == port;
    ours.then_some(socket)
}

/// Whether the client has neither closed nor broken its connection.
pub(super) fn alive(socket: &TcpStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    match rustix::net::recv(socket, &mut [0; 1], flags) {
        Ok((_, n)) => n > 0,
        Err(error) => error == rustix::io::Errno::AGAIN || error == rustix::io::Errno::INTR,
    }
}

/// Waits until bytes have come; an Err if the client has gone or stalls.
pub(super) fn wait_for_bytes(socket: &TcpStream) -> io::Result<()> {
    loop {
        match socket.peek(&mut [0]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Ends a connection so that the client still gets what was sent: a close with bytes unread makes
/// the kernel send a reset, which overtakes the answer.
pub(super) fn close(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Write);
    let until = Instant::now() + LINGER;
    let mut buffer = [0; 4096];
    while Instant::now() < until {
        match rustix::net::recv(socket, &mut buffer[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => break,
            Ok(_) => {}
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => thread::sleep(LOOK),
            Err(_) => break,
        }
    }
    cut(socket);
}

/// Takes nothing more from a connection.
pub(super) fn deafen(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Read);
}

/// Ends a connection at once.
pub(super) fn cut(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Both);
}

/// Bytes of memory that this machine has, if it says so.
pub(super) fn memory() -> Option<u64> {
    kilobytes("/proc/meminfo", "MemTotal:")
}

/// Bytes of memory that this process takes.
pub(super) fn resident() -> Option<u64> {
    kilobytes("/proc/self/status", "VmRSS:")
}

fn kilobytes(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
