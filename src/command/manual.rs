//! The manual page, made from the tables of commands and options.

use super::table::{COMMANDS, Words};
use crate::args;
use std::fmt::Write;

/// Prints the page.
pub(super) fn print(words: &Words) -> Result<String, String> {
    if !words.plain.is_empty() {
        return Err("the manual takes no words".to_owned());
    }
    let (mut commands, mut options) = (String::new(), String::new());
    for command in &COMMANDS {
        let (name, about) = (command.name, escaped(command.about));
        let _ = writeln!(
            commands,
            "{}\n{about}",
            format!(".TP\n.B {name} {}", escaped(command.words)).trim_end()
        );
        if !command.choices.is_empty() {
            let _ = writeln!(commands, "({})", escaped(&command.choices.join(", ")));
        }
        for (name, value, about) in command.options {
            let (name, about) = (escaped(name), escaped(about));
            let _ = writeln!(commands, ".br\n.BI \\-\\-{name} \" {value}\"\n{about}");
        }
    }
    for option in args::options() {
        let value = option.value.unwrap_or_default();
        let _ = writeln!(
            options,
            ".TP\n.BI \\-\\-{} \" {value}\"",
            escaped(&option.name)
        );
        let _ = writeln!(options, "{}", escaped(&option.about));
        if let Some(variable) = option.variable {
            let _ = writeln!(options, ".br\nVariable:\n.B {variable}");
        }
    }
    Ok(include_str!("../templates/manual.8")
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@COMMANDS@\n", &commands)
        .replace("@OPTIONS@\n", &options))
}

/// A text in which roff sees no requests, and in which hyphens can be searched for.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}
