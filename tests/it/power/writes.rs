//! A kill at each step of what is written to the state directory: each file that is opened,
//! written, synchronised, cut, renamed or removed there, and in the middle of each write. And what
//! stands in the files then: whole things, or garbage.

use super::machine::{Machine, name};
use restic_123pan::disk::log::sealed;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Machines that are killed at the same time; most of their time is waiting.
const MACHINES: usize = 12;
/// Fewest steps that a token, a list and a ledger take to write.
const FEWEST: u64 = 40;
/// Fewest steps in which an earlier list is taken over: a log, and two files that go.
const FEWEST_OF_AN_EARLIER_LIST: u64 = 8;
const PACK: &[u8] = b"a pack that comes and goes";
/// What is promised as long as its repository has no index.
const PROMISED: &[u8] = b"a pack that nobody has seen yet";
/// Packs of which the ledger learns that they were seen; so many that it is written anew.
const SEEN: u8 = 9;

fn pack() -> String {
    format!("/r/data/{}", name(PACK))
}

/// Has the ledger added to, removed, and written anew; whether there was an answer about
/// [`PROMISED`].
fn promise(machine: &Machine) -> bool {
    let post =
        |path: &str, body: &[u8]| machine.ask("POST", &format!("{path}{}", name(body)), body);
    let promised = post("/s/data/", PROMISED);
    for n in 0..SEEN {
        post("/r/data/", &[n]);
    }
    post("/r/index/", b"an index");
    promised == Some(200)
}

/// Whether the ledger on disk has a whole line about it.
fn is_noted(machine: &Machine) -> bool {
    let file = machine.state_file("promises-", ".ledger");
    let text = file.map(|file| fs::read_to_string(file).unwrap());
    let text = text.unwrap_or_default();
    text.lines().any(|line| line.ends_with(&name(PROMISED)))
}

#[test]
fn a_kill_at_each_step_leaves_whole_files() {
    let steps = steps(killed_at);
    assert!(steps >= FEWEST, "{steps} steps");
}

/// Whatever was on an earlier version's list is purged once, and nothing else.
#[test]
fn a_kill_at_each_step_takes_an_earlier_list_over() {
    let steps = steps(taken_over_at);
    assert!(steps >= FEWEST_OF_AN_EARLIER_LIST, "{steps} steps");
}

