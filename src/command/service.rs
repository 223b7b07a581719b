//! The files with which service managers run the server, filled in from the table of options.
//! Packages and `make install` take them from here as well.

use super::table::Words;
use crate::args::{self, Opt};
use std::env;
use std::fmt::Write;

/// The files that there are.
pub(super) const KINDS: [&str; 8] = [
    "systemd",
    "systemd-socket",
    "openwrt",
    "openwrt-config",
    "openrc",
    "launchd",
    "container",
    "options",
];

/// Options that the text of the router's configuration sets itself.
const SET: [&str; 2] = ["state-dir", "memory"];

/// Prints one of them.
pub(super) fn print(words: &Words) -> Result<String, String> {
    let [kind] = &words.plain[..] else {
        return Err(format!("name one of {}", KINDS.join(", ")));
    };
    let options: Vec<Opt> = args::options()
        .into_iter()
        .filter(|option| option.variable.is_some())
        .collect();
    let text = match kind.as_str() {
        "systemd" => include_str!("../templates/systemd.service").to_owned(),
        "systemd-socket" => include_str!("../templates/systemd.socket").to_owned(),
        "openwrt" => openwrt(&options),
        "openwrt-config" => fill(include_str!("../templates/openwrt.config"), &options, uci),
        "openrc" => include_str!("../templates/openrc.init").to_owned(),
        "launchd" => include_str!("../templates/launchd.plist").replace(
            "@HOME@",
            &env::var("HOME").unwrap_or("/var/root".to_owned()),
        ),
        "container" => include_str!("../templates/Containerfile").to_owned(),
        "options" => fill(include_str!("../templates/options"), &options, assignment),
        other => return Err(format!("{other:?} isn't one of {}", KINDS.join(", "))),
    };
    Ok(text.replace("@PROGRAM@", &program(words)?))
}

/// The path of the program that the files name: this one, unless another was given.
fn program(words: &Words) -> Result<String, String> {
    let path = match words.value("program") {
        Some(path) => path.to_owned(),
        None => env::current_exe()
            .map_err(|error| format!("name --program: {error}"))?
            .display()
            .to_string(),
    };
    // It is written without quotes into five kinds of files.
    let odd = |c: char| !c.is_ascii_alphanumeric() && !"/._+-".contains(c);
    match path.starts_with('/') && !path.contains(odd) {
        true => Ok(path),
        false => Err(format!(
            "{path:?} isn't a plain path; name one with --program"
        )),
    }
}

fn openwrt(options: &[Opt]) -> String {
    let names = |switch: bool| -> String {
        let of_kind = options
            .iter()
            .filter(|option| option.value.is_none() == switch);
        let names: Vec<String> = of_kind.map(|option| underscored(&option.name)).collect();
        names.join(" ")
    };
    include_str!("../templates/openwrt.init")
        .replace("@OPTIONS@", &names(false))
        .replace("@SWITCHES@", &names(true))
}

/// Puts a paragraph for each option into a template.
fn fill(template: &str, options: &[Opt], paragraph: fn(&Opt) -> String) -> String {
    let all: String = options.iter().map(paragraph).collect();
    template.replace("@OPTIONS@\n", &all)
}

fn uci(option: &Opt) -> String {
    let mut text = String::new();
    let value = default(option);
    if !SET.contains(&option.name.as_str()) {
        let name = underscored(&option.name);
        let _ = write!(text, "\n\t# {}\n\t#option {name} '{value}'\n", option.about);
    }
    text
}

fn assignment(option: &Opt) -> String {
    let variable = option.variable.as_deref().unwrap_or_default();
    format!("\n# {}\n#{variable}={}\n", option.about, default(option))
}

/// What an option is without being set, if that is one word; an example to be changed.
fn default(option: &Opt) -> String {
    let said = option.about.rsplit_once("default ").map(|(_, said)| said);
    let word = said.filter(|said| !said.contains(' ')).unwrap_or_default();
    match option.value {
        Some(_) => word.to_owned(),
        None => "1".to_owned(),
    }
}

fn underscored(name: &str) -> String {
    name.replace('-', "_")
}
