//! Completions for shells, made from the table of commands and options: each command offers the
//! options that it takes, and their values.

use crate::args::{Command, Completions, Table, Word};
use crate::settings::Opt;
use std::fmt::Write;

/// The completions for a shell.
pub fn completions(table: &Table, asked: &Completions) -> String {
    match asked.shell.as_str() {
        "bash" => bash(table),
        "zsh" => zsh(table),
        _ => fish(table),
    }
}

/// What a value or a word can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    /// One of these, or something else.
    Of(&'a [String]),
    /// A place on this machine.
    Path,
    /// Anything.
    Any,
}

impl<'a> Value<'a> {
    fn new(name: &str, choices: &'a [String]) -> Self {
        match name {
            "file" | "dir" | "path" | "[repo] dir" => Self::Path,
            _ if choices.is_empty() => Self::Any,
            _ => Self::Of(choices),
        }
    }

    fn of(option: &'a Opt) -> Option<Self> {
        let value = option.value.as_deref();
        // It is a place in the account.
        let name = value.map(|name| if option.name == "repo-path" { "" } else { name });
        name.map(|name| Self::new(name, &option.choices))
    }

    fn of_word(word: &'a Word) -> Self {
        Self::new(&word.name, &word.choices)
    }
}

/// Every option, but of those that are the same only one.
fn once(table: &Table, same: fn(&Opt, &Opt) -> bool) -> Vec<&Opt> {
    let mut all: Vec<&Opt> = Vec::new();
    for option in table.commands.iter().flat_map(|c| table.taken(c)) {
        if !all.iter().any(|known| same(known, option)) {
            all.push(option);
        }
    }
    all
}

/// What `arm` says of each command, and before them of none, which means the usual one.
fn arms(table: &Table, arm: impl Fn(&str, &Command) -> String) -> String {
    let named = table.commands.iter().map(|one| arm(&one.name, one));
    std::iter::once(arm("", table.usual()))
        .chain(named)
        .collect()
}

fn bash(table: &Table) -> String {
    let (mut values, mut paths, mut others) = (String::new(), Vec::new(), Vec::new());
    // What it means differs, what its value is doesn't.
    for option in once(table, |one, other| one.name == other.name) {
        let name = format!("--{}", option.name);
        match Value::of(option) {
            None => {}
            Some(Value::Path) => paths.push(name),
            Some(Value::Any) => others.push(name),
            Some(Value::Of(choices)) => {
                let words = choices.join(" ");
                let _ = writeln!(
                    values,
                    "        {name})\n            words='{words}' options='{words}'\n            ;;"
                );
            }
        }
    }
    let commands = arms(table, |name, command| bash_arm(table, name, command));
    include_str!("../templates/completion.bash")
        .replace("@PATHS@", &paths.join(" | "))
        .replace("@ANY@", &others.join(" | "))
        .replace("@VALUES@\n", &values)
        .replace("@STEMS@\n", &stems(table))
        .replace("@COMMANDS@\n", &commands)
}

/// The arms of a `case` that go from one command to the next.
fn stems(table: &Table) -> String {
    let mut text = String::new();
    let stems = table.commands.iter().filter(|command| command.is_stem);
    let stems = stems.map(|command| command.name.as_str());
    for stem in std::iter::once("").chain(stems) {
        let arms = table
            .below(stem)
            .map(|(word, _)| format!("'{stem}/{word}'"));
        let arms: Vec<String> = arms.collect();
        let space = if stem.is_empty() { "" } else { " " };
        let _ = writeln!(
            text,
            "            {}) command=\"{stem}{space}$word\" ;;",
            arms.join(" | ")
        );
    }
    text
}

fn bash_arm(table: &Table, name: &str, command: &Command) -> String {
    let options = table
        .taken(command)
        .map(|option| format!("--{}", option.name));
    let options: Vec<String> = options.collect();
    let mut words: Vec<&str> = table.below(name).map(|(word, _)| word).collect();
    let mut paths = "";
    for word in &command.words {
        match Value::of_word(word) {
            Value::Of(choices) => words.extend(choices.iter().map(String::as_str)),
            Value::Path => paths = " paths=-d",
            Value::Any => {}
        }
    }
    let (options, words) = (options.join(" "), words.join(" "));
    format!("        '{name}') options='{options}' words='{words}'{paths} ;;\n")
}

