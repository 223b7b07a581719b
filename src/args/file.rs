//! The configuration file: lines `name = value`, with the names of the options.

use super::environment::variable;
use crate::text_file;
use std::collections::HashMap;

/// What may stand in the file besides the options: what the command line doesn't take.
const CREDENTIALS: [&str; 6] = [
    "client-id",
    "client-id-file",
    "client-secret",
    "client-secret-file",
    "oauth-client-secret",
    "oauth-client-secret-file",
];

/// What the file says, by the names that the environment has for it.
#[derive(Debug, Default)]
pub(super) struct Settings(HashMap<String, (String, String)>);

impl Settings {
    /// Reads a file whose names must be among these or the credentials'.
    pub(super) fn read(path: &str, names: &[&str]) -> Result<Self, String> {
        let text = text_file::read(path.as_ref());
        let text = text.map_err(|error| format!("can't read {path}: {error}"))?;
        Self::parse(path, &text, names)
    }

    /// Reads its text.
    pub(super) fn parse(path: &str, text: &str, names: &[&str]) -> Result<Self, String> {
        let mut settings = HashMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: String| format!("{path}:{number}: {why}");
            let Some((name, value)) = line.split_once('=') else {
                return Err(wrong("write name = value".to_owned()));
            };
            let (name, value) = (name.trim(), unquoted(value.trim()));
            if !names.contains(&name) && !CREDENTIALS.contains(&name) {
                return Err(wrong(format!("there is no option {name:?}")));
            }
            let place = format!("{path}:{number}: {name}");
            let found = (value.to_owned(), place);
            if settings.insert(variable(name), found).is_some() {
                return Err(wrong(format!("{name} stands there already")));
            }
        }
        Ok(Self(settings))
    }

    /// The value of a variable and where it stands.
    pub(super) fn value(&self, variable: &str) -> Option<(String, String)> {
        self.0.get(variable).cloned()
    }
}

/// A value without the quotes around it, which people are used to.
fn unquoted(text: &str) -> &str {
    let inside = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    inside.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = "# where\n\nlisten = \":8000\"\n tier=vip\nclient-id = a=b\nbin =\n";
        let settings = Settings::parse("f", text, &["listen", "tier", "bin"]).expect("right");
        let value = |name| settings.value(name).map(|(value, _)| value);
        assert_eq!(value("PAN123_LISTEN").as_deref(), Some(":8000"));
        assert_eq!(value("PAN123_TIER").as_deref(), Some("vip"));
        assert_eq!(value("PAN123_CLIENT_ID").as_deref(), Some("a=b"));
        assert_eq!(value("PAN123_BIN").as_deref(), Some(""));
        assert_eq!(value("PAN123_MEMORY"), None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let table = [
            ("listen", "f:1: write name = value"),
            ("#\ncolour = red", "f:2: there is no option \"colour\""),
            ("version = 1", "f:1: there is no option"),
            ("tier=vip\ntier = free", "f:2: tier stands there already"),
        ];
        for (text, why) in table {
            let said = Settings::parse("f", text, &["listen", "tier"]).expect_err(text);
            assert!(said.contains(why), "{said}");
        }
    }
}
