//! The commands about the recycle bin, which print what they find and do. What lies in the bin, and
//! how it is freed or brought back, is the cloud's.

mod list;
mod pick;
mod print;
mod purge;
mod restore;

use crate::args::BinCommand;
use crate::cloud::Trash;
use crate::speech::{Speaker, said};
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code for a wrong command line.
const USAGE: u8 = 2;

/// Why a command ends early.
enum Failure {
    /// It couldn't be done.
    Failed(String),
    /// It was called wrongly.
    Usage(String),
}

impl<E: fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Carries out a command about the recycle bin of an account.
// What went wrong belongs on the terminal, not into a log.
#[allow(clippy::print_stderr)]
pub fn run(command: &BinCommand, bin: &dyn Trash) -> ExitCode {
    let mut plain = io::stdout().lock();
    let mut spoken = Speaker::new(io::stdout().lock());
    let out: &mut dyn Write = match command {
        BinCommand::List(asked) if asked.json => &mut plain,
        _ => &mut spoken,
    };
    let done = match command {
        BinCommand::List(asked) => list::run(bin, asked, out),
        BinCommand::Purge(asked) => purge::run(bin, asked, out),
        BinCommand::Restore(asked) => restore::run(bin, asked, out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(text)) => {
            eprintln!("restic-123pan: {}", said(&text));
            ExitCode::FAILURE
        }
        Err(Failure::Usage(text)) => {
            eprintln!("restic-123pan: {}", said(&text));
            ExitCode::from(USAGE)
        }
    }
}
