//! Where the cloud's word may lead: it names the hosts of uploads and downloads, and those may
//! redirect; none of them may be this machine or stand in a private network, where whoever answers
//! in the cloud's place would have us knock at doors that he can't reach himself. Unless the
//! cloud's interface itself is there, as in tests, or behind a proxy that hands everything on.

use std::fmt::Debug;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// What is said of a host that may not be reached.
pub(super) const REFUSED: &str =
    "the cloud has named a host that is this machine or in a private network";
/// An address of nobody's, which a machine takes for its own only if it does so with any.
const NOBODYS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Finds addresses of hosts, and leaves out what the cloud's word may not lead to.
#[derive(Debug)]
pub(super) struct Reach {
    finder: DefaultResolver,
    /// The interface, which the user has named.
    api: Uri,
}

impl Reach {
    /// What may be reached, with the interface at this address.
    pub(super) fn new(api_url: &str) -> Self {
        Self {
            finder: DefaultResolver::default(),
            api: api_url.parse().unwrap_or_default(),
        }
    }

    /// Whether an address that the cloud has named is one that says itself that it may not be
    /// reached. It is looked at before it is handed to a proxy, which finds other names itself.
    pub(super) fn forbids(&self, url: &str) -> bool {
        let uri: Uri = url.parse().unwrap_or_default();
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_near = host == "localhost" || bare.parse().is_ok_and(is_near);
        is_near && !self.is_users(&uri, None) && !is_near_host(self.api.host())
    }

    /// Whether the user has named a host.
    fn is_users(&self, uri: &Uri, config: Option<&Config>) -> bool {
        let proxy = config.and_then(Config::proxy).map(|proxy| proxy.uri());
        let users = [Some(&self.api), proxy].into_iter().flatten();
        users.map(Uri::host).any(|host| host == uri.host())
    }
}

impl Resolver for Reach {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.finder.resolve(uri, config, timeout)?;
        if self.is_users(uri, Some(config)) || !found.iter().any(|at| is_near(at.ip())) {
            return Ok(found);
        }
        let mut far = self.empty();
        let allowed = found.iter().filter(|at| !is_near(at.ip()));
        allowed.for_each(|at| far.push(*at));
        match far.is_empty() {
            false => Ok(far),
            true if is_near_host(self.api.host()) => Ok(found),
            // A kind that says that nothing was sent.
            true => Err(io::Error::new(ErrorKind::HostUnreachable, REFUSED).into()),
        }
    }
}

/// Whether a host is this machine or in a private network.
fn is_near_host(host: Option<&str>) -> bool {
    use std::net::ToSocketAddrs;
    let host = host.unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = (bare, 0).to_socket_addrs();
    found.is_ok_and(|mut found| found.any(|at| is_near(at.ip())))
}

/// Whether an address is this machine's or a private network's. 198.18.0.0/15 isn't: some proxies
/// give such addresses to all names of the world.
fn is_near(address: IpAddr) -> bool {
    match embedded(address) {
        IpAddr::V4(v4) => is_private(v4) || is_own(v4.into()),
        IpAddr::V6(v6) => {
            let start = v6.segments()[0];
            let local = v6.is_unique_local() || start & 0xff80 == 0xfe80;
            v6.is_unspecified() || v6.is_loopback() || local || is_own(v6.into())
        }
    }
}

fn is_private(v4: Ipv4Addr) -> bool {
    let [first, second, ..] = v4.octets();
    // What providers share among their customers, and where some clouds tell their machines' keys.
    let shared = first == 100 && second & 0xc0 == 64;
    let local = v4.is_loopback() || v4.is_private() || v4.is_link_local();
    first == 0 || local || shared || v4.is_broadcast()
}

/// The address of IPv4 that one of IPv6 stands for, if it does.
fn embedded(address: IpAddr) -> IpAddr {
    const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];
    match address.to_canonical() {
        IpAddr::V6(v6) if v6.segments()[..6] == NAT64 => {
            IpAddr::V4(Ipv4Addr::from_bits(low_half(v6)))
        }
        address => address,
    }
}

/// The last 32 bits.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the others are meant to go"
)]
fn low_half(v6: Ipv6Addr) -> u32 {
    v6.to_bits() as u32
}

/// Whether an address is one of this machine's: only to those can a socket be bound.
fn is_own(address: IpAddr) -> bool {
    let binds = |address: IpAddr| UdpSocket::bind((address, 0)).is_ok();
    binds(address) && !binds(NOBODYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::Agent;
    use ureq::unversioned::transport::DefaultConnector;

    #[test]
    fn near_and_far() {
        let near = [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fec0::1",
            "fd00::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
        ];
        let far = [
            "1.1.1.1",
            "198.18.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "11.0.0.1",
            "192.169.0.1",
            "2001:db8::1",
            "2400:3200::1",
            "64:ff9b::101:101",
            "::ffff:1.1.1.1",
        ];
        for address in near {
            assert!(is_near(address.parse().unwrap()), "{address}");
        }
        for address in far {
            assert!(!is_near(address.parse().unwrap()), "{address}");
        }
    }

    /// The error of a GET, of which nobody answers any.
    fn get(api: &str, url: &str) -> String {
        let config = Agent::config_builder().proxy(None).build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Reach::new(api));
        let error = agent.get(url).call().err();
        error.map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn names_count_by_their_addresses() {
        let port = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        for host in [
            "127.0.0.1",
            "localhost",
            "2130706433",
            "127.1",
            "[::ffff:127.0.0.1]",
        ] {
            let url = format!("http://{host}:{port}/");
            let said = get("https://192.0.2.1", &url);
            assert!(said.contains(REFUSED), "{host}: {said}");
            let said = get("http://127.0.0.1:1", &url);
            assert!(
                !said.is_empty() && !said.contains(REFUSED),
                "{host}: {said}"
            );
        }
    }

    #[test]
    fn what_says_where_it_is_needs_no_look() {
        let far = Reach::new("https://192.0.2.1");
        for (url, forbidden) in [
            ("https://127.0.0.1/a", true),
            ("https://localhost:8000/a", true),
            ("https://[::1]/a", true),
            ("https://192.168.0.1/a?b", true),
            ("https://192.0.2.1/a", false),
            ("https://1.1.1.1/a", false),
            ("https://cdn.example/a", false),
        ] {
            assert_eq!(far.forbids(url), forbidden, "{url}");
            assert!(!Reach::new("http://127.0.0.1:9").forbids(url), "{url}");
        }
    }
}
