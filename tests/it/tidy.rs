//! What must stay true of the sources themselves: who may use what, how long things are, how
//! files open. Each rule is one test; exceptions stand in its table, with their reasons.

mod arrows;
pub(crate) mod speech;

use crate::tools::missing;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest file in lines, and the tests', which are rows of cases for the most part.
const FILE: (usize, usize) = (400, 500);
/// Longest README.md in lines.
const README: usize = 300;
/// Longest function in lines.
const FUNCTION: usize = 70;

/// Who alone may name what: the words, and the beginnings of the paths that may.
#[rustfmt::skip]
const OWNERS: [(&[&str], &[&str]); 6] = [
    // It bounds nothing, so it must never meet the network.
    (&["tiny_http"], &["src/server"]),
    // What meets the network stands in one place, where everything has a bound.
    (&["httparse", "ServerConnection", "ServerConfig", "epoll"], &["src/front"]),
    // Threads and their queues are these two's, so that everything else can be tested in memory.
    (&["crossbeam_channel"], &["src/server", "src/front"]),
    // One door out, where pace, token and judgement can't be forgotten.
    (&["ureq"], &["src/cloud/client"]),
    // Only a cloud knows that files have numbers.
    (&["file_id", "parent_id", "dir_id"], &["src/pan123/", "src/kdocs/api/"]),
    // Signals end the process, which is main's business, once a muted terminal is itself again.
    (&["signal_hook"], &["src/main.rs", "src/server", "src/access/unseen.rs"]),
];

/// What is pure, and what it may not name.
const PURE: [&str; 2] = ["src/restic", "src/service"];
const IMPURE: [&str; 6] = [
    "std::net",
    "std::thread",
    "Instant",
    "SystemTime",
    "tiny_http",
    "ureq",
];

/// What may lie at the top.
const TOP: [&str; 9] = [
    ".ci",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "src",
    "tests",
];

#[test]
fn each_thing_has_its_owner() {
    none(&lines(|path, line| {
        OWNERS.iter().any(|(words, owners)| {
            let named = words.iter().any(|word| has_word(line, word));
            named && !starts_with_any(path, owners)
        })
    }));
}

/// Routers with 32-bit MIPS have no 64-bit atomics; a number behind a lock does as well.
#[test]
fn atomics_are_small() {
    none(&lines(|_, line| {
        has_word(line, "AtomicU64") || has_word(line, "AtomicI64")
    }));
}

/// One place where the compiler is asked to trust us, with its reason.
#[test]
fn unsafe_stands_once() {
    let found = lines(|_, line| has_word(line, "unsafe"));
    assert!(found.len() <= 1, "{}", found.join("\n"));
}

#[test]
fn the_protocol_is_pure() {
    none(&lines(|path, line| {
        starts_with_any(path, &PURE) && IMPURE.iter().any(|word| has_word(line, word))
    }));
}

/// A status is an instruction to restic, and 123pan's codes are read in one place.
#[test]
fn statuses_stand_in_few_files() {
    const ALLOWED: [&str; 8] = [
        "src/service",
        "src/server",
        // What is no request is no business of the service's.
        "src/front",
        // What the cloud's codes mean, and the door that sees its statuses.
        "src/kdocs/api/meaning.rs",
        "src/pan123/api/meaning.rs",
        "src/smh/api/meaning.rs",
        "src/cloud/client",
        "src/cloud/download.rs",
    ];
    none(&lines(|path, line| {
        !starts_with_any(path, &ALLOWED) && names_status(line)
    }));
}

/// What an endpoint may do each second stands in the table of endpoints and nowhere else.
#[test]
fn rates_stand_in_the_table_of_endpoints() {
    none(&lines(|path, line| {
        let elsewhere = !starts_with_any(path, &["src/pan123/api", "src/smh/api"]);
        elsewhere && line.contains("Rate::new(") && words(line).any(is_number)
    }));
}

fn is_number(word: &str) -> bool {
    word.parse::<u32>().is_ok()
}

