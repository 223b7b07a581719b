//! Changing the file with the passwords.

use super::htpasswd::{check_new_name, parse};
use super::unseen;
use crate::disk::as_owner;
use crate::speech::said;
use crate::text_file;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The cost of new passwords: about a third of a second on a small machine.
const COST: u32 = 10;
/// Most bytes that bcrypt looks at.
const LONGEST: usize = 72;

/// What has become of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is one more.
    Added,
    /// The password is another one.
    Changed,
    /// There is one less.
    Removed,
}

/// Asks for a password and returns the user's line.
pub fn asked(user: &str) -> Result<String, String> {
    check_new_name(user)?;
    let password = unseen::ask(&[&said("Password: "), &said("Again: ")]);
    let password = password.map_err(|error| format!("reading the password: {error}"))?;
    if password.is_empty() || password.len() > LONGEST || password.contains('\0') {
        return Err(format!("a password has 1 to {LONGEST} bytes"));
    }
    line(user, &password)
}

/// Asks for a password and writes the user's line into a file.
pub fn set(user: &str, path: &Path) -> Result<Change, String> {
    let line = asked(user)?;
    let put = |text: &str| {
        let there = text.lines().any(|candidate| is_of(user, candidate));
        replace(path, &with_line(text, user, &line))?;
        Ok(if there {
            Change::Changed
        } else {
            Change::Added
        })
    };
    change(path, put)
}

/// Removes a user from a file, but not the last one: a server wants one at least.
pub fn delete(user: &str, path: &Path) -> Result<Change, String> {
    let remove = |text: &str| {
        let kept = text.lines().filter(|candidate| !is_of(user, candidate));
        let kept: Vec<&str> = kept.collect();
        let is_user = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('#');
        if kept.len() == text.lines().count() {
            return Err(io::Error::other(format!("there is no user {user}")));
        }
        if !kept.iter().any(is_user) {
            let text = format!("{user} is the last user, without whom nobody could come in");
            return Err(io::Error::other(text));
        }
        replace(path, &(kept.join("\n") + "\n")).map(|()| Change::Removed)
    };
    change(path, remove)
}

/// The users of a file.
pub fn users(path: &Path) -> Result<Vec<String>, String> {
    let failed = |why: String| format!("{}: {why}", path.display());
    let text = as_owner(path, || text_file::read(path));
    let text = text.map_err(|error| failed(error.to_string()))?;
    let users = parse(&text).map_err(|(line, why)| format!("{}:{line}: {why}", path.display()))?;
    let mut names: Vec<String> = users.names().map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

/// Changes a file, which may not be there yet.
fn change(path: &Path, act: impl Fn(&str) -> io::Result<Change>) -> Result<Change, String> {
    let done = || {
        let text = match text_file::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        act(&text)
    };
    // A folder's owner could have put a link there.
    let done: io::Result<Change> = as_owner(path, done);
    done.map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether a line is a user's.
fn is_of(user: &str, line: &str) -> bool {
    line.trim().split(':').next() == Some(user)
}

/// A user's line.
fn line(user: &str, password: &str) -> Result<String, String> {
    let mut salt = [0; 16];
    let got = rustix::rand::getrandom(&mut salt, rustix::rand::GetRandomFlags::empty());
    if got != Ok(salt.len()) {
        return Err("the system has no random numbers".to_owned());
    }
    let hash = bcrypt::hash_with_salt(password, COST, salt).map_err(|error| error.to_string())?;
    let hash = hash.format_for_version(bcrypt::Version::TwoY);
    Ok(format!("{user}:{hash}"))
}

/// A file's text with this line in the place of the user's old one, or at its end.
fn with_line(text: &str, user: &str, line: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    match lines.iter().position(|line| is_of(user, line)) {
        Some(at) => lines[at] = line,
        None => lines.push(line),
    }
    lines.join("\n") + "\n"
}

/// Writes a file so that whoever reads it sees the old one or the new one, with the old one's
/// permissions.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one, and its target is what is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let new = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    let mut written = || -> io::Result<()> {
        if let Ok(old) = fs::metadata(path) {
            file.set_permissions(old.permissions())?;
            // Only root may, and only root needs it.
            let _ = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    written().inspect_err(|_| drop(fs::remove_file(&new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_line_is_replaced_where_it_stands() {
        assert_eq!(with_line("", "a", "a:1"), "a:1\n");
        assert_eq!(with_line("b:2", "a", "a:1"), "b:2\na:1\n");
        assert_eq!(with_line("# c\na:0\nb:2\n", "a", "a:1"), "# c\na:1\nb:2\n");
        assert_eq!(with_line("ab:0\n", "a", "a:1"), "ab:0\na:1\n");
    }
}
