//! The table of commands, from which the manual page and the completions are made as well, and
//! the reading of their words.

use super::{completions, login, manual, service, transfer, verify};
use crate::args::{self, Opt};
use crate::pan123::{self, Pan123};
use crate::store::Store;
use std::fmt::Write;
use std::process::ExitCode;

/// A command.
#[derive(Debug)]
pub struct Command {
    /// The word that calls it.
    pub name: &'static str,
    /// The words that follow it.
    pub words: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What may stand in the first place after it, for completions.
    pub choices: &'static [&'static str],
    /// Options of its own: name, name of the value or nothing, meaning.
    pub options: &'static [(&'static str, &'static str, &'static str)],
    /// What it does.
    act: Act,
}

/// What a command does.
#[derive(Debug)]
enum Act {
    /// Its words are read by `args`, along with the server's options.
    Elsewhere,
    /// Prints something that depends on its words alone.
    Print(fn(&Words) -> Result<String, String>),
    /// Gets what the account is used with, for which the options of the server say where.
    LogIn,
    /// Works on the account, with the options of the server.
    Account(fn(&Words, &args::Config, &dyn Store) -> Result<(), String>),
    /// Looks at the account, without a store that would work in the background.
    Look(fn(&Words, &pan123::Config) -> ExitCode),
}

impl Act {
    /// Whether the server's options belong to it too.
    fn has_options(&self) -> bool {
        matches!(self, Self::Account(_) | Self::Look(_) | Self::LogIn)
    }
}

/// Every command.
pub const COMMANDS: [Command; 14] = [
    Command {
        name: "serve",
        words: "",
        about: "run the server; the same as no command",
        choices: &[],
        options: &[],
        act: Act::Elsewhere,
    },
    Command {
        name: "check-config",
        words: "",
        about: "say whether the configuration is right",
        choices: &[],
        options: &[],
        act: Act::Elsewhere,
    },
    Command {
        name: "passwd",
        words: "USER",
        about: "ask for a user's password and write its line for --htpasswd-file",
        choices: &[],
        options: &[],
        act: Act::Elsewhere,
    },
    Command {
        name: "login",
        words: "",
        about: "let the OAuth app of --oauth-client-id use the account, by way of a browser",
        choices: &[],
        options: &[(
            "redirect-uri",
            "uri",
            "the address that 123pan has registered for the app",
        )],
        act: Act::LogIn,
    },
    Command {
        name: "doctor",
        words: "",
        about: "examine the setup, step by step, and say what to do",
        choices: &[],
        options: &[],
        act: Act::Elsewhere,
    },
    Command {
        name: "status",
        words: "",
        about: "ask the running server how everything is",
        choices: &[],
        options: &[(
            "user",
            "name",
            "a user of the server's, where it asks for passwords",
        )],
        act: Act::Elsewhere,
    },
    Command {
        name: "healthcheck",
        words: "",
        about: "exit with 0 if the server works, or 1, for containers",
        choices: &[],
        options: &[],
        act: Act::Elsewhere,
    },
    Command {
        name: "bin",
        words: "list|purge|restore",
        about: "show, free or bring back what was deleted",
        choices: &["list", "purge", "restore"],
        options: &[],
        act: Act::Elsewhere,
    },
    Command {
        name: "import",
        words: "DIR [REPO]",
        about: "copy a local repository to the account",
        choices: &[],
        options: &[DRY_RUN],
        act: Act::Account(transfer::import),
    },
    Command {
        name: "export",
        words: "[REPO] DIR",
        about: "copy a repository from the account to a local folder",
        choices: &[],
        options: &[DRY_RUN],
        act: Act::Account(transfer::export),
    },
    Command {
        name: "verify",
        words: "[REPO...]",
        about: "look for missing, empty, doubled and deleted files by lists alone; ends with 1 if there are any",
        choices: &[],
        options: &[("json", "", "print JSON, one object a line")],
        act: Act::Look(verify::run),
    },
    Command {
        name: "service",
        words: "KIND",
        about: "print the file with which a service manager runs the server",
        choices: &service::KINDS,
        options: &[("program", "path", "path of the program that the file names")],
        act: Act::Print(service::print),
    },
    Command {
        name: "completions",
        words: "SHELL",
        about: "print the completions for bash, zsh or fish",
        choices: &completions::SHELLS,
        options: &[],
        act: Act::Print(completions::print),
    },
    Command {
        name: "manual",
        words: "",
        about: "print this manual page, for man",
        choices: &[],
        options: &[],
        act: Act::Print(manual::print),
    },
];

/// The option to look only.
const DRY_RUN: (&str, &str, &str) = ("dry-run", "", "say what would be copied, and copy nothing");

/// A command line, taken apart.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// What isn't an option.
    pub plain: Vec<String>,
    /// The command's own options.
    own: Vec<(&'static str, String)>,
    /// The server's options with their values.
    server: Vec<String>,
}

