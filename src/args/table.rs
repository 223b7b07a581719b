//! The whole command line as a table, made from what the structs that read it say of themselves:
//! for telling words apart, and for all that is generated: help, manual page, completions, service
//! files.

use super::NAME;
use super::commands::Program;
use super::options::{General, Serving, Using};
use crate::clouds;
use crate::settings::{Opt, choices, did_you_mean, one_line, variable};
use argh::{ArgsInfo, CommandInfoWithArgs, Optionality, PositionalInfo};

/// The name of the first command, which is meant when there is none.
pub(super) const USUAL: &str = "serve";
/// Commands that take the options of an account, and those that serve clients too.
const USING: [&str; 9] = [
    "login",
    "doctor",
    "bin list",
    "bin purge",
    "bin restore",
    "import",
    "export",
    "verify",
    "bin",
];
const SERVING: [&str; 2] = ["serve", "check-config"];
/// Variables that no option has.
const VARIABLES: [&str; 3] = ["user", "password", "password-file"];

/// Everything that may stand on the command line.
#[derive(Debug)]
pub struct Table {
    /// What the program is.
    pub about: String,
    /// What else is to be said about it.
    pub notes: Vec<String>,
    /// The commands.
    pub commands: Vec<Command>,
    /// Options that aren't one command's own.
    pub groups: Vec<Group>,
}

/// A command.
#[derive(Debug)]
pub struct Command {
    /// The word or words that call it.
    pub name: String,
    /// What it does.
    pub about: String,
    /// What else is to be said about it.
    pub notes: Vec<String>,
    /// The words that follow it.
    pub words: Vec<Word>,
    /// Its own options.
    pub options: Vec<Opt>,
    /// Whether it is only the beginning of other commands.
    pub is_stem: bool,
}

/// A word that isn't an option.
#[derive(Debug)]
pub struct Word {
    /// What it is called.
    pub name: String,
    /// What it means.
    pub about: String,
    /// The words that it can be, if these are few.
    pub choices: Vec<String>,
    /// Whether it may be left out, and whether several may stand there.
    pub optional: bool,
    /// Whether several may stand there.
    pub repeats: bool,
}

/// Options that belong together.
#[derive(Debug)]
pub struct Group {
    /// Who takes them.
    pub part: Part,
    /// The options.
    pub options: Vec<Opt>,
}

/// What options are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Serving clients.
    Serving,
    /// Using an account, whatever the cloud.
    Using,
    /// Using an account of the cloud of this name.
    Cloud(&'static str),
    /// What every command takes.
    General,
    /// What ends the program at once, and can be no setting.
    Program,
}

impl Table {
    /// The table.
    pub fn new() -> Self {
        let info = Program::get_args_info();
        let mut commands = Vec::new();
        for sub in &info.commands {
            Command::add(sub.name, &sub.command, &mut commands);
        }
        let group = |part, options| Group { part, options };
        let mut groups = vec![
            group(Part::Serving, Opt::of::<Serving>()),
            group(Part::Using, Opt::of::<Using>()),
        ];
        let clouds = clouds::ALL.into_iter();
        groups.extend(clouds.map(|cloud| group(Part::Cloud(cloud.name), (cloud.options)())));
        groups.push(group(Part::General, general()));
        groups.push(group(Part::Program, program()));
        Self {
            about: one_line(info.description),
            notes: info.notes.iter().map(|note| one_line(note)).collect(),
            commands,
            groups,
        }
    }

