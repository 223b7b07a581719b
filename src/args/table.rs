//! The options as a table, for what is generated from them: manual page, completions, the
//! configuration of routers. It is read from the text of `--help`, so that an option that is there
//! can't be missing here.

use super::environment::variable;
use super::{Flags, NAME};
use argh::FromArgs;

/// An option, as `--help` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    /// Its name without the two hyphens.
    pub name: String,
    /// What its value is called; None for a switch.
    pub value: Option<String>,
    /// What it does, in one line, with its default.
    pub about: String,
    /// The variable of the environment that does the same.
    pub variable: Option<String>,
}

/// Every option, in the order of `--help`.
pub fn options() -> Vec<Opt> {
    let help =
        Flags::from_args(&[NAME], &["--help"]).map_or_else(|early| early.output, |_| String::new());
    read(&help)
}

/// Reads the table out of a help text.
fn read(help: &str) -> Vec<Opt> {
    let (usage, rest) = help.split_once("\nOptions:").unwrap_or((help, ""));
    let mut found: Vec<(String, String)> = Vec::new();
    for line in rest.lines().skip(1).take_while(|line| !line.is_empty()) {
        let text = line.trim_start();
        match (text.split_once("--"), found.last_mut()) {
            // A short name may stand before the long one.
            (Some((before, after)), _) if before.len() < 4 && line.starts_with("  ") => {
                let end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
                let name = after.split(end).next().unwrap_or(after);
                // What doesn't fit into the first column has its text on the next line.
                let rest = &after[name.len()..];
                let about = rest.split_once("  ").map_or(rest, |(_, about)| about);
                found.push((name.to_owned(), about.trim_start().to_owned()));
            }
            (_, Some((_, about))) => *about = format!("{about} {text}").trim_start().to_owned(),
            _ => {}
        }
    }
    let usage = usage.split_whitespace().collect::<Vec<_>>().join(" ");
    let option = |(name, about): (String, String)| option(&usage, name, &about);
    found.into_iter().map(option).collect()
}

fn option(usage: &str, name: String, about: &str) -> Opt {
    let value = usage
        .split_once(&format!("--{name} <"))
        .and_then(|(_, rest)| Some(rest.split_once('>')?.0.trim_end_matches("...").to_owned()));
    let own = ["version", "help"].contains(&name.as_str());
    Opt {
        variable: (!own).then(|| variable(&name)),
        name,
        value,
        about: about.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Opt {
        let mut all = options().into_iter();
        all.find(|option| option.name == name).expect(name)
    }

    #[test]
    fn the_table_is_what_help_says() {
        let listen = find("listen");
        assert_eq!(listen.value.as_deref(), Some("addr"));
        assert_eq!(listen.variable.as_deref(), Some("PAN123_LISTEN"));
        assert!(
            listen.about.ends_with("default 127.0.0.1:8000"),
            "{listen:?}"
        );
        let switch = find("no-ipv6");
        assert_eq!(
            (switch.value, switch.variable.as_deref()),
            (None, Some("PAN123_NO_IPV6"))
        );
        assert_eq!(find("version").variable, None);
        assert_eq!(find("help").about, "display usage information");
        let all = options();
        assert!(
            all.len() > 10 && all.iter().all(|o| !o.about.is_empty()),
            "{all:?}"
        );
    }
}
