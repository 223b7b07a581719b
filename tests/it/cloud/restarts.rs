//! Safety rule 5 across restarts: what one process has acknowledged, the next one of the same
//! state directory makes sure of, by the ledger of promises on disk. And rule 25: what one process
//! was to remove, the next one leaves alone.

use super::rig::{Cloud, Server, eventually, id, ms, path, shard};
use super::waste::{Hand, NOW};
use crate::fake::{Endpoint, How, Single, When};
use crate::rig::Rig;
use crate::tree::random;
use crate::wire::Wire;
use restic_123pan::pan123::Config;
use restic_123pan::restic::Kind;
use restic_123pan::store::Cause;
use std::fs;
use std::path::PathBuf;

/// A cloud that loses "a pack", once.
fn losing() -> Cloud {
    Cloud::with(|s| {
        (s.single, s.single_times, s.single_only) = (Single::Lost, 1, id(b"a pack").to_string());
    })
}

/// A server with a state directory, which the one before it must have left.
fn start(cloud: &Cloud) -> Server {
    start_with(cloud, |_| {})
}

fn start_with(cloud: &Cloud, change: impl FnOnce(&mut Config)) -> Server {
    cloud.server_with(|config| {
        config.shared.state_dir = Some(cloud.folder().to_owned());
        change(config);
    })
}

/// The ledger, if there is one.
fn ledger(cloud: &Cloud) -> Option<PathBuf> {
    let files = fs::read_dir(cloud.folder()).unwrap();
    let mut paths = files.map(|file| file.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|end| end == "ledger"))
}

/// The server's own binary, killed: refused as long as the pack isn't there, and no longer.
#[test]
fn a_kill_hides_no_lost_pack() {
    let rig = Rig::start(&[]);
    let post = |path: &str, body: &[u8]| {
        let mut wire = Wire::open(rig.address());
        wire.ask("POST", path, "", body).status
    };
    let name = |kind: &str, bytes: &[u8]| format!("/host/{kind}/{}", id(bytes));
    assert_eq!(post("/host/?create=true", b""), 200);
    rig.cloud()
        .set(|s| (s.single, s.single_times) = (Single::Lost, 1));
    assert_eq!(post(&name("data", b"a pack"), b"a pack"), 200);
    rig.kill_and_restart();
    assert_eq!(post(&name("index", b"an index"), b"an index"), 500);
    rig.wait_for(|line| line.contains(&id(b"a pack").to_string()).then_some(()));
    assert_eq!(post(&name("data", b"a pack"), b"a pack"), 200);
    rig.kill_and_restart();
    assert_eq!(post(&name("index", b"an index"), b"an index"), 200);
}

/// Once its client is dead, anybody may unlock the repository and use the pack again, through
/// whatever server; so no process carries out what an earlier one has acknowledged.
#[test]
fn a_kill_ends_the_removals_of_packs() {
    let name = id(b"a pack").to_string();
    let place = format!("restic-backup/host/data/{}/{name}", &name[..1]);
    let rig = Rig::broken(&["--bin", "keep"], |cloud| {
        cloud.plant(&place, b"a pack");
        // What is to be removed can't be yet.
        cloud.fail_next(Endpoint::Trash, u32::MAX, When::Before, How::Html(500));
    });
    let ask = |rig: &Rig, method: &str, path: &str| {
        let mut wire = Wire::open(rig.address());
        let answer = wire.ask(method, &format!("/host{path}"), "", b"");
        (answer.status, answer.text())
    };
    let pack = format!("/data/{name}");
    assert_eq!(ask(&rig, "DELETE", &pack).0, 200);
    assert_eq!(ask(&rig, "HEAD", &pack).0, 404);
    rig.kill_and_restart();
    assert!(ask(&rig.beside(), "GET", "/data/").1.contains(&name));
    rig.cloud().clear_faults();
    let lock = format!("/locks/{}", id(b"no lock"));
    assert_eq!(ask(&rig, "DELETE", &lock).0, 200);
    assert_eq!(ask(&rig, "GET", &pack), (200, "a pack".to_owned()));
    assert!(rig.cloud().file(&place).is_some());
}

