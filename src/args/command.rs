//! What the program is to do: the first word of the command line.

use super::environment::Env;
use super::{Config, Exit, NAME, parse, read, split};
use argh::FromArgs;
use std::path::PathBuf;

/// What to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Serve.
    Serve(Box<Config>),
    /// Say whether the configuration is right.
    Check(Box<Config>),
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
pub fn command(args: &[String], env: &dyn Fn(&str) -> Option<String>) -> Result<Command, Exit> {
    let boxed = |config: Config| Box::new(config);
    match args.split_first() {
        Some((first, rest)) if first == "check-config" => {
            parse(rest, env).map(boxed).map(Command::Check)
        }
        Some((first, rest)) if first == "passwd" => {
            let passwd: Passwd = read(&format!("{NAME} passwd"), &split(rest))?;
            let file = Env::new(env).text("htpasswd-file", passwd.htpasswd_file);
            Ok(Command::Passwd {
                user: passwd.user,
                file: file.map(PathBuf::from),
            })
        }
        _ => parse(args, env).map(boxed).map(Command::Serve),
    }
}
