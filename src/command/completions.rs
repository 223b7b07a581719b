//! Completions for shells, made from the tables of commands and options.

use super::table::{COMMANDS, Words};
use crate::args;
use std::fmt::Write;

/// The shells that there are completions for.
pub(super) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// Prints the completions for one of them.
pub(super) fn print(words: &Words) -> Result<String, String> {
    let lines = Line::all();
    match words.plain.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bash"] => Ok(bash(&lines)),
        ["zsh"] => Ok(zsh(&lines)),
        ["fish"] => Ok(fish(&lines)),
        _ => Err(format!("name one of {}", SHELLS.join(", "))),
    }
}

/// An option in a completion: its command if it belongs to one, its name, what its value is.
struct Line {
    command: Option<&'static str>,
    name: String,
    value: Option<String>,
    about: String,
}

impl Line {
    fn all() -> Vec<Self> {
        let server = args::options().into_iter().map(|option| Self {
            command: None,
            name: option.name,
            value: option.value,
            about: option.about,
        });
        let own = COMMANDS.iter().flat_map(|command| {
            let line = |(name, value, about): &(&str, &str, &str)| Self {
                command: Some(command.name),
                name: (*name).to_owned(),
                value: Some((*value).to_owned()).filter(|value| !value.is_empty()),
                about: (*about).to_owned(),
            };
            command.options.iter().map(line)
        });
        server.chain(own).collect()
    }

    /// All lines, but an option that several commands have only once.
    fn once(lines: &[Self]) -> Vec<&Self> {
        let first = |(at, line): &(usize, &Self)| lines[..*at].iter().all(|l| l.name != line.name);
        let once = lines.iter().enumerate().filter(first);
        once.map(|(_, line)| line).collect()
    }

    /// Whether the value is a place on this machine.
    fn is_path(&self) -> bool {
        let path = |value: &String| matches!(value.as_str(), "dir" | "file");
        self.value.as_ref().is_some_and(path) || (self.command.is_some() && self.value.is_some())
    }
}

fn bash(lines: &[Line]) -> String {
    let lines = Line::once(lines);
    let all: Vec<String> = lines
        .iter()
        .map(|line| format!("--{}", line.name))
        .collect();
    let named = |line: &Line, path: bool| line.value.is_some() && line.is_path() == path;
    let list = |path: bool| -> String {
        let names = lines.iter().filter(|line| named(line, path));
        let names: Vec<String> = names.map(|line| format!("--{}", line.name)).collect();
        match names.is_empty() {
            true => "--".to_owned(),
            false => names.join("|"),
        }
    };
    let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
    let mut choices = String::new();
    for command in COMMANDS.iter().filter(|c| !c.choices.is_empty()) {
        let (name, words) = (command.name, command.choices.join(" "));
        let _ = writeln!(choices, "        {name}) words=\"{words}\" ;;");
    }
    include_str!("../templates/completion.bash")
        .replace("@OPTIONS@", &all.join(" "))
        .replace("@PATHS@", &list(true))
        .replace("@VALUES@", &list(false))
        .replace("@COMMANDS@", &names.join(" "))
        .replace("@CHOICES@\n", &choices)
}

fn zsh(lines: &[Line]) -> String {
    let mut options = String::new();
    for line in Line::once(lines) {
        let about = plain(&line.about).replace('[', "(").replace(']', ")");
        let value = match &line.value {
            Some(value) if line.is_path() => format!(":{value}:_files"),
            Some(value) => format!(":{value}:"),
            None => String::new(),
        };
        let _ = writeln!(options, "        '--{}[{about}]{value}'", line.name);
    }
    let (mut commands, mut choices) = (String::new(), String::new());
    for command in &COMMANDS {
        let (name, about) = (command.name, plain(command.about));
        let _ = writeln!(commands, "        '{name}:{about}'");
        if !command.choices.is_empty() {
            let words = command.choices.join(" ");
            let _ = writeln!(choices, "        {name}) compadd -- {words} ;;");
        }
    }
    include_str!("../templates/completion.zsh")
        .replace("@OPTIONS@\n", &options)
        .replace("@COMMANDS@\n", &commands)
        .replace("@CHOICES@\n", &choices)
}

fn fish(lines: &[Line]) -> String {
    let mut text = "# Completions of restic-123pan for fish.\n\
                    complete -c restic-123pan -f\n"
        .to_owned();
    for command in &COMMANDS {
        let (name, about) = (command.name, plain(command.about));
        let _ = writeln!(
            text,
            "complete -c restic-123pan -n __fish_use_subcommand -a {name} -d '{about}'"
        );
        if !command.choices.is_empty() {
            let words = command.choices.join(" ");
            let _ = writeln!(
                text,
                "complete -c restic-123pan -n '__fish_seen_subcommand_from {name}' -a '{words}'"
            );
        }
        if command.words.contains("DIR") {
            let _ = writeln!(
                text,
                "complete -c restic-123pan -n '__fish_seen_subcommand_from {name}' -F"
            );
        }
    }
    for line in lines {
        let when = line.command.map_or(String::new(), |name| {
            format!(" -n '__fish_seen_subcommand_from {name}'")
        });
        let value = match (&line.value, line.is_path()) {
            (None, _) => "",
            (Some(_), true) => " -r -F",
            (Some(_), false) => " -x",
        };
        let about = plain(&line.about);
        let _ = writeln!(
            text,
            "complete -c restic-123pan{when} -l {}{value} -d '{about}'",
            line.name
        );
    }
    text
}

/// A text within single quotes.
fn plain(text: &str) -> String {
    text.replace('\'', "’").replace('\\', "/")
}