/// The same of lost packs without a kill, in all its forms.
#[test]
fn what_was_lost_before_a_restart_is_missed() {
    for kind in [Kind::Index, Kind::Snapshots] {
        let cloud = losing();
        start(&cloud).save(Kind::Data, b"a pack").unwrap();
        for _ in 0..2 {
            let server = start(&cloud);
            assert_eq!(server.save(kind, b"next"), Err(Cause::Lost), "{kind:?}");
            server.save(Kind::Data, b"another pack").unwrap();
            assert_eq!(server.save(kind, b"next"), Err(Cause::Lost), "{kind:?}");
        }
        start(&cloud).save(Kind::Data, b"a pack").unwrap();
        let server = start(&cloud);
        server.save(kind, b"next").unwrap();
        server.save(Kind::Index, b"the last").unwrap();
    }
}

/// What stands in the way of nobody: the calls of an index after a restart, with a ledger that
/// holds its packs and without one. The restart itself makes none.
#[test]
fn what_is_there_costs_one_call_after_a_restart() {
    let calls = |keeps: bool| {
        let cloud = Cloud::start();
        let state = keeps.then(|| cloud.folder().to_owned());
        let start = || cloud.server_with(|config| config.shared.state_dir = state.clone());
        let server = start();
        server.create().unwrap();
        for n in 0..50 {
            server.save(Kind::Data, &random(n, 10)).unwrap();
        }
        drop(server);
        let all = [
            Endpoint::List,
            Endpoint::Infos,
            Endpoint::Mkdir,
            Endpoint::Single,
        ];
        let made = || all.map(|endpoint| cloud.count(endpoint).calls);
        let before = made();
        let server = start();
        server.look_around();
        assert_eq!(made(), before);
        server.save(Kind::Index, b"an index").unwrap();
        let after = made();
        [0, 1, 2, 3].map(|at| after[at] - before[at])
    };
    let [lists, infos, folders, uploads] = calls(false);
    assert_eq!([folders, uploads], [0, 1]);
    assert_eq!(calls(true), [lists, infos + 1, folders, uploads]);
}

/// What is done between a pack that 123pan says it has stored and a restart, or after it.
type Act = fn(&Cloud, &Server);

/// What needn't be there, isn't missed after a restart either.
#[test]
fn what_was_done_with_before_a_restart_is_not_missed() {
    let nothing: Act = |_, _| {};
    let removed: Act = |_, server| server.remove(Kind::Data, id(b"a pack")).unwrap();
    let sent_again: Act = |cloud, server| {
        cloud.delete_by_hand(&path(Kind::Data, id(b"a pack")));
        server.save(Kind::Data, b"a pack").unwrap();
    };
    let seen: Act = |_, server| {
        server.save(Kind::Index, b"an index").unwrap();
    };
    let others_prune: Act = |cloud, _| {
        cloud.server().remove(Kind::Data, id(b"a pack")).unwrap();
    };
    let destroyed: Act = |cloud, _| {
        cloud.delete_by_hand(&path(Kind::Data, id(b"a pack")));
    };
    let ended: Act = |_, server| {
        let lock = server.save(Kind::Locks, b"a lock").unwrap();
        server.save(Kind::Data, b"a pack again").unwrap();
        server.save(Kind::Data, b"a pack").unwrap();
        server.remove(Kind::Locks, lock).unwrap();
    };
    let cases: [(&str, Act, Act, Result<(), Cause>); 7] = [
        ("there", nothing, nothing, Ok(())),
        ("removed", removed, nothing, Ok(())),
        ("sent again", sent_again, nothing, Ok(())),
        ("seen", seen, destroyed, Ok(())),
        ("removed by others", nothing, others_prune, Err(Cause::Lost)),
        ("destroyed", nothing, destroyed, Err(Cause::Lost)),
        ("its client has ended", ended, others_prune, Ok(())),
    ];
    for (name, before, after, expected) in cases {
        println!("{name}");
        let cloud = Cloud::start();
        let server = start(&cloud);
        if name != "its client has ended" {
            server.save(Kind::Data, b"a pack").unwrap();
        }
        before(&cloud, &server);
        drop(server);
        after(&cloud, &start(&cloud));
        let server = start(&cloud);
        assert_eq!(server.save(Kind::Index, b"next").map(drop), expected);
    }
}