/// Has machines killed at one step after the other, until there are no more; how many there were.
fn steps(killed_at: fn(u64) -> bool) -> u64 {
    if Machine::new(&[]).is_none() {
        return FEWEST;
    }
    let (next, end) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
    thread::scope(|scope| {
        for _ in 0..MACHINES {
            scope.spawn(|| {
                loop {
                    let step = next.fetch_add(1, Ordering::SeqCst);
                    if step >= end.load(Ordering::SeqCst) {
                        return;
                    }
                    if !killed_at(step) {
                        end.fetch_min(step, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let steps = end.load(Ordering::SeqCst);
    println!("{steps} steps");
    steps
}

/// One life of a machine that is killed at a step, and its next one; false if it wasn't killed.
fn killed_at(step: u64) -> bool {
    let mut machine = Machine::new(&["--bin", "purge"]).unwrap();
    machine.set("kill", step);
    machine.start();
    let _ = machine.ask("POST", "/r/?create=true", b"");
    let _ = machine.ask("POST", &pack(), PACK);
    let removed = machine.ask("DELETE", &pack(), b"") == Some(200);
    let removed = removed && machine.unlock() == Some(200);
    let promised = promise(&machine);
    // Whatever comes in the background.
    thread::sleep(Duration::from_millis(300));
    let is_killed = machine.is_dead();
    machine.kill();
    assert!(is_noted(&machine) || !promised, "step {step}");
    let given = machine.cloud.calls().tokens;
    for file in machine.state_files() {
        if file.extension().is_some_and(|end| end == "json") {
            let text = fs::read(&file).unwrap();
            let whole = serde_json::from_slice::<serde_json::Value>(&text);
            assert!(whole.is_ok(), "step {step}: {}", file.display());
        }
    }
    let is_token_kept = machine.state_file("token-", ".json").is_some();
    machine.unset("kill");
    machine.start();
    assert_eq!(machine.lines("WARN"), [""; 0], "step {step}");
    let status = machine.ask("POST", "/r/?create=true", b"");
    if given == 1 && !is_token_kept {
        // Not another one within the minute.
        assert_eq!((status, machine.cloud.calls().tokens), (Some(503), 1));
    } else if given == 1 {
        assert_eq!((status, machine.cloud.calls().tokens), (Some(200), 1));
        // Nobody misses what was removed.
        let index = format!("/r/index/{}", name(b"another index"));
        let status = machine.ask("POST", &index, b"another index");
        assert!(status == Some(200) || !removed, "step {step}: {status:?}");
        machine.wait_for("the bin to be purged", |m| m.cloud.bin().is_empty());
        // What was begun is written over by the next one.
        let begun = machine.state_files();
        let begun = begun
            .iter()
            .filter(|path| path.extension() == Some("new".as_ref()));
        assert!(begun.count() <= 1, "step {step}");
    }
    is_killed
}

/// One life of a machine that is killed while it takes over the list of an earlier version and what
/// that was about to put into the bin, and its next one; false if it wasn't killed.
fn taken_over_at(step: u64) -> bool {
    let mut machine = Machine::new(&["--bin", "purge"]).unwrap();
    let trashed = [&b"listed"[..], b"noted", b"by hand"].map(|bytes| {
        let name = name(bytes);
        let path = format!("/restic-backup/r/data/{}/{name}", &name[..1]);
        machine.cloud.plant(&path, bytes);
        machine.cloud.trash_by_hand(&path)
    });
    machine.start();
    machine.wait_for("its lock", |m| m.state_file("bin-", ".lock").is_some());
    let lock = machine.state_file("bin-", ".lock").unwrap();
    machine.kill();
    let [listed, noted, by_hand] = trashed;
    let json = format!(r#"{{"repos":["r"],"files":[[{listed},0,0,0,"d"]],"past":[]}}"#);
    fs::write(lock.with_extension("json"), json).unwrap();
    let line = sealed(&format!("0\tdata\timmediate\t{noted}\tr"));
    fs::write(lock.with_extension("journal"), line).unwrap();
    machine.set("kill", step);
    machine.start();
    let is_over = |end: &&str| !lock.with_extension(end).exists();
    machine.wait_for("the list to be taken over", |m| {
        m.is_dead() || ["json", "journal"].iter().all(is_over)
    });
    // Whatever comes in the background.
    thread::sleep(Duration::from_millis(300));
    let is_killed = machine.is_dead();
    machine.kill();
    machine.unset("kill");
    machine.start();
    assert_eq!(machine.lines("WARN"), [""; 0], "step {step}");
    let left = |m: &Machine| -> Vec<u64> { m.cloud.bin().iter().map(|file| file.id).collect() };
    machine.wait_for("the purge", |m| left(m) == [by_hand]);
    assert!(["json", "journal"].iter().all(is_over), "step {step}");
    is_killed
}

/// A machine that was killed with a file in the bin that is still to be purged.
fn with_a_list() -> Option<Machine> {
    let mut machine = Machine::new(&["--bin", "purge"])?;
    machine.start();
    assert_eq!(machine.ask("POST", "/r/?create=true", b""), Some(200));
    assert_eq!(machine.ask("POST", &pack(), PACK), Some(200));
    assert_eq!(machine.ask("DELETE", &pack(), b""), Some(200));
    assert_eq!(machine.unlock(), Some(200));
    machine.kill();
    Some(machine)
}

/// What stands in a damaged file is a warning at most, whichever it is.
#[test]
fn garbage_is_survived() {
    let Some(mut machine) = with_a_list() else {
        return;
    };
    let files = machine.state_files();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let whole = fs::read(&file).unwrap();
        let half = &whole[..whole.len() / 2];
        for garbage in [&b""[..], b"{", b"[1, 2]", b"null", &[0; 4096], half] {
            fs::write(&file, garbage).unwrap();
            machine.start();
            let status = machine.ask("GET", "/r/keys/", b"");
            // A lock with a byte says that a token was asked for just now.
            assert_eq!(status, Some(200), "{}\n{}", file.display(), machine.log());
            machine.kill();
            fs::write(&file, &whole).unwrap();
        }
    }
}

/// A list that names files of other people's: they stay where they are.
#[test]
fn garbage_purges_nothing() {
    let Some(mut machine) = with_a_list() else {
        return;
    };
    let foreign = ["/photos/cat.jpg", "/photos/dog.jpg"].map(|path| {
        machine.cloud.plant(path, b"not restic's");
        machine.cloud.trash_by_hand(path)
    });
    let log = machine.state_file("bin-", ".log").unwrap();
    let text = fs::read_to_string(&log).unwrap();
    // Whatever wrote them there, their sums are right.
    let [one, other] = [("trashed", foreign[0]), ("going", foreign[1])]
        .map(|(word, file)| sealed(&format!("{word}\t0\timmediate\tdata\t{file}\tx")));
    fs::write(&log, text + &one + &other).unwrap();
    machine.start();
    let left = |m: &mut Machine| -> Vec<u64> { m.cloud.bin().iter().map(|file| file.id).collect() };
    machine.wait_for("the own one's purge", |m| left(m) == foreign);
    let have_left = |m: &mut Machine| {
        let text = fs::read_to_string(&log).unwrap();
        let lines = text.lines().filter_map(|line| line.split_once("\tleft\t"));
        let left: String = lines.map(|(_, files)| format!("{files} ")).collect();
        m.is_dead()
            || foreign
                .iter()
                .all(|file| left.contains(&format!("{file} ")))
    };
    machine.wait_for("the list to be without them", have_left);
    assert_eq!(left(&mut machine), foreign);
}
