//! The arrows of the crate's first page: who names a cloud, which module uses which, and that the
//! parts of a cloud go in no circle.

use super::{code, has_word, lines, none, read, sources, starts_with_any};

/// What is above, or beside a cloud, names none: what differs between clouds comes through
/// `Store::limits()`, `Health` and the cloud's own directory.
const NAMELESS: [&str; 14] = [
    "src/args",
    "src/command",
    "src/main.rs",
    "src/settings",
    "src/units.rs",
    "src/cloud/",
    "src/store",
    "src/service",
    "src/server",
    "src/restic",
    "src/body",
    "src/access",
    "src/watch",
    "src/sync.rs",
];
/// What clouds are called.
const CLOUDS: [&str; 4] = ["123pan", "123 云盘", "smh", "kdocs"];
/// This program's own name and its variables', which are no cloud's.
const OWN: [&str; 3] = ["restic-123pan", "restic_123pan", "pan123_"];

/// The lines of a source that name a cloud; tests may name one.
fn namers(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
    lines.filter(|line| {
        let line = OWN
            .iter()
            .fold(line.to_lowercase(), |line, own| line.replace(own, ""));
        CLOUDS.iter().any(|cloud| line.contains(cloud))
    })
}

#[test]
fn only_a_clouds_directory_names_it() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let nameless = NAMELESS.iter().any(|start| path.starts_with(start));
        if nameless && !path.contains("/tests") {
            faults.extend(namers(&text).map(|line| format!("{path}: {line}")));
        }
    }
    none(&faults);
}

/// The clouds' modules, as `clouds.rs` has them, are named there and by themselves.
#[test]
fn only_the_list_of_clouds_names_modules_of_clouds() {
    let list = read("src/clouds.rs");
    let lines = list.lines().filter_map(|line| line.split_once("::CLOUD"));
    let clouds: Vec<&str> = lines
        .map(|(before, _)| before.trim_start_matches([' ', '&']))
        .collect();
    assert!(clouds.len() > 1 && clouds.contains(&"pan123"), "{clouds:?}");
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let its_own = |cloud: &&&str| path.starts_with(&format!("src/{cloud}/"));
        let others = clouds.iter().filter(|cloud| !its_own(cloud));
        let paths = others
            .flat_map(|cloud| ["crate", "restic_123pan"].map(|top| format!("{top}::{cloud}")));
        let paths: Vec<String> = paths.filter(|_| path != "src/clouds.rs").collect();
        let names = |line: &&str| paths.iter().any(|path| line.contains(path));
        faults.extend(code(&text).filter(names).map(|l| format!("{path}: {l}")));
    }
    none(&faults);
}

#[test]
fn the_scanner_of_clouds_works() {
    let text = "// 123pan's\nuse crate::smh;\n\"restic-123pan\"\nPAN123_X\n#[cfg(test)]\n// kdocs";
    let found: Vec<_> = namers(text).collect();
    assert_eq!(found, ["// 123pan's", "use crate::smh;"]);
}

/// Modules of the crate that those of a folder may not use: the arrows of the crate's first page.
#[rustfmt::skip]
const ARROWS: [(&str, &[&str]); 11] = [
    ("src/units.rs", &["settings", "cloud", "clouds", "access", "args", "command"]),
    ("src/settings", &["cloud", "clouds", "store", "access", "args", "command"]),
    ("src/access", &["cloud", "clouds", "args", "command"]),
    (
        "src/restic",
        &[
            "body", "store", "cloud", "pan123", "service", "server", "watch", "args", "command",
        ],
    ),
    ("src/body", &["store", "cloud", "pan123", "service", "server", "watch", "args", "command"]),
    ("src/store", &["cloud", "pan123", "service", "server", "watch", "args", "command"]),
    ("src/cloud", &["pan123", "clouds", "service", "server", "watch", "args", "command", "access"]),
    ("src/pan123", &["service", "server", "watch", "args", "command", "access"]),
    ("src/smh", &["service", "server", "watch", "args", "command", "access"]),
    ("src/service", &["cloud", "pan123", "server", "args", "command"]),
    ("src/server", &["cloud", "pan123", "args", "command"]),
];

