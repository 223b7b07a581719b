//! What the program is to do: the first word of the command line.

use super::environment::Env;
use super::{Command, Config, Exit, NAME, from_args, parse, split};
use argh::FromArgs;
use std::path::PathBuf;

/// What to do.
#[derive(Clone, Debug)]
pub enum Task {
    /// Something that needs an account.
    Configured(Box<Config>, Command),
    /// Ask for a user's password and write it into a file, or print it.
    Passwd {
        /// The user.
        user: String,
        /// The file.
        file: Option<PathBuf>,
    },
}

/// Ask for a user's password and put it into a file, or print the line for one.
///
/// The password isn't shown. When standard input is no terminal, it is read from there.
#[derive(FromArgs, Debug)]
struct Passwd {
    /// the user's name
    #[argh(positional)]
    user: String,

    /// file to put the line into [PAN123_HTPASSWD_FILE]
    #[argh(option, arg_name = "file")]
    htpasswd_file: Option<String>,
}

/// Reads the command line without the program's own name, with `env` for the environment.
pub fn task(args: &[String], env: &dyn Fn(&str) -> Option<String>) -> Result<Task, Exit> {
    let words = split(args);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Some((&"passwd", rest)) = words.split_first() {
        let passwd: Passwd = from_args(&format!("{NAME} passwd"), rest)?;
        let file = Env::new(env).text("htpasswd-file", passwd.htpasswd_file.as_deref());
        return Ok(Task::Passwd {
            user: passwd.user,
            file: file.map(PathBuf::from),
        });
    }
    parse(args, env).map(|(config, command)| Task::Configured(Box::new(config), command))
}
