//! The JSON of `/-/status` as a few lines for a terminal: what `restic-123pan status` prints.

use super::page::texts::{Language, Texts};
use super::page::values::{self, percent};
use crate::lines::harmless;
use crate::speech::{padded, said, speaks_chinese};
use crate::units::bytes;
use crate::zone::moment;
use serde_json::Value;
use std::fmt::Write;

/// A status as lines. What is missing in it is left out, so that programs of different versions
/// understand each other.
pub fn text(status: &Value) -> String {
    let mut out = String::new();
    let now = number(&status["now"]);
    head(&mut out, status, now);
    repositories(&mut out, status, now);
    work(&mut out, status);
    troubles(&mut out, status, now);
    out
}

/// Columns of what begins a line.
const LABEL: usize = 10;

/// The repositories whose last snapshot is older than so many seconds. Those that have never got
/// one through this server aren't known to be anybody's.
pub fn older(status: &Value, age: u64) -> Vec<String> {
    let now = number(&status["now"]);
    let is_old = |repo: &&Value| {
        let last = repo["last_snapshot"].as_u64();
        last.is_some_and(|last| now.saturating_sub(last) > age)
    };
    let old = rows(&status["repositories"]).filter(is_old);
    old.map(|repo| harmless(word(&repo["name"]))).collect()
}

/// A line: what it is about, and what is to be said of it.
// Writing to a String can't fail.
fn row(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "{}{}", padded(&said(label), LABEL), said(text));
}

/// The texts that the page has as well.
fn texts() -> &'static Texts {
    let language = match speaks_chinese() {
        true => Language::Chinese,
        false => Language::English,
    };
    language.texts()
}

fn age(then: u64, now: u64) -> String {
    values::age(texts(), then, now)
}

fn head(out: &mut String, status: &Value, now: u64) {
    let cloud = &status["cloud"];
    let name = word(&cloud["cloud"]);
    let up = age(number(&status["started"]), now);
    let version = word(&status["version"]);
    let started = said(&format!("restic-123pan {version}, started {up}"));
    let _ = writeln!(out, "{started}");
    let state = match cloud["reachable"].as_bool() {
        Some(true) => "answers",
        Some(false) => "can't be used",
        None => "hasn't been asked yet",
    };
    let last = cloud["answered"].as_u64();
    let last = last.map_or(String::new(), |at| format!(", last {}", age(at, now)));
    row(out, "cloud", &format!("{name} {state}{last}"));
    let account = &cloud["account"];
    if account.is_object() {
        let (used, total) = (number(&account["used"]), number(&account["total"]));
        let tier = texts().tier(word(&account["tier"]));
        let (share, taken, all) = (percent(used, total), bytes(used), bytes(total));
        let room = match total {
            0 => format!("{tier}: {taken} used"),
            _ => format!("{tier}: {taken} of {all} used ({share} %)"),
        };
        row(out, "account", &room);
        if let Some(until) = account["paid_until"].as_u64() {
            row(out, "benefit", &format!("until {}", moment(until)));
        }
    }
    if let Some(until) = cloud["token_expires"].as_u64() {
        row(out, "token", &format!("until {}", moment(until)));
    }
}

fn repositories(out: &mut String, status: &Value, now: u64) {
    for repo in rows(&status["repositories"]) {
        let name = match word(&repo["name"]) {
            "" => "(others)",
            name => name,
        };
        let snapshot = repo["last_snapshot"].as_u64();
        let none = || "no snapshot seen yet".to_owned();
        let snapshot = snapshot.map_or_else(none, |at| {
            let old = if repo["stale"] == true {
                ", too old"
            } else {
                ""
            };
            format!("last snapshot {}{old}", age(at, now))
        });
        let day = bytes(rows(&repo["hours"]).map(number).sum());
        row(
            out,
            "repo",
            &format!("{}: {snapshot}, {day} in 24 h", harmless(name)),
        );
    }
}

fn work(out: &mut String, status: &Value) {
    for transfer in rows(&status["transfers"]) {
        let way = if transfer["upload"] == true {
            "up"
        } else {
            "down"
        };
        let total = transfer["total"].as_u64();
        let total = total.map_or(String::new(), |total| format!(" of {}", bytes(total)));
        let (repo, kind) = (word(&transfer["repository"]), word(&transfer["kind"]));
        let (file, done) = (word(&transfer["file"]), bytes(number(&transfer["done"])));
        let text = format!("{} {kind}/{file}: {done}{total}", harmless(repo));
        row(out, way, &text);
    }
    let cloud = &status["cloud"];
    let sum = |all: &Value, name: &str| rows(all).map(|one| number(&one[name])).sum::<u64>();
    let (uploads, most) = (number(&cloud["uploads"]), number(&cloud["uploads_most"]));
    let (waiting, calls) = (sum(&status["lanes"], "waiting"), &cloud["calls"]);
    let rate = sum(calls, "waiting");
    let text = format!(
        "{uploads} of {most} uploads, {waiting} requests waiting, {rate} calls waiting for their rate"
    );
    row(out, "work", &text);
    let [made, refused, failed] = ["made", "throttled", "failed"].map(|name| sum(calls, name));
    let (removing, bin) = (number(&cloud["removing"]), number(&cloud["bin"]));
    let text = format!(
        "{made} made, {refused} refused for their rate, {failed} failed; {removing} packs being \
         removed, {bin} files to purge"
    );
    row(out, "calls", &text);
}

fn troubles(out: &mut String, status: &Value, now: u64) {
    let language = if speaks_chinese() { "zh" } else { "en" };
    for trouble in rows(&status["cloud"]["troubles"]) {
        let (text, advice) = (word(&trouble["text"]), word(&trouble["advice"][language]));
        let state = if trouble["over"] == true {
            ", over"
        } else {
            ""
        };
        let last = age(number(&trouble["last"]), now);
        let text = format!("{last}{state}: {}; {advice}", harmless(text));
        row(out, "trouble", &text);
    }
    for warning in rows(&status["warnings"]) {
        let last = age(number(&warning["last"]), now);
        let text = harmless(word(&warning["text"]));
        row(out, "warning", &format!("{last}: {text}"));
    }
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}
