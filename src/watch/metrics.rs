//! A snapshot as Prometheus' text: one table of families. The names stand in the manual, and a test
//! asks `promtool`.

use super::histogram::BOUNDS;
use super::repos::Repository;
use super::snapshot::{Lane, Latency, Snapshot};
use crate::store::{Account, Calls};
use std::fmt::{Display, Write};

/// What every name begins with.
const PREFIX: &str = "restic_123pan_";

/// The media type of the text.
pub const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A snapshot as Prometheus reads it.
pub fn metrics(seen: &Snapshot) -> String {
    let mut out = String::new();
    for (name, kind, help, rows) in FAMILIES {
        let rows = rows(seen);
        // What nobody knows yet isn't told; a table without rows still is one.
        let Some(rows) = rows else { continue };
        // Writing to a String can't fail.
        let _ = writeln!(
            out,
            "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}"
        );
        for row in rows {
            row.write(&mut out, name);
        }
    }
    out
}

/// Name, type, help and rows of a family; no rows at all while nobody knows them.
type Family = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Snapshot) -> Option<Vec<Row>>,
);

/// All families, in the order in which they are told.
#[rustfmt::skip]
const FAMILIES: &[Family] = &[
    ("build_info", "gauge", "The program's version.",
        |s| some([one(1).by("version", s.version)])),
    ("start_time_seconds", "gauge", "When the server started.", |s| some([one(s.started)])),
    ("requests_total", "counter", "Requests by the kind of file and the answer's status.",
        |s| some(s.requests.iter().map(|r| one(r.count).by("kind", r.kind).by("status", r.status)))),
    ("requests_cut_total", "counter", "Requests that broke off before their answer was whole.",
        |s| some([one(s.cut)])),
    ("received_bytes_total", "counter", "Bytes that clients have sent.", |s| some([one(s.received)])),
    ("sent_bytes_total", "counter", "Bytes that clients have been sent.", |s| some([one(s.sent)])),
    ("request_duration_seconds", "histogram", "How long requests took, by what they do.",
        |s| some(s.latencies.iter().flat_map(latency))),
    ("requests_waiting", "gauge", "Requests in a queue.", |s| lanes(s, |lane| lane.waiting)),
    ("requests_running", "gauge", "Requests that a worker has.", |s| lanes(s, |lane| lane.running)),
    ("held_memory_bytes", "gauge", "Memory that held uploads take.", |s| some([one(s.memory)])),
    ("held_memory_limit_bytes", "gauge", "Memory that held uploads may take.",
        |s| some([one(s.memory_most)])),
    ("repository_last_snapshot_timestamp_seconds", "gauge",
        "When a repository's last snapshot was stored through this server.",
        |s| repositories(s, |repo| repo.last_snapshot)),
    ("repository_stale", "gauge", "Whether a repository's last snapshot is too old.",
        |s| repositories(s, |repo| repo.last_snapshot.map(|_| u64::from(repo.stale)))),
    ("repository_received_bytes_total", "counter", "Bytes received for a repository.",
        |s| some(s.repositories.iter().map(|repo| of_repository(repo, repo.received)))),
    ("repository_sent_bytes_total", "counter", "Bytes sent from a repository.",
        |s| some(s.repositories.iter().map(|repo| of_repository(repo, repo.sent)))),
    ("cloud_up", "gauge", "Whether the cloud can be used.", |s| known(s.cloud.reachable.map(u8::from))),
    ("cloud_last_answer_timestamp_seconds", "gauge", "When the cloud last answered well.",
        |s| known(s.cloud.answered)),
    ("token_expiry_timestamp_seconds", "gauge", "When the access token ends.",
        |s| known(s.cloud.token_expires)),
    ("space_used_bytes", "gauge", "Space used in the account.", |s| account(s, |a| Some(a.used))),
    ("space_total_bytes", "gauge", "Space of the account.", |s| account(s, |a| Some(a.total).filter(|total| *total > 0))),
    ("access_expiry_timestamp_seconds", "gauge", "When the paid access to the cloud's interface ends.",
        |s| account(s, |a| a.paid_until)),
    ("uploads_in_flight", "gauge", "Uploads to the cloud under way.", |s| some([one(s.cloud.uploads)])),
    ("uploads_limit", "gauge", "Most uploads at the same time.", |s| some([one(s.cloud.uploads_most)])),
    ("removing_packs", "gauge", "Packs whose removal was acknowledged and is under way.",
        |s| some([one(s.cloud.removing)])),
    ("unremoved_packs_total", "counter", "Packs whose removal was acknowledged and has failed.",
        |s| some([one(s.cloud.unremoved)])),
    ("bin_files", "gauge", "Deleted files that are still to be purged.", |s| some([one(s.cloud.bin)])),
    ("damaged_files_total", "counter", "Files found damaged at the cloud.",
        |s| some([one(s.cloud.damaged)])),
    ("cloud_troubles", "gauge", "Troubles that ask for the owner now.",
        |s| some([one(s.cloud.troubles.iter().filter(|t| t.is_current(s.now)).count())])),
    ("cloud_calls_total", "counter", "Calls to the cloud.", |s| calls(s, |c| c.made.to_string())),
    ("cloud_throttled_total", "counter", "Calls refused for coming too often.",
        |s| calls(s, |c| c.throttled.to_string())),
    ("cloud_failed_total", "counter", "Calls that failed otherwise.",
        |s| calls(s, |c| c.failed.to_string())),
    ("cloud_rate_wait_seconds_total", "counter", "Time that requests waited for a rate.",
        |s| calls(s, |c| seconds(c.waited_ms))),
    ("cloud_calls_waiting", "gauge", "Calls that wait for a rate.",
        |s| calls(s, |c| c.waiting.to_string())),
    ("cloud_calls_per_second", "gauge", "The rate that is kept now.",
        |s| calls(s, |c| format!("{:.3}", c.per_second))),
];

