//! The parts of the page that tell what is wrong: what needs its owner now, and what went wrong
//! lately. In English they show the sentences of the log; in Chinese what the kinds of warnings mean,
//! since the log's sentences are English.

use super::super::repos::Repository;
use super::super::snapshot::Snapshot;
use super::super::warnings::Warning;
use super::parts::{card, dim};
use super::texts::{Language, Texts};
use super::values::{age, escaped};
use crate::store::Trouble;
use crate::warning::{Advice, Kind};
use std::fmt::Write;

/// Warnings that are shown; the JSON has all of them.
const SHOWN: usize = 8;

// Writing to a String can't fail, here and below.

/// What is wrong now, before everything else.
pub(super) fn attention(out: &mut String, seen: &Snapshot, texts: &Texts, language: Language) {
    let stale = stale(seen).map(|repo| {
        let name = format!("<b>{}</b>", escaped(&repo.name));
        texts.see_backup.replace("{}", &name)
    });
    let stale: Vec<String> = stale.collect();
    if stale.is_empty() && current(seen).next().is_none() {
        return;
    }
    let title = texts.needs_you;
    let _ = write!(
        out,
        "<section class=\"card alarm\" role=\"alert\"><h2>{title}</h2>"
    );
    for trouble in current(seen) {
        let text = said(&trouble.text, texts, language);
        let _ = write!(
            out,
            "<p class=\"advice\">{}</p><p class=\"dim\">{text} · {}</p>",
            sentence(advice(trouble.advice, language), language),
            age(texts, trouble.last, seen.now)
        );
    }
    for text in stale {
        let _ = write!(out, "<p class=\"advice\">{text}</p>");
    }
    out.push_str("</section>");
}

/// The repositories whose backups have stopped.
fn stale(seen: &Snapshot) -> impl Iterator<Item = &Repository> {
    seen.repositories.iter().filter(|repo| repo.stale)
}

/// The cloud's troubles that last.
fn current(seen: &Snapshot) -> impl Iterator<Item = &Trouble> {
    let all = seen.cloud.troubles.iter();
    all.filter(|trouble| trouble.is_current(seen.now))
}

fn advice(advice: Advice, language: Language) -> &'static str {
    match language {
        Language::English => advice.en,
        Language::Chinese => advice.zh,
    }
}

/// A sentence of the log, for who reads English.
fn said(text: &str, texts: &Texts, language: Language) -> String {
    match language {
        Language::English => escaped(text),
        Language::Chinese => texts.in_log.to_owned(),
    }
}

/// A clause as a sentence.
fn sentence(clause: &str, language: Language) -> String {
    if language == Language::Chinese {
        return escaped(&format!("{clause}。"));
    }
    let (first, rest) = clause.split_at_checked(1).unwrap_or(("", clause));
    escaped(&format!("{}{rest}.", first.to_uppercase()))
}

/// What is shown of something that went wrong.
struct Note {
    last: u64,
    times: u64,
    /// Markup already.
    text: String,
    advice: Advice,
}

impl Note {
    /// Of a trouble whose end nobody could see.
    fn of_trouble(trouble: &Trouble, texts: &Texts, language: Language) -> Self {
        Self {
            last: trouble.last,
            times: trouble.times,
            text: said(&trouble.text, texts, language),
            advice: trouble.advice,
        }
    }

    fn of_warning(warning: &Warning, texts: &Texts, language: Language) -> Self {
        let text = match (language, warning.kind) {
            (Language::English, _) => escaped(&warning.text),
            (Language::Chinese, Some(kind)) => {
                let text = escaped(kind.chinese()).replace("{}", &escaped(&warning.subject));
                text.trim_end_matches('：').to_owned()
            }
            (Language::Chinese, None) => format!("{}，{}", texts.unknown, texts.in_log),
        };
        Self {
            last: warning.last,
            times: warning.times,
            text,
            advice: warning.kind.map_or(Advice::default(), Kind::advice),
        }
    }

    fn write(&self, out: &mut String, now: u64, texts: &Texts, language: Language) {
        let known = match advice(self.advice, language) {
            "" => String::new(),
            known => format!("<p class=\"advice\">{}</p>", sentence(known, language)),
        };
        let mut notes = vec![age(texts, self.last, now)];
        if self.times > 1 {
            notes.push(texts.times.replace("{}", &self.times.to_string()));
        }
        let _ = write!(
            out,
            "<div class=\"warn\"><div><p>{}</p>{known}</div><p class=\"dim\">{}</p></div>",
            self.text,
            notes.join(" · ")
        );
    }
}

/// What went wrong lately: troubles of which nobody knows whether they are over, and the log's
/// warnings. That all is well is said only where nothing else is wrong either.
pub(super) fn warnings(out: &mut String, seen: &Snapshot, texts: &Texts, language: Language) {
    let past = seen.cloud.troubles.iter();
    let past = past.filter(|trouble| !trouble.over && !trouble.is_current(seen.now));
    let past = past.map(|trouble| Note::of_trouble(trouble, texts, language));
    let logged = seen.warnings.iter();
    let logged = logged.map(|warning| Note::of_warning(warning, texts, language));
    let mut all: Vec<Note> = past.chain(logged).collect();
    all.sort_by_key(|note| std::cmp::Reverse(note.last));
    let unwell = stale(seen).next().is_some() || current(seen).next().is_some();
    let unwell = unwell || seen.cloud.reachable == Some(false);
    if all.is_empty() && unwell {
        return;
    }
    card(out, " wide", texts.warnings);
    if all.is_empty() {
        dim(out, texts.no_warnings);
    }
    for note in all.iter().take(SHOWN) {
        note.write(out, seen.now, texts, language);
    }
    out.push_str("</section>");
}
