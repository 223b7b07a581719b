//! `bin list`: what lies in the bin, by repository and kind.

use super::pick::{tell_unknown, walk, within};
use super::{files, kind};
use crate::args::{BinList, Exit};
use crate::civil;
use crate::cloud::{Item, Listing, Trash, What};
use crate::lines::harmless;
use crate::restic::Kind;
use crate::speech::{said, width};
use crate::units::bytes as size;
use crate::zone::moment;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Columns for how many files there are.
const COUNT: usize = 12;

/// Tells what lies in the bin.
pub(super) fn run(bin: &dyn Trash, asked: &BinList, out: &mut dyn Write) -> Result<(), Exit> {
    let seen = walk(bin)?;
    let mut items: Vec<&Item> = seen.items.iter().collect();
    items.retain(|item| within(item, bin.now(), asked.since, None));
    if asked.json {
        return as_json(&items, out);
    }
    items.sort_by_key(|item| (&item.repo, kind(item), item.since));
    for repo in items.chunk_by(|one, other| one.repo == other.repo) {
        writeln!(out, "/{}", harmless(&repo[0].repo))?;
        for group in repo.chunk_by(|one, other| kind(one) == kind(other)) {
            tell(group, out)?;
        }
    }
    total(&items, &seen, out)?;
    if items.iter().any(|item| item.what == What::Folder) {
        writeln!(out, "{}", bin.about_folders())?;
    }
    if asked.since.is_some() {
        tell_unknown(&seen.items, out)?;
    }
    Ok(())
}

/// Tells of files of one kind in one repository.
fn tell(group: &[&Item], out: &mut dyn Write) -> Result<(), Exit> {
    let sum: u64 = group.iter().map(|item| item.size).sum();
    let (what, count) = (kind(group[0]), said(&files(group.len())));
    let blanks = " ".repeat(COUNT.saturating_sub(width(&count)));
    let count = format!("{blanks}{count}");
    let (since, due) = (said(&deleted(group)), said(&purged(group)));
    writeln!(
        out,
        "  {what:<10} {count} {:>12}  {since}; {due}",
        size(sum)
    )?;
    // These are wanted by name.
    let named = matches!(group[0].kind(), Some(Kind::Keys | Kind::Snapshots));
    let named = named || matches!(group[0].what, What::Folder | What::Other);
    for item in group.iter().filter(|_| named) {
        let taken = if item.taken { ", exists again" } else { "" };
        let one = std::slice::from_ref(item);
        writeln!(
            out,
            "    {}  {}; {}{taken}",
            harmless(&item.name),
            said(&deleted(one)),
            said(&purged(one))
        )?;
    }
    Ok(())
}

fn deleted(group: &[&Item]) -> String {
    let known = || group.iter().filter_map(|item| item.since);
    span(known().min(), known().max()).map_or_else(
        || "deleted at an unknown time".to_owned(),
        |span| format!("deleted {span}"),
    )
}

fn purged(group: &[&Item]) -> String {
    let known = || group.iter().filter_map(|item| item.due);
    span(known().min(), known().max()).map_or_else(
        || "stays".to_owned(),
        |span| match known().max() {
            Some(0) => "purged now".to_owned(),
            _ => format!("purged {span}"),
        },
    )
}

fn span(from: Option<u64>, to: Option<u64>) -> Option<String> {
    let (from, to) = (moment(from?), moment(to?));
    Some(match from == to {
        true => from,
        false => format!("{from} to {to}"),
    })
}

fn total(items: &[&Item], seen: &Listing, out: &mut dyn Write) -> Result<(), Exit> {
    let sum: u64 = items.iter().map(|item| item.size).sum();
    writeln!(out, "total: {}, {}", files(items.len()), size(sum))?;
    if seen.closed > 0 {
        let closed = seen.closed;
        writeln!(out, "{closed} folders in the bin can't be looked into")?;
    }
    Ok(())
}

fn as_json(items: &[&Item], out: &mut dyn Write) -> Result<(), Exit> {
    let time = |at: Option<u64>| at.map(civil::rfc3339);
    let object = |item: &&Item| -> Value {
        json!({
            "repository": format!("/{}", item.repo),
            "kind": kind(item),
            "name": item.name,
            "size": item.size,
            "deleted": time(item.since),
            "purged": time(item.due),
            "taken": item.taken,
        })
    };
    let all: Vec<Value> = items.iter().map(object).collect();
    serde_json::to_writer(&mut *out, &all).map_err(io::Error::from)?;
    Ok(writeln!(out)?)
}
