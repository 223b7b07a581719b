//! A command line, taken apart into options with their values and other words, for argh to read:
//! which part takes which option, and `--name=value`, argh doesn't know.

use crate::settings::Opt;

/// A command line, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The options in their order, without the hyphens, and their values.
    pub(super) options: Vec<(String, Option<String>)>,
    /// What isn't an option.
    pub(super) plain: Vec<String>,
    /// Whether help is asked for, by an option or by the word, wherever it stands.
    pub(super) help: bool,
    /// Whether the version is asked for.
    pub(super) version: bool,
}

impl Line {
    /// Takes words apart. `takes_value` tells whether an option takes one; an option that it
    /// doesn't know is left for later, when the command is known.
    pub(super) fn split(
        words: &[String],
        takes_value: &dyn Fn(&str) -> Option<bool>,
    ) -> Result<Self, String> {
        let mut line = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "--" => line.plain.extend(rest.by_ref().cloned()),
                "-h" | "--help" | "help" => line.help = true,
                "-V" | "--version" => line.version = true,
                _ => match word.strip_prefix("--") {
                    Some(option) => line.options.push(pair(option, &mut rest, takes_value)?),
                    None if word.len() > 1 && word.starts_with('-') => {
                        return Err(format!("there is no option {word}; most have two hyphens"));
                    }
                    None => line.plain.push(word.clone()),
                },
            }
        }
        Ok(line)
    }

    /// The words that set one of these options.
    pub(super) fn only(&self, options: &[Opt]) -> Vec<String> {
        let is_one = |name: &str| options.iter().any(|option| option.name == name);
        let ours = self.options.iter().filter(|(name, _)| is_one(name));
        ours.flat_map(|(name, value)| words(name, value.as_deref()))
            .collect()
    }
}

/// An option and its value, which may be the next word.
fn pair<'w>(
    option: &str,
    rest: &mut impl Iterator<Item = &'w String>,
    takes_value: &dyn Fn(&str) -> Option<bool>,
) -> Result<(String, Option<String>), String> {
    let (name, given) = match option.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (option, None),
    };
    let value = match (takes_value(name), given) {
        (Some(true), None) => {
            let next = rest.next().cloned();
            Some(next.ok_or_else(|| format!("--{name} wants a value"))?)
        }
        (Some(false), Some(_)) => return Err(format!("--{name} takes no value")),
        (_, given) => given,
    };
    Ok((name.to_owned(), value))
}

/// An option as argh reads it.
pub(super) fn words(name: &str, value: Option<&str>) -> impl Iterator<Item = String> {
    let value = value.map(str::to_owned);
    std::iter::once(format!("--{name}")).chain(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Line, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Line::split(&words, &|name| match name {
            "user" | "bin" => Some(true),
            "json" => Some(false),
            _ => None,
        })
    }

    #[test]
    fn words_and_options_may_be_mixed() {
        let line = split("a --user=x=y b --json --bin --json c --what=1").expect("right");
        let some = |text: &str| Some(text.to_owned());
        let options = [
            ("user".to_owned(), some("x=y")),
            ("json".to_owned(), None),
            ("bin".to_owned(), some("--json")),
            ("what".to_owned(), some("1")),
        ];
        assert_eq!(line.options, options);
        assert_eq!(line.plain, ["a", "b", "c"]);
        assert_eq!(line.only(&[]), [""; 0]);
    }

    #[test]
    fn nothing_is_an_option_after_two_hyphens() {
        let line = split("a -- --json help -x").expect("right");
        assert_eq!(line.plain, ["a", "--json", "help", "-x"]);
        assert!(line.options.is_empty() && !line.help);
    }

    #[test]
    fn help_and_version_stand_anywhere_but_in_values() {
        for text in ["-h", "a --help", "help a", "a help", "--json help"] {
            assert!(split(text).expect(text).help, "{text}");
        }
        assert!(!split("--user help").expect("a user").help);
        for text in ["-V", "a --version"] {
            assert!(split(text).expect(text).version, "{text}");
        }
    }
}
