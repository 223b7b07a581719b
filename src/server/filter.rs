//! A filter on a listening socket: a program of the kernel's that looks at every packet, the first
//! of a connection too, so that some addresses never get as far as `accept`. Which ones is
//! `gate`'s. Only Linux has it.

use std::io;
use std::net::{IpAddr, TcpListener};

#[cfg(target_os = "linux")]
pub(super) use linux::keep_out;

/// Says that there is no such thing here.
#[cfg(not(target_os = "linux"))]
pub(super) fn keep_out(_: &TcpListener, _: &[IpAddr]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use libc::sock_filter;
    use std::net::Ipv6Addr;
    use std::os::fd::AsRawFd;

    /// Instructions, as linux/filter.h numbers them.
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_WORD: u16 = 0x20;
    const AND: u16 = 0x54;
    const JUMP: u16 = 0x05;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    /// Bytes of a packet that are kept.
    const NONE: u32 = 0;
    const ALL: u32 = u32::MAX;
    /// Where a packet's IP header begins, and in it the address that it comes from.
    const HEADER: u32 = libc::SKF_NET_OFF.cast_unsigned();
    const SOURCE_4: u32 = HEADER + 12;
    const SOURCE_6: u32 = HEADER + 8;
    /// The first byte of an IPv4 header, without its lower half.
    const VERSION: u32 = 0xf0;
    const VERSION_4: u32 = 0x40;

    /// Drops what comes from these addresses for the listener, instead of those before. Accepted
    /// sockets inherit the filter that there is at that moment, and with it nothing else: they get
    /// packets from their own client alone.
    pub(in crate::server) fn keep_out(
        listener: &TcpListener,
        addresses: &[IpAddr],
    ) -> io::Result<()> {
        let mut steps = program(addresses);
        let program = libc::sock_fprog {
            len: u16::try_from(steps.len()).map_err(io::Error::other)?,
            filter: steps.as_mut_ptr(),
        };
        let size = size_of::<libc::sock_fprog>();
        let size = libc::socklen_t::try_from(size).map_err(io::Error::other)?;
        // SAFETY: the option takes a `sock_fprog` of this size, whose pointer and length are those
        // of `steps`. The kernel checks and copies both before the call returns.
        #[allow(unsafe_code)]
        let failed = unsafe {
            libc::setsockopt(
                listener.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ATTACH_FILTER,
                (&raw const program).cast(),
                size,
            )
        };
        match failed {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// A listener for IPv6 may get both kinds of packets.
    fn program(addresses: &[IpAddr]) -> Vec<sock_filter> {
        let (mut old, mut new) = (vec![step(LOAD_WORD, SOURCE_4)], Vec::new());
        for address in addresses {
            match address.to_canonical() {
                IpAddr::V4(ip) => old.extend([unless(ip.to_bits(), 1), step(RETURN, NONE)]),
                IpAddr::V6(ip) => new.extend(drop_6(ip)),
            }
        }
        old.push(step(RETURN, ALL));
        new.push(step(RETURN, ALL));
        let mut all = vec![
            step(LOAD_BYTE, HEADER),
            step(AND, VERSION),
            unless(VERSION_4, 1),
            // Conditional jumps reach 255 steps.
            step(JUMP, u32::try_from(new.len()).unwrap_or(u32::MAX)),
        ];
        all.append(&mut new);
        all.append(&mut old);
        all
    }

    /// Compares an IPv6 address word by word, and skips the rest at the first that differs.
    fn drop_6(address: Ipv6Addr) -> Vec<sock_filter> {
        let octets = address.octets();
        let words = octets
            .as_chunks()
            .0
            .iter()
            .map(|word| u32::from_be_bytes(*word));
        let places = [
            (SOURCE_6, 7),
            (SOURCE_6 + 4, 5),
            (SOURCE_6 + 8, 3),
            (SOURCE_6 + 12, 1),
        ];
        let steps = words
            .zip(places)
            .flat_map(|(word, (place, rest))| [step(LOAD_WORD, place), unless(word, rest)]);
        steps.chain([step(RETURN, NONE)]).collect()
    }

    fn step(code: u16, k: u32) -> sock_filter {
        jump(code, k, 0)
    }

    /// Skips so many steps unless what was loaded is equal to `k`.
    fn unless(k: u32, skipped: u8) -> sock_filter {
        jump(JUMP_IF_EQUAL, k, skipped)
    }

    fn jump(code: u16, k: u32, jf: u8) -> sock_filter {
        sock_filter { code, jt: 0, jf, k }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    use std::io::Read;
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
    use std::time::Duration;

    /// How long to wait for what must not come.
    const SHORT: Duration = Duration::from_millis(300);
    const LONG: Duration = Duration::from_secs(60);

    /// Whether a connection comes about from an address.
    fn connects(from: IpAddr, port: u16, patience: Duration) -> bool {
        let (family, to) = match from {
            IpAddr::V4(_) => (AddressFamily::INET, IpAddr::V4(Ipv4Addr::LOCALHOST)),
            IpAddr::V6(_) => (AddressFamily::INET6, IpAddr::V6(Ipv6Addr::LOCALHOST)),
        };
        let socket = TcpStream::from(socket(family, SocketType::STREAM, None).unwrap());
        bind(&socket, &SocketAddr::from((from, 0))).unwrap();
        socket.set_write_timeout(Some(patience)).unwrap();
        connect(&socket, &SocketAddr::from((to, port))).is_ok()
    }

    #[test]
    fn chosen_addresses_are_kept_out() {
        let [one, other] = [2, 3].map(|n| IpAddr::from([127, 0, 0, n]));
        let six = IpAddr::V6(Ipv6Addr::LOCALHOST);
        // Far too many for a jump, and each differs from the last in its last byte alone.
        let more = |n| {
            [
                IpAddr::from([127, 0, 1, n]),
                Ipv6Addr::from_bits(n.into()).into(),
            ]
        };
        let crowd: Vec<IpAddr> = (2..34).flat_map(more).collect();
        let only_4 = TcpListener::bind("127.0.0.1:0").unwrap();
        // A machine may have no IPv6.
        let both = TcpListener::bind("[::]:0").ok();
        for listener in std::iter::once(only_4).chain(both) {
            let here = listener.local_addr().unwrap();
            let port = here.port();
            keep_out(&listener, &[&crowd[..], &[one, six]].concat()).unwrap();
            assert!(!connects(one, port, SHORT), "{here}");
            assert!(connects(other, port, LONG), "{here}");
            if here.is_ipv6() {
                assert!(!connects(six, port, SHORT));
            }
            keep_out(&listener, &[&crowd[..], &[other]].concat()).unwrap();
            assert!(connects(one, port, LONG) && !connects(other, port, SHORT));
            assert!(here.is_ipv4() || connects(six, port, LONG));
            keep_out(&listener, &[]).unwrap();
            assert!(connects(other, port, LONG), "nobody is kept out any more");
        }
    }

    /// Bytes of a client that came in before aren't lost.
    #[test]
    fn what_is_open_stays() {
        use std::io::Write;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        keep_out(&listener, &[Ipv4Addr::LOCALHOST.into()]).unwrap();
        client.write_all(b"x").unwrap();
        server.set_read_timeout(Some(LONG)).unwrap();
        assert_eq!(server.read(&mut [0; 1]).unwrap(), 1);
    }
}
