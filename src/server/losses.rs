//! Which connections tiny_http has lost: they have ended, nobody asks anything on them, and still
//! their descriptors stay. It is how a head of HTTP/2 shows: the thread that parsed it waits for
//! itself for ever, before anybody else hears of the request.

use super::peers::Moved;
use super::sockets::Client;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// How long a connection that has ended may keep its descriptors before it counts as lost. tiny_http
/// notices as soon as a thread of its own is free for it.
const SLACK: Duration = Duration::from_secs(30);

/// The sockets of connections, by the numbers that the kernel gives them: other than descriptors,
/// these don't soon mean something else.
#[derive(Debug, Default)]
pub(super) struct Losses(HashMap<u64, Known>);

#[derive(Debug)]
struct Known {
    peer: SocketAddr,
    ended: Option<Instant>,
    /// Whether it may be waiting for a thread instead.
    doubtful: bool,
}

impl Known {
    fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            ended: None,
            doubtful: false,
        }
    }
}

impl Losses {
    /// Takes over a look: every socket, with its client if it has one still, and the clients with
    /// a request under way, which ends by itself. Returns the connections that haven't ended.
    pub(super) fn note(
        &mut self,
        now: Instant,
        sockets: &HashMap<u64, Option<Client>>,
        busy: &HashMap<SocketAddr, Moved>,
    ) -> HashMap<SocketAddr, u64> {
        self.0.retain(|number, _| sockets.contains_key(number));
        let mut open = HashMap::new();
        for (number, client) in sockets {
            if let Some(client) = client {
                let new = || Known::new(client.peer);
                self.0.entry(*number).or_insert_with(new);
            }
            // Nobody knows whose a connection was that broke before it was seen.
            let Some(known) = self.0.get_mut(number) else {
                continue;
            };
            match (client, known.ended) {
                (Some(client), None) => drop(open.insert(known.peer, client.unread)),
                (None, None) => known.ended = Some(now),
                (_, Some(_)) if busy.contains_key(&known.peer) => known.ended = Some(now),
                _ => {}
            }
        }
        open
    }

    /// Takes note of connections that have been cut now.
    pub(super) fn cut(&mut self, now: Instant, cut: &HashSet<SocketAddr>) {
        for known in self.0.values_mut() {
            if cut.contains(&known.peer) {
                known.ended.get_or_insert(now);
            }
        }
    }

    /// Takes note that tiny_http's accept loop has died: what it had given to no thread waits until
    /// others end, and looks as if it were lost.
    pub(super) fn doubt(&mut self) {
        self.0.values_mut().for_each(|known| known.doubtful = true);
    }

    /// How many connections of each address have ended, and yet are there.
    pub(super) fn ended(&self) -> HashMap<IpAddr, usize> {
        self.count(|_| true)
    }

    /// How many connections of each address are lost.
    pub(super) fn lost(&self, now: Instant) -> HashMap<IpAddr, usize> {
        let late = |ended| now.saturating_duration_since(ended) > SLACK;
        self.count(|known| !known.doubtful && known.ended.is_some_and(late))
    }

    fn count(&self, counts: impl Fn(&Known) -> bool) -> HashMap<IpAddr, usize> {
        let mut count = HashMap::new();
        let ended = self.0.values().filter(|known| known.ended.is_some());
        for known in ended.filter(|known| counts(known)) {
            *count.entry(known.peer.ip()).or_default() += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn peer(number: u16) -> SocketAddr {
        ([192, 0, 2, 1], number).into()
    }

    fn client(number: u16) -> Option<Client> {
        let peer = peer(number);
        Some(Client { peer, unread: 0 })
    }

    fn total(counts: &HashMap<IpAddr, usize>) -> usize {
        counts.values().sum()
    }

    #[test]
    fn what_ends_and_stays_is_lost() {
        let (mut losses, start) = (Losses::default(), Instant::now());
        let mut sockets = HashMap::from([(1, client(1)), (2, client(2)), (3, client(3))]);
        let idle = HashMap::new();
        assert_eq!(losses.note(start, &sockets, &idle).len(), 3);
        // One is cut, one breaks, and one goes on; the client of another was never seen.
        losses.cut(start, &HashSet::from([peer(1)]));
        sockets.insert(2, None);
        sockets.insert(4, None);
        let open = losses.note(start, &sockets, &idle);
        assert_eq!(open.into_keys().collect::<Vec<_>>(), [peer(3)]);
        assert_eq!(total(&losses.ended()), 2);
        let late = start + SLACK;
        assert_eq!(total(&losses.lost(late)), 0);
        assert_eq!(losses.lost(late + SECOND)[&peer(1).ip()], 2);
        sockets.remove(&1);
        losses.note(late, &sockets, &idle);
        assert_eq!(total(&losses.lost(late + SECOND)), 1, "it came back");
    }

    #[test]
    fn what_is_being_done_is_not_lost() {
        let (mut losses, start) = (Losses::default(), Instant::now());
        let since = start;
        let waited = Duration::ZERO;
        let moved = Moved {
            since,
            bytes: 0,
            waited,
        };
        let busy = HashMap::from([(peer(1), moved)]);
        losses.note(start, &HashMap::from([(1, client(1))]), &busy);
        let broken = HashMap::from([(1, None)]);
        let end = start + SLACK * 2;
        losses.note(end, &broken, &busy);
        losses.note(end, &broken, &HashMap::new());
        assert_eq!(total(&losses.lost(end + SLACK)), 0);
        let late = end + SLACK + SECOND;
        assert_eq!(total(&losses.lost(late)), 1);
        losses.doubt();
        assert_eq!(total(&losses.lost(late)), 0, "it may wait for a thread");
        assert_eq!(total(&losses.ended()), 1);
    }
}
