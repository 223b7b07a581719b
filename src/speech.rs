//! What is printed for people, in their language: English, or Chinese where the locale says so. The
//! log stays English, and so does what programs read.
//!
//! Sentences are made in English, wherever they are made; whoever prints one asks here how it is
//! said. The table is `templates/chinese`: a line in English, the same in Chinese below it. A `{}`
//! there is what is put in, such as a name; a `{*}` is put in too, and said in Chinese itself. What
//! has no line of its own is said part by part, between full stops, semicolons, colons and
//! commas.
//!
//! To add a sentence or an option: write it where it belongs, run the tidy tests, which name what
//! the table lacks, and put the two lines there.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The table.
const TABLE: &str = include_str!("templates/chinese");
/// What stands between the parts of a sentence, in both languages; the first divides first.
const SEPARATORS: [(&str, &str); 5] = [
    (". ", "。"),
    ("; ", "；"),
    (" (did you mean ", " (您是不是想写 "),
    (": ", "："),
    (", ", "，"),
];
/// What stands at its end, likewise.
const ENDS: [(&str, &str); 2] = [(".", "。"), (":", "：")];

/// Letters that a sentence has of its own if anything may be put into it; into others, such as
/// `{} is {}`, only names, numbers with their units, and times.
const LOOSE: usize = 8;

/// Whether Chinese is spoken.
static CHINESE: AtomicBool = AtomicBool::new(false);

/// Chooses the language that these variables want; `variable` tells one's value.
pub fn choose<'v>(variable: impl Fn(&str) -> Option<&'v str>) {
    let all = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter();
    let set = all.filter_map(variable).find(|value| !value.is_empty());
    CHINESE.store(is_chinese(set.unwrap_or_default()), Ordering::Relaxed);
}

fn is_chinese(locale: &str) -> bool {
    let start = locale.get(..2).unwrap_or_default();
    let rest = locale.get(2..).unwrap_or_default();
    start.eq_ignore_ascii_case("zh") && !rest.starts_with(char::is_alphabetic)
}

/// Whether Chinese was chosen.
pub fn speaks_chinese() -> bool {
    CHINESE.load(Ordering::Relaxed)
}

/// A text, line by line, in the language that was chosen.
pub fn said(text: &str) -> String {
    match speaks_chinese() {
        true => chinese(text),
        false => text.to_owned(),
    }
}

/// A text in Chinese, as far as the table goes.
pub fn chinese(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        let (words, after) = rest.split_at(rest.trim_end().len());
        let found = table().say(words);
        format!("{indent}{}{after}", found.as_deref().unwrap_or(words))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The sentences of the table, in English, for those who check it.
pub fn sentences() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut lines = TABLE.lines().filter(|line| !line.is_empty());
    std::iter::from_fn(move || Some((lines.next()?, lines.next().unwrap_or_default())))
}

/// How many columns of a terminal a text takes: of a Chinese character, two.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// Hanzi, and the punctuation and forms that are as wide.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}')
}

/// A text with blanks behind it up to a width.
pub fn padded(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// A text in lines of at most so many columns: broken at blanks, and between Hanzi.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut blank = " ";
        for piece in pieces(word) {
            let last = lines.last_mut();
            let Some(line) = last.filter(|line| {
                line.is_empty() || width(line) + blank.len() + width(piece) <= columns
            }) else {
                lines.push(piece.to_owned());
                blank = "";
                continue;
            };
            line.push_str(if line.is_empty() { "" } else { blank });
            line.push_str(piece);
            blank = "";
        }
    }
    lines
}

/// The pieces of a word between which a line may end: before each of the Hanzi.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let mut before = rest.chars().next()?;
        let mut ends = rest.char_indices().skip(1);
        let breaks = |(_, c): &(usize, char)| {
            let hanzi = |c: char| matches!(c, '\u{4e00}'..='\u{9fff}');
            let here = hanzi(*c) || (is_wide(before) && c.is_ascii());
            let here = here && !"（“".contains(before) && !"),.;:".contains(*c);
            before = *c;
            here
        };
        let end = ends.find(breaks).map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// Says whole lines as they are written to it.
#[derive(Debug)]
pub struct Speaker<W: Write>(W);

impl<W: Write> Speaker<W> {
    /// One that speaks there.
    pub fn new(out: W) -> Self {
        Self(out)
    }
}