#[test]
fn modules_use_what_is_below_them() {
    none(&lines(|path, line| {
        let mut below = ARROWS.iter().filter(|(start, _)| path.starts_with(start));
        below.any(|(_, above)| {
            above
                .iter()
                .any(|m| line.contains(&format!("crate::{m}::")))
        })
    }));
}

/// What a warning is about, its kind says: nobody looks for words in what people are to read.
#[test]
fn sentences_are_not_searched() {
    let readers = [
        "src/watch",
        "src/lines.rs",
        "src/warning",
        "src/command/log.rs",
    ];
    none(&lines(|path, line| {
        let reads = starts_with_any(path, &readers) && !path.ends_with("tests.rs");
        reads && (line.contains(".contains(\"") || line.contains("ends_with(\"::"))
    }));
}

/// The parts of what clouds share and of a cloud, each before those that may use it.
const PARTS: [(&str, &[&[&str]]); 3] = [
    (
        "cloud",
        &[
            &["timing", "outcome", "pace", "form", "finding", "walk"],
            &["call"],
            &["dialect", "retry"],
            &["trouble", "health"],
            &["client"],
            &["token", "download", "doctor"],
        ],
    ),
    (
        "pan123",
        &[
            &["api"],
            &["tree"],
            &["bin"],
            &["confirm"],
            &["upload", "download", "remove", "space"],
            &["background", "doctor", "verify", "login"],
        ],
    ),
    (
        "smh",
        &[
            &["api"],
            &["paths", "folders", "recent", "packs"],
            &["list", "upload", "download", "remove", "space"],
            &["places", "bin", "checks", "verify"],
            &["doctor"],
            &["account"],
        ],
    ),
];

#[test]
fn parts_go_in_no_circle() {
    let mut faults = Vec::new();
    for (whole, levels) in PARTS {
        let sources = sources(&format!("src/{whole}"));
        for (level, parts) in levels.iter().enumerate() {
            for part in *parts {
                let later = levels[level + 1..].iter().flat_map(|parts| parts.iter());
                let beside = parts.iter().filter(|other| *other != part);
                let above: Vec<&str> = later.chain(beside).copied().collect();
                let (folder, file) = (
                    format!("src/{whole}/{part}/"),
                    format!("src/{whole}/{part}.rs"),
                );
                let own = |path: &str| path.starts_with(&folder) || path == file;
                for (path, text) in sources.iter().filter(|(path, _)| own(path)) {
                    let names = |line: &&str| above.iter().any(|part| uses_part(line, whole, part));
                    faults.extend(code(text).filter(names).map(|l| format!("{path}: {l}")));
                }
            }
        }
    }
    none(&faults);
}

/// Whether a line names a part of the cloud by its path.
fn uses_part(line: &str, whole: &str, part: &str) -> bool {
    let paths = [&*format!("crate::{whole}::"), "super::super::", "super::"];
    let starts = paths.iter().filter_map(|path| line.split_once(path));
    starts.into_iter().any(|(_, rest)| {
        let rest = rest.strip_prefix(part).unwrap_or("");
        rest.starts_with("::") || rest.starts_with(';')
    })
}

#[test]
fn the_client_knows_no_way_to_tokens() {
    none(&lines(|path, line| {
        let names = line.contains("cloud::token") || line.contains("super::token");
        names && path.starts_with("src/cloud/client")
    }));
}

/// One poisoned lock must not stop the others, and one file says why.
#[test]
fn poisoned_locks_are_one_files_business() {
    const OTHERS: [&str; 7] = [
        "src/server",
        "src/access",
        "src/command",
        "src/turns.rs",
        "src/args",
        "src/main.rs",
        "src/sync.rs",
    ];
    none(&lines(|path, line| {
        !starts_with_any(path, &OTHERS) && has_word(line, "PoisonError")
    }));
}

#[test]
fn the_scanner_of_parts_works() {
    for (line, expected) in [
        ("use super::confirm::Confirm;", true),
        ("use super::super::confirm::Confirm;", true),
        ("    crate::pan123::confirm::ledger::made()", true),
        ("use crate::pan123::confirmed::X;", false),
        ("use crate::cloud::confirm::X;", false),
    ] {
        assert_eq!(uses_part(line, "pan123", "confirm"), expected, "{line}");
    }
}
