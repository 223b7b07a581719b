//! What the guard decides, by looks at connections that there never were.

use super::*;

/// Connections, as a look shows them, and the guard that looks.
struct Scene {
    guard: Guard,
    look: Look,
}

/// Bytes for bodies.
const MEMORY: u64 = 16 << 20;
const SECOND: Duration = Duration::from_secs(1);

fn peer(address: u8, number: usize) -> SocketAddr {
    let port = 1000 + u16::try_from(number).expect("a small number");
    ([192, 0, 2, address], port).into()
}

impl Scene {
    fn new(descriptors: u64) -> Self {
        Self {
            guard: Guard::new(descriptors, MEMORY),
            look: Look {
                now: Instant::now(),
                open: HashMap::new(),
                busy: HashMap::new(),
                memory: 0,
                ended: HashMap::new(),
                stuck: false,
            },
        }
    }

    /// Opens so many connections of an address, without a request.
    fn open(&mut self, address: u8, count: usize) {
        self.look
            .open
            .extend((0..count).map(|number| (peer(address, number), 0)));
    }

    /// The same with a request under way.
    fn ask(&mut self, address: u8, count: usize) {
        self.open(address, count);
        let moved = Moved {
            since: self.look.now,
            bytes: 0,
            waited: Duration::ZERO,
        };
        let all = (0..count).map(|number| (peer(address, number), moved));
        self.look.busy.extend(all);
    }

    /// Lets time pass in which every request waits for its client and gets so many bytes a second;
    /// who is to be cut after it, and why, in order.
    fn wait(&mut self, time: Duration, pace: u64) -> Vec<(SocketAddr, Why)> {
        self.look.now += time;
        for moved in self.look.busy.values_mut() {
            moved.waited += time;
            moved.bytes += time.as_secs() * pace;
        }
        self.judge()
    }

    fn greedy(&mut self) -> Vec<IpAddr> {
        self.guard.judge(&self.look).greedy
    }

    fn judge(&mut self) -> Vec<(SocketAddr, Why)> {
        let mut cut: Vec<_> = self.guard.judge(&self.look).cut.into_iter().collect();
        for (peer, _) in &cut {
            self.look.open.remove(peer);
            self.look.busy.remove(peer);
        }
        cut.sort_unstable_by_key(|(peer, _)| *peer);
        cut
    }
}

#[test]
fn slow_for_a_minute() {
    let mut scene = Scene::new(1024);
    scene.ask(1, 2);
    assert_eq!(scene.judge(), []);
    for _ in 1..6 {
        assert_eq!(scene.wait(STEP, PACE - 1), []);
    }
    let cut = [0, 1].map(|number| (peer(1, number), Why::Slow));
    assert_eq!(scene.wait(STEP, PACE - 1), cut);
}

#[test]
fn a_fast_step_makes_up_for_slow_ones() {
    let mut scene = Scene::new(1024);
    scene.ask(1, 20);
    assert_eq!(scene.judge(), []);
    for _ in 0..20 {
        assert_eq!(scene.wait(STEP, PACE), []);
    }
    scene.look.busy.retain(|one, _| *one == peer(1, 0));
    scene.look.open.retain(|one, _| *one == peer(1, 0));
    for pace in [0, 0, PACE, 0, 0, 0, 0, PACE, 0, 0, 0] {
        // From the beginning of a step to its end.
        assert_eq!(scene.wait(STEP, pace), []);
    }
}

#[test]
fn what_the_cloud_takes_is_nobodys_fault() {
    let mut scene = Scene::new(1024);
    scene.ask(1, 20);
    for _ in 0..100 {
        scene.look.now += STEP;
        assert_eq!(scene.judge(), []);
    }
}

#[test]
fn few_stalled_requests_of_an_address() {
    let mut scene = Scene::new(1024);
    scene.ask(1, SLOW_ONES + 1);
    scene.ask(2, SLOW_ONES);
    assert_eq!(scene.judge(), []);
    let cut = scene.wait(STEP, 0);
    assert_eq!(cut.len(), 1);
    assert!(cut[0].0.ip() == peer(1, 0).ip() && cut[0].1 == Why::Stalled);
}

#[test]
fn no_stalled_request_in_a_crowd() {
    let mut scene = Scene::new(1024);
    scene.ask(1, CROWD + 1);
    scene.ask(2, 1);
    assert_eq!(scene.judge(), []);
    let cut = (0..=CROWD).map(|number| (peer(1, number), Why::Stalled));
    assert_eq!(scene.wait(STEP, 0), cut.collect::<Vec<_>>());
    // From then on it doesn't take so long.
    scene.ask(1, SLOW_ONES + 1);
    assert_eq!(scene.judge(), []);
    assert_eq!(scene.wait(HASTY_STEP, 0).len(), 1);
}

/// A request that waits for its turn behind a stalled one gives its place to what came later.
#[test]
fn those_behind_a_stalled_request_go_with_it() {
    let mut scene = Scene::new(1024);
    scene.ask(1, CROWD + 4);
    assert_eq!(scene.judge(), []);
    scene.look.now += STEP;
    let first = scene.look.busy.get_mut(&peer(1, 0)).expect("it asks");
    first.waited = STEP;
    let cut = (0..=CROWD).map(|number| (peer(1, number), Why::Stalled));
    assert_eq!(scene.judge(), cut.collect::<Vec<_>>());
}

