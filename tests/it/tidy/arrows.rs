//! Who may know whom: nothing but the list of clouds names one, and what stands below knows nothing
//! of what stands above.

use super::{code, none, read, sources, words};

/// Whose code names no cloud, for there are several: `clouds.rs` lists them, and each has its own
/// directory.
const CLOUDLESS: [&str; 6] = [
    "src/args/",
    "src/cloud/",
    "src/command/",
    "src/main.rs",
    "src/settings/",
    "src/units.rs",
];

/// What stands below, and the modules above that it may not know.
const BELOW: [(&str, &[&str]); 4] = [
    (
        "src/units.rs",
        &["args", "cloud", "clouds", "command", "settings"],
    ),
    ("src/settings/", &["args", "cloud", "clouds", "command"]),
    ("src/access/", &["args", "command"]),
    ("src/cloud/", &["args", "clouds", "command"]),
];

/// The clouds' modules, as `clouds.rs` has them.
fn clouds() -> Vec<String> {
    let text = read("src/clouds.rs");
    let lines = text
        .lines()
        .filter_map(|line| line.split_once("::Description"));
    let clouds = lines.map(|(before, _)| before.trim_start_matches([' ', '&']).to_owned());
    clouds.collect()
}

#[test]
fn nothing_but_the_list_of_clouds_names_one() {
    let clouds = clouds();
    assert!(
        clouds.len() > 1 && clouds.contains(&"pan123".to_owned()),
        "{clouds:?}"
    );
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let concerned = CLOUDLESS.iter().any(|folder| path.starts_with(folder));
        for line in code(&text).filter(|_| concerned && !path.contains("/tests")) {
            // The program's own name, and that of its variables, came before the second cloud.
            let own = ["restic-123pan", "restic_123pan", "PAN123_"];
            let line = own
                .iter()
                .fold(line.to_owned(), |line, own| line.replace(own, ""));
            let module = |cloud: &String| {
                let below = ["crate", "restic_123pan"].map(|top| format!("{top}::{cloud}"));
                below.iter().any(|path| line.contains(path))
            };
            if clouds.iter().any(module) || line.to_lowercase().contains("123pan") {
                faults.push(format!("{path}: {line}"));
            }
        }
    }
    none(&faults);
}

#[test]
fn what_stands_below_knows_nothing_above() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let above = BELOW.iter().filter(|(below, _)| path.starts_with(below));
        let above: Vec<&str> = above.flat_map(|(_, above)| above.iter().copied()).collect();
        let knows = |line: &&str| {
            let mut named = line
                .split("crate::")
                .skip(1)
                .filter_map(|rest| words(rest).next());
            named.any(|module| above.contains(&module))
        };
        faults.extend(code(&text).filter(knows).map(|l| format!("{path}: {l}")));
    }
    none(&faults);
}
