//! A state directory that is full or read-only, from the start or later: it is said once, and the
//! server works.

use super::machine::{Machine, name};
use std::collections::BTreeSet;
use std::fs;

/// What the system says of a disk that is full, and of one that is read-only.
const FAULTS: [u64; 2] = [28, 30];

/// Stores a file and removes it again.
fn works(machine: &Machine, content: &str) {
    let path = format!("/r/data/{}", name(content.as_bytes()));
    assert_eq!(
        machine.ask("POST", "/r/?create=true", b""),
        Some(200),
        "{}",
        machine.log()
    );
    assert_eq!(machine.ask("POST", &path, content.as_bytes()), Some(200));
    assert_eq!(machine.ask("DELETE", &path, b""), Some(200));
    assert_eq!(machine.unlock(), Some(200));
}

#[test]
fn a_disk_that_can_not_be_written_at_the_start() {
    for fault in FAULTS {
        let Some(mut machine) = Machine::new(&["--bin", "purge"]) else {
            return;
        };
        machine.set("disk", fault);
        machine.start();
        works(&machine, "one");
        let said = machine.lines("each start asks for a new access token");
        assert!(said[0].contains("WARN"), "{said:?}");
        machine.wait_for("the purge", |m| m.cloud.bin().is_empty());
        works(&machine, "two");
        // The directory, the token's file, the list's, the ledger's.
        assert!(machine.lines("WARN").len() <= 4, "{}", machine.log());
        assert_eq!(machine.cloud.calls().tokens, 1);
        // When it can be written again it is, so that the next start needs no token.
        machine.unset("disk");
        machine.wait_for("the token's file", |m| {
            m.state_file("token-", ".json").is_some()
        });
        machine.restart();
        works(&machine, "three");
        assert_eq!(machine.lines("WARN"), [""; 0]);
        assert_eq!(machine.cloud.calls().tokens, 1);
    }
}

#[test]
fn a_disk_that_can_not_be_written_later() {
    for fault in FAULTS {
        let Some(mut machine) = Machine::new(&["--bin", "purge"]) else {
            return;
        };
        machine.start();
        works(&machine, "one");
        machine.set("disk", fault);
        for n in 0..20 {
            works(&machine, &format!("{n} of many"));
        }
        // The list's, and the ledger's.
        machine.wait_for("two warnings", |m| m.lines("can't be written").len() >= 2);
        machine.wait_for("the purge", |m| m.cloud.bin().is_empty());
        assert_eq!(machine.lines("WARN").len(), 2, "{}", machine.log());
        machine.unset("disk");
        machine.wait_for("the end of it", |m| {
            !m.lines("can be written again").is_empty()
        });
        // What can be read is used: a disk that is read-only holds a token.
        machine.set("disk", fault);
        machine.restart();
        works(&machine, "more");
        assert_eq!(machine.cloud.calls().tokens, 1);
    }
}

/// What was promised while the disk was full is noted when it can be.
#[test]
fn a_ledger_is_completed() {
    let Some(mut machine) = Machine::new(&[]) else {
        return;
    };
    machine.start();
    let packs = ["before", "meanwhile", "after"];
    for pack in packs {
        if pack == "meanwhile" {
            machine.set("disk", FAULTS[0]);
        }
        let path = format!("/r/data/{}", name(pack.as_bytes()));
        assert_eq!(machine.ask("POST", &path, pack.as_bytes()), Some(200));
        if pack == "meanwhile" {
            machine.unset("disk");
        }
    }
    let ledger = machine.state_file("promises-", ".ledger").unwrap();
    let text = fs::read_to_string(ledger).unwrap();
    for pack in packs {
        assert!(text.contains(&name(pack.as_bytes())), "{pack}: {text}");
    }
}

/// A path on which no folder can be: the server works, but has nothing to remember with.
#[test]
fn a_state_directory_that_can_not_be() {
    let Some(mut machine) = Machine::new(&[]) else {
        return;
    };
    fs::write(machine.state(), "a file").unwrap();
    machine.start();
    works(&machine, "one");
    works(&machine, "two");
    let said = machine.lines("each start asks for a new access token");
    assert!(said[0].contains("WARN") && said[0].contains("--state-dir"));
    // Each once, with the time before it.
    let said = machine.lines("WARN");
    let texts: BTreeSet<&str> = said
        .iter()
        .filter_map(|l| l.split_once(' '))
        .map(|(_, t)| t)
        .collect();
    assert_eq!(texts.len(), said.len(), "{}", machine.log());
}

/// Three starts in a row use one token.
#[test]
fn starts_share_a_token() {
    let Some(mut machine) = Machine::new(&[]) else {
        return;
    };
    for content in ["one", "two", "three"] {
        machine.start();
        works(&machine, content);
        machine.kill();
    }
    assert_eq!(machine.cloud.calls().tokens, 1);
}
