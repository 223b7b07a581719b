//! `import` and `export`: a repository between a local folder and the account.

use super::copy::{End, Manner, Patience, copy};
use super::progress::{Screen, size};
use super::table::{Command, Words, find};
use crate::args::Config;
use crate::body::Budget;
use crate::local::Local;
use crate::restic::Repo;
use crate::store::Store;
use std::io::{self, IsTerminal, Write};

/// Copies a local repository to the account.
pub(super) fn import(words: &Words, config: &Config, store: &dyn Store) -> Result<(), String> {
    transfer("import", words, config, store)
}

/// Copies a repository from the account to a local folder.
pub(super) fn export(words: &Words, config: &Config, store: &dyn Store) -> Result<(), String> {
    transfer("export", words, config, store)
}

/// Checks the words before anything is done; the local folder and the repository's name.
pub(super) fn places(command: &Command, words: &Words) -> Result<(String, Repo), String> {
    let (folder, path) = match (command.name, &words.plain[..]) {
        (_, [folder]) => (folder, ""),
        ("import", [folder, path]) | (_, [path, folder]) => (folder, path.as_str()),
        _ => return Err(format!("write {} {}", command.name, command.words)),
    };
    let repo = Repo::new(path.trim_matches('/'));
    let repo = repo.ok_or_else(|| format!("{path:?} can't be a repository's path"))?;
    match folder.is_empty() {
        true => Err("DIR is empty".to_owned()),
        false => Ok((folder.clone(), repo)),
    }
}

fn transfer(name: &str, words: &Words, config: &Config, store: &dyn Store) -> Result<(), String> {
    let command = find(name).ok_or("no such command")?;
    let (folder, repo) = places(command, words)?;
    let (local, root) = (Local::new(&folder), Repo::new("").ok_or("no root")?);
    let remote = format!("{repo} in the account");
    let here = End {
        store: &local,
        repo: &root,
        name: &folder,
    };
    let there = End {
        store,
        repo: &repo,
        name: &remote,
    };
    let (from, to) = match name {
        "import" => (here, there),
        _ => (there, here),
    };
    let budget = Budget::new(config.memory, config.spool_dir.clone());
    let manner = Manner {
        threads: config.uploads,
        budget: &budget,
        patience: Patience::default(),
        dry_run: words.has("dry-run"),
    };
    let mut out = io::stderr();
    let terminal = out.is_terminal();
    let screen = Screen {
        out: &mut out,
        terminal,
    };
    let copied = copy(from, to, &manner, screen)
        .map_err(|why| format!("{why}; the same command goes on where this one ended"))?;
    let (files, bytes, already) = (copied.files, size(copied.bytes), copied.there);
    let did = if manner.dry_run {
        "would copy"
    } else {
        "copied"
    };
    let _ = writeln!(
        out,
        "{did} {files} files, {bytes}, from {} to {}; {already} were there",
        from.name, to.name
    );
    Ok(())
}
