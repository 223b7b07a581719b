//! The configuration file: lines `name = value`, with the names of the options.

use super::near::did_you_mean;
use crate::text_file;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the file says, by the names of the options: the value, and where it stands.
#[derive(Debug, Default)]
pub struct File {
    path: PathBuf,
    values: BTreeMap<String, (String, String)>,
}

impl File {
    /// Reads a file in which these names may stand.
    pub fn read(path: &str, names: &[&str]) -> Result<Self, String> {
        let text = text_file::read(path.as_ref());
        let text = text.map_err(|error| format!("can't read {path}: {error}"))?;
        Self::parse(path, &text, names)
    }

    /// Reads its text.
    pub fn parse(path: &str, text: &str, names: &[&str]) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: String| format!("{path}:{number}: {why}");
            let Some((name, value)) = line.split_once('=') else {
                return Err(wrong("write name = value".to_owned()));
            };
            let (name, value) = (name.trim(), unquoted(value));
            if !names.contains(&name) {
                let near = did_you_mean("", name, names.iter().copied());
                return Err(wrong(format!("there is no option {name:?}{near}")));
            }
            let place = format!("{path}:{number}: {name}");
            let found = (value.to_owned(), place);
            if values.insert(name.to_owned(), found).is_some() {
                return Err(wrong(format!("{name} stands there already")));
            }
        }
        Ok(Self {
            path: path.into(),
            values,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value of an option and where it stands.
    pub fn value(&self, name: &str) -> Option<&(String, String)> {
        self.values.get(name)
    }

    /// Every option that is set there, and where it stands.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let set = self.values.iter();
        let set = set.filter(|(_, (value, _))| !value.is_empty());
        set.map(|(name, (_, place))| (name.as_str(), place.as_str()))
    }
}

/// The environment's name for an option.
pub fn variable(name: &str) -> String {
    format!("PAN123_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// A value without blanks and the quotes around it, which people are used to.
pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('\'').or_else(|| inside('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = "# where\n\nlisten = \":8000\"\n tier=vip\nclient-id = a=b\nbin =\n";
        let names = ["listen", "tier", "bin", "client-id"];
        let file = File::parse("f", text, &names).expect("right");
        let value = |name| file.value(name).map(|(value, _)| value.as_str());
        assert_eq!(value("listen"), Some(":8000"));
        assert_eq!(value("tier"), Some("vip"));
        assert_eq!(value("client-id"), Some("a=b"));
        assert_eq!(value("bin"), Some(""));
        assert_eq!(value("memory"), None);
        assert!(file.all().all(|(name, _)| name != "bin"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let table = [
            ("listen", "f:1: write name = value"),
            ("#\ncolour = red", "f:2: there is no option \"colour\""),
            ("version = 1", "f:1: there is no option"),
            ("listn = :1", "(did you mean listen?)"),
            ("tier=vip\ntier = free", "f:2: tier stands there already"),
        ];
        for (text, why) in table {
            let said = File::parse("f", text, &["listen", "tier"]).expect_err(text);
            assert!(said.contains(why), "{said}");
        }
    }
}
