//! Which of a host's addresses is tried first. ureq tries them one after the other, each for
//! seconds: where the route of one family is dead, as that of IPv6 often is, every new connection
//! would wait for it. So one address of each family is tried side by side now and then, and the
//! family that answers goes first for a while. The others stay behind it.

use crate::sync::lock;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::Builder;
use std::time::{Duration, Instant};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long the family that is named first may take before the other one is tried as well; what
/// browsers wait (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);
/// How long both may take.
const LONGEST: Duration = Duration::from_secs(3);
/// How long the family that answered goes first.
const KEPT: Duration = Duration::from_secs(600);
/// Bytes of stack of a thread that tries an address.
const STACK: usize = 64 << 10;

/// Tries an address.
type Try = fn(SocketAddr) -> bool;

/// The family that goes first.
pub(super) struct Routes {
    best: Mutex<Option<(bool, Instant)>>,
    connects: Try,
}

impl Default for Routes {
    /// Nothing has been tried.
    fn default() -> Self {
        Self {
            best: Mutex::default(),
            connects: |address| TcpStream::connect_timeout(&address, LONGEST).is_ok(),
        }
    }
}

impl Routes {
    /// Whether IPv6 goes first for these addresses; None if that doesn't matter or isn't known.
    fn v6_first(&self, found: &[SocketAddr]) -> Option<bool> {
        let first = found.first()?;
        let other = found.iter().find(|at| at.is_ipv6() != first.is_ipv6())?;
        let known = *lock(&self.best);
        if let Some((v6, _)) = known.filter(|(_, since)| since.elapsed() < KEPT) {
            return Some(v6);
        }
        let best = self.race([*first, *other])?.is_ipv6();
        *lock(&self.best) = Some((best, Instant::now()));
        Some(best)
    }

    /// Tries two addresses, the second one after a while; the one that answers first, if any does.
    fn race(&self, [first, second]: [SocketAddr; 2]) -> Option<SocketAddr> {
        let (sender, receiver) = sync_channel(2);
        self.start(first, &sender);
        let early = receiver.recv_timeout(HEAD_START);
        if let Ok(Some(won)) = early {
            return Some(won);
        }
        self.start(second, &sender);
        drop(sender);
        let end = Instant::now() + LONGEST;
        loop {
            match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Some(won)) => return Some(won),
                Ok(None) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Tries an address in a thread of its own, and sends it if it answers.
    fn start(&self, address: SocketAddr, sender: &SyncSender<Option<SocketAddr>>) {
        let (connects, sender) = (self.connects, sender.clone());
        let builder = Builder::new().name("route".to_owned()).stack_size(STACK);
        // Without a thread it isn't tried; nobody may be waiting any more.
        let _ = builder.spawn(move || {
            let _ = sender.send(connects(address).then_some(address));
        });
    }

    /// Which family doesn't answer although the other one does, of a host's addresses.
    pub(super) fn dead(&self, found: &[SocketAddr]) -> Option<&'static str> {
        let of = |v6: bool| found.iter().find(|at| at.is_ipv6() == v6).copied();
        let (v4, v6) = (of(false)?, of(true)?);
        let (sender, receiver) = sync_channel(2);
        self.start(v4, &sender);
        self.start(v6, &sender);
        drop(sender);
        let answers: Vec<SocketAddr> = receiver.iter().flatten().collect();
        match answers[..] {
            [one] if one == v4 => Some("IPv6"),
            [_] => Some("IPv4"),
            _ => None,
        }
    }
}

/// A resolver whose addresses are put in the order in which they are to be tried.
pub(super) struct Ordered<R> {
    inner: R,
    routes: Arc<Routes>,
}

impl<R> Ordered<R> {
    /// The addresses that another resolver finds.
    pub(super) fn new(inner: R, routes: &Arc<Routes>) -> Self {
        let routes = Arc::clone(routes);
        Self { inner, routes }
    }
}

impl<R: Resolver> std::fmt::Debug for Ordered<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ordered").field(&self.inner).finish()
    }
}

