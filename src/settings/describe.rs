//! Options as the structs that read them describe themselves: from this come help, manual page,
//! completions, service files, and which names the environment and the configuration file may use.
//!
//! A field's doc comment says it all. What follows "; default " is the default, if it is one word,
//! and counts as such; words that are listed after a colon, as in "call rates: auto, free or vip",
//! are the values that there are.

use super::file::variable;
use argh::{ArgsInfo, FlagInfo, FlagInfoKind};

/// An option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    /// Its name without the two hyphens.
    pub name: String,
    /// What its value is called; None for a switch.
    pub value: Option<String>,
    /// What it does, with its default.
    pub about: String,
    /// What counts when nobody sets it.
    pub default: Option<String>,
    /// The words that it can be set to, if these are few.
    pub choices: Vec<String>,
}

impl Opt {
    /// The options that a struct reads.
    pub fn of<T: ArgsInfo>() -> Vec<Self> {
        Self::all(T::get_args_info().flags)
    }

    /// The options among these that may be seen. The one for help belongs to none in particular.
    pub fn all(flags: &[FlagInfo]) -> Vec<Self> {
        let seen = flags
            .iter()
            .filter(|flag| !flag.hidden && flag.long != "--help");
        seen.map(Self::new).collect()
    }

    fn new(flag: &FlagInfo) -> Self {
        let about = one_line(flag.description);
        Self {
            name: flag.long.trim_start_matches('-').to_owned(),
            value: match flag.kind {
                FlagInfoKind::Switch => None,
                FlagInfoKind::Option { arg_name } => Some(arg_name.to_owned()),
            },
            default: default(&about),
            choices: choices(&about),
            about,
        }
    }

    /// The variable that does the same.
    pub fn variable(&self) -> String {
        variable(&self.name)
    }
}

/// A doc comment without its line breaks.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn default(about: &str) -> Option<String> {
    let (_, said) = about.rsplit_once("; default ")?;
    (!said.contains(' ')).then(|| said.to_owned())
}

/// The words that a text lists after a colon.
pub fn choices(about: &str) -> Vec<String> {
    let listed = about.split_once(": ").map_or("", |(_, listed)| listed);
    let listed = listed.split(';').next().unwrap_or("");
    let words = listed.split(", ").flat_map(|part| part.split(" or "));
    let is_word = |word: &&str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !word.is_empty() && word.chars().all(plain)
    };
    words.filter(is_word).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use argh::FromArgs;

    /// A sample.
    #[derive(FromArgs, ArgsInfo)]
    #[allow(dead_code, reason = "only described here")]
    struct Sample {
        /// call rates: auto, free,
        /// vip or oauth; default auto
        #[argh(option, arg_name = "tier")]
        tier: Option<String>,

        /// deleted files: purge, keep, or purge after days, as in 30d; default 7d
        #[argh(option, arg_name = "what")]
        bin: Option<String>,

        /// folder; default the state directory
        #[argh(option, arg_name = "dir")]
        spool_dir: Option<String>,

        /// nobody sees it
        #[argh(switch, hidden_help)]
        secret: bool,

        /// do without
        #[argh(switch)]
        no_ipv6: bool,
    }

    #[test]
    fn the_struct_says_it_all() {
        let all = Opt::of::<Sample>();
        let names: Vec<&str> = all.iter().map(|option| option.name.as_str()).collect();
        assert_eq!(names, ["tier", "bin", "spool-dir", "no-ipv6"]);
        assert_eq!(
            all[0].about,
            "call rates: auto, free, vip or oauth; default auto"
        );
        assert_eq!(all[0].choices, ["auto", "free", "vip", "oauth"]);
        assert_eq!(all[0].variable(), "PAN123_TIER");
        assert_eq!(all[1].choices, ["purge", "keep"]);
        let defaults: Vec<Option<&str>> = all.iter().map(|o| o.default.as_deref()).collect();
        assert_eq!(defaults, [Some("auto"), Some("7d"), None, None]);
        let values: Vec<Option<&str>> = all.iter().map(|o| o.value.as_deref()).collect();
        assert_eq!(values, [Some("tier"), Some("what"), Some("dir"), None]);
    }
}
