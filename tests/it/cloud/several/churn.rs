//! Lists that are read while another server deletes and uploads in the same folders: whatever
//! lived during the whole list is in it, and nothing is that was gone before it began. However the
//! cloud's cursors work, and also for a server that has never seen the repository before.

use super::super::rig::{Cloud, Server, fast, folder, id, ms};
use crate::fake::Cursor;
use crate::tree;
use restic_123pan::pan123::{Bin, Timing};
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::Cause;
use std::collections::BTreeSet;
use std::iter;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Lists that are compared, by each kind of server for each kind of file and each cursor, unless
/// the environment variable LISTS names another number.
const LISTS: usize = 10;
/// Files at the start.
const FILES: u64 = 120;
/// Rows of a page, so that a list has many.
const PAGE: usize = 12;
/// How often a list may be cut off, which clients see and repeat.
const CUTS: usize = 20;

#[test]
fn by_number() {
    churn(Cursor::Id, 0);
}

#[test]
fn by_place() {
    churn(Cursor::Offset, 0);
}

#[test]
fn stuck_at_times() {
    churn(Cursor::Stuck, 1);
}

#[test]
fn back_at_times() {
    churn(Cursor::Back, 1);
}

fn churn(cursor: Cursor, times: u32) {
    for kind in Kind::ALL {
        let cloud = Cloud::with(|s| {
            (s.cursor, s.cursor_times, s.page_max) = (cursor, times, PAGE);
            (s.tokens_live, s.tokens_allowed, s.tokens_most) = (1000, 1000, 1000);
        });
        let seed = u64::from(std::process::id());
        let writer = server(&cloud);
        let history = History::default();
        for n in 0..FILES {
            history.save(&writer, kind, n + seed);
        }
        let stop = AtomicBool::new(false);
        let (cuts, lists) = thread::scope(|scope| {
            scope.spawn(|| history.go_on(&writer, kind, seed + FILES, &stop));
            let _stopping = Stopping(&stop);
            read_lists(&cloud, kind, times, &history)
        });
        let changes = history.0.lock().unwrap().time;
        println!(
            "{cursor:?} {kind:?}, seed {seed}: {lists} lists, {cuts} cut off, {changes} changes"
        );
    }
}

/// Ends the other server's work, also when a list was wrong.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn server(cloud: &Cloud) -> Server {
    cloud.server_with(|config| {
        config.shared.bin = Bin::Purge;
        config.shared.timing = Timing {
            purge: ms(1),
            retry: ms(5000),
            ..fast()
        };
    })
}

/// Reads lists through a warm server and through cold ones, and checks each.
fn read_lists(cloud: &Cloud, kind: Kind, times: u32, history: &History) -> (usize, usize) {
    let warm = server(cloud);
    let (mut cuts, mut lists) = (0, 0);
    let count = std::env::var("LISTS").map_or(LISTS, |count| count.parse().unwrap());
    for _ in 0..count {
        if times > 0 {
            cloud.set(|_| {});
        }
        for server in [&warm, &server(cloud)] {
            let (before, listed) = loop {
                let before = history.now();
                match server.list(kind) {
                    Ok(listed) => break (before, listed),
                    Err(Cause::Absent) => panic!("{} is said not to exist", folder(kind)),
                    Err(_) => cuts += 1,
                }
                assert!(cuts <= CUTS, "no list comes to its end");
            };
            history.check(&before, &listed);
            lists += 1;
        }
    }
    (cuts, lists)
}

/// What the other server has done.
#[derive(Default)]
struct History(Mutex<Past>);

#[derive(Clone, Default)]
struct Past {
    /// How many changes there were.
    time: u64,
    /// What is certainly there.
    alive: BTreeSet<Id>,
    /// What is certainly not there.
    dead: BTreeSet<Id>,
}

impl History {
    fn now(&self) -> Past {
        self.0.lock().unwrap().clone()
    }

    fn save(&self, server: &Server, kind: Kind, seed: u64) {
        // Packs all go into few folders, so that their lists are long.
        let alike = |bytes: &Vec<u8>| kind != Kind::Data || id(bytes).0[0] < 2;
        let many = (0..).map(|n| tree::random(seed * 100_000 + n, 24));
        let bytes = many.into_iter().find(alike).unwrap();
        let saved = || server.save(kind, &bytes).ok();
        let name = iter::repeat_with(saved)
            .take(CUTS)
            .flatten()
            .next()
            .unwrap();
        let mut past = self.0.lock().unwrap();
        past.time += 1;
        past.alive.insert(name);
    }

    fn remove(&self, server: &Server, kind: Kind, names: &[Id]) {
        names.iter().for_each(|name| {
            self.0.lock().unwrap().alive.remove(name);
        });
        let removed = || server.remove_all(kind, names).iter().all(Result::is_ok);
        assert!(iter::repeat_with(removed).take(CUTS).any(|removed| removed));
        let mut past = self.0.lock().unwrap();
        past.time += names.len() as u64;
        past.dead.extend(names);
    }

    /// Removes and saves for ever; the purge follows in the background.
    fn go_on(&self, server: &Server, kind: Kind, mut seed: u64, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let chance = tree::random(seed, 3);
            let alive: Vec<Id> = self.now().alive.into_iter().collect();
            let count = 1 + usize::from(chance[0]) % 4;
            let from = usize::from(chance[1]) % (alive.len() - count);
            self.remove(server, kind, &alive[from..from + count]);
            (0..count as u64).for_each(|n| self.save(server, kind, seed + n));
            seed += count as u64;
        }
    }

    /// Checks a list that was begun when what had been done was `before`, and has ended now.
    fn check(&self, before: &Past, listed: &[Id]) {
        let now = self.now();
        let listed: BTreeSet<Id> = listed.iter().copied().collect();
        let stayed = before.alive.intersection(&now.alive);
        let missing: Vec<&Id> = stayed.filter(|name| !listed.contains(name)).collect();
        assert!(missing.is_empty(), "living files are missing: {missing:?}");
        let ghosts: Vec<&Id> = before.dead.intersection(&listed).collect();
        assert!(ghosts.is_empty(), "dead files are shown: {ghosts:?}");
    }
}
