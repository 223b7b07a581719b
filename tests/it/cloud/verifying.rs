//! `restic-123pan verify`: each thing that can be wrong, made by hand and found; what is right, not
//! found; and no call but lists.

use super::rig::{Cloud, folder, id, path, shard};
use crate::fake::{Endpoint, How, When};
use crate::restic::{RESTIC, Restic, text};
use crate::rig::Rig;
use crate::tree::{self, TempDir};
use restic_123pan::cloud::layout::Layout;
use restic_123pan::pan123::{Event, Flaw, Report, verify};
use restic_123pan::restic::{Id, Kind, Repo};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

/// What is found: what is wrong, where, and its number.
type Found = (Flaw, String, Option<u64>);

/// An account with a repository of which nothing is wrong: a file of each kind but locks.
fn sound() -> Cloud {
    let cloud = Cloud::start();
    cloud.plant("restic/host/config", b"a config");
    cloud.plant_folder(&folder(Kind::Locks));
    for kind in [Kind::Keys, Kind::Index, Kind::Snapshots, Kind::Data] {
        let bytes = format!("a {kind:?}");
        cloud.plant(&path(kind, id(bytes.as_bytes())), bytes.as_bytes());
    }
    cloud
}

/// Where the sound repository's pack is.
fn pack() -> String {
    path(Kind::Data, id(b"a Data"))
}

