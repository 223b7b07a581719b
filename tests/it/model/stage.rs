//! Where histories happen: an emulated cloud and the server's own binary over it, once or twice,
//! each with a state on disk that outlives it when it is killed.

use super::oracle::Process;
use super::weather::{Change, Climate, Gloom, Habit, Stroke};
use crate::process;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An emulated cloud, as far as histories need it.
pub(super) trait Sky: Send + Sync {
    /// Ends all faults and moods; these habits stay.
    fn calm(&self, habits: &[&'static Habit]);
    fn turn(&self, change: &Change);
    fn darken(&self, gloom: &Gloom);
    fn strike(&self, stroke: &Stroke);
    fn hang_up(&self);
    fn advance(&self, by: Duration);
    /// How many faults happened.
    fn fired(&self) -> u64;
    fn complaints(&self) -> Vec<String>;
    /// All living files: path → size, and the cloud's sum of the bytes.
    fn tree(&self) -> BTreeMap<String, (u64, String)>;
    /// The cloud's sum of bytes.
    fn sum(&self, bytes: &[u8]) -> String;
    /// The living names in a folder, each as often as it is there.
    fn names(&self, folder: &str) -> Vec<String>;
}

/// A server over a cloud.
pub(super) trait Machine: Send {
    fn process(&self) -> &process::Process;
    /// One more server over the same cloud.
    fn beside(&self) -> Box<dyn Machine>;
}

/// A cloud with its servers.
pub(super) struct Stage {
    pub(super) cloud: Arc<dyn Sky>,
    pub(super) servers: Vec<Server>,
}

impl Stage {
    /// As many servers; `options` are the first one's.
    pub(super) fn start(climate: &Climate, options: &[&str], servers: usize) -> Self {
        let (cloud, rig) = (climate.start)(options);
        let mut rigs = vec![rig];
        for _ in 1..servers {
            let other = rigs[0].beside();
            rigs.push(other);
        }
        let servers = rigs.into_iter().map(Server::new).collect();
        Self { cloud, servers }
    }

    /// One more server, which has no state.
    pub(super) fn fresh(&self) -> Server {
        Server::new(lock(&self.servers[0].rig).beside())
    }

    /// What lives in the cloud, and the logs of all servers.
    pub(super) fn logs(&self) -> String {
        let mut all = format!("in the cloud: {:#?}\n", self.cloud.tree());
        for (number, server) in self.servers.iter().enumerate() {
            let _ = writeln!(all, "server {number}:\n{}", server.log());
        }
        all
    }
}

/// A server that can be killed while others ask it.
pub(super) struct Server {
    rig: Mutex<Box<dyn Machine>>,
    /// Where it listens, and the process that does.
    now: Mutex<(SocketAddr, Process)>,
    /// What its earlier processes logged.
    before: Mutex<String>,
}

impl Server {
    fn new(rig: Box<dyn Machine>) -> Self {
        let now = (rig.process().address(), next_process(None, 0));
        Self {
            now: Mutex::new(now),
            rig: Mutex::new(rig),
            before: Mutex::default(),
        }
    }

    /// Where it listens, and the process that does.
    pub(super) fn now(&self) -> (SocketAddr, Process) {
        *lock(&self.now)
    }

    /// Kills it and starts it again. `time` is now.
    pub(super) fn kill(&self, moves: bool, time: u64) {
        let machine = lock(&self.rig);
        let rig = machine.process();
        lock(&self.before).push_str(&rig.log());
        // Before anybody can reach the new one, so that nothing it does is laid to the old one.
        let server = self.now().1.server;
        lock(&self.now).1 = next_process(Some(server), time);
        match moves {
            true => rig.kill_and_move(),
            false => rig.kill_and_restart(),
        }
        lock(&self.now).0 = rig.address();
    }

    /// What it logged.
    pub(super) fn log(&self) -> String {
        lock(&self.before).clone() + &lock(&self.rig).process().log()
    }

    /// Its resident memory in KiB, and how many descriptors it has open.
    pub(super) fn weight(&self) -> (u64, usize) {
        let process = format!("/proc/{}", lock(&self.rig).process().pid());
        let status = fs::read_to_string(format!("{process}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let words = line.and_then(|line| line.split_whitespace().next());
        let memory = words.and_then(|word| word.parse().ok()).unwrap_or(0);
        let open = fs::read_dir(format!("{process}/fd")).map_or(0, Iterator::count);
        (memory, open)
    }
}

/// One more process, of this server or a new one.
fn next_process(server: Option<u32>, started: u64) -> Process {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    Process {
        server: server.unwrap_or(number),
        number,
        started,
    }
}

/// A lock whose data is whole also after a test has failed elsewhere.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
