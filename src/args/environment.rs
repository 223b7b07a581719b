//! Where values come from: the option, the environment, the configuration file, the default, in
//! this order.

use super::file::Settings;
use crate::text_file;

/// The environment, and the configuration file behind it. A variable that is set to nothing counts as unset.
pub(super) struct Env<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    /// What the configuration file says.
    pub(super) file: Settings,
}

impl<'a> Env<'a> {
    /// Only the environment.
    pub(super) fn new(env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let file = Settings::default();
        Self { env, file }
    }

    /// A variable's value.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.find(name).map(|(value, _)| value)
    }

    /// A variable's value, and how messages name the place where it stands.
    fn find(&self, name: &str) -> Option<(String, String)> {
        let own = (self.env)(name).map(|value| (value, name.to_owned()));
        let filled = |found: &(String, String)| !found.0.is_empty();
        own.filter(filled)
            .or_else(|| self.file.value(name).filter(filled))
    }

    /// A text, by the option or else by its variable.
    pub(super) fn text(&self, name: &str, option: Option<&str>) -> Option<String> {
        option
            .map(str::to_owned)
            .or_else(|| self.get(&variable(name)))
    }

    /// Option, environment, default, in this order; an error says where the bad value stood.
    pub(super) fn value<T>(
        &self,
        name: &str,
        option: Option<&str>,
        default: &str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        let (text, place) = self.found(name, option, default);
        parse(&text).map_err(|why| format!("{place} {text:?}: {why}"))
    }

    /// A text, and how messages name the place where it stands.
    fn found(&self, name: &str, option: Option<&str>, default: &str) -> (String, String) {
        let option = option.map(|text| (text.to_owned(), format!("--{name}")));
        let found = option.or_else(|| self.find(&variable(name)));
        found.unwrap_or_else(|| (default.to_owned(), variable(name)))
    }

    /// Whether something is switched on.
    pub(super) fn switch(&self, name: &str, option: bool) -> Result<bool, String> {
        let Some((text, place)) = self.find(&variable(name)).filter(|_| !option) else {
            return Ok(option);
        };
        match text.as_str() {
            "0" | "false" | "no" => Ok(false),
            "1" | "true" | "yes" => Ok(true),
            _ => Err(format!("{place} must be 1, true, yes, 0, false or no")),
        }
    }

    /// A text that no option takes: itself, or the file that holds it.
    pub(super) fn secret(&self, name: &str) -> Result<Option<String>, String> {
        let file = format!("{name}_FILE");
        match (self.get(name), self.get(&file)) {
            (Some(_), Some(_)) => Err(format!("set either {name} or {file}, not both")),
            (None, Some(path)) => {
                let text = text_file::read(path.as_ref())
                    .map_err(|error| format!("{file}: can't read {path}: {error}"))?;
                let value = text.trim_end_matches(['\r', '\n']).to_owned();
                match value.is_empty() {
                    true => Err(format!("{file}: {path} is empty")),
                    false => Ok(Some(value)),
                }
            }
            (value, None) => Ok(value),
        }
    }

    /// One of the account's credentials, which never are more than a word.
    pub(super) fn word(&self, name: &str) -> Result<Option<String>, String> {
        let Some(text) = self.secret(name)? else {
            return Ok(None);
        };
        let place = || match (self.find(name), self.get(&format!("{name}_FILE"))) {
            (None, Some(path)) => format!("{name}_FILE: {path}"),
            (found, _) => found.map_or_else(|| name.to_owned(), |(_, place)| place),
        };
        match text_file::credential(&text) {
            Ok("") => Err(format!("{}: it is empty", place())),
            Ok(word) => Ok(Some(word.to_owned())),
            Err(why) => Err(format!("{}: {why}", place())),
        }
    }

    /// Half of the account's credentials.
    pub(super) fn credential(&self, name: &str) -> Result<String, String> {
        self.word(name)?.ok_or_else(|| {
            format!(
                "{name} is missing: apply for a client id and secret at \
                 https://www.123pan.com/developer, then set PAN123_CLIENT_ID and \
                 PAN123_CLIENT_SECRET (or …_FILE) in the environment"
            )
        })
    }
}

/// The environment's name for an option.
pub(super) fn variable(name: &str) -> String {
    format!("PAN123_{}", name.to_ascii_uppercase().replace('-', "_"))
}