/// Looks the account through, in two days.
fn look(cloud: &Cloud, repos: &[&str]) -> (Vec<Found>, Report) {
    let repos: Vec<Repo> = repos.iter().map(|path| Repo::new(path).unwrap()).collect();
    let mut config = cloud.config();
    cloud.set(|s| s.front.date_skew = 2 * 24 * 3600);
    config.shared.state_dir = Some(cloud.folder().to_owned());
    let found = Mutex::new(Vec::new());
    let report = verify(&config, &repos, &|told| {
        if let Event::Found(finding) = told {
            assert!(!finding.advice.is_empty());
            let (flaw, path) = (finding.flaw, finding.path.trim_start_matches('/'));
            let found_one = (flaw, path.to_owned(), finding.number);
            found.lock().unwrap().push(found_one);
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort();
    (found, report.unwrap())
}

/// Does something to a sound account and fails unless exactly this is found then.
fn finds(name: &str, act: impl FnOnce(&Cloud) -> Vec<Found>) {
    let cloud = sound();
    let mut expected = act(&cloud);
    expected.sort();
    assert_eq!(look(&cloud, &[]).0, expected, "{name}");
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let cloud = sound();
    let (found, report) = look(&cloud, &[]);
    assert_eq!(found, []);
    // Root, repositories, the repository, its five folders, one of packs.
    assert_eq!((report.calls, report.folders), (9, 8));
    assert_eq!(cloud.count(Endpoint::List).calls, report.calls);
    let others = |(endpoint, count): (&Endpoint, &crate::fake::Count)| {
        count.calls > 0 && !matches!(endpoint, Endpoint::List | Endpoint::Token)
    };
    let calls = cloud.calls();
    assert_eq!(calls.endpoints.iter().filter(|c| others(*c)).count(), 0);
    let holding = &report.repositories["host"];
    assert_eq!((holding.files, holding.deleted), ([1, 1, 0, 1, 1], 0));
    assert!(holding.config && holding.bytes > 0);
}

/// One for root, repositories and repository each, four for its folders of files, three for
/// `data`, one for each of its 256 folders; of 16 folders 13 each, and one for `data`.
#[test]
fn the_calls_for_20_000_packs() {
    let cases = [
        (Layout::Restic, 3 + 256, 256, "7f"),
        (Layout::Sixteen, 1 + 16 * 13, 16, "7"),
    ];
    for (layout, calls, folders, gone) in cases {
        let cloud = Cloud::start();
        cloud.plant("restic/host/config", &[7; 155]);
        cloud.plant(&path(Kind::Keys, id(b"a key")), b"a key");
        for kind in Kind::ALL {
            cloud.plant_folder(&folder(kind));
        }
        for number in 0..20_000_u64 {
            let name = format!("{:02x}{number:062x}", number % 256);
            let shard = layout.folder(&Id::from_hex(&name).unwrap());
            cloud.plant_sized(&format!("restic/host/data/{shard}/{name}"), 1000);
        }
        let (found, report) = look(&cloud, &["host"]);
        assert_eq!(found, []);
        assert_eq!(report.calls, 3 + 4 + calls, "{layout:?}");
        assert_eq!(report.folders, 3 + 4 + folders, "{layout:?}");
        let contents = &report.repositories["host"];
        assert_eq!(contents.count(Kind::Data), 20_000);
        assert!(contents.layouts().all().eq([layout]));

        // With so many packs, a folder without any was there once.
        let gone = format!("restic/host/data/{gone}");
        cloud.delete_by_hand(&gone);
        let missing = (Flaw::MissingFolder, gone, None);
        assert_eq!(look(&cloud, &["host"]).0, [missing]);
    }
}

/// Both layouts in one repository: a pack that lies in both counts once, and the older one is told.
#[test]
fn packs_in_both_layouts() {
    let cloud = sound();
    let (both, other) = (id(b"both"), id(b"other"));
    let at = |layout: Layout, id: Id| format!("{}/{}/{id}", folder(Kind::Data), layout.folder(&id));
    let before = look(&cloud, &["host"]).1.repositories["host"].clone();
    let old = cloud.plant(&at(Layout::Restic, both), b"both");
    cloud.plant(&at(Layout::Sixteen, both), b"both");
    cloud.plant(&at(Layout::Restic, other), b"other");
    let (found, report) = look(&cloud, &["host"]);
    let double = (Flaw::DoubledFile, at(Layout::Restic, both), Some(old));
    assert_eq!(found, [double]);
    let contents = &report.repositories["host"];
    assert!(contents.layouts().all().eq(Layout::ALL));
    let (packs, bytes) = (before.count(Kind::Data), before.bytes);
    assert_eq!(
        (contents.count(Kind::Data), contents.bytes),
        (packs + 2, bytes + 9)
    );
}

#[test]
fn folders() {
    for kind in [
        Kind::Keys,
        Kind::Locks,
        Kind::Snapshots,
        Kind::Index,
        Kind::Data,
    ] {
        finds("a folder that is gone", |cloud| {
            cloud.delete_by_hand(&folder(kind));
            let repo = || "restic/host".to_owned();
            let missing = (Flaw::MissingFolder, folder(kind), None);
            match kind {
                Kind::Keys => vec![missing, (Flaw::NoKey, repo(), None)],
                Kind::Index => vec![missing, (Flaw::NoIndex, repo(), None)],
                Kind::Data => vec![missing, (Flaw::NoPacks, repo(), None)],
                Kind::Locks | Kind::Snapshots => vec![missing],
            }
        });
    }
    finds("a folder in the bin", |cloud| {
        let number = cloud.trash_by_hand(&folder(Kind::Locks));
        vec![(Flaw::Trashed, folder(Kind::Locks), Some(number))]
    });
    finds("a folder of packs in the bin", |cloud| {
        let path = pack().rsplit_once('/').unwrap().0.to_owned();
        let number = cloud.trash_by_hand(&path);
        vec![
            (Flaw::Trashed, path, Some(number)),
            (Flaw::NoPacks, "restic/host".to_owned(), None),
        ]
    });
    finds("a folder twice", |cloud| {
        let path = folder(Kind::Snapshots);
        let twin = cloud.plant_twin_folder(&path);
        let snapshot = id(b"in the twin");
        cloud.plant_into(twin, &snapshot.to_string(), b"in the twin");
        vec![(Flaw::DoubledFolder, path, Some(twin))]
    });
    finds("a repository twice", |cloud| {
        let twin = cloud.plant_twin_folder("restic/host");
        vec![(Flaw::DoubledFolder, "restic/host".to_owned(), Some(twin))]
    });
    finds("a folder that doesn't belong there", |cloud| {
        let path = format!("{}/old", folder(Kind::Data));
        let number = cloud.plant_folder(&path);
        vec![(Flaw::WrongName, path, Some(number))]
    });
}

#[test]
fn files() {
    finds("an empty pack", |cloud| {
        let path = path(Kind::Data, id(b"another"));
        let number = cloud.plant(&path, b"");
        vec![(Flaw::ZeroLength, path, Some(number))]
    });
    finds("a pack twice", |cloud| {
        let number = cloud.file(&pack()).unwrap().id;
        cloud.plant(&pack(), b"the newer one is read");
        vec![(Flaw::DoubledFile, pack(), Some(number))]
    });
    finds("a config twice", |cloud| {
        let number = cloud.plant("restic/host/config", b"the older one is read");
        vec![(
            Flaw::DoubledFile,
            "restic/host/config".to_owned(),
            Some(number),
        )]
    });
    finds("a name in capitals", |cloud| {
        let name = id(b"x").to_string().to_uppercase();
        let path = format!("{}/{name}", folder(Kind::Index));
        let number = cloud.plant(&path, b"x");
        vec![(Flaw::WrongName, path, Some(number))]
    });
    finds("another name", |cloud| {
        let paths = ["restic/host/notes".to_owned(), format!("{}.part", pack())];
        let wrong = |path: &String| (Flaw::WrongName, path.clone(), Some(cloud.plant(path, b"x")));
        paths.iter().map(wrong).collect()
    });
    finds("packs in other folders", |cloud| {
        let name = id(b"x");
        let other = if shard(name) == "00" { "01" } else { "00" };
        let paths = [format!("data/{name}"), format!("data/{other}/{name}")];
        let paths = paths.map(|path| format!("restic/host/{path}"));
        let wrong = |path: &String| {
            (
                Flaw::WrongFolder,
                path.clone(),
                Some(cloud.plant(path, b"x")),
            )
        };
        paths.iter().map(wrong).collect()
    });
    finds("a file that the audit has rejected", |cloud| {
        cloud.set_status(&pack(), 101);
        let number = cloud.file(&pack()).unwrap().id;
        vec![(Flaw::Rejected, pack(), Some(number))]
    });
    finds("an old lock", |cloud| {
        let path = path(Kind::Locks, id(b"a lock"));
        let number = cloud.plant(&path, b"a lock");
        vec![(Flaw::OldLock, path, Some(number))]
    });
    finds("no config", |cloud| {
        cloud.delete_by_hand("restic/host/config");
        vec![(Flaw::NoConfig, "restic/host/config".to_owned(), None)]
    });
}

#[test]
fn the_bin() {
    finds("a config in the bin", |cloud| {
        let number = cloud.trash_by_hand("restic/host/config");
        vec![(Flaw::Trashed, "restic/host/config".to_owned(), Some(number))]
    });
    finds("a pack in the bin", |cloud| {
        let number = cloud.trash_by_hand(&pack());
        vec![
            (Flaw::Trashed, pack(), Some(number)),
            (Flaw::NoPacks, "restic/host".to_owned(), None),
        ]
    });
    finds("a pack in the bin that exists again", |cloud| {
        cloud.trash_by_hand(&pack());
        cloud.plant(&pack(), b"a Data");
        Vec::new()
    });
    finds("what clients remove all the time", |cloud| {
        for kind in [Kind::Locks, Kind::Index, Kind::Snapshots] {
            cloud.plant(&path(kind, id(b"removed")), b"removed");
            cloud.trash_by_hand(&path(kind, id(b"removed")));
        }
        Vec::new()
    });
    // What the server itself has removed is as it should be.
    let cloud = sound();
    let folder = cloud.folder().to_owned();
    let server = cloud.server_with(|config| {
        config.shared.state_dir = Some(folder);
        config.shared.timing.store = Duration::from_secs(3600);
    });
    let removed = server.save(Kind::Data, b"pruned").unwrap();
    server.remove(Kind::Data, removed).unwrap();
    let (found, report) = look(&cloud, &[]);
    assert_eq!(found, [], "noted, but not on the list yet");
    assert_eq!(report.repositories["host"].deleted, 1);
    drop(server);
    assert_eq!(look(&cloud, &[]).0, [], "on the list");
}

/// Without a name every repository is looked through, wherever it is; with one no other.
#[test]
fn which_repositories() {
    let cloud = sound();
    let kinds = |repo: &str| {
        for kind in Kind::ALL {
            cloud.plant_folder(&format!("restic/{repo}{}", kind.name()));
        }
    };
    for repo in ["", "host/inner/", "alice/laptop/"] {
        kinds(repo);
    }
    cloud.plant("restic/photos/cat.jpg", b"a cat");
    let none = |path: &str| (Flaw::NoConfig, format!("restic/{path}config"), None);
    let all = [none("alice/laptop/"), none(""), none("host/inner/")];
    let (found, report) = look(&cloud, &[]);
    assert_eq!(found, all);
    let names: Vec<&str> = report.repositories.keys().map(String::as_str).collect();
    assert_eq!(names, ["", "alice/laptop", "host", "host/inner"]);

    let (found, report) = look(&cloud, &["host"]);
    assert_eq!((found, report.repositories.len()), (vec![], 1));
    assert_eq!(look(&cloud, &["alice/laptop"]).0, [none("alice/laptop/")]);
    // A root with nothing but its folder is none unless it is named.
    let nothing = (Flaw::NoRepository, "restic/hots".to_owned(), None);
    assert_eq!(look(&cloud, &["host", "hots"]).0, [nothing]);
}

/// Runs the program itself, whose options name the emulator.
fn program(cloud: &Cloud, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_restic-123pan"))
        .args(["verify", "--rate-share", "1", "--tier", "vip"])
        .args(["--api-url", &cloud.url()])
        .arg("--state-dir")
        .arg(cloud.folder())
        .args(words)
        .env("PAN123_REPO_PATH", "/restic")
        .env("PAN123_CLIENT_ID", cloud.client_id())
        .env("PAN123_CLIENT_SECRET", cloud.client_secret())
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    let read = |line| serde_json::from_str(line).unwrap();
    text.lines().map(read).collect()
}

#[test]
fn what_is_printed() {
    let cloud = sound();
    let output = program(&cloud, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let sum = "nothing is wrong; repositories: 1, folders: 8, calls: 9\n";
    assert!(
        text.starts_with("/host: 1 in data") && text.ends_with(sum),
        "{text}"
    );
    let json = lines(&program(&cloud, &["--json", "/host/"]));
    assert_eq!(json.len(), 2);
    assert_eq!(json[0]["files"]["data"], 1);
    assert_eq!(
        (&json[1]["type"], &json[1]["calls"]),
        (&"end".into(), &9.into())
    );

    let number = cloud.trash_by_hand("restic/host/config");
    let output = program(&cloud, &["--json"]);
    let json = lines(&output);
    assert_eq!(output.status.code(), Some(1), "{json:?}");
    let finding = &json[0];
    let texts = [
        ("type", "finding"),
        ("kind", "trashed"),
        ("repository", "/host"),
        ("path", "/restic/host/config"),
        ("advice", "bring it back from the bin on 123pan's website"),
    ];
    for (key, text) in texts {
        assert_eq!(finding[key], text);
    }
    assert_eq!(finding["id"], number);
    assert_eq!(json[2]["findings"], 1);
    let text = String::from_utf8(program(&cloud, &["host"]).stdout).unwrap();
    let line = format!("✗ trashed         /restic/host/config (id {number})\n  → bring it back");
    assert!(
        text.starts_with(&line) && text.contains("1 found;"),
        "{text}"
    );
}

/// Names that are others' don't steer the terminal.
#[test]
fn names_are_printed_harmlessly() {
    let cloud = sound();
    cloud.plant("restic/ho\u{202e}st/config", b"a config");
    cloud.plant("restic/host/keys/\u{feff}odd", b"odd");
    let text = String::from_utf8(program(&cloud, &[]).stdout).unwrap();
    for name in ["/ho\\u{202e}st: 0 in data", "/keys/\\u{feff}odd"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(!text.contains(['\u{202e}', '\u{feff}']), "{text}");
}

/// A walk that can't be ended is no clean one, whatever it has printed.
#[test]
fn failures_have_their_own_code() {
    let cloud = sound();
    cloud.fail_next(
        Endpoint::List,
        1,
        When::Before,
        How::Code(1, "?".to_owned()),
    );
    let cases: [(&[&str], i32, &str); 4] = [
        (&["--json"], 3, "reading"),
        (&["--repo-path", "/nowhere"], 3, "/nowhere doesn't exist"),
        (&["a/data"], 2, "can't be a repository's path"),
        (&["--since", "1d"], 2, "there is no option --since"),
    ];
    for (words, code, why) in cases {
        let output = program(&cloud, words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(why), "{words:?}: {said}");
        assert!(
            output.stdout.is_empty(),
            "{words:?} ended as if all were well"
        );
    }
}

/// What the real restic leaves behind is clean.
#[test]
fn a_real_repository_is_clean() {
    let (rig, dir) = (Rig::start(&[]), TempDir::new());
    let Some(restic) = Restic::find(RESTIC, rig.url("/laptop/"), dir.path()) else {
        return;
    };
    let files = dir.path().join("files");
    tree::grow(&files, 7, 3 << 20);
    restic.run(&["init"]);
    restic.run(&["backup", text(&files)]);
    tree::change(&files, 8);
    restic.run(&["backup", text(&files)]);
    let verify = || {
        rig.spare_command(&["verify", "--json", "--rate-share", "1"])
            .output()
    };
    let output = verify().unwrap();
    let by_type = |output: &Output| -> BTreeMap<String, Value> {
        let named = |line: Value| (line["type"].as_str().unwrap().to_owned(), line);
        lines(output).into_iter().map(named).collect()
    };
    let said = by_type(&output);
    assert_eq!(output.status.code(), Some(0), "{said:?}");
    assert_eq!(said["repository"]["files"]["snapshots"], 2);
    assert_eq!(said["repository"]["files"]["locks"], 0);
    rig.assert_clean(&[]);
}