#[test]
fn no_request_came() {
    let mut scene = Scene::new(1024);
    scene.open(1, MUTE_ONES);
    assert_eq!(scene.judge(), []);
    assert_eq!(scene.wait(MUTE, 0), []);
    let cut = scene.wait(SECOND, 0);
    assert_eq!(cut.len(), MUTE_ONES);
    assert!(cut.iter().all(|(_, why)| *why == Why::Mute));
}

#[test]
fn no_further_request_came() {
    let mut scene = Scene::new(1024);
    scene.ask(1, 1);
    assert_eq!(scene.judge(), []);
    scene.look.busy.clear();
    assert_eq!(scene.wait(SILENT, 0), []);
    assert_eq!(scene.wait(SECOND, 0), [(peer(1, 0), Why::Silent)]);
}

#[test]
fn memory_grew_during_a_head() {
    let mut scene = Scene::new(1024);
    scene.open(1, 2);
    scene.ask(2, 1);
    scene.look.open.insert(peer(1, 0), 1);
    assert_eq!(scene.judge(), []);
    scene.look.memory = MEMORY + GROWTH;
    assert_eq!(scene.judge(), [], "as much as bodies may take");
    scene.look.memory += 1;
    assert_eq!(scene.judge(), [(peer(1, 0), Why::Large)]);
    let late = scene.wait(IDLE + SECOND, PACE);
    assert_eq!(late, [(peer(1, 1), Why::Large)], "what comes bit by bit");
}

#[test]
fn too_many_that_have_not_asked() {
    let mut scene = Scene::new(4096);
    scene.open(1, MUTE_ONES + 3);
    scene.open(2, MUTE_ONES);
    assert_eq!(scene.judge(), []);
    assert_eq!(scene.wait(NEW, 0), [], "all of them are new");
    let cut = [0, 1, 2].map(|number| (peer(1, number), Why::Idle));
    assert_eq!(scene.wait(SECOND, 0), cut);
}

/// The address that has most of them pays, and with it what asks for nothing.
#[test]
fn too_many_for_the_descriptors() {
    let most = 12;
    let mut scene = Scene::new(REST + COST * most);
    scene.ask(1, 4);
    assert_eq!(scene.judge(), []);
    assert_eq!(scene.wait(SECOND, PACE), []);
    scene.open(1, 8);
    scene.open(2, 4);
    assert_eq!(scene.judge(), []);
    scene.open(2, 6);
    let cut = [4, 5].map(|number| (peer(1, number), Why::Many));
    assert_eq!(scene.judge(), cut);
    scene.look.stuck = true;
    let cut = scene.judge();
    assert_eq!(cut.len(), 8, "all that ask for nothing: {cut:?}");
    assert_eq!(
        scene.look.open.len(),
        4,
        "what has begun stays, up to half of them all"
    );
}

/// Nobody keeps others out by requests that have begun.
#[test]
fn too_many_requests_for_the_descriptors() {
    let mut scene = Scene::new(REST + COST * 10);
    scene.ask(1, 9);
    assert_eq!(scene.judge(), []);
    assert_eq!(scene.wait(SECOND, PACE), []);
    scene.ask(2, 3);
    let cut = [0, 1].map(|number| (peer(1, number), Why::Many));
    assert_eq!(scene.judge(), cut);
}

/// Whoever takes more than half of what there is, is kept out; what it has lost counts as well.
#[test]
fn greedy_addresses() {
    let most = 12;
    let mut scene = Scene::new(REST + COST * most);
    scene.open(1, 7);
    scene.open(2, 5);
    assert!(scene.greedy().is_empty(), "there is room");
    scene.open(3, 1);
    assert_eq!(scene.greedy(), [peer(1, 0).ip()]);
    let two = peer(2, 0).ip();
    scene.look.open.retain(|peer, _| peer.ip() == two);
    scene.look.ended = HashMap::from([(two, 2)]);
    assert!(scene.greedy().is_empty(), "there is room again");
    scene.look.stuck = true;
    assert_eq!(scene.greedy(), [two]);
}

#[test]
fn greedy_where_there_is_room() {
    let mut scene = Scene::new(4096);
    scene.ask(1, GREEDY + 1);
    scene.open(2, GREEDY);
    assert!(scene.greedy().is_empty());
    scene.open(2, GREEDY + 1);
    assert_eq!(scene.greedy(), [peer(2, 0).ip()]);
}

#[test]
fn room_beside_what_is_lost() {
    let scene = Scene::new(REST + COST * 12);
    assert!(!scene.guard.hopeless(13), "3 connections have room");
    assert!(scene.guard.hopeless(14), "2 have");
    let scene = Scene::new(65_536);
    assert!(!scene.guard.hopeless(512));
    assert!(scene.guard.hopeless(513), "too many threads");
}
