//! `verify`: what is wrong with a repository as far as lists tell.

use super::process::Process;
use super::rig::{Account, path};
use crate::cloud::rig::id;
use restic_123pan::cloud::finding::{Event, Flaw, Report};
use restic_123pan::kdocs::verify;
use restic_123pan::restic::Kind;
use std::sync::Mutex;

/// What is found, sorted, and what is there.
fn verified(account: &Account) -> (Vec<(Flaw, String)>, Report) {
    let found = Mutex::new(Vec::new());
    let report = verify(&account.config(), &[], &|event| {
        if let Event::Found(finding) = event {
            assert!(!finding.advice.is_empty(), "{finding:?}");
            let found = &mut *found.lock().unwrap();
            found.push((finding.flaw, finding.path.clone()));
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort();
    (found, report.unwrap())
}

/// A repository as a server makes it.
fn filled(bare_refused: bool) -> Account {
    let account = Account::with(|s| s.bare_refused = bare_refused);
    let server = account.server();
    server.create().unwrap();
    server.save_config(b"a config").unwrap();
    for kind in [Kind::Keys, Kind::Index, Kind::Snapshots, Kind::Data] {
        server.save(kind, kind.name().as_bytes()).unwrap();
    }
    account
}

#[test]
fn a_whole_repository_has_nothing_wrong() {
    for bare_refused in [false, true] {
        let (found, report) = verified(&filled(bare_refused));
        assert_eq!(found, []);
        let contents = &report.repositories["host"];
        assert!(contents.config && contents.count(Kind::Data) == 1);
        assert_eq!(contents.count(Kind::Keys), 1);
    }
}

#[test]
fn each_flaw_is_told_with_its_place() {
    let account = filled(false);
    let (pack, other) = (id(b"data"), id(b"index"));
    let data = "restic/host/data";
    let restics = format!("{data}/{}/{pack}", &pack.to_string()[..2]);
    account.plant(&restics, b"DATA");
    account.plant(&path(Kind::Index, id(b"nothing")), b"");
    let wrong = if other.to_string().starts_with('0') {
        "1"
    } else {
        "0"
    };
    let wrong = format!("{data}/{wrong}/{other}");
    account.plant(&wrong, b"a pack");
    let copy = format!("{}(1)", path(Kind::Keys, id(b"keys")));
    account.plant(&copy, b"keys");
    account.bin("restic/host/config");
    // Which of both packs is told depends on which is read first.
    let (twice, mut told) = verified(&account)
        .0
        .into_iter()
        .partition::<Vec<_>, _>(|(flaw, _)| *flaw == Flaw::DoubledFile);
    let places = [path(Kind::Data, pack), restics].map(|path| format!("/{path}"));
    assert!(
        twice.len() == 1 && places.contains(&twice[0].1),
        "{twice:?}"
    );
    let mut expected = [
        (Flaw::NoConfig, "/restic/host/config".to_owned()),
        (
            Flaw::ZeroLength,
            format!("/{}", path(Kind::Index, id(b"nothing"))),
        ),
        (Flaw::WrongName, format!("/{copy}")),
        (Flaw::WrongFolder, format!("/{wrong}")),
    ];
    expected.sort();
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn the_command_says_what_to_do() {
    let process = Process::start(&[]);
    let path = path(Kind::Keys, id(b"a key"));
    process.cloud.plant(&path, b"a key");
    let told = process.refused(&["verify"]);
    for words in ["no-config", "look for it in the recycle bin on kdocs.cn"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    process.cloud.plant("restic/host/config", b"a config");
    let told = process.run(&["verify", "/host"]);
    assert!(told.contains("/host"), "{told}");
}