/// A client that was ended by a kill as well mustn't keep all later ones from ending; but a clock
/// that is set meanwhile doesn't make time pass.
#[test]
fn a_pack_is_missed_for_its_time_after_a_restart() {
    let most = Cloud::start().config().shared.timing.lost.as_secs();
    for (stored, restarted, expected) in [
        (NOW, NOW + most - 1, Err(Cause::Lost)),
        (NOW, NOW + most, Ok(())),
        (5000, NOW, Err(Cause::Lost)),
        (NOW, 5000, Err(Cause::Lost)),
    ] {
        println!("{stored}, {restarted}");
        let (cloud, hand) = (losing(), Hand::at(stored));
        cloud.tell_time_by(hand.read());
        let set = |config: &mut Config| config.shared.timing.clock = hand.clock();
        start_with(&cloud, set).save(Kind::Data, b"a pack").unwrap();
        hand.set(restarted);
        let server = start_with(&cloud, set);
        assert_eq!(server.save(Kind::Index, b"next").map(drop), expected);
    }
}

/// The same while the next process lives.
#[test]
fn a_pack_of_an_earlier_process_is_forgotten_in_the_end() {
    let cloud = losing();
    let start = || start_with(&cloud, |c| c.shared.timing.lost = ms(1500));
    start().save(Kind::Data, b"a pack").unwrap();
    let server = start();
    std::thread::sleep(ms(1600));
    server.save(Kind::Index, b"next").unwrap();
    assert_eq!(
        ledger(&cloud)
            .map(|path| fs::read_to_string(path).unwrap())
            .map(|text| text.contains(&id(b"a pack").to_string())),
        Some(false)
    );
}

/// Rule 9: an index file stays until the one that replaces it is there for certain.
#[test]
fn an_index_outlives_one_that_was_lost_before_a_restart() {
    let cloud = Cloud::start();
    let server = start(&cloud);
    let old = server.save(Kind::Index, b"old").unwrap();
    cloud.set(|s| (s.single, s.single_times) = (Single::Lost, 1));
    server.save(Kind::Index, b"new").unwrap();
    drop(server);
    let server = start(&cloud);
    assert_eq!(server.remove(Kind::Index, old), Err(Cause::Lost));
    server.save(Kind::Index, b"new").unwrap();
    server.remove(Kind::Index, old).unwrap();
}

/// A client that doesn't lock may have ended with its snapshot before the restart.
#[test]
fn a_snapshot_that_was_lost_before_a_restart_is_told() {
    let cloud = Cloud::with(|s| (s.single, s.single_times) = (Single::Lost, 1));
    start_with(&cloud, |c| c.shared.timing.overlay = ms(60_000))
        .save(Kind::Snapshots, b"a snapshot")
        .unwrap();
    let server = start(&cloud);
    eventually("it is told", || server.store.health().damaged == 1);
    assert_eq!(cloud.count(Endpoint::Infos).calls, 1);
}

/// What is in a folder that somebody has put into the bin meanwhile, is as good as lost.
#[test]
fn folders_that_go_during_a_restart_are_missed() {
    for folder in ["restic/host/data", "restic/host"] {
        let cloud = Cloud::start();
        let server = start(&cloud);
        server.create().unwrap();
        server.save(Kind::Data, b"a pack").unwrap();
        drop(server);
        let number = cloud.trash_by_hand(folder);
        let server = start(&cloud);
        assert_eq!(server.save(Kind::Index, b"an index"), Err(Cause::Busy));
        cloud.restore_by_hand(number);
        server.save(Kind::Index, b"an index").unwrap();
    }
}