fn zsh(table: &Table) -> String {
    let commands = arms(table, |name, command| zsh_arm(table, name, command));
    include_str!("../templates/completion.zsh")
        .replace("@STEMS@\n", &stems(table))
        .replace("@COMMANDS@\n", &commands)
}

fn zsh_arm(table: &Table, name: &str, command: &Command) -> String {
    let mut text = format!("        '{name}')\n            specs=(\n");
    for option in table.taken(command) {
        let about = bracketed(&option.about);
        let value = option.value.as_deref().unwrap_or_default();
        let value = match Value::of(option) {
            None => String::new(),
            Some(Value::Path) => format!(":{value}:_files"),
            Some(Value::Any) => format!(":{value}:"),
            Some(Value::Of(choices)) => format!(":{value}:({})", choices.join(" ")),
        };
        let _ = writeln!(text, "                '--{}[{about}]{value}'", option.name);
    }
    let below = table.below(name);
    let below = below.map(|(word, command)| format!("{word}\\:\"{}\"", bracketed(command.brief())));
    let below: Vec<String> = below.collect();
    let words = command.words.iter().map(Value::of_word);
    let words = match words.max_by_key(|value| *value == Value::Path) {
        _ if !below.is_empty() => format!("command:(({}))", below.join(" ")),
        Some(Value::Of(choices)) => format!("word:({})", choices.join(" ")),
        Some(Value::Path) => "folder:_files -/".to_owned(),
        Some(Value::Any) | None => "word:".to_owned(),
    };
    text + &format!("                '*:{words}'\n            )\n            ;;\n")
}

fn fish(table: &Table) -> String {
    let mut text = "# Completions of restic-123pan for fish.\n\
                    complete -c restic-123pan -f\n"
        .to_owned();
    for command in &table.commands {
        let (stem, word) = command.name.rsplit_once(' ').unwrap_or(("", &command.name));
        let about = plain(command.brief());
        let when = match stem {
            "" => "__fish_use_subcommand".to_owned(),
            stem => format!("'__fish_seen_subcommand_from {stem}'"),
        };
        let _ = writeln!(
            text,
            "complete -c restic-123pan -n {when} -a {word} -d '{about}'"
        );
        for word in command.words.iter().map(Value::of_word) {
            let what = match word {
                Value::Of(choices) => format!("-a '{}'", choices.join(" ")),
                Value::Path => "-F".to_owned(),
                Value::Any => continue,
            };
            let seen = format!("'__fish_seen_subcommand_from {}'", command.name);
            let _ = writeln!(text, "complete -c restic-123pan -n {seen} {what}");
        }
    }
    for option in once(table, |one, other| one == other) {
        let value = match Value::of(option) {
            None => String::new(),
            Some(Value::Path) => " -r -F".to_owned(),
            Some(Value::Any) => " -x".to_owned(),
            Some(Value::Of(choices)) => format!(" -x -a '{}'", choices.join(" ")),
        };
        let (when, about) = (fish_when(table, option), plain(&option.about));
        let _ = writeln!(
            text,
            "complete -c restic-123pan{when} -l {}{value} -d '{about}'",
            option.name
        );
    }
    text
}

/// When an option is offered: after the last words of the commands that take it; one that serving
/// takes, unless a command that doesn't take it was named.
fn fish_when(table: &Table, option: &Opt) -> String {
    let takes = |command: &Command| table.taken(command).any(|its| its == option);
    let is_usual = takes(table.usual());
    let leaves = table.commands.iter().filter(|command| !command.is_stem);
    let leaves = leaves.filter(|command| takes(command) != is_usual);
    let words: Vec<&str> = leaves
        .filter_map(|command| command.name.rsplit(' ').next())
        .collect();
    let not = if is_usual { "not " } else { "" };
    match words.is_empty() {
        true => String::new(),
        false => format!(" -n '{not}__fish_seen_subcommand_from {}'", words.join(" ")),
    }
}

/// A text within single quotes.
fn plain(text: &str) -> String {
    text.replace('\'', "’").replace('\\', "/")
}

/// A text within single quotes and brackets of zsh's.
fn bracketed(text: &str) -> String {
    let text = plain(text).replace('[', "(").replace(']', ")");
    text.replace(':', "\\:").replace('"', "”")
}
