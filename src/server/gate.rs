//! Which addresses may not even connect: for good those that made tiny_http lose connections, and
//! for a minute those that took more than half of all. What they are up to is judged by `guard`
//! and `losses`; the kernel turns them away, see `filter`.

use super::filter;
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

    /// Keeps an address out until the server ends; false if that can't be.
    pub(super) fn ban(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mut out = self.out();
        if out.banned.contains(&address) {
            return true;
        }
        if self.own.contains(&address) || out.banned.len() >= MOST {
            return false;
        }
        out.banned.insert(address);
        let done = self.attach(&mut out);
        if done {
            log::warn!(
                "{address} is kept out until the server restarts: \
                 it made the HTTP library lose connections for good"
            );
        }
        done
    }

    /// Keeps addresses out for a while, as far as that can be.
    pub(super) fn hold(&self, addresses: impl IntoIterator<Item = IpAddr>, now: Instant) {
        let mut out = self.out();
        let before: Vec<IpAddr> = out.held.keys().copied().collect();
        out.held.retain(|_, until| *until > now);
        for address in addresses {
            let address = address.to_canonical();
            let known = out.held.contains_key(&address);
            if self.own.contains(&address) || (!known && out.held.len() >= MOST) {
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

    /// Tells the kernel; whether it does it.
    fn attach(&self, out: &mut Out) -> bool {
        if out.broken {
            return false;
        }
        let held = out.held.keys().filter(|one| !out.banned.contains(one));
        let all: Vec<IpAddr> = out.banned.iter().chain(held).take(MOST).copied().collect();
        let done = filter::keep_out(&self.listener, &all);
        if let Err(error) = &done {
            log::warn!("nobody can be kept out by their address: {error}");
            out.broken = true;
        }
        done.is_ok()
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
