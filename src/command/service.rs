//! The files with which service managers run the server, filled in from the table of options.
//! Packages and `make install` take them from here as well.

use crate::args::{Service, Table};
use crate::settings::Opt;
use std::env;
use std::fmt::Write;

/// Options that the text of the router's configuration sets itself.
const SET: [&str; 2] = ["state-dir", "memory"];

/// Prints one of them.
pub fn service(table: &Table, asked: &Service) -> Result<String, String> {
    let options: Vec<&Opt> = table.settings().map(|(_, option)| option).collect();
    let text = match asked.kind.as_str() {
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
        other => return Err(format!("there is no file {other:?}")),
    };
    Ok(text.replace("@PROGRAM@", &program(asked)?))
}

/// The path of the program that the files name: this one, unless another was given.
fn program(asked: &Service) -> Result<String, String> {
    let path = match &asked.program {
        Some(path) => path.clone(),
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

fn openwrt(options: &[&Opt]) -> String {
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
fn fill(template: &str, options: &[&Opt], paragraph: fn(&Opt) -> String) -> String {
    let all: String = options.iter().map(|option| paragraph(option)).collect();
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
    let variable = option.variable();
    format!("\n# {}\n#{variable}={}\n", option.about, default(option))
}

/// What an option is without being set, as an example to be changed.
fn default(option: &Opt) -> &str {
    match option.value {
        Some(_) => option.default.as_deref().unwrap_or_default(),
        None => "1",
    }
}

fn underscored(name: &str) -> String {
    name.replace('-', "_")
}
