//! The program at home on a device: service files, manual page, completions, installation,
//! packages, and repositories copied between a folder and the account.

mod clouds;
mod copying;
mod image;
mod install;
mod links;
mod luci;
mod printed;
mod procd;
mod secrets;
mod targets;
mod unit;

use crate::tools::tool;
use std::path::Path;
use std::process::{Command, Output};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_restic-123pan");

/// What one of the program's commands prints.
fn printed(words: &[&str]) -> String {
    run(Command::new(PROGRAM).args(words))
}

/// Runs a command to its good end and returns what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Both outputs of a command.
fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Whether a tool is installed; says so if the test must do without.
fn have(name: &str) -> bool {
    tool(name).is_some()
}

/// Whether a check is happy with a file; true as well where there is no such tool.
fn accepted(tool: &str, words: &[&str], file: &Path) {
    if have(tool) {
        let output = Command::new(tool).args(words).arg(file).output().unwrap();
        assert!(
            output.status.success(),
            "{tool} {file:?}: {}",
            said(&output)
        );
    }
}

/// The files that `service` prints, as it names them when it is asked for none.
fn kinds() -> Vec<String> {
    let said = said(&Command::new(PROGRAM).arg("service").output().unwrap());
    let names = said.split("name one of ").nth(1).unwrap();
    let kinds = names.split(';').next().unwrap().split(", ");
    let kinds: Vec<String> = kinds.map(str::to_owned).collect();
    assert!(kinds.len() >= 7, "{said}");
    kinds
}

/// The options in `--help`, without their hyphens.
fn options() -> Vec<String> {
    let help = printed(&["--help"]);
    let lines = help.lines().filter_map(|line| line.strip_prefix("  --"));
    let end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    let names = lines.filter_map(|line| line.split(end).next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 10, "{help}");
    names
}

/// Those that the environment sets as well, which are what a service can be told.
fn settings() -> Vec<String> {
    let one_shot = ["version", "help"];
    let mut options = options();
    options.retain(|name| !one_shot.contains(&name.as_str()));
    options
}
