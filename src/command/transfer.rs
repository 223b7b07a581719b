//! `import` and `export`: a repository between a local folder and the account.

use super::copy::{CopyOptions, End, Patience, copy};
use super::progress::Screen;
use crate::args::{Config, Transfer};
use crate::body::Budget;
use crate::clouds;
use crate::restic::Repo;
use crate::speech::Speaker;
use crate::store::Store;
use crate::units::bytes as size;
use std::io::{self, IsTerminal, Write};

/// Copies out of the account, or into it.
pub fn transfer(asked: &Transfer, config: &Config, store: &dyn Store) -> Result<(), String> {
    let Transfer {
        out,
        dir,
        repo,
        dry_run,
    } = asked;
    let (local, root) = (clouds::folder(dir), Repo::new("").ok_or("no root")?);
    let remote = format!("{repo} in the account");
    let here = End {
        store: &*local,
        repo: &root,
        name: dir,
    };
    let there = End {
        store,
        repo,
        name: &remote,
    };
    let (from, to) = if *out { (there, here) } else { (here, there) };
    let budget = Budget::new(config.memory, config.spool_dir.clone());
    let options = CopyOptions {
        threads: config.shared.uploads,
        budget: &budget,
        patience: Patience::default(),
        // A folder of this machine is read faster than it is copied to.
        rereads: *out,
        dry_run: *dry_run,
    };
    let mut err = Speaker::new(io::stderr());
    let (source, target) = (from.name, to.name);
    let _ = match dry_run {
        true => writeln!(err, "comparing {source} with {target}; nothing is copied"),
        false => writeln!(
            err,
            "copying {source} to {target}; Ctrl-C does no harm, the same command goes on then"
        ),
    };
    let terminal = io::stderr().is_terminal();
    let screen = Screen {
        out: &mut err,
        terminal,
    };
    let copied = copy(from, to, &options, screen)?;
    let (files, bytes, already) = (copied.files, size(copied.bytes), copied.there);
    let did = if *dry_run { "would copy" } else { "copied" };
    let _ = writeln!(
        err,
        "{did} {files} files, {bytes}, from {source} to {target}; {already} were there"
    );
    match copied.damaged {
        0 => Ok(()),
        damaged => Err(format!(
            "{damaged} damaged files of {source} were left out; repair it by `restic repair packs` \
             and run the same command again, or run `restic repair index` and \
             `restic repair snapshots --forget` at {target}"
        )),
    }
}