impl<W: Write> Write for Speaker<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.0.write_all(said(text).as_bytes()),
            Err(_) => self.0.write_all(bytes),
        }
    }

    // In one piece, as only whole sentences can be said.
    fn write_fmt(&mut self, arguments: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.write_all(arguments.to_string().as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn table() -> &'static Table {
    static READ: OnceLock<Table> = OnceLock::new();
    READ.get_or_init(Table::read)
}

/// The table as it is used.
struct Table(Vec<Sentence>);

/// A sentence: what stands before, between and behind what is put in, which of that is said in
/// Chinese, and the whole in Chinese.
struct Sentence {
    pieces: Vec<&'static str>,
    spoken: Vec<bool>,
    chinese: &'static str,
}

impl Table {
    fn read() -> Self {
        let mut all: Vec<Sentence> = sentences().map(Sentence::new).collect();
        // What says most itself fits best.
        all.sort_by_key(|sentence| std::cmp::Reverse(sentence.own()));
        Self(all)
    }

    /// A sentence in Chinese; None if nothing of it is in the table.
    fn say(&self, text: &str) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        let whole = self.0.iter().find(|sentence| sentence.pieces == [text]);
        if let Some(sentence) = whole {
            return Some(sentence.chinese.to_owned());
        }
        let parted = SEPARATORS.iter().filter_map(|pair| self.parts(text, *pair));
        let mut parted: Vec<(bool, String)> = parted.collect();
        let every = parted.iter().position(|(every, _)| *every);
        if let Some(at) = every {
            return Some(parted.swap_remove(at).1);
        }
        let ended = |(english, chinese): &(&str, &str)| {
            Some(self.say(text.strip_suffix(english)?)? + chinese)
        };
        let filled = self.0.iter().find_map(|sentence| sentence.say(text, self));
        filled
            .or_else(|| ENDS.iter().find_map(ended))
            .or_else(|| parted.into_iter().next().map(|(_, said)| said))
    }

    /// A sentence part by part, and whether every part is in the table; None if none is.
    fn parts(&self, text: &str, (english, chinese): (&str, &str)) -> Option<(bool, String)> {
        // What follows a colon may have some itself.
        let most = if english == ": " { 2 } else { usize::MAX };
        let parts: Vec<&str> = text.splitn(most, english).collect();
        if parts.len() == 1 {
            return None;
        }
        let said: Vec<Option<String>> = parts.iter().map(|part| self.say(part)).collect();
        let known = said.iter().flatten().count();
        // A guess is a name, which nothing says otherwise.
        let is_guess = english.starts_with(" (") && said[0].is_some();
        let all = said.into_iter().zip(&parts);
        let all: Vec<String> = all
            .map(|(s, part)| s.unwrap_or((*part).to_owned()))
            .collect();
        (known > 0).then(|| (is_guess || known == parts.len(), all.join(chinese)))
    }
}

impl Sentence {
    fn new((english, chinese): (&'static str, &'static str)) -> Self {
        let (mut pieces, mut spoken, mut rest) = (Vec::new(), Vec::new(), english);
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, after) = after.split_once('}').unwrap_or(("", after));
            pieces.push(before);
            spoken.push(hole == "*");
            rest = after;
        }
        pieces.push(rest);
        Self {
            pieces,
            spoken,
            chinese,
        }
    }

    /// Letters of its own.
    fn own(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }

    fn say(&self, text: &str, table: &Table) -> Option<String> {
        let mut said = self.chinese.to_owned();
        for (hole, spoken) in self.holes(text)?.into_iter().zip(&self.spoken) {
            let found = spoken.then(|| table.say(hole)).flatten();
            said = said.replacen("{}", found.as_deref().unwrap_or(hole), 1);
        }
        Some(said)
    }

    /// What is put in, if a text is this sentence.
    fn holes<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let (first, rest) = self.pieces.split_first()?;
        let mut text = text.strip_prefix(first)?;
        let Some((last, between)) = rest.split_last() else {
            return text.is_empty().then(Vec::new);
        };
        text = text.strip_suffix(last)?;
        // What ends a sentence is said for itself.
        if last.is_empty() && text.ends_with([':', '.']) {
            return None;
        }
        let mut holes = Vec::new();
        for piece in between {
            let (hole, after) = text.split_once(piece)?;
            holes.push(hole);
            text = after;
        }
        holes.push(text);
        let parted = |hole: &str| SEPARATORS.iter().any(|(english, _)| hole.contains(english));
        let is_word = |hole: &str| hole.split(' ').count() <= 2 && !parted(hole);
        let word = |(hole, spoken): (&&str, &bool)| *spoken || is_word(hole);
        let mut all = holes.iter().zip(&self.spoken);
        (self.own() >= LOOSE || all.all(word)).then_some(holes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        for (locale, is) in [
            ("zh", true),
            ("zh_CN.UTF-8", true),
            ("ZH-cn", true),
            ("zha_CN", false),
            ("C", false),
            ("", false),
            ("é", false),
        ] {
            assert_eq!(is_chinese(locale), is, "{locale}");
        }
    }

    #[test]
    fn sentences_are_said() {
        let pairs = [
            ("can't read {}: {*}", "无法读取 {}：{}"),
            ("no such file", "文件不存在"),
            ("warning", "警告"),
            ("{} files", "{} 个文件"),
        ];
        let table = Table(pairs.into_iter().map(Sentence::new).collect());
        for (english, chinese) in [
            (
                "can't read no such file: no such file",
                Some("无法读取 no such file：文件不存在"),
            ),
            ("warning: can't read x: why", Some("警告：无法读取 x：why")),
            ("other; 3 files", Some("other；3 个文件")),
            ("no such file.", Some("文件不存在。")),
            ("a, b: c", None),
            ("", None),
        ] {
            assert_eq!(table.say(english).as_deref(), chinese, "{english}");
        }
    }

    #[test]
    fn lines_end_in_time() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("longer than", 3), ["longer", "than"]);
        assert_eq!(wrapped("仓库和快照，包 x", 6), ["仓库和", "快照，", "包 x"]);
        assert_eq!(wrapped("(仓库)", 5), ["(仓", "库)"]);
        assert_eq!(width("仓库 a"), 6);
        assert_eq!(padded("仓库", 6), "仓库  ");
    }
}
