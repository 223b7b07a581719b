//! The manual page, made from the table of commands and options.

use crate::args::{Command, Group, Part, Table};
use crate::clouds;
use crate::settings::{Opt, variable};
use std::fmt::Write;

/// The page.
pub fn manual(table: &Table) -> String {
    let commands: String = table.commands.iter().map(command).collect();
    let options: String = table.groups.iter().map(group).collect();
    let credentials = clouds::ALL.into_iter().flat_map(|c| c.credentials);
    let credentials = credentials.map(|one| {
        let (name, about) = (variable(one.name), escaped(one.about));
        format!(".TP\n.BR {name} \", \" {name}_FILE\n{about}, or the file that holds it\n")
    });
    include_str!("../templates/manual.8")
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@COMMANDS@\n", &commands)
        .replace("@OPTIONS@\n", &options)
        .replace("@CREDENTIALS@\n", &credentials.collect::<String>())
}

fn command(command: &Command) -> String {
    let name = format!("{} {}", command.name, command.usage());
    let mut text = format!(".TP\n.B {}\n", escaped(name.trim_end()));
    let _ = writeln!(text, "{}", escaped(&command.about));
    let notes = command.words.iter().map(|word| {
        let name = word.name.to_ascii_uppercase();
        format!("{name} is {}", word.about)
    });
    for note in notes.chain(command.notes.iter().cloned()) {
        let _ = writeln!(text, ".br\n{}", escaped(&note));
    }
    for option in &command.options {
        let _ = writeln!(text, ".br\n{}", heading(option));
        let _ = writeln!(text, "{}", escaped(&option.about));
    }
    text
}

fn group(group: &Group) -> String {
    let title = match group.part {
        Part::Serving => "For serving".to_owned(),
        Part::Using => "For every cloud".to_owned(),
        Part::Cloud(name) => format!("For \\-\\-cloud {name}"),
        Part::General => "For every command".to_owned(),
        Part::Program => String::new(),
    };
    let mut text = match title.is_empty() {
        true => title,
        false => format!(".SS {title}\n"),
    };
    for option in &group.options {
        let _ = writeln!(text, ".TP\n{}\n{}", heading(option), escaped(&option.about));
        if group.part != Part::Program {
            let _ = writeln!(text, ".br\nVariable:\n.B {}", option.variable());
        }
    }
    text
}

fn heading(option: &Opt) -> String {
    let value = option.value.as_deref().unwrap_or_default();
    format!(".BI \\-\\-{} \" {value}\"", escaped(&option.name))
}

/// A text in which roff sees no requests, and in which hyphens can be searched for.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}
