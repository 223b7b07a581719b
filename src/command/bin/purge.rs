//! `bin purge`: frees what lies in the bin.

use super::files;
use super::pick::{walk, within};
use crate::args::{BinPurge, Exit};
use crate::cloud::{Item, Trash, What};
use crate::command::progress::Line;
use crate::restic::File;
use crate::units::bytes as size;
use std::io::{self, BufRead, IsTerminal, Write};

/// Frees what lies in the bin, after asking.
pub(super) fn run(bin: &dyn Trash, asked: &BinPurge, out: &mut dyn Write) -> Result<(), Exit> {
    if !asked.yes && !io::stdin().is_terminal() {
        let text = "there is no terminal to ask on; give --yes to purge without asking";
        return Err(Exit::Wrong(text.to_owned()));
    }
    let seen = walk(bin)?;
    let is_meant = |item: &&Item| {
        let ours = match item.what {
            What::File(File::Config) => asked.with_configs,
            What::File(_) => true,
            What::Folder | What::Other => false,
        };
        ours && within(item, bin.now(), asked.since, asked.older_than)
    };
    let items: Vec<&Item> = seen.items.iter().filter(is_meant).collect();
    let bytes = items.iter().map(|item| item.size).sum();
    if items.is_empty() {
        return Ok(writeln!(out, "there is nothing to purge")?);
    }
    if !asked.yes && !confirmed(items.len(), bytes, out)? {
        return Ok(writeln!(out, "nothing was purged")?);
    }
    let line = Line::new();
    let (freed, done) = bin.purge(&items, &|freed| {
        let (now, all) = (freed.files, items.len());
        line.say(&format!(
            "{now} of {all} files purged, {}",
            size(freed.bytes)
        ));
    });
    drop(line);
    let count = usize::try_from(freed.files).unwrap_or(usize::MAX);
    writeln!(out, "purged {}, {}", files(count), size(freed.bytes))?;
    done.map_err(Exit::failed)
}

fn confirmed(count: usize, bytes: u64, out: &mut dyn Write) -> Result<bool, Exit> {
    write!(
        out,
        "Destroy {} with {} for good? Type yes: ",
        files(count),
        size(bytes)
    )?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
