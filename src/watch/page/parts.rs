//! The parts of the page, each from a snapshot to markup. Every value that comes from outside goes
//! through `escaped`.

use super::super::repos::{HOURS, Repository};
use super::super::snapshot::{Snapshot, Transfer};
use super::advice::about;
use super::texts::{Language, Texts};
use super::values::{age, bytes, escaped, moment, percent, span};
use crate::store::{Account, Advice, Trouble};
use std::fmt::Write;

/// Transfers and warnings that are shown; the JSON has all of them.
const SHOWN: usize = 8;
/// Seconds before the end of something at which it is worth a colour.
const SOON: u64 = 14 * 86_400;

// Writing to a String can't fail, here and below.

/// Title, state of the cloud, and since when all this runs.
pub(super) fn header(out: &mut String, seen: &Snapshot, texts: &Texts) {
    let cloud = &seen.cloud;
    let (class, state) = match cloud.reachable {
        Some(true) => ("good", texts.answers),
        Some(false) => ("bad", texts.silent),
        None => ("idle", texts.unasked),
    };
    let last = cloud.answered.map(|at| age(texts, at, seen.now));
    let last = last.map_or(String::new(), |last| format!(" <small>{last}</small>"));
    let up = span(texts, seen.now.saturating_sub(seen.started));
    let _ = write!(
        out,
        "<header><div><h1>restic-123pan</h1><p class=\"dim\">{} · {}</p></div>\
         <p class=\"pill {class}\" id=\"cloud\"><i></i><span>{} {state}{last}</span></p></header>",
        escaped(seen.version),
        texts.running_for.replace("{}", &up),
        escaped(cloud.cloud)
    );
}

/// What is wrong now, before everything else.
pub(super) fn attention(out: &mut String, seen: &Snapshot, texts: &Texts, language: Language) {
    let current = seen
        .cloud
        .troubles
        .iter()
        .filter(|trouble| trouble.is_current(seen.now));
    let current: Vec<&Trouble> = current.collect();
    if current.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<section class=\"card alarm\" role=\"alert\"><h2>{}</h2>",
        texts.needs_you
    );
    for trouble in current {
        let _ = write!(
            out,
            "<p class=\"advice\">{}</p><p class=\"dim\">{} · {}</p>",
            sentence(advice(trouble.advice, language), language),
            escaped(&trouble.text),
            age(texts, trouble.last, seen.now)
        );
    }
    out.push_str("</section>");
}

fn advice(advice: Advice, language: Language) -> &'static str {
    match language {
        Language::English => advice.en,
        Language::Chinese => advice.zh,
    }
}

/// A clause as a sentence.
fn sentence(clause: &str, language: Language) -> String {
    let stop = if language == Language::English {
        '.'
    } else {
        '。'
    };
    let mut letters = clause.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    escaped(&format!("{first}{}{stop}", letters.as_str()))
}

/// Tier and space.
pub(super) fn account(out: &mut String, seen: &Snapshot, texts: &Texts) {
    let _ = write!(out, "<section class=\"card\"><h2>{}", texts.account);
    let Some(account) = &seen.cloud.account else {
        let _ = write!(
            out,
            "</h2><p class=\"dim\">{}</p></section>",
            texts.no_account
        );
        return;
    };
    let _ = write!(
        out,
        " <em class=\"tag\">{}</em></h2>",
        escaped(account.tier)
    );
    space(out, account, texts);
    out.push_str("<dl>");
    if let Some(until) = account.paid_until {
        end_of(out, texts.benefit_until, until, seen.now);
    }
    if let Some(until) = seen.cloud.token_expires {
        end_of(out, texts.token_until, until, seen.now);
    }
    out.push_str("</dl></section>");
}

fn space(out: &mut String, account: &Account, texts: &Texts) {
    let share = percent(account.used, account.total);
    let class = match account.used.saturating_mul(100) / account.total.max(1) {
        0..80 => "",
        80..95 => " near",
        _ => " full",
    };
    let used = texts.used_of.replacen("{}", &bytes(account.used), 1);
    let used = used.replacen("{}", &bytes(account.total), 1);
    let free = texts.free.replace("{}", &bytes(account.free()));
    let _ = write!(
        out,
        "<p class=\"figure\">{share}<small> %</small></p>\
         <div class=\"bar{class}\" id=\"space\" role=\"progressbar\" aria-valuemin=\"0\" \
         aria-valuemax=\"100\" aria-valuenow=\"{share}\" aria-label=\"{used}\">\
         <i style=\"width:{share}%\"></i></div>\
         <p class=\"ends\"><span>{used}</span><span>{free}</span></p>"
    );
}

fn end_of(out: &mut String, name: &str, until: u64, now: u64) {
    let class = if until < now + SOON {
        " class=\"near\""
    } else {
        ""
    };
    let date = &moment(until)[..10];
    let _ = write!(out, "<div><dt>{name}</dt><dd{class}>{date}</dd></div>");
}

/// The repositories with their last snapshots.
pub(super) fn repositories(out: &mut String, seen: &Snapshot, texts: &Texts) {
    let _ = write!(
        out,
        "<section class=\"card wide\"><h2>{}</h2>",
        texts.repositories
    );
    if seen.repositories.is_empty() {
        let _ = write!(out, "<p class=\"dim\">{}</p>", texts.no_repositories);
    }
    for repo in &seen.repositories {
        repository(out, repo, seen.now, texts);
    }
    out.push_str("</section>");
}

