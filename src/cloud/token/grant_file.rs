//! The file of an OAuth grant: what stands in it, who holds it, how it is written. It is the one
//! file that can't be lost: it holds the only refresh token. When to renew is [`super::rotating`]'s.

use super::Token;
use crate::civil;
use crate::cloud::outcome::{Fault, Reason};
use crate::disk;
use crate::warning::{Kind, Warning};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// What stands in the file. Times are seconds since 1970, 0 for never.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct GrantFile {
    /// Good for one renewal.
    pub(super) refresh_token: String,
    /// The access token that came with it.
    pub(super) access_token: String,
    /// When that ends.
    pub(super) expires: u64,
    /// When both came.
    pub(super) issued: u64,
    /// Since when a renewal is under way whose outcome isn't known.
    pub(super) renewing: u64,
    /// When the cloud refused the refresh token.
    pub(super) refused: u64,
}

impl GrantFile {
    /// Reads a file's text: ours, the cloud's own answer, or nothing but a refresh token.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let kept = match text.starts_with('{') {
            true => serde_json::from_str(text).ok()?,
            false => Self {
                refresh_token: text.to_owned(),
                ..Self::default()
            },
        };
        let token = kept.refresh_token.as_bytes();
        (!token.is_empty() && token.iter().all(u8::is_ascii_graphic)).then_some(kept)
    }

    /// The access token.
    pub fn token(&self) -> Token {
        Token {
            text: self.access_token.as_str().into(),
            expires: self.expires,
            issued: self.issued,
        }
    }
}

/// The file, and whether it is this process's: one grant serves one server, because each renewal
/// ends the tokens that others hold.
#[derive(Debug)]
pub struct Grant {
    path: PathBuf,
    /// Held as long as the process lives; None if another one holds it.
    lock: Option<File>,
}

impl Grant {
    /// Opens the file, and makes it this process's if it is nobody's. An Err says why it can't be
    /// used: it couldn't be written when the cloud has replaced the refresh token.
    pub fn open(path: &Path) -> Result<Self, String> {
        // Whatever links its folder was named by, it is one file with one lock.
        let path = real(path);
        let failed = |act: &str, error: io::Error| {
            let path = path.display();
            format!("can't {act} the OAuth token file {path}: {error}; its folder must be writable")
        };
        let beside = path.with_extension("lock");
        let file = disk::lock_file(&beside).map_err(|error| failed("lock", error))?;
        let lock = match file.try_lock() {
            Ok(()) => Some(file),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => return Err(failed("lock", error)),
        };
        if lock.is_some() {
            try_out(&path).map_err(|error| failed("write", error))?;
        }
        Ok(Self { path, lock })
    }

    /// Whether it is this process's.
    pub fn is_ours(&self) -> bool {
        self.lock.is_some()
    }

    /// Ok if it is this process's.
    pub fn claim(&self) -> Result<(), String> {
        let place = self.place();
        let held =
            || format!("{place} is held by another process: one OAuth grant serves one server");
        self.is_ours().then_some(()).ok_or_else(held)
    }

    /// Where the file is, for messages.
    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// What is wrong with what stands in it, and what to do; a renewal will tell the rest.
    pub fn problem(&self) -> Option<Warning> {
        let advice = "log in with `restic-123pan login`";
        let problem = match self.read() {
            Err(fault) => Some(format!("{fault}; {advice}")),
            Ok(kept) if kept.refused > 0 => Some(format!("{}; {advice}", self.refusal(&kept))),
            Ok(kept) if kept.renewing > 0 => Some(format!(
                "a renewal of the OAuth grant was under way at {} when its answer was lost; if \
                 the cloud refuses {} now, {advice}",
                civil::rfc3339(kept.renewing),
                self.place()
            )),
            Ok(_) => None,
        };
        problem.map(|text| Warning::new(Kind::Grant, "", text))
    }

    /// That the refresh token is refused, in plain words.
    pub(super) fn refusal(&self, kept: &GrantFile) -> String {
        let place = self.place();
        match kept.renewing {
            0 => format!(
                "the cloud refuses the refresh token in {place}: another program has used it, or \
                 it is too old, or was withdrawn"
            ),
            since => format!(
                "the answer to the renewal that was under way at {} was lost, because the program \
                 was ended or the connection broke; with it the new refresh token is lost, and \
                 the cloud refuses the old one in {place}",
                civil::rfc3339(since)
            ),
        }
    }

    /// What stands in it.
    pub(super) fn read(&self) -> Result<GrantFile, Fault> {
        let no = |what: &str| Fault::new(Reason::Grant, format!("{}: {what}", self.place()));
        let text = disk::read(&self.path).map_err(|error| no(&error.to_string()))?;
        let text = String::from_utf8_lossy(&text);
        GrantFile::parse(&text).ok_or_else(|| no("it holds no refresh token"))
    }

    /// Replaces what stands in it.
    pub(super) fn write(&self, kept: &GrantFile) -> Result<(), Fault> {
        save(&self.path, kept).map_err(|error| {
            let text = format!(
                "the OAuth token file {} can't be written: {error}",
                self.place()
            );
            Fault::new(Reason::TokenFile, text)
        })
    }
}

/// Writes such a file, so that it is there after a power cut.
pub fn save(path: &Path, kept: &GrantFile) -> io::Result<()> {
    disk::replace(path, &serde_json::to_vec(kept)?)
}

/// Writes the file as it will be written, without changing it.
pub fn try_out(path: &Path) -> io::Result<()> {
    match disk::read(path) {
        Ok(text) => disk::replace(path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk::nameless(folder(path)).map(drop)
        }
        Err(error) => Err(error),
    }
}

/// The path without the links that lead to its folder.
fn real(path: &Path) -> PathBuf {
    let folder = fs::canonicalize(folder(path));
    let name = path.file_name();
    let joined = folder
        .ok()
        .zip(name)
        .map(|(folder, name)| folder.join(name));
    joined.unwrap_or_else(|| path.to_owned())
}

fn folder(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_put_into_the_file_is_understood() {
        let answer = r#"{"access_token":"a","expires_in":7200,"refresh_token":"r","scope":"x"}"#;
        let ours = r#"{"refresh_token":"r","access_token":"a","expires":9,"issued":1}"#;
        for (text, refresh, expires) in [
            ("r", "r", 0),
            (" r\r\n", "r", 0),
            (answer, "r", 0),
            (ours, "r", 9),
        ] {
            let kept = GrantFile::parse(text).expect(text);
            assert_eq!(
                (kept.refresh_token.as_str(), kept.expires),
                (refresh, expires),
                "{text}"
            );
        }
        for text in [
            "",
            "\n",
            "{}",
            "{",
            "two words",
            "<html>\n</html>",
            "{\"refresh_token\":7}",
        ] {
            assert!(GrantFile::parse(text).is_none(), "{text}");
        }
    }
}
