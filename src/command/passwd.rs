//! `passwd`: users' passwords, and in words what was done.

use crate::access::passwd::{self, Change};
use crate::args::Passwd;
use std::path::Path;

/// Where systemd's copies of the service's files are.
const COPIES: &str = "/run/restic-123pan";

/// Does what was asked for: what is to be said of it, if anything is, and what it prints.
pub fn passwd(asked: &Passwd) -> Result<(Option<String>, String), String> {
    let (user, path, change) = match asked {
        Passwd::List(path) => {
            let users = passwd::users(path)?;
            return Ok((None, users.iter().map(|user| format!("{user}\n")).collect()));
        }
        Passwd::Set(user, None) => return Ok((None, passwd::asked(user)? + "\n")),
        Passwd::Set(user, Some(path)) => (user, path, passwd::set(user, path)?),
        Passwd::Delete(user, path) => (user, path, passwd::delete(user, path)?),
    };
    let place = path.display();
    let done = match change {
        Change::Added => format!("{user} was added to {place}"),
        Change::Changed => format!("the password of {user} was changed in {place}"),
        Change::Removed => format!("{user} was removed from {place}"),
    };
    Ok((Some(format!("{done}; {}", when(path))), String::new()))
}

/// When a server learns of it.
fn when(path: &Path) -> &'static str {
    let copy = path.file_name().map(|name| Path::new(COPIES).join(name));
    match copy.is_some_and(|copy| copy != path && copy.exists()) {
        true => "the service learns of it by `systemctl reload restic-123pan`",
        false => "a server that uses this file notices it by itself",
    }
}
