//! Several clients make one repository at the same moment: one of them gets it, whole, and the
//! others are told.

use crate::restic::{RESTIC, Restic, Running};
use crate::rig::Rig;
use crate::tree::TempDir;
use crate::wire::Wire;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::thread;

/// Clients at once, how many times they try, and on how many emulators side by side.
const CLIENTS: usize = 4;
const TIMES: usize = 12;
const LANES: usize = 4;

#[test]
fn four_inits_make_one_repository() {
    side_by_side(|rig| race(rig, &[rig.url("/")]));
}

#[test]
fn four_inits_on_two_servers_make_one_repository() {
    side_by_side(|rig| {
        let beside = rig.beside();
        race(rig, &[rig.url("/"), beside.url("/")]);
    });
}

/// Does it with several servers over emulators of their own.
fn side_by_side(run: fn(&Rig)) {
    thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| run(&Rig::start(&[])));
        }
    });
}

/// Has restic make repositories at these addresses at once, many times.
fn race(rig: &Rig, addresses: &[String]) {
    let dir = TempDir::new();
    let Some(restic) = Restic::find(RESTIC, "", dir.path()) else {
        return;
    };
    for time in 0..TIMES / LANES {
        let repos = addresses.iter().map(|address| format!("{address}r{time}/"));
        let repos: Vec<Restic> = repos.map(|repo| restic.with(repo)).collect();
        let clients = repos.iter().cycle().take(CLIENTS);
        let inits = clients.map(|client| client.start(&["init", "--no-cache"]));
        let inits: Vec<Running> = inits.collect();
        let made = inits
            .into_iter()
            .filter_map(|init| init.end().0.then_some(()));
        assert_eq!(made.count(), 1, "time {time}:\n{}", rig.log());
        let keys = rig.cloud().tree().into_keys();
        let keys = keys.filter(|file| file.contains(&format!("r{time}/keys/")));
        assert_eq!(keys.count(), 1, "time {time}:\n{}", rig.log());
        for repo in &repos {
            let read = repo.start(&["snapshots", "--no-cache", "--no-lock"]).end();
            assert!(read.0, "time {time}: {}\n{}", read.2, rig.log());
        }
    }
}

/// A config is changed as `migrate upgrade_repo_v2` does it; and not after another was refused.
#[test]
fn only_a_losers_delete_is_refused() {
    let rig = Rig::start(&[]);
    let mut wire = Wire::open(rig.address());
    let [first, second] = [[1; 155], [2; 155]];
    let mut ask = |method, path, body: &[u8]| wire.ask(method, path, "", body).status;
    assert_eq!(ask("POST", "/a/config", &first), 200);
    assert_eq!(ask("DELETE", "/a/config", b""), 200);
    assert_eq!(ask("POST", "/a/config", &second), 200);
    assert_eq!(ask("POST", "/a/config", &second), 200, "it is the same");
    assert_eq!(ask("DELETE", "/a/config", b""), 200);
    assert_eq!(ask("POST", "/a/config", &first), 200);
    assert_eq!(ask("POST", "/a/config", &second), 403);
    assert_eq!(ask("DELETE", "/a/config", b""), 403);
    assert_eq!(ask("HEAD", "/a/config", b""), 200);
    assert_eq!(ask("POST", "/b/config", &second), 200);
    assert_eq!(ask("DELETE", "/b/config", b""), 200, "another repository's");
}

/// A config that is refused takes its own client's key with it, and no other: neither one that was
/// there, whoever sends it again, nor one that is added to the repository that was just made.
#[test]
fn a_refused_config_takes_no_key_that_is_wanted() {
    let rig = Rig::start(&[]);
    let mut wire = Wire::open(rig.address());
    let mut ask = |method, path: &str, body: &[u8]| wire.ask(method, path, "", body).status;
    let (config, other) = ([1; 155], [2; 155]);
    let path = |key: &[u8]| format!("/a/keys/{}", hex(&Sha256::digest(key)));
    let [first, added, losers] = [b"the first".as_slice(), b"one more", b"a loser's"];
    assert_eq!(ask("HEAD", "/a/config", b""), 404);
    assert_eq!(ask("POST", &path(first), first), 200);
    assert_eq!(ask("POST", "/a/config", &config), 200);
    assert_eq!(ask("POST", &path(losers), losers), 200);
    assert_eq!(ask("POST", "/a/config", &other), 403);
    assert_eq!(ask("HEAD", &path(losers), b""), 404);
    assert_eq!(ask("GET", "/a/config", b""), 200);
    assert_eq!(ask("POST", &path(added), added), 200);
    for key in [first, added] {
        assert_eq!(ask("POST", "/a/config", &other), 403);
        assert_eq!(ask("POST", &path(key), key), 200, "it is there");
        assert_eq!(ask("POST", "/a/config", &other), 403);
        assert_eq!(ask("HEAD", &path(key), b""), 200);
    }
}
