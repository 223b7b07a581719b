//! `bin restore`: brings packs and snapshots back, keys if they are named (safety rule 20).

use super::pick::{DIGITS, names, names_nothing, tell_unknown, walk, within};
use super::{files, kind};
use crate::args::{BinRestore, Exit};
use crate::cloud::{Item, Restored, Trash};
use crate::command::progress::Line;
use crate::lines::harmless;
use crate::restic::Kind;
use crate::units::bytes as size;
use std::collections::HashMap;
use std::io::Write;

/// Names that are printed of what couldn't be brought back.
const SHOWN: usize = 8;

/// Brings back what is meant.
pub(super) fn run(bin: &dyn Trash, asked: &BinRestore, out: &mut dyn Write) -> Result<(), Exit> {
    if let Some(word) = asked.which.iter().find(|word| names_nothing(word)) {
        return Err(Exit::Wrong(format!(
            "{word:?} names nothing: give the first digits of an id, at least {DIGITS} of them, or \
             a pattern such as laptop/snapshots/*"
        )));
    }
    let seen = walk(bin)?;
    let meant = seen.items.iter().filter(|item| names(&asked.which, item));
    let (in_time, out_of_time): (Vec<&Item>, Vec<&Item>) =
        meant.partition(|item| within(item, bin.now(), asked.since, None));
    let items = newest(&in_time);
    let taken = in_time.len() - items.len();
    if taken > 0 {
        writeln!(out, "left out: {}, whose names exist again", files(taken))?;
    }
    tell_unknown(out_of_time, out)?;
    if items.is_empty() {
        return Ok(writeln!(out, "there is nothing to bring back")?);
    }
    let purged = bin.purged_with(&items, &seen).map_err(Exit::failed)?;
    if purged > 0 {
        let text = format!(
            "{purged} of the packs and snapshots that were deleted together with these have been \
             purged, so that what comes back may be incomplete"
        );
        match asked.partial {
            true => writeln!(out, "{text}")?,
            false => return Err(Exit::failed(format!("{text}; --partial does it anyway"))),
        }
    }
    if asked.dry_run {
        return tell(&items, out);
    }
    let line = Line::new();
    let (restored, done) = bin.restore(&items, &|count| {
        line.say(&format!("{count} of {} files brought back", items.len()));
    });
    drop(line);
    report(&restored, &items, bin, out)?;
    done.map_err(Exit::failed)?;
    match restored.left.is_empty() && restored.gone.is_empty() {
        true => Ok(()),
        false => Err(Exit::failed("some files couldn't be brought back")),
    }
}

/// Of several files of one name the one that was made last, and none whose name exists again.
fn newest<'a>(items: &[&'a Item]) -> Vec<&'a Item> {
    let mut by_name: HashMap<(&str, &str, &str), &Item> = HashMap::new();
    // In the order of their numbers within a name, so that the last one stays.
    for item in items.iter().filter(|item| !item.taken) {
        by_name.insert((&item.repo, kind(item), &item.name), item);
    }
    let mut items: Vec<&Item> = by_name.into_values().collect();
    // Packs first: a snapshot must not be there without them.
    items.sort_by_key(|item| (kind(item), &item.repo, &item.name));
    items
}

fn tell(items: &[&Item], out: &mut dyn Write) -> Result<(), Exit> {
    for item in items {
        let repo = harmless(item.repo.trim_start_matches('/'));
        writeln!(out, "/{repo} {}/{}", kind(item), item.name)?;
    }
    let bytes = items.iter().map(|item| item.size).sum();
    let count = files(items.len());
    Ok(writeln!(
        out,
        "{count} would be brought back, {}",
        size(bytes)
    )?)
}

fn report(
    restored: &Restored,
    items: &[&Item],
    bin: &dyn Trash,
    out: &mut dyn Write,
) -> Result<(), Exit> {
    writeln!(out, "brought back: {}", files(restored.back.len()))?;
    let name = |names: &[String]| {
        let more = if names.len() > SHOWN { ", …" } else { "" };
        format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
    };
    if !restored.left.is_empty() {
        writeln!(out, "still in the bin: {}", name(&restored.left))?;
    }
    if !restored.gone.is_empty() {
        writeln!(out, "not there any more: {}", name(&restored.gone))?;
    }
    let is_index_needed = |item: &&Item| item.kind() != Some(Kind::Keys);
    let shown = bin.now().saturating_sub(bin.hidden());
    let is_hidden = |item: &&Item| bin.hidden() > 0 && item.since.is_none_or(|at| at >= shown);
    if items.iter().any(is_hidden) && !restored.back.is_empty() {
        writeln!(
            out,
            "a running server hides what it has deleted itself for a minute: wait a minute first"
        )?;
    }
    if items.iter().any(is_index_needed) && !restored.back.is_empty() {
        writeln!(
            out,
            "index files aren't brought back: run `restic repair index` \
             (`restic rebuild-index` before restic 0.16), then `restic check`"
        )?;
    }
    Ok(())
}