/// Whether a line compares with a status, matches one or answers one. Other numbers may look the
/// same, and texts may speak of statuses.
fn names_status(line: &str) -> bool {
    const STATUSES: [&str; 17] = [
        "400", "401", "403", "404", "405", "408", "411", "413", "416", "417", "429", "431", "500",
        "502", "503", "505", "507",
    ];
    const BEFORE: [&str; 5] = ["== ", "!= ", "=> ", "| ", "empty("];
    const AFTER: [&str; 2] = [" =>", " |"];
    let code: String = line.split('"').step_by(2).collect();
    let status = code.contains("status") && words(&code).any(|word| STATUSES.contains(&word));
    let near = |number: &str| {
        let before = BEFORE
            .iter()
            .any(|b| code.contains(&format!("{b}{number}")));
        before || AFTER.iter().any(|a| code.contains(&format!("{number}{a}")))
    };
    let arm = |number: &str| code.trim_start().starts_with(number);
    status || STATUSES.iter().any(|number| near(number) || arm(number))
}

#[test]
fn the_scanner_of_statuses_works() {
    for line in [
        "    403 if blocked => x,",
        "if status == 429 {",
        "Cause::Full => 507,",
        "  400 | 401 => y,",
    ] {
        assert!(names_status(line), "{line}");
    }
    for line in [
        "from_millis(500)",
        "year / 400",
        "warn!(\"requests get 503\")",
    ] {
        assert!(!names_status(line), "{line}");
    }
}

#[test]
fn files_are_short_and_open_with_their_purpose() {
    let mut faults = Vec::new();
    for (folder, most) in [("src", FILE.0), ("tests", FILE.1)] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            if lines > most {
                faults.push(format!("{path} has {lines} lines, more than {most}"));
            }
            if !text.starts_with("//! ") {
                faults.push(format!("{path} does not say what it is"));
            }
        }
    }
    none(&faults);
}

#[test]
fn functions_are_short() {
    let mut faults = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        // A table of cases in a file's own tests may be as long as it needs to be.
        let text = text.split("#[cfg(test)]").next().unwrap_or("");
        let long = functions(text)
            .into_iter()
            .filter(|(_, lines)| *lines > FUNCTION);
        faults.extend(long.map(|(name, lines)| format!("{path}: {name} has {lines} lines")));
    }
    none(&faults);
}

/// The functions of a file and their lengths. After rustfmt a function ends with the first
/// closing brace that is indented as its `fn` is.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let signature = line
            .split("//")
            .next()
            .unwrap_or("")
            .split(" where")
            .next()
            .unwrap_or("");
        let Some(name) = signature.split_once("fn ").and_then(|(before, after)| {
            let words = [
                "",
                "pub",
                "pub(crate)",
                "pub(super)",
                "const",
                "unsafe",
                "async",
            ];
            let plain = before.split_whitespace().all(|word| words.contains(&word));
            plain.then(|| after.split(['(', '<']).next().unwrap_or(""))
        }) else {
            continue;
        };
        let end = format!("{}}}", " ".repeat(indent));
        let body = &lines[at..];
        // A method that is only declared ends with a semicolon instead.
        let ends =
            |l: &&str| **l == end || (l.len() - l.trim_start().len() == indent && l.ends_with(';'));
        let Some(length) = body.iter().position(ends) else {
            continue;
        };
        all.push((name.to_owned(), length + 1));
    }
    all
}

#[test]
fn the_scanner_of_functions_works() {
    let text =
        "pub fn a(\n    x: u8,\n) {\n    b();\n}\n    fn b(&self);\n// fn c\n    fn d() {\n    }\n";
    let found: Vec<_> = functions(text);
    let wanted = [("a", 5), ("b", 1), ("d", 2)].map(|(name, lines)| (name.to_owned(), lines));
    assert_eq!(found, wanted);
}

#[test]
fn dependencies_are_in_order_and_give_their_reason() {
    let mut faults = Vec::new();
    for (manifest, section) in [
        ("Cargo.toml", "[dependencies]"),
        ("Cargo.toml", "[dev-dependencies]"),
        ("tests/fuzz/Cargo.toml", "[dependencies]"),
    ] {
        let manifest = read(manifest);
        let lines = manifest.lines().skip_while(|line| *line != section).skip(1);
        let lines: Vec<&str> = lines.take_while(|line| !line.starts_with('[')).collect();
        let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        assert!(!lines.is_empty(), "{section} is empty");
        if !lines.is_sorted() {
            faults.push(format!("{section} is not in alphabetical order"));
        }
        let bare = lines.iter().filter(|line| !line.contains(" # "));
        faults.extend(bare.map(|line| format!("no reason: {line}")));
    }
    none(&faults);
}

