//! Values that several options have in common, each read from its text; the error says what to
//! write instead.

use crate::restic::{Repo, segment_ok};
use std::fmt;

/// Longest time in days that deleted files may be kept in the recycle bin.
const MOST_DAYS: u32 = 3650;

/// What becomes of deleted files in the account's bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bin {
    /// They stay.
    Keep,
    /// They are purged at once.
    Purge,
    /// They are purged after so many days; locks at once.
    Days(u32),
}

/// A text that no log shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The path of a repository, or of a folder of some; `/` is the root.
pub fn repo_path(text: &str) -> Result<Repo, String> {
    let path = text.trim_matches('/');
    let bad = path.split('/').find(|name| !segment_ok(name));
    if let Some(bad) = bad.filter(|_| !path.is_empty()) {
        return Err(format!("{bad:?} can't be the name of a folder there"));
    }
    Repo::new(path).ok_or_else(|| "too many folders within each other".to_owned())
}

/// The contents of a file of certificates. Each is read when the first connection is made.
pub fn certificates(path: &str) -> Result<Vec<u8>, String> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => Ok(text.into_bytes()),
        Ok(_) => Err("there is no certificate in PEM".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The beginning of URLs, without a slash at its end.
pub fn url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.trim_end_matches('/'));
    match host {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("write https://host, or http://host:port for tests".to_owned()),
    }
}

/// A number from 1 to `most`.
pub fn count(text: &str, most: usize) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=most).contains(n));
    number.ok_or_else(|| format!("write a number from 1 to {most}"))
}

/// A share of a whole: above 0, at most 1.
pub fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|x| *x > 0.0 && *x <= 1.0);
    number.ok_or_else(|| "write a number above 0 and at most 1, such as 0.8".to_owned())
}

/// What becomes of deleted files.
pub fn bin(text: &str) -> Result<Bin, String> {
    let days = |text: &str| text.strip_suffix('d').unwrap_or(text).parse().ok();
    match text {
        "purge" => Ok(Bin::Purge),
        "keep" => Ok(Bin::Keep),
        text => match days(text) {
            Some(0) => Ok(Bin::Purge),
            Some(days) if days <= MOST_DAYS => Ok(Bin::Days(days)),
            _ => Err("write days such as 7d, or purge, or keep".to_owned()),
        },
    }
}

impl fmt::Display for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("keep"),
            Self::Purge => f.write_str("purge"),
            Self::Days(days) => write!(f, "{days}d"),
        }
    }
}