/// A row of a family.
struct Row {
    /// What follows the family's name.
    suffix: &'static str,
    labels: Vec<(&'static str, String)>,
    value: String,
}

/// A row without labels.
fn one(value: impl Display) -> Row {
    Row {
        suffix: "",
        labels: Vec::new(),
        value: value.to_string(),
    }
}

impl Row {
    /// The same with one more label.
    fn by(mut self, label: &'static str, value: impl Display) -> Self {
        self.labels.push((label, value.to_string()));
        self
    }

    fn write(&self, out: &mut String, name: &str) {
        let label = |(name, value): &(&str, String)| format!("{name}=\"{}\"", escaped(value));
        let labels: Vec<String> = self.labels.iter().map(label).collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let (suffix, value) = (self.suffix, &self.value);
        let _ = writeln!(out, "{PREFIX}{name}{suffix}{labels} {value}");
    }
}

fn some(rows: impl IntoIterator<Item = Row>) -> Option<Vec<Row>> {
    Some(rows.into_iter().collect())
}

fn known(value: Option<impl Display>) -> Option<Vec<Row>> {
    value.map(|value| vec![one(value)])
}

fn account(seen: &Snapshot, value: fn(&Account) -> Option<u64>) -> Option<Vec<Row>> {
    known(seen.cloud.account.as_ref().and_then(value))
}

/// The rows of an operation's histogram.
fn latency(row: &Latency) -> Vec<Row> {
    let of = |suffix, value: String| Row {
        suffix,
        ..one(value).by("operation", row.operation)
    };
    let (mut sum, mut rows) = (0, Vec::new());
    for (bound, count) in BOUNDS.iter().zip(row.times.steps) {
        sum += count;
        rows.push(of("_bucket", sum.to_string()).by("le", seconds(*bound)));
    }
    let all = row.times.count().to_string();
    rows.push(of("_bucket", all.clone()).by("le", "+Inf"));
    rows.push(of("_sum", seconds(row.times.sum_ms)));
    rows.push(of("_count", all));
    rows
}

fn lanes(seen: &Snapshot, count: fn(&Lane) -> usize) -> Option<Vec<Row>> {
    some(
        seen.lanes
            .iter()
            .map(|lane| one(count(lane)).by("lane", lane.name)),
    )
}

/// Rows of the repositories of which something is known.
fn repositories(seen: &Snapshot, value: fn(&Repository) -> Option<u64>) -> Option<Vec<Row>> {
    let named = seen
        .repositories
        .iter()
        .filter(|repo| !repo.name.is_empty());
    some(named.filter_map(|repo| Some(of_repository(repo, value(repo)?))))
}

fn of_repository(repo: &Repository, value: u64) -> Row {
    let name = match repo.name.as_str() {
        "" => "other",
        name => name,
    };
    one(value).by("repository", name)
}

fn calls(seen: &Snapshot, value: fn(&Calls) -> String) -> Option<Vec<Row>> {
    let calls = seen.cloud.calls.iter();
    some(calls.map(|call| one(value(call)).by("endpoint", call.name)))
}

/// Milliseconds in seconds.
fn seconds(millis: u64) -> String {
    let (whole, rest) = (millis / 1000, millis % 1000);
    match rest {
        0 => whole.to_string(),
        _ => format!("{whole}.{rest:03}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
