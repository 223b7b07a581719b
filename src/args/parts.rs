//! Which part of a command line is whose: the command's own options and words, and the options
//! that it shares with others. What belongs to nobody here is told, with what may have been meant.

use super::commands::Program;
use super::line::{Line, words as words_of};
use super::table::{Command, Part, Table};
use super::{NAME, from_args};
use crate::cloud::Cloud;
use crate::settings::{File, Variables, did_you_mean, variable};

/// A command line, by whose each part is.
#[derive(Debug)]
pub(super) struct Parts {
    /// The command with its own options and its words.
    own: Vec<String>,
    /// The options of each part, in the order in which they stand there.
    shared: Vec<(Part, String, Option<String>)>,
    /// The command, for messages, and whether it uses a cloud.
    name: String,
    uses_cloud: bool,
}

impl Parts {
    /// Sorts a line for a command, which these words follow.
    pub(super) fn sort(
        table: &Table,
        command: &Command,
        words: &[String],
        line: &Line,
    ) -> Result<Self, String> {
        let mut own: Vec<String> = command.name.split(' ').map(str::to_owned).collect();
        let mut shared = Vec::new();
        for (name, value) in &line.options {
            if command.options.iter().any(|option| option.name == *name) {
                own.extend(words_of(name, value.as_deref()));
                continue;
            }
            let groups = table.groups.iter().filter(|g| command.takes(g.part));
            let mut holders = groups.filter(|g| g.options.iter().any(|o| o.name == *name));
            let Some(first) = holders.next() else {
                return Err(foreign(table, command, name));
            };
            let all = std::iter::once(first).chain(holders);
            shared.extend(all.map(|group| (group.part, name.clone(), value.clone())));
        }
        check_words(command, words)?;
        own.push("--".to_owned());
        own.extend_from_slice(words);
        Ok(Self {
            own,
            shared,
            name: command.name.clone(),
            uses_cloud: command.takes(Part::Using),
        })
    }

    /// The command, as argh reads it.
    pub(super) fn own(&self) -> Result<Program, String> {
        let wrong = |why| format!("{}: {why}; see {NAME} {} --help", self.name, self.name);
        from_args(&self.own).map_err(wrong)
    }

    /// The words of a part.
    pub(super) fn of(&self, part: Part) -> Vec<String> {
        let its = self.shared.iter().filter(|(its, ..)| *its == part);
        its.flat_map(|(_, name, value)| words_of(name, value.as_deref()))
            .collect()
    }

    /// Refuses what means nothing to the chosen cloud, on the command line and in the file.
    pub(super) fn check_cloud(
        &self,
        table: &Table,
        file: &File,
        cloud: &Cloud,
    ) -> Result<(), String> {
        let line = self.shared.iter();
        let line = line.map(|(_, name, _)| (name.as_str(), format!("--{name}")));
        let filed = file.all().filter(|_| self.uses_cloud);
        let filed = filed.map(|(name, place)| (name, place.to_owned()));
        for (name, place) in line.chain(filed) {
            if let Some(why) = idle(table, name, cloud) {
                return Err(format!("{place} {why}"));
            }
        }
        Ok(())
    }

    /// Variables that mean nothing to the chosen cloud. They may be another server's, so that they
    /// are no error.
    pub(super) fn idle(&self, table: &Table, variables: &Variables, cloud: &Cloud) -> Vec<String> {
        let names = table.settings().map(|(_, option)| option.name.as_str());
        let set = names.filter(|name| {
            let value = variables.get(&variable(name));
            self.uses_cloud && value.is_some_and(|value| !value.is_empty())
        });
        set.filter_map(|name| Some(format!("{} {}", variable(name), idle(table, name, cloud)?)))
            .collect()
    }
}

/// Why an option means nothing to a cloud, if it doesn't.
fn idle(table: &Table, name: &str, cloud: &Cloud) -> Option<String> {
    let chosen = cloud.name;
    let named = table.settings().filter(|(_, option)| option.name == name);
    let owners = named.filter_map(|(part, _)| match part {
        Part::Cloud(owner) => Some(owner),
        _ => None,
    });
    let owners: Vec<&str> = owners.collect();
    match owners.is_empty() {
        true if cloud.ignores.contains(&name) => Some(format!("means nothing to --cloud {chosen}")),
        false if !owners.contains(&chosen) => Some(format!(
            "is an option of --cloud {}, not of --cloud {chosen}",
            owners.join(", ")
        )),
        _ => None,
    }
}

/// What is to be said of an option that a command doesn't take.
fn foreign(table: &Table, command: &Command, name: &str) -> String {
    let (its, known) = (&command.name, table.takes_value(name).is_some());
    match known {
        true => format!("there is no option --{name} for {its}; see {NAME} {its} --help"),
        false => {
            let names = table.taken(command).map(|option| option.name.as_str());
            let near = did_you_mean("--", name, names);
            format!("there is no option --{name}{near}; see {NAME} --help")
        }
    }
}

/// What is to be said of the first option that no command knows.
pub(super) fn unknown(table: &Table, line: &Line) -> Option<String> {
    let mut names = line.options.iter().map(|(name, _)| name);
    let name = names.find(|name| table.takes_value(name).is_none())?;
    Some(foreign(table, table.usual(), name))
}

/// Checks words of which there are few; argh checks the others.
fn check_words(command: &Command, words: &[String]) -> Result<(), String> {
    let few = command.words.iter().enumerate();
    for (at, word) in few.filter(|(_, word)| !word.choices.is_empty()) {
        let (name, all) = (&command.name, word.choices.join(", "));
        let why = match words.get(at) {
            Some(given) if word.choices.contains(given) => continue,
            Some(given) => {
                let near = did_you_mean("", given, word.choices.iter().map(String::as_str));
                format!("{given:?} isn't one of {all}{near}")
            }
            None => format!("name one of {all}"),
        };
        return Err(format!("{name}: {why}; see {NAME} {name} --help"));
    }
    Ok(())
}