impl Words {
    /// Whether a switch of the command's own was given.
    pub fn has(&self, name: &str) -> bool {
        self.own.iter().any(|(own, _)| *own == name)
    }

    /// Whether an option of the server's was given.
    pub fn server_has(&self, name: &str) -> bool {
        let names = self
            .server
            .iter()
            .filter_map(|word| word.strip_prefix("--"));
        names.into_iter().any(|server| server == name)
    }

    /// The value of an option of the command's own.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut own = self.own.iter().rev();
        own.find_map(|(own, value)| (*own == name).then_some(value.as_str()))
    }
}

/// What the command line asks for, besides serving.
#[derive(Debug)]
pub enum Call {
    /// Print this and leave.
    Print(String),
    /// Do this with the account.
    Account(Task),
}

/// Something to be done with the account.
#[derive(Debug)]
pub struct Task {
    command: &'static Command,
    words: Words,
}

impl Task {
    /// The server's options, which say where the account is.
    pub fn options(&self) -> &[String] {
        &self.words.server
    }

    /// Does it. What went wrong is told in one line; the rest has been told while it ran.
    pub fn run(&self, config: &args::Config) -> Result<ExitCode, String> {
        match self.command.act {
            Act::Account(act) => act(&self.words, config, &Pan123::new(&config.granted()?))?,
            Act::Look(act) => return Ok(act(&self.words, &config.granted()?)),
            Act::LogIn => login::login(&self.words, config)?,
            Act::Elsewhere | Act::Print(_) => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads the command line: None if it is for `args` to read, or why it is wrong.
pub fn parse(words: &[String]) -> Result<Option<Call>, String> {
    let command = words.first().and_then(|word| find(word));
    let Some(command) = command.filter(|c| !matches!(c.act, Act::Elsewhere)) else {
        return Ok(None);
    };
    let name = command.name;
    let wrong = |why: String| format!("{name}: {why}; see restic-123pan {name} --help");
    if words.iter().any(|word| word == "--help") {
        return Ok(Some(Call::Print(help(command))));
    }
    let words = split(command, &words[1..]).map_err(wrong)?;
    Ok(Some(match command.act {
        Act::Print(print) => Call::Print(print(&words).map_err(wrong)?),
        Act::LogIn => match (words.plain.is_empty(), words.value("redirect-uri")) {
            (true, Some(_)) => Call::Account(Task { command, words }),
            _ => return Err(wrong("it wants --redirect-uri and no words".to_owned())),
        },
        Act::Look(_) => {
            verify::repositories(&words).map_err(wrong)?;
            Call::Account(Task { command, words })
        }
        _ => {
            transfer::places(command, &words).map_err(wrong)?;
            Call::Account(Task { command, words })
        }
    }))
}

pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Tells words, the command's options and the server's options from each other.
fn split(command: &Command, words: &[String]) -> Result<Words, String> {
    let mut found = Words::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let Some(option) = word.strip_prefix("--") else {
            found.plain.push(word.clone());
            continue;
        };
        let (name, given) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option, None),
        };
        let own = command.options.iter().find(|(own, ..)| *own == name);
        let takes_value = match own {
            Some((_, value, _)) => !value.is_empty(),
            None => server_option(command, name)?.value.is_some(),
        };
        let value = match (takes_value, given) {
            (true, None) => rest
                .next()
                .cloned()
                .ok_or(format!("--{name} wants a value"))?,
            (true, Some(value)) => value,
            (false, None) => String::new(),
            (false, Some(_)) => return Err(format!("--{name} takes no value")),
        };
        match own {
            Some((own, ..)) => found.own.push((own, value)),
            None => {
                found.server.push(format!("--{name}"));
                found.server.extend(takes_value.then_some(value));
            }
        }
    }
    Ok(found)
}

fn server_option(command: &Command, name: &str) -> Result<Opt, String> {
    let known = args::options()
        .into_iter()
        .find(|option| option.name == name);
    known
        .filter(|_| command.act.has_options())
        .ok_or(format!("there is no option --{name}"))
}

fn help(command: &Command) -> String {
    let Command {
        name, words, about, ..
    } = command;
    let mut text = format!("Usage: restic-123pan {name} {words}\n\n{about}\n");
    if !command.choices.is_empty() {
        let _ = write!(
            text,
            "\n{words} is one of: {}\n",
            command.choices.join(", ")
        );
    }
    if !command.options.is_empty() {
        text.push_str("\nOptions:\n");
    }
    for (name, value, about) in command.options {
        let _ = writeln!(text, "  {:<18}{about}", format!("--{name} {value}"));
    }
    if command.act.has_options() {
        text.push_str("\nThe server's options and variables say which account; see --help.\n");
    }
    text
}

#[cfg(test)]
mod tests;
