//! Where settings come from: the option, the variable of the environment, the configuration file,
//! the default, in this order. Which settings there are, structs say that argh reads: the
//! program's in `args`, each cloud's in its own directory.
//!
//! To add one: a field with its doc comment in such a struct, and where the struct's other fields
//! are read, a line such as `settings.value("name", &flags.name, parse)`. Help, manual page,
//! completions, service files, the variable and the configuration file follow by themselves.

mod describe;
mod file;
mod near;
pub mod service;
pub mod values;

pub use describe::{Opt, choices, one_line};
pub use file::{File, variable};
pub use near::{did_you_mean, nearest};
pub use values::Secret;

use crate::text_file;
use argh::FromArgs;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The environment.
pub type Variables = BTreeMap<String, String>;

/// The environment, the configuration file behind it, and the defaults behind both. A variable
/// that is set to nothing counts as unset.
pub struct Settings<'a> {
    /// The environment.
    pub variables: &'a Variables,
    /// What the configuration file says.
    pub file: File,
    /// The options that there are, with their defaults.
    pub known: Vec<Opt>,
    /// The part of the command line that is the chosen cloud's.
    pub own: Vec<String>,
}

impl Settings<'_> {
    /// The cloud's own options, as far as the command line has them.
    pub fn flags<F: FromArgs>(&self) -> Result<F, String> {
        from_args(&self.own)
    }

    /// The value of a variable that isn't this program's own.
    pub fn foreign(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// The value that the environment or the file has for a name, and how messages name the place
    /// where it stands.
    pub fn find(&self, name: &str) -> Option<(String, String)> {
        let variable = variable(name);
        if let Some(value) = self.foreign(&variable) {
            return Some((value.to_owned(), variable));
        }
        let found = self.file.value(name).cloned();
        found.filter(|(value, _)| !value.is_empty())
    }

    /// A text, by the option or else by what stands behind it.
    pub fn text(&self, name: &str, option: Option<&str>) -> Option<String> {
        self.found(name, option).map(|(text, _)| text)
    }

    /// The path of a file or folder, likewise.
    pub fn path(&self, name: &str, option: &Option<String>) -> Option<PathBuf> {
        self.text(name, option.as_deref()).map(PathBuf::from)
    }

    /// A value; an error says where the bad one stood, or that there is none.
    pub fn value<T>(
        &self,
        name: &str,
        option: &Option<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        let value = self.optional(name, option, parse)?;
        value.ok_or_else(|| format!("--{name} or {} is missing", variable(name)))
    }

    /// The same where there needn't be any.
    pub fn optional<T>(
        &self,
        name: &str,
        option: &Option<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let read = |(text, place): (String, String)| {
            parse(&text).map_err(|why| format!("{place} {text:?}: {why}"))
        };
        self.found(name, option.as_deref()).map(read).transpose()
    }

    fn found(&self, name: &str, option: Option<&str>) -> Option<(String, String)> {
        let option = option.map(|text| (text.to_owned(), format!("--{name}")));
        let default = || {
            let known = self.known.iter().find(|known| known.name == name);
            let default = known.and_then(|known| known.default.clone());
            default.map(|text| (text, variable(name)))
        };
        option.or_else(|| self.find(name)).or_else(default)
    }

    /// Several values of an option that may stand there more than once; in a variable or the file,
    /// blanks or commas stand between them.
    pub fn list<T>(
        &self,
        name: &str,
        options: &[String],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let (words, place): (Vec<String>, String) = match options {
            [] => {
                let (text, place) = self.found(name, None).unwrap_or_default();
                let words = text.split([' ', '\t', ',']).filter(|word| !word.is_empty());
                (words.map(str::to_owned).collect(), place)
            }
            some => (some.to_vec(), format!("--{name}")),
        };
        let read = |word: &String| parse(word).map_err(|why| format!("{place} {word:?}: {why}"));
        words.iter().map(read).collect()
    }

    /// Whether something is switched on.
    pub fn switch(&self, name: &str, option: bool) -> Result<bool, String> {
        let Some((text, place)) = self.find(name).filter(|_| !option) else {
            return Ok(option);
        };
        is_on(&text).ok_or_else(|| format!("{place} must be 1, true, yes, 0, false or no"))
    }

    /// What no option takes, because every user of the machine could read it then: the variable,
    /// or the file that another one names.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, String> {
        let found = self.placed_secret(name)?;
        Ok(found.map(|(text, _)| Secret::new(text)))
    }

    /// One of an account's credentials, which never are more than a word.
    pub fn word(&self, name: &str) -> Result<Option<Secret>, String> {
        let Some((text, place)) = self.placed_secret(name)? else {
            return Ok(None);
        };
        match text_file::credential(&text) {
            Ok("") => Err(format!("{place}: it is empty")),
            Ok(word) => Ok(Some(Secret::new(word))),
            Err(why) => Err(format!("{place}: {why}")),
        }
    }

    /// A secret's text, and how messages name the place where it stands.
    fn placed_secret(&self, name: &str) -> Result<Option<(String, String)>, String> {
        let in_file = format!("{name}-file");
        let (own, file) = (variable(name), variable(&in_file));
        let path = match (self.find(name), self.find(&in_file)) {
            (Some(_), Some(_)) => return Err(format!("set either {own} or {file}, not both")),
            (found, None) => return Ok(found),
            (None, Some((path, _))) => path,
        };
        let text = text_file::read(path.as_ref())
            .map_err(|error| format!("{file}: can't read {path}: {error}"))?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(format!("{file}: {path} is empty")),
            value if value.contains(['\r', '\n']) => Err(format!(
                "{file}: {path} has several lines; it must hold the secret alone"
            )),
            value => Ok(Some((value.to_owned(), format!("{file}: {path}")))),
        }
    }

    /// The files in which these secrets stand.
    pub fn secret_files<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> BTreeSet<PathBuf> {
        let place = |name: &str| match self.find(name) {
            None => self
                .find(&format!("{name}-file"))
                .map(|(path, _)| path.into()),
            Some(_) if self.foreign(&variable(name)).is_some() => None,
            Some(_) => Some(self.file.path().to_owned()),
        };
        names.into_iter().filter_map(place).collect()
    }
}

/// Whether the value of a switch means that it is on.
fn is_on(text: &str) -> Option<bool> {
    match text {
        "0" | "false" | "no" | "off" | "disabled" => Some(false),
        "1" | "true" | "yes" | "on" | "enabled" => Some(true),
        _ => None,
    }
}

/// Reads a part of the command line. What is wrong is said in one line.
pub fn from_args<F: FromArgs>(words: &[String]) -> Result<F, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    F::from_args(&[], &words).map_err(|early| one_line(&early.output))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_secrets() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = [
            pair("PAN123_A_FILE", "/a"),
            pair("PAN123_B", "b"),
            pair("PAN123_E_FILE", "/e"),
        ];
        let text = "b = x\nc = x\ne = \nd-file = /d\n";
        let settings = Settings {
            variables: &variables.into(),
            file: File::parse("/f", text, &["b", "c", "d-file", "e"]).expect("right"),
            known: Vec::new(),
            own: Vec::new(),
        };
        let files = |names: &[&str]| settings.secret_files(names.iter().copied());
        let expected = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        assert_eq!(files(&["a"]), expected(&["/a"]));
        assert_eq!(files(&["b", "none"]), expected(&[]));
        let all = expected(&["/a", "/d", "/e", "/f"]);
        assert_eq!(files(&["a", "b", "c", "d", "e"]), all);
    }
}