/// A folder that the next process hasn't seen, because lists lag, or sees a twin of.
#[test]
fn folders_that_lists_do_not_show_yet_do_no_harm() {
    let cloud = Cloud::with(|s| s.mkdir_twins = true);
    let server = start(&cloud);
    server.create().unwrap();
    let lag = ms(60_000);
    cloud.advance(lag);
    cloud.set(|s| s.lag_mkdir = lag);
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    drop(server);
    let server = start(&cloud);
    let mut others = (0..).map(|n| random(n, 50));
    let other = others.find(|bytes| shard(id(bytes)) == shard(pack));
    server.save(Kind::Data, &other.unwrap()).unwrap();
    assert_eq!(cloud.living("restic/host/data").len(), 2, "twins");
    server.save(Kind::Index, b"an index").unwrap();
}

/// A line that a kill, a full disk or a bad one has spoilt is left out; the others count.
#[test]
fn a_damaged_ledger_is_read_as_far_as_it_is_whole() {
    #[rustfmt::skip]
    let damages: [(&str, fn(&mut Vec<u8>), bool); 6] = [
        ("none", |_| {}, true),
        ("a line that broke off", |text| text.extend(b"\n0badcafe\tmade\t17"), true),
        ("other bytes", |text| text.splice(0..0, [0xff; 4096]).for_each(drop), true),
        ("its end is missing", |text| text.truncate(text.len() - 3), false),
        ("another digit", |text| text[14] ^= 1, false),
        ("nothing left", Vec::clear, false),
    ];
    for (name, damage, counts) in damages {
        println!("{name}");
        let cloud = losing();
        start(&cloud).save(Kind::Data, b"a pack").unwrap();
        let file = ledger(&cloud).unwrap();
        let mut text = fs::read(&file).unwrap();
        damage(&mut text);
        fs::write(&file, text).unwrap();
        let server = start(&cloud);
        server.save(Kind::Data, b"another pack").unwrap();
        drop(server);
        let expected = if counts { Err(Cause::Lost) } else { Ok(()) };
        let saved = start(&cloud).save(Kind::Index, b"next").map(drop);
        assert_eq!(saved, expected);
    }
}

/// One process keeps the ledger of a state directory; a second one leaves it alone.
#[test]
fn two_processes_do_not_share_a_ledger() {
    let cloud = losing();
    let one = start(&cloud);
    one.save(Kind::Data, b"a pack").unwrap();
    let other = start(&cloud);
    other.save(Kind::Data, b"another pack").unwrap();
    other.save(Kind::Index, b"an index").unwrap();
    drop((one, other));
    assert_eq!(start(&cloud).save(Kind::Index, b"next"), Err(Cause::Lost));
}

/// The ledger is as long as there are promises, and goes with the last.
#[test]
fn a_ledger_stays_short() {
    let cloud = Cloud::start();
    let server = start(&cloud);
    let lines = || {
        fs::read_to_string(ledger(&cloud)?)
            .ok()
            .map(|text| text.lines().count() - 1)
    };
    for n in 0..60 {
        let lock = server.save(Kind::Locks, &random(n, 40)).unwrap();
        server.save(Kind::Data, &random(n, 50)).unwrap();
        server.save(Kind::Index, &random(n, 60)).unwrap();
        assert!(lines().is_some_and(|lines| lines <= 10), "{:?}", lines());
        // Its list tells that the index file is there, which was the last.
        server.remove(Kind::Locks, lock).unwrap();
        assert_eq!(lines(), None);
    }
    for n in 0..200 {
        server.save(Kind::Data, &random(n, 70)).unwrap();
    }
    assert_eq!(lines(), Some(200));
    // One of them is on its way while the others are confirmed.
    cloud.set(|s| (s.single, s.single_times) = (Single::Lost, 1));
    server.save(Kind::Data, b"a pack").unwrap();
    assert_eq!(server.save(Kind::Index, b"next"), Err(Cause::Lost));
    assert!(
        lines().is_some_and(|lines| lines <= 2 * 201),
        "{:?}",
        lines()
    );
    server.save(Kind::Data, b"a pack").unwrap();
    server.save(Kind::Index, b"next").unwrap();
    let lock = server.save(Kind::Locks, b"a lock").unwrap();
    server.remove(Kind::Locks, lock).unwrap();
    assert_eq!(lines(), None);
}