    /// The command that these words call, and the words that are left.
    pub(super) fn find<'w>(&self, words: &'w [String]) -> Result<(&Command, &'w [String]), String> {
        let Some((first, mut rest)) = words.split_first() else {
            return Ok((self.usual(), words));
        };
        let mut command = self.command(first)?;
        while let Some((next, after)) = rest.split_first().filter(|_| command.is_stem) {
            command = self.command(&format!("{} {next}", command.name))?;
            rest = after;
        }
        Ok((command, rest))
    }

    fn command(&self, name: &str) -> Result<&Command, String> {
        let found = self.commands.iter().find(|command| command.name == name);
        found.ok_or_else(|| {
            let known = self.commands.iter().map(|command| command.name.as_str());
            let near = did_you_mean("", name, known);
            let (stem, word) = name.rsplit_once(' ').unwrap_or(("", name));
            let all: Vec<&str> = self.below(stem).map(|(word, _)| word).collect();
            match stem {
                "" => format!("there is no command {word:?}{near}; see {NAME} --help"),
                _ => format!(
                    "there is no command {name:?}{near}; write {stem} {}",
                    all.join(&format!(", {stem} "))
                ),
            }
        })
    }

    /// The words that lead on from a command, and where to; an empty name stands for none.
    pub fn below<'t>(&'t self, stem: &str) -> impl Iterator<Item = (&'t str, &'t Command)> {
        self.commands.iter().filter_map(move |command| {
            let (its, word) = command.name.rsplit_once(' ').unwrap_or(("", &command.name));
            (its == stem).then_some((word, command))
        })
    }

    /// The command that is meant when there is none.
    pub fn usual(&self) -> &Command {
        &self.commands[0]
    }

    /// Whether an option takes a value; None if there is no such option.
    pub(super) fn takes_value(&self, name: &str) -> Option<bool> {
        let own = self.commands.iter().flat_map(|command| &command.options);
        let mut all = own.chain(self.groups.iter().flat_map(|group| &group.options));
        let found = all.find(|option| option.name == name);
        found.map(|option| option.value.is_some())
    }

    /// What may stand in the environment and in a configuration file, with its part.
    pub fn settings(&self) -> impl Iterator<Item = (Part, &Opt)> {
        let groups = self.groups.iter().filter(|g| g.part != Part::Program);
        groups.flat_map(|group| group.options.iter().map(|option| (group.part, option)))
    }

    /// Every option that a command takes: its own first, then those that it shares.
    pub fn taken<'t>(&'t self, command: &'t Command) -> impl Iterator<Item = &'t Opt> {
        let groups = self.groups.iter().filter(|g| command.takes(g.part));
        let shared = groups.flat_map(|group| &group.options);
        command.options.iter().chain(shared)
    }

    /// The names of credentials, and of the files that hold them.
    pub(super) fn credentials() -> impl Iterator<Item = String> {
        let all = clouds::ALL.into_iter().flat_map(|c| c.credentials);
        all.flat_map(|c| [c.name.to_owned(), format!("{}-file", c.name)])
    }

    /// Every variable that means something.
    pub(super) fn variables(&self) -> Vec<String> {
        let settings = self.settings().map(|(_, option)| option.variable());
        let others = VARIABLES.into_iter().map(variable);
        let credentials = Self::credentials().map(|name| variable(&name));
        settings.chain(others).chain(credentials).collect()
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Command {
    fn add(name: &str, info: &CommandInfoWithArgs, all: &mut Vec<Self>) {
        all.push(Self {
            name: name.to_owned(),
            about: one_line(info.description),
            notes: info.notes.iter().map(|note| one_line(note)).collect(),
            words: info.positionals.iter().map(Word::new).collect(),
            options: Opt::all(info.flags),
            is_stem: !info.commands.is_empty(),
        });
        for sub in &info.commands {
            Self::add(&format!("{name} {}", sub.name), &sub.command, all);
        }
    }

    /// Whether options of a part may stand beside it.
    pub fn takes(&self, part: Part) -> bool {
        let name = self.name.as_str();
        match part {
            Part::General | Part::Program => true,
            Part::Serving => SERVING.contains(&name),
            Part::Using | Part::Cloud(_) => SERVING.contains(&name) || USING.contains(&name),
        }
    }

    /// What it does, in its first sentence.
    pub fn brief(&self) -> &str {
        let end = self.about.find(". ").unwrap_or(self.about.len());
        self.about[..end].trim_end_matches('.')
    }

    /// The words that follow it, such as `DIR [REPO]`.
    pub fn usage(&self) -> String {
        let words: Vec<String> = self.words.iter().map(Word::usage).collect();
        words.join(" ")
    }
}

impl Word {
    fn new(info: &PositionalInfo) -> Self {
        let about = one_line(info.description);
        Self {
            name: info.name.to_owned(),
            choices: choices(&about),
            about,
            optional: info.optionality != Optionality::Required,
            repeats: info.optionality == Optionality::Repeating,
        }
    }

    fn usage(&self) -> String {
        let name = self.name.to_ascii_uppercase();
        match (self.optional, self.repeats) {
            // Its name says it all.
            _ if name.contains(' ') => name,
            (_, true) => format!("[{name}...]"),
            (true, false) => format!("[{name}]"),
            (false, false) => name,
        }
    }
}

/// The options that every command takes, among them the one that names a cloud.
fn general() -> Vec<Opt> {
    let mut options = Opt::of::<General>();
    let names = clouds::ALL.map(|cloud| cloud.name);
    if let Some(cloud) = options.iter_mut().find(|option| option.name == "cloud") {
        let each = clouds::ALL.map(|cloud| format!("{}, {}", cloud.name, cloud.about));
        cloud.about = format!("{}: {}; default {}", cloud.about, each.join("; "), names[0]);
        cloud.choices = names.map(str::to_owned).to_vec();
        cloud.default = Some(names[0].to_owned());
    }
    options
}

fn program() -> Vec<Opt> {
    let switch = |(name, about): (&str, &str)| Opt {
        name: name.to_owned(),
        value: None,
        about: about.to_owned(),
        default: None,
        choices: Vec::new(),
    };
    let all = [("version", "show the version"), ("help", "show this help")];
    all.map(switch).to_vec()
}
