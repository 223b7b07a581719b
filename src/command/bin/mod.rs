//! The commands about the recycle bin, which print what they find and do. What lies in the bin, and
//! how it is freed or brought back, is the cloud's.

mod list;
mod pick;
mod purge;
mod restore;

use crate::args::{BinCommand, Exit};
use crate::cloud::{Item, Trash, What};
use crate::speech::Speaker;
use std::io::{self, Write};
use std::process::ExitCode;

/// Carries out a command about the recycle bin of an account.
pub fn run(command: &BinCommand, bin: &dyn Trash) -> Result<ExitCode, Exit> {
    let mut plain = io::stdout().lock();
    let mut spoken = Speaker::new(io::stdout().lock());
    let out: &mut dyn Write = match command {
        BinCommand::List(asked) if asked.json => &mut plain,
        _ => &mut spoken,
    };
    match command {
        BinCommand::List(asked) => list::run(bin, asked, out),
        BinCommand::Purge(asked) => purge::run(bin, asked, out),
        BinCommand::Restore(asked) => restore::run(bin, asked, out),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A number of files.
fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_owned(),
        _ => format!("{count} files"),
    }
}

/// What something is, in a word.
fn kind(item: &Item) -> &'static str {
    match (item.what, item.kind()) {
        (What::Folder, _) => "folder",
        (What::Other, _) => "other",
        (What::File(_), Some(kind)) => kind.name(),
        (What::File(_), None) => "config",
    }
}
