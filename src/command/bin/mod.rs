//! The commands about the recycle bin, which print what they find and do. What lies in the bin, and
//! how it is freed or brought back, is `pan123`'s.

mod list;
mod pick;
mod print;
mod purge;
mod restore;

use crate::args::BinCommand;
use crate::pan123::{Config, RecycleBin};
use std::fmt;
use std::io;
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
pub fn run(command: &BinCommand, account: &Config) -> ExitCode {
    let bin = RecycleBin::open(account);
    let mut out = io::stdout().lock();
    let done = match command {
        BinCommand::List { since, json } => list::run(&bin, *since, *json, &mut out),
        BinCommand::Purge { .. } => purge::run(&bin, command, &mut out),
        BinCommand::Restore { .. } => restore::run(&bin, command, &mut out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(text)) => {
            eprintln!("restic-123pan: {text}");
            ExitCode::FAILURE
        }
        Err(Failure::Usage(text)) => {
            eprintln!("restic-123pan: {text}");
            ExitCode::from(USAGE)
        }
    }
}
