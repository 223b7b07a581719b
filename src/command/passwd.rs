//! `passwd`: users' passwords, and in words what was done.

use crate::access::passwd::{self, Change};
use crate::args::Passwd;
use std::path::Path;

/// Where systemd's copies of the service's files are.
const COPIES: &str = "/run/restic-123pan";

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// What is to be said of it.
    pub told: Option<String>,
    /// What was asked for.
    pub text: String,
}

/// Does what was asked for.
pub fn passwd(asked: &Passwd) -> Result<Done, String> {
    let (user, path, change) = match asked {
        Passwd::List(path) => {
            let text = passwd::users(path)?;
            let text = text.iter().map(|user| format!("{user}\n")).collect();
            return Ok(Done { told: None, text });
        }
        Passwd::Set(user, None) => {
            let text = passwd::asked(user)? + "\n";
            return Ok(Done { told: None, text });
        }
        Passwd::Set(user, Some(path)) => (user, path, passwd::set(user, path)?),
        Passwd::Delete(user, path) => (user, path, passwd::delete(user, path)?),
    };
    let place = path.display();
    let told = match change {
        Change::Added => format!("{user} was added to {place}"),
        Change::Changed => format!("the password of {user} was changed in {place}"),
        Change::Removed => format!("{user} was removed from {place}"),
    };
    let told = Some(format!("{told}; {}", when(path)));
    Ok(Done {
        told,
        ..Done::default()
    })
}

/// When a server learns of it.
fn when(path: &Path) -> &'static str {
    let copy = path.file_name().map(|name| Path::new(COPIES).join(name));
    match copy.is_some_and(|copy| copy != path && copy.exists()) {
        true => "the service learns of it by `systemctl reload restic-123pan`",
        false => "a server that uses this file notices it by itself",
    }
}
