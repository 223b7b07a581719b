//! What is printed for people is in the table of Chinese: every sentence of the commands, every
//! option and command, whatever the cloud. What is missing is named, to be put there.

use super::{none, sources};
use restic_123pan::args::Table;
use restic_123pan::clouds;
use restic_123pan::speech::{chinese, sentences};
use std::collections::HashSet;

/// What people don't get from a command: the log and service files, the manual, what clients and
/// machines read, and what is written in both languages where it stands.
const ENGLISH: [&str; 19] = [
    "src/args/commands.rs",
    "src/args/fuzz.rs",
    "src/body/",
    "src/command/completions.rs",
    "src/command/grafana.rs",
    "src/command/log.rs",
    "src/command/manual.rs",
    "src/command/pinned.rs",
    "src/command/service.rs",
    "src/front/",
    "src/lib.rs",
    "src/lines.rs",
    "src/restic/",
    "src/server/",
    "src/service/",
    "src/speech.rs",
    "src/store/",
    "src/watch/metrics.rs",
    "src/watch/page/",
];
/// What is compared, never comes to pass, or is said in its parts.
const UNSAID: [&str; 8] = [
    "lookup address",
    "no key is ever loaded",
    "not exist",
    "one is enough",
    "restic-123pan was here",
    "the others are meant to go",
    "the variable XX means nothingX",
    "too many",
];
/// What of these is said all the same.
const SPOKEN: [&str; 2] = ["src/front/listen.rs", "src/front/tls.rs"];

#[test]
fn every_sentence_is_said_in_chinese() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let spoken = SPOKEN.contains(&path.as_str());
        let english = ENGLISH.iter().any(|start| path.starts_with(start));
        if path.contains("tests") || english && !spoken {
            continue;
        }
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
        let all = literals(text).into_iter();
        let lines = all.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
        faults.extend(
            lines
                .filter(|line| !is_known(line) && !UNSAID.contains(&line.as_str()))
                .map(|line| format!("{path}: {line}")),
        );
    }
    none(&faults);
}

#[test]
fn every_option_is_said_in_chinese() {
    let table = Table::new();
    let mut all: Vec<&str> = vec![&table.about];
    all.extend(table.notes.iter().map(String::as_str));
    for command in &table.commands {
        all.extend([command.about.as_str(), command.brief()]);
        all.extend(command.notes.iter().map(String::as_str));
        all.extend(command.words.iter().map(|word| word.about.as_str()));
        all.extend(command.options.iter().map(|option| option.about.as_str()));
    }
    let groups = table.groups.iter().flat_map(|group| &group.options);
    all.extend(groups.map(|option| option.about.as_str()));
    let credentials = clouds::ALL.iter().flat_map(|cloud| cloud.credentials);
    all.extend(credentials.map(|credential| credential.about));
    all.retain(|text| !is_known(text));
    let faults: Vec<String> = all.into_iter().map(str::to_owned).collect();
    none(&faults);
}

#[test]
fn the_table_of_chinese_is_right() {
    let (mut seen, mut faults) = (HashSet::new(), Vec::new());
    for (english, chinese) in sentences() {
        let holes = english.matches("{}").count() + english.matches("{*}").count();
        if !chinese.chars().any(is_hanzi) || english.starts_with(is_hanzi) {
            faults.push(format!("no pair of lines: {english} / {chinese}"));
        }
        if chinese.matches("{}").count() != holes {
            faults.push(format!("other gaps: {english} / {chinese}"));
        }
        if !seen.insert(english) {
            faults.push(format!("twice: {english}"));
        }
    }
    none(&faults);
}

/// Whether a text is said in Chinese, or has nothing to be said: outside of backquotes and of what
/// is put in no two English words stand beside each other.
fn is_known(text: &str) -> bool {
    let said = match is_english(text) {
        true => chinese(text),
        false => return true,
    };
    said.chars().any(is_hanzi) && !is_english(&said)
}

/// The lines of a text that are in English, but for what others have said, which is quoted.
pub(crate) fn in_english(text: &str) -> Vec<&str> {
    let own = |line: &&str| line.split('"').step_by(2).any(is_english);
    text.lines().filter(own).collect()
}

fn is_english(text: &str) -> bool {
    let outside: String = text.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let is_word = |word: &str| {
        word.trim_end_matches(',').len() > 1
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || "',".contains(c))
    };
    let words: Vec<&str> = outside
        .split(' ')
        .map(|word| word.trim_end_matches([';', ':', '.']))
        .collect();
    let names = [
        "client id",
        "bin list",
        "bin purge",
        "bin restore",
        "restic check",
        "passwd writes",
        "refresh token",
        "smh, local",
    ];
    words.windows(2).any(|pair| {
        pair.iter().all(|word| is_word(word)) && !names.contains(&pair.join(" ").as_str())
    })
}

fn is_hanzi(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}')
}

/// The texts of a file but those of its log, comments and attributes, with X for what is put in.
fn literals(text: &str) -> Vec<String> {
    let code: Vec<&str> = (text.lines())
        .filter(|line| !line.trim_start().starts_with("//") && !line.trim_start().starts_with("#["))
        .collect();
    let code = code.join("\n");
    let (mut all, mut rest) = (Vec::new(), code.as_str());
    while let Some((before, after)) = rest.split_once('"') {
        // A quote as a character.
        if before.ends_with('\'') && after.starts_with('\'') || before.ends_with("'\\") {
            rest = after;
            continue;
        }
        let end = end(after);
        let text = filled(&after[..end]);
        rest = after.get(end + 1..).unwrap_or("");
        // One in Chinese says what the one before it says.
        if text.contains(is_hanzi) {
            all.pop();
        } else if !is_logged(before) {
            all.push(text);
        }
    }
    all
}

/// Whether what follows is a line of the log, or a test's.
fn is_logged(before: &str) -> bool {
    let logs = ["info!(", "warn!(", "error!(", "debug!(", "expect("];
    let ends = |name: &&str| {
        let after = before.rsplit_once(*name).map(|(_, after)| after.trim());
        after.is_some_and(|after| after.is_empty() || is_target(after))
    };
    logs.iter().any(ends)
}

fn is_target(text: &str) -> bool {
    text.starts_with("target: ") && text.ends_with(',') && !text.contains(';')
}

/// Where a literal ends.
fn end(text: &str) -> usize {
    let mut escaped = false;
    let found = text.char_indices().find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    found.map_or(text.len(), |(at, _)| at)
}

/// A literal as it is printed.
fn filled(literal: &str) -> String {
    let mut text = String::new();
    let mut pieces = literal.split("\\\n");
    text.push_str(pieces.next().unwrap_or(""));
    pieces.for_each(|piece| text.push_str(piece.trim_start()));
    let text = text.replace("\\n", "\n").replace("\\\"", "\"");
    let (mut out, mut rest) = (String::new(), text.as_str());
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push('X');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out + rest
}

#[test]
fn the_scanner_of_texts_works() {
    let text = "// \"no text\"\nf(\"one {x:<4} \\\"two\\\" \\\n   three\", 'a', '\"', \"four\");\nwarn!(\"five\");";
    assert_eq!(literals(text), ["one X \"two\" three", "four"]);
    assert!(is_english("it is so") && !is_english("`it is so`") && !is_english("123pan/X"));
}
