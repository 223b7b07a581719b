//! What many deletes cost: packs go behind the answer, a hundred a call, however many connections
//! they come by, and are gone when the lock is.

use super::bill;
use crate::fake::Endpoint::Trash;
use crate::fake::When;
use crate::rig::Rig;
use crate::wire::Wire;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::thread;
use std::time::Duration;

/// Where the server keeps repositories.
const BASE: &str = "restic-backup";

/// A pack's name; they lie in four folders.
fn name(number: u64) -> String {
    format!("{:x}{number:063x}", number % 4)
}

/// So many packs, all of which are removed over so many connections under a lock; the trash calls
/// until the lock has gone, with its own.
fn prune(packs: u64, connections: u64) -> u64 {
    let rig = Rig::broken(&["--bin", "keep", "--rate-share", "1"], |cloud| {
        for number in 0..packs {
            let name = name(number);
            cloud.plant_sized(&format!("{BASE}/data/{}/{name}", &name[..1]), 1000);
        }
        // As slow as on a free account.
        cloud.set(|s| {
            s.latency_of.insert(Trash, 100);
        });
    });
    let mut wire = Wire::open(rig.address());
    let lock = format!("/locks/{}", hex(&Sha256::digest(b"a lock")));
    assert_eq!(wire.ask("POST", &lock, "", b"a lock").status, 200);
    let listed = wire.ask("GET", "/data/", "", b"");
    assert_eq!(listed.text().matches(',').count() as u64, packs - 1);
    let before = rig.cloud().calls();
    thread::scope(|scope| {
        for connection in 0..connections {
            let address = rig.address();
            scope.spawn(move || {
                let mut wire = Wire::open(address);
                for number in (connection..packs).step_by(usize::try_from(connections).unwrap()) {
                    let path = format!("/data/{}", name(number));
                    assert_eq!(wire.ask("DELETE", &path, "", b"").status, 200);
                }
            });
        }
    });
    let listed = wire.ask("GET", "/data/", "", b"");
    assert_eq!(listed.text(), "[]", "hidden at once");
    assert_eq!(wire.ask("DELETE", &lock, "", b"").status, 200);
    let left = rig.cloud().tree();
    assert!(
        left.keys().all(|path| !path.contains("/data/")),
        "{}",
        left.len()
    );
    rig.assert_clean(&[]);
    bill(&before, &rig.cloud().calls())[&Trash]
}

/// Six calls for packs are needed, and one for the lock.
#[test]
fn deletes_share_calls() {
    for connections in [1, 5, 50] {
        let trash = prune(600, connections);
        assert!(trash <= 8 + 1, "{trash} calls, {connections} connections");
    }
}

/// Fifty calls are needed. All of it is answered before most of it is done, or the queue would
/// never fill a call.
#[test]
fn a_large_prune_shares_calls() {
    thread::scope(|scope| {
        for connections in [5, 50] {
            scope.spawn(move || {
                let trash = prune(5_000, connections);
                assert!(trash <= 54 + 1, "{trash} calls, {connections} connections");
            });
        }
    });
}

/// Nobody waits for the cloud: packs are acknowledged although their call hasn't been answered, and
/// their lock isn't.
#[test]
fn deletes_do_not_wait_for_the_cloud() {
    let rig = Rig::broken(&["--bin", "keep"], |cloud| {
        for number in 0..250 {
            let name = name(number);
            cloud.plant_sized(&format!("{BASE}/data/{}/{name}", &name[..1]), 1000);
        }
    });
    let mut wire = Wire::open(rig.address());
    let lock = format!("/locks/{}", hex(&Sha256::digest(b"a lock")));
    assert_eq!(wire.ask("POST", &lock, "", b"a lock").status, 200);
    wire.ask("GET", "/data/", "", b"");
    rig.cloud().hold(0, When::Before);
    for number in 0..250 {
        let path = format!("/data/{}", name(number));
        assert_eq!(wire.ask("DELETE", &path, "", b"").status, 200);
        assert_eq!(wire.ask("HEAD", &path, "", b"").status, 404);
    }
    assert_eq!(rig.cloud().tree().len(), 250 + 1, "nothing has gone yet");
    let waits = thread::spawn(move || wire.ask("DELETE", &lock, "", b"").status);
    thread::sleep(Duration::from_millis(300));
    assert!(!waits.is_finished());
    rig.cloud().release();
    assert_eq!(waits.join().unwrap(), 200);
    assert_eq!(rig.cloud().tree().len(), 0);
}

/// The end of the server waits for what it has acknowledged, also for what it would spare.
#[test]
fn a_server_that_stops_removes_first() {
    let rig = Rig::start(&["--bin", "keep"]);
    let mut wire = Wire::open(rig.address());
    let packs: Vec<String> = (0..5u8).map(|n| hex(&Sha256::digest([n]))).collect();
    for (n, pack) in (0..5u8).zip(&packs) {
        let path = format!("/data/{pack}");
        assert_eq!(wire.ask("POST", &path, "", &[n]).status, 200);
        if n < 4 {
            assert_eq!(wire.ask("DELETE", &path, "", b"").status, 200);
        }
    }
    assert_eq!(rig.cloud().tree().len(), 5);
    rig.stop_and_restart();
    assert_eq!(rig.cloud().tree().len(), 1);
    assert_eq!(rig.cloud().count(Trash).calls, 1);
    rig.assert_clean(&[]);
}