fn repository(out: &mut String, repo: &Repository, now: u64, texts: &Texts) {
    let name = match repo.name.as_str() {
        "" => texts.others.to_owned(),
        name => escaped(name),
    };
    let snapshot = match repo.last_snapshot {
        Some(at) => format!(
            "{} <time datetime=\"{}\" title=\"{}\">{}</time>",
            texts.last_snapshot,
            crate::civil::rfc3339(at),
            moment(at),
            age(texts, at, now)
        ),
        None => texts.no_snapshot.to_owned(),
    };
    let day = texts
        .last_day
        .replace("{}", &bytes(repo.hours.iter().sum()));
    let _ = write!(
        out,
        "<div class=\"repo\"><div><b>{name}</b><p class=\"dim\">{snapshot}</p></div>\
         <div class=\"day\">{}<p class=\"dim\">{day}</p></div></div>",
        sparkline(&repo.hours)
    );
}

/// The last day as a row of columns, one for each hour. Their heights are roots of the bytes, so
/// that a small backup shows beside a large one.
fn sparkline(hours: &[u64; HOURS]) -> String {
    const HEIGHT: u64 = 28;
    let most = hours.iter().max().copied().unwrap_or(0).isqrt().max(1);
    let mut out = format!(
        "<svg viewBox=\"0 0 {} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        HOURS * 5 - 1
    );
    for (at, bytes) in hours.iter().enumerate() {
        let least = if *bytes > 0 { 3 } else { 1 };
        let height = (bytes.isqrt() * HEIGHT / most).max(least);
        let (x, y) = (at * 5, HEIGHT - height);
        let class = if *bytes > 0 { "" } else { " class=\"none\"" };
        let _ = write!(
            out,
            "<rect{class} x=\"{x}\" y=\"{y}\" width=\"4\" height=\"{height}\" rx=\"1\"/>"
        );
    }
    out.push_str("</svg>");
    out
}

/// What is on its way.
pub(super) fn transfers(out: &mut String, seen: &Snapshot, texts: &Texts) {
    let _ = write!(out, "<section class=\"card\"><h2>{}</h2>", texts.transfers);
    if seen.transfers.is_empty() {
        let _ = write!(out, "<p class=\"dim\">{}</p>", texts.no_transfers);
    }
    for transfer in seen.transfers.iter().take(SHOWN) {
        one_transfer(out, transfer, texts);
    }
    let more = seen.transfers.len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = write!(
            out,
            "<p class=\"dim\">{}</p>",
            texts.more.replace("{}", &more.to_string())
        );
    }
    out.push_str("</section>");
}

fn one_transfer(out: &mut String, transfer: &Transfer, texts: &Texts) {
    let (arrow, class) = if transfer.upload {
        ("↑", "up")
    } else {
        ("↓", "down")
    };
    let done = bytes(transfer.done);
    let (state, share) = match transfer.total {
        Some(total) => {
            let text = texts
                .of
                .replacen("{}", &done, 1)
                .replacen("{}", &bytes(total), 1);
            (text, percent(transfer.done, total))
        }
        None => (done, "100".to_owned()),
    };
    let _ = write!(
        out,
        "<div class=\"move {class}\"><p class=\"ends\"><span><b>{arrow}</b> {} <code>{}/{}</code>\
         </span><span class=\"dim\">{state}</span></p>\
         <div class=\"bar thin\"><i style=\"width:{share}%\"></i></div></div>",
        escaped(&transfer.repository),
        transfer.kind,
        escaped(&transfer.file)
    );
}

/// What went wrong lately: troubles that are over, and the log's warnings.
pub(super) fn warnings(out: &mut String, seen: &Snapshot, texts: &Texts, language: Language) {
    let _ = write!(
        out,
        "<section class=\"card wide\"><h2>{}</h2>",
        texts.warnings
    );
    let past = seen
        .cloud
        .troubles
        .iter()
        .filter(|trouble| !trouble.is_current(seen.now));
    let past = past.map(|trouble| {
        let over = if trouble.over { texts.over } else { "" };
        (
            trouble.last,
            trouble.times,
            &trouble.text,
            Some(trouble.advice),
            over,
        )
    });
    let logged = seen.warnings.iter().map(|warning| {
        let advice = about(&warning.text);
        (warning.last, warning.times, &warning.text, advice, "")
    });
    let mut all: Vec<_> = past.chain(logged).collect();
    all.sort_by_key(|(last, ..)| std::cmp::Reverse(*last));
    if all.is_empty() {
        let _ = write!(out, "<p class=\"dim\">{}</p>", texts.no_warnings);
    }
    for (last, times, text, known, over) in all.iter().take(SHOWN) {
        let known = known.map_or("", |known| advice(known, language));
        let known = match known {
            "" => String::new(),
            known => format!("<p class=\"advice\">{}</p>", sentence(known, language)),
        };
        let mut notes = vec![age(texts, *last, seen.now)];
        if *times > 1 {
            notes.push(texts.times.replace("{}", &times.to_string()));
        }
        if !over.is_empty() {
            notes.push((*over).to_owned());
        }
        let notes = notes.join(" · ");
        let _ = write!(
            out,
            "<div class=\"warn\"><div><p>{}</p>{known}</div><p class=\"dim\">{notes}</p></div>",
            escaped(text)
        );
    }
    out.push_str("</section>");
}

/// When this was, and where machines can read it.
pub(super) fn footer(out: &mut String, seen: &Snapshot, texts: &Texts) {
    let _ = write!(
        out,
        "<footer class=\"dim\"><span>{} · {}</span><span><a href=\"status\">JSON</a> · \
         <a href=\"metrics\">Prometheus</a></span></footer>",
        moment(seen.now),
        texts.refreshes
    );
}