/// A target without seeds begins from nothing, and one without its lines isn't built.
#[test]
fn fuzz_targets_have_seeds() {
    let manifest = read("tests/fuzz/Cargo.toml");
    let targets = sources("tests/fuzz/targets");
    assert_eq!(targets.len(), manifest.matches("[[bin]]").count());
    for (path, _) in targets {
        let name = path.rsplit('/').next().unwrap().trim_end_matches(".rs");
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")));
        let seeds = root().join("tests/fuzz/seeds").join(name);
        assert!(fs::read_dir(seeds).unwrap().count() > 1, "{name}");
    }
}

#[test]
fn no_file_names_the_machine_that_it_was_written_on() {
    let paths = [
        ["/ro", "ot/"],
        ["/wo", "rk/"],
        ["/tmp/", "wt"],
        ["/tmp/", "target"],
    ];
    let mut faults = Vec::new();
    for file in tracked() {
        let text =
            String::from_utf8_lossy(&fs::read(root().join(&file)).unwrap_or_default()).into_owned();
        let named = paths
            .iter()
            .map(|halves| halves.concat())
            .find(|path| text.contains(path));
        faults.extend(named.map(|path| format!("{file} names {path}")));
    }
    none(&faults);
}

#[test]
fn the_top_is_tidy() {
    let tops: BTreeSet<String> = tracked()
        .iter()
        .filter_map(|file| file.split('/').next().map(str::to_owned))
        .filter(|top| !TOP.contains(&top.as_str()))
        .collect();
    assert!(tops.is_empty(), "what are these at the top? {tops:?}");
}

/// README.md is short, and the options in its table are ones that `--help` tells of; all of them stand
/// in the manual.
#[test]
fn the_readme_is_short_and_names_options_that_exist() {
    let (text, manual) = (read("README.md"), printed("manual"));
    let lines = text.lines().count();
    assert!(lines <= README, "README.md has {lines} lines");
    let clouds = ["123pan", "smh", "local", "kdocs"];
    let helps: String = clouds
        .map(|cloud| help(&format!("--cloud {cloud}")))
        .concat();
    let known: BTreeSet<&str> = helps.split(char::is_whitespace).collect();
    let rows = text.lines().filter(|line| line.starts_with("| `--"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let named: Vec<&str> = cells.flat_map(|cell| cell.split('`')).collect();
    let named = named.iter().filter(|word| word.starts_with("--"));
    for option in named {
        assert!(known.contains(option), "there is no {option}");
        let escaped = option.replace('-', "\\-");
        assert!(manual.contains(&escaped), "{option} isn't in the manual");
    }
}

fn help(command: &str) -> String {
    printed(&format!("{command} --help"))
}

/// What a command prints, in English.
fn printed(words: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    program.args(words.split_whitespace()).env("LC_ALL", "C");
    String::from_utf8(program.output().unwrap().stdout).unwrap()
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The Rust files below a folder, with their paths from the top.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
                found.push((name.to_owned(), read(name)));
            }
        }
    }
    found.sort();
    found
}

/// The lines of code in `src` of which something is so, given a file's path and a line of it.
fn lines(is_so: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources("src") {
        let lines = code(&text).filter(|line| is_so(&path, line));
        found.extend(lines.map(|line| format!("{path}: {line}")));
    }
    found
}

fn starts_with_any(path: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| path.starts_with(start))
}

/// A source's lines up to its own tests, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .map(|line| line.split("//").next().unwrap_or(""))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

fn has_word(line: &str, word: &str) -> bool {
    match word.contains("::") {
        true => line.contains(word),
        false => words(line).any(|w| w == word),
    }
}

/// What git tracks; nothing where this is no checkout.
fn tracked() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        missing("this is not a git checkout");
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
