//! Which of the things in the bin a command is about: by when they were deleted, by patterns, by
//! the beginnings of their ids.

use super::files;
use crate::args::{Exit, When};
use crate::cloud::{Item, Listing, Trash, What};
use crate::command::progress::Line;
use crate::restic::Kind;
use std::io::{self, Write};

/// Fewest digits that stand for an id: by chance, 8 digits mean one file of 4 billion.
pub(super) const DIGITS: usize = 8;

/// Reads what lies in the bin, saying how far it is.
pub(super) fn walk(bin: &dyn Trash) -> Result<Listing, Exit> {
    let line = Line::new();
    let seen = bin.walk(&|folders, files| {
        line.say(&format!("{folders} folders read, {files} files in the bin"));
    });
    seen.map_err(Exit::failed)
}

/// What was deleted in this time, as seen from `now`. What isn't known to have been deleted in it is
/// left out.
pub(super) fn within(item: &Item, now: u64, since: Option<When>, before: Option<When>) -> bool {
    let late = since.is_none_or(|s| item.since.is_some_and(|at| at >= s.seconds(now)));
    let early = before.is_none_or(|b| item.since.is_some_and(|at| at < b.seconds(now)));
    late && early
}

/// Tells how many of these nobody knows when they were deleted.
pub(super) fn tell_unknown<'i>(
    items: impl IntoIterator<Item = &'i Item>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let unknown = items.into_iter().filter(|item| item.since.is_none());
    match unknown.count() {
        0 => Ok(()),
        count => writeln!(
            out,
            "left out: {}, deleted at an unknown time",
            files(count)
        ),
    }
}

/// Whether words name a file that can be brought back: a pack or a snapshot by a pattern or an id,
/// or without any words; a key by its id.
pub(super) fn names(words: &[String], item: &Item) -> bool {
    let What::File(file) = item.what else {
        return false;
    };
    let path = format!("{}/{file}", item.repo);
    let path = path.trim_start_matches('/');
    let by_id = words
        .iter()
        .any(|word| is_id(word) && item.name.starts_with(&**word));
    let by_pattern = |word: &String| !is_id(word) && matches(word.trim_start_matches('/'), path);
    match item.kind() {
        Some(Kind::Data | Kind::Snapshots) => {
            words.is_empty() || by_id || words.iter().any(by_pattern)
        }
        Some(Kind::Keys) => by_id,
        _ => false,
    }
}

/// Whether a word can be the name of no file: neither an id's beginning nor a pattern of paths.
pub(super) fn names_nothing(word: &str) -> bool {
    !is_id(word) && !word.contains(['/', '*'])
}

/// Whether a word is the beginning of an id.
fn is_id(word: &str) -> bool {
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    word.len() >= DIGITS && word.chars().all(is_digit)
}

/// Whether a path is as a pattern says, in which `*` stands for anything.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let Some(mut left) = path.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or("");
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, path, hit) in [
            ("a/data/*", "a/data/00", true),
            ("*", "a/data/00", true),
            ("a/*", "b/data/00", false),
            ("*/snapshots/*", "a/b/snapshots/00", true),
            ("*/snapshots/*", "a/b/data/00", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("aa*aa", "aaa", false),
            ("a", "a", true),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern, path), hit, "{pattern} {path}");
        }
        for (word, is) in [("0123abcd", true), ("0123abc", false), ("0123ABCD", false)] {
            assert_eq!(is_id(word), is, "{word}");
        }
    }
}
