//! The parts of the page, each from a snapshot to markup. Every value that comes from outside goes
//! through `escaped`.

use super::super::repos::{HOURS, Repository};
use super::super::snapshot::{Snapshot, Transfer};
use super::texts::Texts;
use super::values::{age, escaped, filled, percent, span};
use crate::store::Account;
use crate::units::bytes;
use crate::zone::moment;
use std::fmt::Write;

/// Transfers that are shown; the JSON has all of them.
const SHOWN: usize = 8;
/// Seconds before the end of something at which it is worth a colour.
const SOON: u64 = 14 * 86_400;

// Writing to a String can't fail, here and below.

/// Begins a part of the page: how it looks besides, and its title.
pub(super) fn card(out: &mut String, class: &str, title: &str) {
    let _ = write!(out, "<section class=\"card{class}\"><h2>{title}</h2>");
}

/// A paragraph about what isn't there.
pub(super) fn dim(out: &mut String, text: &str) {
    let _ = write!(out, "<p class=\"dim\">{text}</p>");
}

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

/// Tier and space.
pub(super) fn account(out: &mut String, seen: &Snapshot, texts: &Texts) {
    let Some(account) = &seen.cloud.account else {
        card(out, "", texts.account);
        dim(out, texts.no_account);
        out.push_str("</section>");
        return;
    };
    let (name, tier) = (texts.account, escaped(texts.tier(account.tier)));
    card(out, "", &format!("{name} <em class=\"tag\">{tier}</em>"));
    match account.total {
        0 => {
            let used = texts.used.replace("{}", &bytes(account.used));
            let _ = write!(out, "<p class=\"ends\"><span>{used}</span></p>");
        }
        _ => space(out, account, texts),
    }
    out.push_str("<dl>");
    if let Some(until) = account.paid_until {
        let is_near = until < seen.now + SOON;
        end_of(out, texts.benefit_until, until, is_near);
    }
    // It is renewed by itself.
    if let Some(until) = seen.cloud.token_expires {
        end_of(out, texts.token_until, until, false);
    }
    out.push_str("</dl></section>");
}

fn space(out: &mut String, account: &Account, texts: &Texts) {
    let share = percent(account.used, account.total);
    let class = match account {
        account if account.is_used(95) => " full",
        account if account.is_used(80) => " near",
        _ => "",
    };
    let used = filled(texts.used_of, &bytes(account.used), &bytes(account.total));
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

fn end_of(out: &mut String, name: &str, until: u64, is_near: bool) {
    let class = if is_near { " class=\"near\"" } else { "" };
    let date = &moment(until)[..10];
    let _ = write!(out, "<div><dt>{name}</dt><dd{class}>{date}</dd></div>");
}

/// The repositories with their last snapshots.
pub(super) fn repositories(out: &mut String, seen: &Snapshot, texts: &Texts) {
    card(out, " wide", texts.repositories);
    if seen.repositories.is_empty() {
        dim(out, texts.no_repositories);
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
    let every = repo.snapshot_every.filter(|_| repo.stale);
    let missed = every.map_or(String::new(), |every| {
        let text = texts.stale.replace("{}", &span(texts, every));
        format!(" · <span class=\"near\">{text}</span>")
    });
    let class = if repo.stale { " stale" } else { "" };
    let sum = bytes(repo.hours.iter().sum());
    let day = texts.last_day.replace("{}", &sum);
    let _ = write!(
        out,
        "<div class=\"repo{class}\"><div><b>{name}</b><p class=\"dim\">{snapshot}{missed}</p></div>\
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
    card(out, "", texts.transfers);
    if seen.transfers.is_empty() {
        dim(out, texts.no_transfers);
    }
    for transfer in seen.transfers.iter().take(SHOWN) {
        one_transfer(out, transfer, texts);
    }
    let more = seen.transfers.len().saturating_sub(SHOWN);
    if more > 0 {
        dim(out, &texts.more.replace("{}", &more.to_string()));
    }
    out.push_str("</section>");
}

fn one_transfer(out: &mut String, transfer: &Transfer, texts: &Texts) {
    let (arrow, class) = match transfer.upload {
        true => ("↑", "up"),
        false => ("↓", "down"),
    };
    let done = bytes(transfer.done);
    let (state, share) = match transfer.total {
        Some(total) => {
            let text = filled(texts.of, &done, &bytes(total));
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

/// When this was, and where machines can read it.
pub(super) fn footer(out: &mut String, seen: &Snapshot, texts: &Texts, other: &Texts) {
    let (code, language) = (other.code, other.language);
    let _ = write!(
        out,
        "<footer class=\"dim\"><span>{} · {}</span><span><a href=\"?lang={code}\" \
         lang=\"{code}\" hreflang=\"{code}\">{language}</a> · <a href=\"status\">JSON</a> · \
         <a href=\"metrics\">Prometheus</a></span></footer>",
        moment(seen.now),
        texts.refreshes
    );
}
