//! Making a line for the file with the passwords.

use super::htpasswd::check_name;
use super::unseen;
use crate::disk::as_owner;
use crate::text_file;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The cost of new passwords: about a third of a second on a small machine.
const COST: u32 = 10;
/// Most bytes that bcrypt looks at.
const LONGEST: usize = 72;

/// Asks for a password and writes the user's line into a file, or returns it if there is none.
pub fn passwd(user: &str, file: Option<&Path>) -> Result<Option<String>, String> {
    check_name(user)?;
    let password = unseen::ask(&["Password: ", "Again: "]);
    let password = password.map_err(|error| format!("reading the password: {error}"))?;
    if password.is_empty() || password.len() > LONGEST || password.contains('\0') {
        return Err(format!("a password has 1 to {LONGEST} bytes"));
    }
    let line = line(user, &password)?;
    let Some(path) = file else {
        return Ok(Some(line));
    };
    let put = || {
        let text = match text_file::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        replace(path, &with_line(&text, user, &line))
    };
    // A folder's owner could have put a link there.
    let done: io::Result<()> = as_owner(path, put);
    done.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(None)
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
    let old = |candidate: &str| candidate.trim().split(':').next() == Some(user);
    let mut lines: Vec<&str> = text.lines().collect();
    match lines.iter().position(|candidate| old(candidate)) {
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
    let written = || -> io::Result<()> {
        if let Ok(old) = fs::metadata(path) {
            file.set_permissions(old.permissions())?;
            // Only root may, and only root needs it.
            let _ = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    let mut written = written;
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

    #[test]
    fn a_line_can_be_read_again() {
        let line = line("a", "secret").expect("random numbers");
        let users = super::super::htpasswd::parse(&line).expect("it is right");
        assert!(users.stored("a").expect("a user").is(b"secret"));
    }
}