impl<R: Resolver> Resolver for Ordered<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let all: Vec<SocketAddr> = found.iter().copied().collect();
        let Some(v6) = self.routes.v6_first(&all) else {
            return Ok(found);
        };
        let mut ordered = self.empty();
        let (best, others): (Vec<SocketAddr>, Vec<SocketAddr>) =
            all.into_iter().partition(|at| at.is_ipv6() == v6);
        best.into_iter()
            .chain(others)
            .for_each(|at| ordered.push(at));
        Ok(ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{Ipv6Addr, TcpListener};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use ureq::Agent;
    use ureq::unversioned::transport::DefaultConnector;

    const V4: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(
        std::net::Ipv4Addr::new(192, 0, 2, 1),
        443,
    ));
    const V6: SocketAddr = SocketAddr::V6(std::net::SocketAddrV6::new(
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
        443,
        0,
        0,
    ));

    fn dead(v6: bool, address: SocketAddr) -> bool {
        if address.is_ipv6() == v6 {
            std::thread::sleep(LONGEST);
        }
        address.is_ipv6() != v6
    }

    fn routes(connects: Try) -> Routes {
        let best = Mutex::default();
        Routes { best, connects }
    }

    #[test]
    fn the_family_that_answers_goes_first() {
        for (connects, found, v6_first, dead_one) in [
            (
                (|at| dead(true, at)) as Try,
                [V6, V4],
                Some(false),
                Some("IPv6"),
            ),
            (|at| dead(true, at), [V4, V6], Some(false), Some("IPv6")),
            (|at| dead(false, at), [V4, V6], Some(true), Some("IPv4")),
            (|_| true, [V6, V4], Some(true), None),
            (|_| true, [V4, V6], Some(false), None),
            (|_| false, [V6, V4], None, None),
        ] {
            let (routes, start) = (routes(connects), Instant::now());
            assert_eq!(routes.v6_first(&found), v6_first);
            assert!(start.elapsed() < LONGEST, "nobody waits for the dead one");
            assert_eq!(routes.dead(&found), dead_one);
        }
        let one = routes(|_| unreachable!("there is no choice"));
        assert_eq!(one.v6_first(&[V4, V4]), None);
        assert_eq!(one.v6_first(&[]), None);
    }

    #[test]
    fn it_is_remembered() {
        static TRIED: AtomicUsize = AtomicUsize::new(0);
        let routes = routes(|_| {
            TRIED.fetch_add(1, Ordering::SeqCst);
            true
        });
        for _ in 0..3 {
            assert_eq!(routes.v6_first(&[V6, V4]), Some(true));
            assert_eq!(routes.v6_first(&[V4, V6]), Some(true));
        }
        assert_eq!(TRIED.load(Ordering::SeqCst), 1);
    }

    /// Finds these for every name.
    #[derive(Debug)]
    struct Fixed(Vec<SocketAddr>);

    impl Resolver for Fixed {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, Error> {
            let mut found = self.empty();
            self.0.iter().for_each(|at| found.push(*at));
            Ok(found)
        }
    }

    /// An address where connections are neither taken nor refused: as many wait there as may.
    fn hole() -> (SocketAddr, Vec<TcpStream>, TcpListener) {
        let listener = TcpListener::bind("[::1]:0").expect("IPv6 on this machine");
        let address = listener.local_addr().expect("an address");
        rustix::net::listen(&listener, 0).expect("a short queue");
        let short = Duration::from_millis(200);
        let waiting = std::iter::from_fn(|| TcpStream::connect_timeout(&address, short).ok());
        let waiting = waiting.take(100).collect();
        (address, waiting, listener)
    }

    #[test]
    fn connections_are_not_delayed_by_a_dead_route() {
        let (dead, _waiting, _listener) = hole();
        let live = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = live.local_addr().expect("an address");
        std::thread::spawn(move || {
            for stream in live.incoming() {
                let mut stream = stream.expect("a connection");
                // One that only tries sends nothing.
                if stream.read(&mut [0; 1000]).is_ok_and(|read| read > 0) {
                    let _ =
                        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
                }
            }
        });
        let config = Agent::config_builder()
            .proxy(None)
            .timeout_connect(Some(Duration::from_secs(10)))
            .build();
        let found = Fixed(vec![dead, address]);
        let resolver = Ordered::new(found, &Arc::default());
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        for _ in 0..3 {
            let start = Instant::now();
            let answer = agent.get("http://both.example/").call().expect("an answer");
            assert_eq!(answer.status().as_u16(), 204);
            let took = start.elapsed();
            assert!(
                took < Duration::from_secs(5),
                "{took:?}; ureq waits for 6.7 s"
            );
        }
    }
}
