//! How many connections there may be: in all, and from one address. And who counts as one.

use crate::sync::lock;
use crate::warning::Kind;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

/// Most connections: each takes some kilobytes of the kernel's.
const MOST: usize = 8_192;
/// Most of one address.
const EACH: usize = 2_048;
/// The same where TLS is spoken: each has a session, of some 8 KiB when it is idle.
const MOST_SECURE: usize = 2_048;
const EACH_SECURE: usize = 512;
/// Descriptors asked for at most.
const DESCRIPTORS: u64 = 65_536;
/// Descriptors that the rest of the program may take at least: logs, state, the spool, connections to
/// the cloud.
const REST: u64 = 32;

/// Who counts as one: an address of IPv4, or a network of IPv6, of which a home has at least a /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Party(IpAddr);

impl From<IpAddr> for Party {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// The places for connections.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    each: usize,
    taken: Mutex<(usize, HashMap<Party, usize>)>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Party,
}

/// A place that is taken; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    places: Arc<Places>,
    pub(super) party: Party,
}

impl Places {
    /// As many as this process may have.
    pub(super) fn new(secure: bool) -> Self {
        Self::of(raise_descriptors(), secure)
    }

    fn of(descriptors: u64, secure: bool) -> Self {
        let (most, each) = match secure {
            true => (MOST_SECURE, EACH_SECURE),
            false => (MOST, EACH),
        };
        let rest = REST.max(descriptors / 8).min(descriptors / 2);
        let most = usize::try_from(descriptors - rest).map_or(most, |free| free.min(most));
        let (each, taken) = ((most / 2).min(each), Mutex::default());
        Self { most, each, taken }
    }

    /// Takes a place.
    pub(super) fn take(self: &Arc<Self>, party: Party) -> Result<Seat, Full> {
        let mut taken = lock(&self.taken);
        if taken.0 >= self.most {
            return Err(Full::All);
        }
        let count = taken.1.get(&party).copied().unwrap_or(0);
        if count >= self.each {
            return Err(Full::Party);
        }
        taken.1.insert(party, count + 1);
        taken.0 += 1;
        let places = Arc::clone(self);
        Ok(Seat { places, party })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = lock(&self.places.taken);
        taken.0 -= 1;
        if let Some(count) = taken.1.get_mut(&self.party) {
            *count -= 1;
            if *count == 0 {
                taken.1.remove(&self.party);
            }
        }
    }
}

/// Raises the limit of descriptors as far as it goes, and tells it.
fn raise_descriptors() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(DESCRIPTORS).min(DESCRIPTORS);
    if limit.current.is_some_and(|current| current < most) {
        limit.current = Some(most);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            log::warn!(target: &Kind::Resources.about("open files"), "the limit of open files can't be raised: {error}");
        }
    }
    getrlimit(Resource::Nofile).current.unwrap_or(DESCRIPTORS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let party = |text: &str| Party::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(party("2001:db8::1"), party("2001:db8::ffff:0:0:2"));
        assert_ne!(party("2001:db8::1"), party("2001:db8:0:1::1"));
        assert_eq!(party("::ffff:192.0.2.1"), party("192.0.2.1"));
        assert_ne!(party("192.0.2.1"), party("192.0.2.2"));
    }

    #[test]
    fn nobody_takes_all_places() {
        let places = Arc::new(Places::of(64, false));
        let party = |n| Party::from(IpAddr::from([192, 0, 2, n]));
        let many = |n| {
            (0..64)
                .map_while(|_| places.take(party(n)).ok())
                .collect::<Vec<_>>()
        };
        let crowd = many(1);
        assert_eq!(
            (crowd.len(), places.take(party(1)).err()),
            (16, Some(Full::Party))
        );
        let other = many(2);
        assert_eq!(
            (other.len(), places.take(party(3)).err()),
            (16, Some(Full::All))
        );
        drop(crowd);
        assert_eq!(many(3).len(), 16);
        drop(other);
        assert!(lock(&places.taken).1.is_empty(), "nothing is left behind");
    }

    #[test]
    fn descriptors_are_left_for_the_rest() {
        assert_eq!(Places::of(16, true).most, 8);
        assert_eq!(Places::of(1024, false).most, 896);
        assert_eq!(
            (
                Places::of(65_536, false).most,
                Places::of(65_536, false).each
            ),
            (MOST, EACH)
        );
    }
}
