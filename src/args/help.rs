//! What `--help` prints, made from the table.

use super::NAME;
use super::table::{Command, Group, Part, Table, USUAL};
use crate::cloud::Cloud;
use crate::settings::{Opt, variable};
use crate::speech::{padded, said, width, wrapped};
use std::fmt::Write;

/// Widest line in characters.
const WIDTH: usize = 80;
/// Where explanations begin.
const COLUMN: usize = 21;

/// The help for a command, with the options of a cloud; for serving, that of the whole program.
pub(super) fn help(table: &Table, command: &Command, cloud: &Cloud) -> String {
    if command.name == USUAL {
        return program(table, cloud);
    }
    let mut text = String::new();
    let usage = format!("{NAME} {} {}", command.name, command.usage());
    let usage = said(&format!("Usage: {} [options]", usage.trim_end()));
    let _ = write!(text, "{usage}\n\n");
    paragraph(&mut text, &command.about);
    let below = table.below(&command.name).map(|(_, command)| line(command));
    list(&mut text, "Commands", below);
    let words = command.words.iter();
    let words = words.map(|word| (word.name.to_ascii_uppercase(), word.about.as_str()));
    list(&mut text, "Words", words);
    list(&mut text, "Options", command.options.iter().map(option));
    for note in &command.notes {
        text.push('\n');
        paragraph(&mut text, note);
    }
    let taken = |group: &&Group| command.takes(group.part) && group.part != Part::Program;
    let shared = meant(table, cloud).filter(taken);
    let shared = shared.flat_map(|group| known(group, cloud));
    let names: Vec<String> = shared.map(|option| format!("--{}", option.name)).collect();
    text.push('\n');
    let which = format!("It also takes {}; see {NAME} --help.", names.join(", "));
    paragraph(&mut text, &which);
    text
}

fn program(table: &Table, cloud: &Cloud) -> String {
    let mut text = said(&format!("Usage: {NAME} [command] [options]")) + "\n\n";
    paragraph(&mut text, &table.about);
    let all = table.below("").map(|(_, command)| line(command));
    list(&mut text, "Commands", all);
    paragraph(
        &mut text,
        &format!(
            "See {NAME} COMMAND --help for a command, and {NAME} --help --cloud NAME for the options \
             of another cloud."
        ),
    );
    for group in meant(table, cloud) {
        let title = match group.part {
            Part::Serving => "Options for serving".to_owned(),
            Part::Using => "Options for the cloud".to_owned(),
            Part::Cloud(name) => format!("Options of the {name} cloud"),
            Part::General | Part::Program => "Other options".to_owned(),
        };
        let options = known(group, cloud).map(option);
        match group.part {
            // They go on where those before them end.
            Part::Program => options.for_each(|(name, about)| entry(&mut text, &name, about)),
            _ => list(&mut text, &title, options),
        }
    }
    for note in table.notes.iter().chain(&credentials(cloud)) {
        text.push('\n');
        paragraph(&mut text, note);
    }
    text
}

/// The options that mean something with a cloud, by what they are about.
fn meant<'t>(table: &'t Table, cloud: &Cloud) -> impl Iterator<Item = &'t Group> {
    let other = |group: &Group| matches!(group.part, Part::Cloud(name) if name != cloud.name);
    table.groups.iter().filter(move |group| !other(group))
}

/// Those of a group that a cloud doesn't ignore.
fn known<'t>(group: &'t Group, cloud: &Cloud) -> impl Iterator<Item = &'t Opt> {
    let ignored = |option: &Opt| cloud.ignores.contains(&option.name.as_str());
    group.options.iter().filter(move |option| !ignored(option))
}

/// What is said of a cloud's credentials, if it has any.
fn credentials(cloud: &Cloud) -> Option<String> {
    let names = cloud.credentials.iter();
    let names: Vec<String> = names.map(|one| variable(one.name)).collect();
    let first = names.first()?;
    Some(format!(
        "Credentials are variables only, or stand in the file of --config: {}; or files hold them \
         that variables such as {first}_FILE name.",
        names.join(", ")
    ))
}

fn line(command: &Command) -> (String, &str) {
    (command.name.clone(), command.brief())
}

fn option(option: &Opt) -> (String, &str) {
    let short = match option.name.as_str() {
        "help" => ", -h",
        "version" => ", -V",
        _ => "",
    };
    let value = option.value.as_ref();
    let value = value.map_or(String::new(), |value| format!(" {}", value.to_uppercase()));
    (format!("--{}{short}{value}", option.name), &option.about)
}

/// Writes a list under a title, if there is anything in it.
fn list<'a>(text: &mut String, title: &str, entries: impl Iterator<Item = (String, &'a str)>) {
    let mut entries = entries.peekable();
    if entries.peek().is_some() {
        let _ = writeln!(text, "\n{}", said(&format!("{title}:")));
    }
    entries.for_each(|(name, about)| entry(text, &name, about));
}

fn entry(text: &mut String, name: &str, about: &str) {
    let mut line = format!("  {name}");
    if width(&line) + 2 > COLUMN {
        let _ = writeln!(text, "{line}");
        line.clear();
    }
    for about in wrapped(&said(about), WIDTH - COLUMN - 1) {
        let _ = writeln!(text, "{} {about}", padded(&line, COLUMN));
        line.clear();
    }
}

fn paragraph(text: &mut String, words: &str) {
    for line in wrapped(&said(words), WIDTH) {
        let _ = writeln!(text, "{line}");
    }
}
