//! Which addresses may not even connect: for good those that made tiny_http lose connections, and
//! for a minute those that took more than half of all. What they are up to is judged by `guard`
//! and `losses`; the kernel turns them away, see `filter`.

use super::filter;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an address is kept out that took too many connections.
const WHILE: Duration = Duration::from_secs(60);
/// Most addresses kept out at a time: the kernel compares each packet with each of them.
const MOST: usize = 64;

/// The listening socket and those who are kept away from it.
#[derive(Debug)]
pub(super) struct Gate {
    listener: TcpListener,
    /// Addresses of this machine. The server itself comes from there, so they are let in always.
    own: Vec<IpAddr>,
    out: Mutex<Out>,
}

#[derive(Debug, Default)]
struct Out {
    banned: BTreeSet<IpAddr>,
    held: BTreeMap<IpAddr, Instant>,
    /// Whether the kernel was found not to do it.
    broken: bool,
}

impl Gate {
    /// A gate that keeps nobody out yet.
    pub(super) fn new(listener: TcpListener, own: Vec<IpAddr>) -> Self {
        let out = Mutex::default();
        Self { listener, own, out }
    }

    /// Keeps an address out until the server ends, if that can be.
    pub(super) fn ban(&self, address: IpAddr) {
        let address = address.to_canonical();
        let mut out = self.out();
        let full = out.banned.len() >= MOST;
        if out.broken || full || self.own.contains(&address) || !out.banned.insert(address) {
            return;
        }
        self.attach(&mut out);
        if !out.broken {
            log::warn!(
                "{address} is kept out until the server restarts: \
                 it made the HTTP library lose connections for good"
            );
        }
    }

    /// Keeps addresses out for a while, as far as that can be.
    pub(super) fn hold(&self, addresses: impl IntoIterator<Item = IpAddr>, now: Instant) {
        let mut out = self.out();
        let before: Vec<IpAddr> = out.held.keys().copied().collect();
        out.held.retain(|_, until| *until > now);
        for address in addresses {
            let address = address.to_canonical();
            let full = out.banned.len() + out.held.len() >= MOST;
            let known = out.held.contains_key(&address);
            if out.broken || self.own.contains(&address) || (full && !known) {
                continue;
            }
            if !known {
                log::info!("{address} is kept out for a minute: it took too many connections");
            }
            out.held.insert(address, now + WHILE);
        }
        if !out.held.keys().eq(&before) {
            self.attach(&mut out);
        }
    }

    /// Waits until somebody comes in, so long at most; whether somebody did. Not everybody is
    /// noticed, for tiny_http may be faster, but a crowd is.
    pub(super) fn wait(&self, most: Duration) -> bool {
        let most = Timespec::try_from(most).ok();
        let mut listener = [PollFd::new(&self.listener, PollFlags::IN)];
        poll(&mut listener, most.as_ref()).is_ok_and(|ready| ready > 0)
    }

    /// Whether an address is kept out until the server ends.
    pub(super) fn bans(&self, address: IpAddr) -> bool {
        let out = self.out();
        !out.broken && out.banned.contains(&address.to_canonical())
    }

    /// Whether an address is kept out now, so that its connections can be ended: it won't be back at
    /// once.
    pub(super) fn keeps_out(&self, address: IpAddr) -> bool {
        let (out, address) = (self.out(), address.to_canonical());
        !out.broken && (out.banned.contains(&address) || out.held.contains_key(&address))
    }

    /// Tells the kernel.
    fn attach(&self, out: &mut Out) {
        let all: Vec<IpAddr> = out.banned.iter().chain(out.held.keys()).copied().collect();
        if let Err(error) = filter::keep_out(&self.listener, &all) {
            log::warn!("nobody can be kept out by their address: {error}");
            out.broken = true;
        }
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_is_kept_out_and_how_long() {
        let [own, one, two] = [1, 2, 3].map(|n| IpAddr::from([127, 0, 0, n]));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let gate = Gate::new(listener, vec![own]);
        gate.ban(own);
        gate.ban(one);
        assert!(!gate.bans(own), "we come from there");
        assert!(gate.bans(one) && gate.keeps_out(one));
        let start = Instant::now();
        gate.hold([own, two], start);
        assert!(gate.keeps_out(two) && !gate.bans(two) && !gate.keeps_out(own));
        gate.hold([], start + WHILE);
        assert!(!gate.keeps_out(two), "it may try again");
        assert!(gate.keeps_out(one), "it may not");
    }

    #[test]
    fn no_more_than_the_kernel_should_compare() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let gate = Gate::new(listener, Vec::new());
        let address = |n| IpAddr::from([192, 0, 2, n]);
        (0..65).for_each(|n| gate.ban(address(n)));
        let banned = (0..65).filter(|n| gate.bans(address(*n)));
        assert_eq!(banned.count(), MOST);
        gate.hold((100..200).map(address), Instant::now());
        let held = (100..200).filter(|n| gate.keeps_out(address(*n)));
        assert_eq!(held.count(), 0, "the banned come first");
    }
}
